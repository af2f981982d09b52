// One swap of a set of plugins: the native gated window, from closing the gates to publishing, or back.
//
// Everything slow has been done before: candidates are mapped and created, tables are made. What is left is a list of
// steps, held as data, that runs without anybody's interpreter lock and under one absolute deadline. Until the publish
// step each step that was done has an undo; after it there is none, and going back is another swap (tests/model,
// README: the rules).
//
// What this deliberately does not do: load, decide whether a candidate is acceptable, or reclaim what was replaced.
#ifndef HOTGRAFT_CORE_SWAP_HPP
#define HOTGRAFT_CORE_SWAP_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "converters.hpp"
#include "generation.hpp"
#include "guard.hpp"
#include "layout.hpp"
#include "slot.hpp"
#include "status.hpp"

namespace hotgraft {

// How the state of one instance crosses.
enum class StateWay : std::uint8_t {
    kNone,          // there is none to carry
    kHandOver,      // surrender → take: the block's pointer changes hands
    kConvert,       // surrender → convert → take: a block of the candidate's own layout, made from the old one's
    kSaveRestore,   // save → restore: keyed values
    kConverters,    // surrender or save → the author's converters, on a copy → take or restore
    kShare,         // attach: both use one block of the host's, at once if need be
    kConvertShared, // convert → attach: layouts differ, so the candidate gets a block of its own, made from the old
                    // one's
};

// What becomes of pins that are open on what is replaced.
enum class PinRule : std::uint8_t {
    kAny,   // nobody looks: they stay where they are
    kWait,  // the swap waits for them to end, until its deadline
    kMove,  // they follow: their slots are among those of the swap
    kLeave, // no state goes away under them: they stay in the old generation, which is not quiesced while there are any
};

enum class StepKind : std::uint8_t {
    kWaitForPins,
    kMovePins,
    kLeavePins,
    kCloseGates,
    kDrain,
    kQuiesce,
    kSurrender,
    kSave,
    kConvert,
    kRunConverters,
    kTake,
    kAttach,
    kRestore,
    kStart,
    kPublish, // the point of no return
    kStop,    // from here on: undo
    kLetGo,
    kDropConverted,
    kGiveBack,
    kResume,
    kReopenGates,
};

// The step's name in reports and messages.
[[nodiscard]] const char *step_name(StepKind kind) noexcept;

// How a block of one layout becomes one of another. Both functions run while callers wait, or before; they change
// nothing but what they are given, and throw nothing.
struct BlockConversion {
    // Bytes of the block that is made of one of so many; kRefused: so many are no block of the old layout.
    std::function<Status(std::uint64_t old_bytes, std::uint64_t *next_bytes)> size;
    // Fill all of `next`, of the size that was answered. kRefused: a value does not fit, with its field.
    std::function<Status(const void *old, std::uint64_t old_bytes, void *next)> convert;
    // Where a layout leads to blocks of its own; then it is this that converts. The walks are of the old layout and of
    // the next; nullptr: that one leads to none.
    struct Pointed {
        std::shared_ptr<const CopyProgram> program;
        std::shared_ptr<const CopyProgram> old_walk;
        std::shared_ptr<const CopyProgram> next_walk;
    };
    std::optional<Pointed> pointed{};
};

// One instance of a plugin on its way from the old generation to the next.
struct InstanceMove {
    std::size_t old_index = 0;
    std::size_t next_index = 0;
    StateWay way = StateWay::kNone;
    bool is_rollback = false; // next_index served before and was quiesced: it is resumed, not started
    std::shared_ptr<const BlockConversion> conversion{}; // for kConvert and kConvertShared
    std::uint64_t expected_bytes = 0;              // of the old block: for so many there is room before the gates close
    std::vector<std::uint64_t> expected_pointed{}; // of blocks that the new one will lead to, in order
    std::shared_ptr<const CopyProgram> walk{};     // for kHandOver: finds what the block leads to; nullptr: nothing
    bool keeps_copy = false;                       // for kHandOver: the candidate may write to the block before publish
    std::shared_ptr<const StateConverters> converters{}; // for kConverters
    bool is_session = false;                             // it has no quiesce and no start of its own
};

[[nodiscard]] constexpr bool converts(StateWay way) noexcept {
    return way == StateWay::kConvert || way == StateWay::kConvertShared;
}
// Whether its block is the host's, and instances are only told of it.
[[nodiscard]] constexpr bool belongs_to_nobody(StateWay way) noexcept {
    return way == StateWay::kShare || way == StateWay::kConvertShared;
}
// Whether state of the old generation must hold still: nobody inside, and no pin.
[[nodiscard]] constexpr bool needs_rest(StateWay way) noexcept {
    return way != StateWay::kNone && way != StateWay::kShare;
}

// One slot and the table that is to be published in it; the table belongs to `next` of the same member.
struct SlotMove {
    std::shared_ptr<Slot> slot;
    const hotgraft_table *next = nullptr;
};

// An import of a generation that serves already, and calls who is replaced only when that is published.
struct LateImport {
    std::shared_ptr<Generation> generation;
    std::string id;
    std::shared_ptr<Slot> slot; // kept for good
};

struct SwapMember {
    std::shared_ptr<Generation> old_generation;
    std::shared_ptr<Generation> next;
    std::vector<InstanceMove> instances;
    std::vector<SlotMove> slots;
    PinRule pins = PinRule::kAny;
    std::size_t moved_pins = 0;                   // kMove: whose slots are among `slots`; no other pin may be open
    std::vector<std::shared_ptr<Slot>> emptied{}; // of interfaces that `next` does not have: they hold no table then
    // Rollback from a generation that does not come to rest: published beside the calls that are inside of it, and not
    // quiesced. Only where `next` takes nothing from it (kNone, kShare); it is reclaimed when the last of them has
    // left. Of a set with others that do not say so, those are drained: a call that is left waits at their gates.
    bool leaves_undrained = false;
    bool leaves_unquiesced = false; // drained, and quiesced only when it is taken down: nothing is taken from it either
    // No state crosses, and whoever is still inside when the drain's deadline passes is left there, instead of calling
    // the swap off.
    bool leaves_at_deadline = false;
    std::vector<LateImport> late_imports{}; // bound behind the closed gates, just before publish
    std::size_t callbacks = 0; // slots of call-backs that its old generation offers: run_swap() counts them
    bool is_recalled = false;  // `next` is held, and leaves that stage for this swap by one compare-and-swap
};

struct SwapRequest {
    std::vector<SwapMember> members; // consumers first
    // Absolute CLOCK_MONOTONIC; pins, gates, drain, quiesce and state share it. Where it passed in a drain and who was
    // inside is left, what follows has as long again, and undo_budget_ns at least.
    std::int64_t deadline_ns = 0;
    // For the plugins' part of going back. Where one hangs and uses it up, each after it has its even share once more.
    std::int64_t undo_budget_ns = 1'000'000'000;
};

// Where and when one step ran. Times are absolute CLOCK_MONOTONIC nanoseconds.
struct StepRecord {
    StepKind kind = StepKind::kCloseGates;
    std::size_t member = 0;
    std::size_t instance = 0;
    std::int64_t begin_ns = 0;
    std::int64_t end_ns = 0;
    Status status;
};

struct SwapRecord {
    bool is_published = false;
    Status failure;                   // why not, when it was called off
    std::vector<StepRecord> steps;    // in the order they ran, undo included
    std::int64_t gates_closed_ns = 0; // 0: no gate was needed
    std::int64_t gates_open_ns = 0;
    std::vector<std::size_t> inside;     // members in which calls were when the drain failed
    std::string left_inside;             // who was inside when the drain's deadline passed, and was left; empty: nobody
    std::vector<std::string> after_undo; // what could not be put back, in words; empty: everything was
};

// A seam for tests and the demo's sabotage: called before each step; answers what the step shall do instead, or kRun.
enum class StepSeam : std::uint8_t { kRun, kSkip, kFail };
using StepHook = StepSeam (*)(StepKind kind, void *ctx);
void set_step_hook(StepHook hook, void *ctx) noexcept;
[[nodiscard]] StepSeam ask_step_hook(StepKind kind);

// The window's steps in order, pins first. A set that publishes exactly one slot and has no state, or one that old and
// next share, needs no gate: its list is (attach), start, publish. Pure.
struct WindowStep {
    StepKind kind;
    std::size_t member;
    std::size_t instance;
};
[[nodiscard]] bool needs_gate(const SwapRequest &request);

[[nodiscard]] Status bind_late_imports(const SwapRequest &request);
// A drain is of the whole set: it is left out, or its deadline passed over, only where every member says so.
[[nodiscard]] bool all_say(const SwapRequest &request, bool SwapMember::*flag);
[[nodiscard]] std::vector<WindowStep> plan_window(const SwapRequest &request);

// Carry out one swap on the calling thread and one control thread. One swap of a plugin at a time: the caller sees to
// it. Never throws; never leaves a gate closed. On return every old generation is held (published) or active (called
// off).
[[nodiscard]] SwapRecord run_swap(const SwapRequest &request) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_SWAP_HPP
