// The gates of one swap: all slots of a reload set closed, drained and opened together (DESIGN §9, rules 1 to 5).
//
//     GateSet gates(slots);                      // the old tables are those the slots hold
//     gates.close();                             // from here new calls wait; pause begins
//     if (!gates.drain(deadline_ns).is_ok()) {   // nobody inside any more, or the report says who
//         gates.reopen();                        // called off: back on the old tables
//     }
//     gates.begin_transfer();                    // before the first quiesce: fork waits from here
//     ... quiesce, move state, start ...
//     gates.publish(next);                       // or reopen()
//
// A thread that is inside an old table of any member passes a closed gate, to the old table: otherwise a call-back
// A → B → A would wait for itself. Every other thread waits, but those that a member registered and is yet to join
// (gate_threads.hpp). So a record once seen clear stays clear, and one pass over the records, waiting at each, drains
// the whole set (tests/model).
//
// Thread safety
//   One thread at a time uses a GateSet; it may be handed from thread to thread. Two sets may be at work at once if
//   they share no slot: close() of the second answers kBusy otherwise.
//
// Invariants
//   (1) Either every slot of the set is closed or none, except inside close, publish and reopen.
//   (2) publish follows a drain that found nobody, or skip_drain(), whose caller takes nothing from who is inside.
//   (3) The destructor reopens what is still closed: no caller waits for a swap that is gone.
#ifndef HOTGRAFT_CORE_GATE_HPP
#define HOTGRAFT_CORE_GATE_HPP

#include <cstdint>
#include <memory>
#include <vector>

#include "guard.hpp"
#include "slot.hpp"
#include "status.hpp"

namespace hotgraft {

class GateBlock;
class GateThreads;
struct GateMember;

class GateSet {
public:
    // `old_tables`: all tables of the generations that go, also those behind pins; empty: those the slots hold at
    // close.
    explicit GateSet(std::vector<Slot *> slots, std::vector<const hotgraft_table *> old_tables = {});
    ~GateSet();
    GateSet(const GateSet &) = delete;
    GateSet &operator=(const GateSet &) = delete;

    // Before close: which plugins' own threads are joined by a quiesce (those of `members`, in the order in which they
    // come to rest), and whose threads do not serve yet (`candidates`, by ThreadOwner::generation()).
    void set_members(std::vector<GateMember> members, std::vector<std::uint64_t> candidates = {});
    // Once closed: for who quiesces the members; nullptr: none were set.
    [[nodiscard]] const std::shared_ptr<GateThreads> &threads() const noexcept { return threads_; }
    // Before the candidates are stopped: none of their threads waits at these gates any more.
    void turn_candidates_away() noexcept;

    // Which tables have to be left, before close: some of those that were given, or of those that the slots hold.
    void replace_old_tables(std::vector<const hotgraft_table *> tables);

    // Close all, then one barrier. kBusy: another set has closed a slot of this one (each is named), nothing is closed.
    Status close();
    // Wait until no record holds an old table. kTimedOut: the gates stay closed, the message names who holds what.
    // Registered threads of the members are left out, until their quiesce has joined them (model rule M11).
    // Entries of threads that ended inside a guard are not waited for: nothing runs there. They keep the table held.
    Status drain(std::int64_t deadline_ns);
    // Publish beside the calls that are inside: a rollback away from what does not come to rest, or what an operator
    // said of a plugin without state (SwapMember::leaves_at_deadline).
    Status skip_drain();
    // Keep fork out until publish or reopen. Before the first quiesce.
    void begin_transfer() noexcept;
    // Open every slot on its next table, in the order of the slots; nullptr: the slot holds no table from now on.
    Status publish(const std::vector<const hotgraft_table *> &next);
    // Called off: open all on the old tables. Does nothing when they are not closed.
    void reopen() noexcept;
    // Before that: what serves must not be called any more. Slots that hold a table of generation `number` will hold
    // one that answers HOTGRAFT_E_UNAVAILABLE. Needs no memory. All of one plugin: numbers are a plugin's own.
    void refuse(std::uint64_t number) noexcept;
    void refuse(Slot *slot, std::uint64_t number) const noexcept; // one of this set's alone

    // CLOCK_MONOTONIC: when the first gate closed and the last one opened; 0: not yet. Their difference is the pause.
    [[nodiscard]] std::int64_t closed_ns() const noexcept { return closed_ns_; }
    [[nodiscard]] std::int64_t opened_ns() const noexcept { return opened_ns_; }
    // The number by which threads that carry out this swap are known; never reused, never 0.
    [[nodiscard]] std::uint64_t swap() const noexcept { return swap_; }

private:
    enum class Stage { kOpen, kClosed, kDrained };

    [[nodiscard]] Status forked(const char *what) const;
    void find_old_tables();
    [[nodiscard]] bool is_clear(ThreadRecord &record) noexcept;
    [[nodiscard]] bool is_left_out(const ThreadRecord &record) noexcept;
    [[nodiscard]] std::vector<Holder> named_holders() const;
    void end() noexcept;
    void wake_all() noexcept;

    std::vector<Slot *> slots_;
    std::vector<const hotgraft_table *> old_tables_;
    bool tables_given_;
    Stage stage_ = Stage::kOpen;
    std::uint64_t swap_;
    GateBlock *block_ = nullptr;
    std::shared_ptr<GateThreads> threads_;
    std::vector<std::uint64_t> candidates_;
    bool keeps_fork_out_ = false;
    std::int64_t closed_ns_ = 0;
    std::int64_t opened_ns_ = 0;
};

// While it lives, the calling thread carries out that swap: its enter answers nullptr at the swap's own gates (kBusy)
// instead of waiting for itself, and it may fork although the swap keeps fork out.
class CarriesOut {
public:
    explicit CarriesOut(std::uint64_t swap) noexcept;
    ~CarriesOut();
    CarriesOut(const CarriesOut &) = delete;
    CarriesOut &operator=(const CarriesOut &) = delete;

private:
    ThreadRecord *root_ = nullptr;
    std::uint64_t before_ = 0;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GATE_HPP
