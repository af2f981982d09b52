// The part of a swap that runs plugin code with the gates closed: the state's way across and what undoes it.
//
// It runs on a control thread while the swap's own thread waits. When the deadline passes inside a plugin's function,
// the swap's thread gives the job up: from then on nothing the abandoned thread still does is looked at, and everything
// it can reach is kept.
#ifndef HOTGRAFT_CORE_WINDOW_HPP
#define HOTGRAFT_CORE_WINDOW_HPP

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "gate_threads.hpp"
#include "layout_pointed.hpp"
#include "swap.hpp"

namespace hotgraft {

// What undoes a step that was done; nothing where there is nothing to undo.
[[nodiscard]] std::optional<StepKind> undo_of(StepKind kind) noexcept;

// Of what served before: whose thread is left behind in it is not asked to resume, and is called no more.
[[nodiscard]] inline bool parts_with_state(StepKind kind) noexcept {
    return kind == StepKind::kSurrender || kind == StepKind::kGiveBack;
}

// Of room that is made before it is known how the old block is aligned: a cache line, as the widest vectors want.
inline constexpr std::uint64_t kRoomAlign = 64;

// Whether the candidate takes another block than the one that was surrendered.
[[nodiscard]] inline bool makes_block(const InstanceMove &move) {
    return move.way == StateWay::kConvert || (move.way == StateWay::kConverters && move.converters->to_block);
}

// Whether what was surrendered stays behind: the candidate gets something that was made of it.
[[nodiscard]] inline bool leaves_block(const InstanceMove &move) {
    return move.way == StateWay::kConvert || (move.way == StateWay::kConverters && move.converters->from_block);
}

// What finds the blocks that a block of the candidate's leads to; nullptr: it leads to none.
[[nodiscard]] inline const CopyProgram *next_walk_of(const InstanceMove &move) {
    if (move.way == StateWay::kConverters) {
        return move.converters->next_walk.get();
    }
    return move.conversion->pointed ? move.conversion->pointed->next_walk.get() : nullptr;
}

// The same for the block that the old generation surrendered.
[[nodiscard]] inline std::shared_ptr<const CopyProgram> old_walk_of(const InstanceMove &move) {
    switch (move.way) {
    case StateWay::kHandOver:
        return move.walk;
    case StateWay::kConvert:
        return move.conversion->pointed ? move.conversion->pointed->old_walk : nullptr;
    case StateWay::kConverters:
        return move.converters->old_walk;
    default:
        return nullptr;
    }
}

// What one instance's state is while it is in neither generation.
struct Carried {
    Block block;
    Block converted;                       // made before the gates close if its size can be known
    Block copy;                            // of `block`, where the candidate may write to that
    bool is_copied = false;                // until then `copy` is room alone
    std::atomic<bool> is_shown{false};     // the candidate was given `block` itself
    void *taken = nullptr;                 // the converted one, with the candidate
    std::vector<void *> pointed;           // what `block` leads to, where that is converted as well
    PointedRooms rooms;                    // for what `converted` leads to
    std::vector<void *> lent;              // what the block that the candidate was given leads to: on loan, as that is
    std::shared_ptr<SharedBlock> shared{}; // what the old instance uses
    std::shared_ptr<SharedBlock> shared_before{}; // what the next instance used until it was told of another
    KeyedState saved;
};

// One run of steps on a control thread. After giving up, the thread finds out here that nobody wants its answer.
//
// Invariants
//   (1) Once is_given_up, the run changes nothing but the one instance whose function it is inside.
struct Job {
    std::mutex mutex;
    std::int64_t deadline_ns = 0;
    std::uint64_t turn = 0; // at the gates: Window::next_turn()
    bool is_given_up = false;
    std::optional<WindowStep> inside; // the step whose function the thread is in
};

// Everything a job on a control thread can reach. Shared with the thread, so that one which is abandoned keeps it
// alive.
//
// Thread safety
//   One job at a time, and the swap's own thread between jobs; a job that was given up touches only the Carried of the
//   instance it is inside, which is not used again.
//
// Invariants
//   (1) The records hold exactly the steps whose outcome counts.
//   (2) There is room for all of them from the start: noting a step needs no memory.
class Window {
public:
    // `steps_max`: how many steps will be noted at most, undo included.
    // Makes room for blocks that are to be converted, and touches it; no caller waits yet, so the deadline is put off
    // by as long as that takes.
    Window(SwapRequest request, std::size_t steps_max);
    Window(const Window &) = delete;
    Window &operator=(const Window &) = delete;
    ~Window(); // frees blocks that nobody took

    // Carry out plugin steps one after another; stop at the first that fails. Runs on a control thread.
    Status run(Job &job, const std::vector<WindowStep> &steps);

    // Make the candidate's block of what was surrendered. No plugin's code: runs on the swap's own thread, which never
    // leaves it half done with the old block in its hands. kTimedOut: it took until after the deadline.
    Status convert(const WindowStep &step, std::int64_t deadline_ns);

    // Let the author's converters make of a copy what the candidate gets. They run on a thread of theirs, which is
    // given up at the deadline: nothing of the window is in its hands.
    Status run_converters(const WindowStep &step, std::int64_t deadline_ns, std::uint64_t swap);
    // Once the gates are closed: how the members' own threads are kept apart while they come to rest.
    void set_threads(std::shared_ptr<GateThreads> threads) noexcept { threads_ = std::move(threads); }
    // For the next job: from here on those of before count for nothing there.
    [[nodiscard]] std::uint64_t next_turn() const noexcept { return threads_ == nullptr ? 0 : threads_->next_turn(); }
    [[nodiscard]] bool is_left_running(std::size_t member) const noexcept { return left_running_[member]; }
    // Pins are open on the old generation of this member and stay there: it is not quiesced. Before the first job.
    void leave_running(std::size_t member) noexcept { left_running_[member] = true; }

    // The job did not come back in time: from now on it counts for nothing. Answers the step it is inside, if any.
    std::optional<WindowStep> give_up(Job &job, const Status &status) noexcept;

    // Note a step that the swap's own thread carried out. Gives the status back.
    Status record(const WindowStep &step, std::int64_t begin_ns, Status status) noexcept;

    [[nodiscard]] std::size_t record_count() const noexcept;
    // What takes the step back that was noted as number `index`; nothing: there is nothing to take back.
    [[nodiscard]] std::optional<WindowStep> undo_at(std::size_t index) const noexcept;
    // Once published: what was converted is kept with the generation it is from, for a rollback.
    void keep_converted() noexcept;
    // What was on loan is its owner's: the swap is about to publish.
    void settle_blocks() noexcept;
    // At the end: the records, moved out.
    [[nodiscard]] std::vector<StepRecord> take_records() noexcept;
    [[nodiscard]] const SwapRequest &request() const noexcept { return request_; }

private:
    Status perform(const WindowStep &step, Job &job);
    Status quiesce_old(const WindowStep &step, Job &job);
    Status resume_old(const WindowStep &step, Job &job);
    static Status copy_for_converters(const StateConverters &converters, Carried &state, LooseState *from);
    static Status place_converted(const StateConverters &converters, const Generation &next, Carried &state,
                                  const LooseState &made);
    static Status convert_pointed(const InstanceMove &move, const Generation &next, Carried &state);
    static Status take_handed_over(const InstanceMove &move, Generation &next, Carried &state);
    static Status let_go(const InstanceMove &move, Generation &next, Carried &state);
    Status surrender(const WindowStep &step, Carried &state);
    static Status give_back(const InstanceMove &move, Generation &generation, const Carried &state);
    void keep_late(const WindowStep &step) noexcept;
    static Status copy_block(const Generation &old_generation, Carried &state, std::int64_t deadline_ns);
    static void use_copy(const Generation &next, Carried &state) noexcept;
    static Status take_converted(const InstanceMove &move, Generation &next, Carried &state);
    static Status attach(const InstanceMove &move, Generation &next, Carried &state);
    static Status quiesce(Generation &generation, std::size_t instance, std::int64_t deadline_ns);

    SwapRequest request_;                       // not changed once the window is made
    std::vector<std::vector<Carried>> carried_; // by member and instance
    std::vector<bool> left_running_;            // by member
    std::shared_ptr<GateThreads> threads_;      // nullptr: no gate was closed
    mutable std::mutex mutex_;                  // guards records_
    std::vector<StepRecord> records_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_WINDOW_HPP
