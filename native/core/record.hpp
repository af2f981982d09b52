// A thread's record: what it holds now, and how often it called. The 128 bytes and the counters that call.h writes, and
// behind them what only cold paths touch.
//
// Records are listed once and for ever: the list only grows at its head, a record whose thread ended is used again by
// the next thread. So a scan needs no lock and never meets freed memory.
//
// Thread safety
//   hot: written by the owner; entries read by scans; limit also written by scans (0: "come to the cold branch").
//   claim(), for_each(): any thread. Everything about a chain: the owning thread, with signals blocked while links
//   move.
//
// Invariants
//   (1) In the owner's program order an entry that is not NULL has an index below depth, unless its guard was jumped
//   over
//       (longjmp). So an entry at or above depth, seen by its owner, is proof of a jumped-over guard.
//   (2) A thread's records form a chain, newest first, and the thread pointer's word leads to the first. A record is
//   made
//       first only while it, or every record before it, is at depth 0: all its entries are newer than all entries
//       further down the chain.
//   (3) state goes kFree → kOwned (claim) → kFree or kOrphaned (thread end). Orphaned for ever: its entries tell what a
//       thread held that ended inside a guard.
#ifndef HOTGRAFT_CORE_RECORD_HPP
#define HOTGRAFT_CORE_RECORD_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include <hotgraft/call.h>

#include "meter_counters.hpp"

namespace hotgraft {

enum class RecordState : std::uint32_t { kFree, kOwned, kOrphaned };

struct CrashCatch;

// Why the last enter of a thread answered NULL.
enum class Refusal : std::uint32_t {
    kNothing,
    kNoTable,
    kGateClosed,
    kOwnSwap,
    kNoMemory,
    kQueueFull,
    kTurnedAway,
};

// What the swaps that have gates closed have noted of a record, each in a lane of its own (GateBlock::lane()): two that
// share no plugin look at the same records.
struct ClearMarks {
    std::atomic<std::uint64_t> cleared_for{0}; // the last swap whose drain saw the record clear
    std::atomic<std::uint64_t> cleared_of{0};  // the last member of a swap whose look saw it clear (M12)
};
inline constexpr std::size_t kClearLanes = 16; // of more swaps at once some share a lane

struct alignas(128) ThreadRecord {
    ThreadRecord() noexcept;
    [[nodiscard]] Counters counters() noexcept { return {hot_counters, cold_counters}; }

    hotgraft_record hot{0, HOTGRAFT_RECORD_ENTRIES, {}};
    HotCounters hot_counters;

    std::atomic<RecordState> state{RecordState::kOwned};
    std::atomic<std::int32_t> tid{0}; // of the owner, as in /proc
    ClearMarks cleared[kClearLanes];
    std::atomic<std::uint64_t> registered_by{0}; // whose own thread it is (own_threads.hpp); written by the owner
    ThreadRecord *next_listed = nullptr;         // set before the push, then constant
    // The owner's alone:
    ThreadRecord *older = nullptr;       // next in the chain
    ThreadRecord *root = nullptr;        // the chain's first claimed: holds what there is once per thread
    std::uint64_t carries_out = 0;       // root: the swap this thread carries out, 0 none
    Refusal refusal = Refusal::kNothing; // root: why the last enter answered nullptr
    char refused_slot[48] = {};          // root: which slot that was, terminated
    std::uint32_t refused_waiting = 0;   // root: how many waited there, if its queue was full
    std::uint32_t refused_limit = 0;     // root: and how many may
    CrashCatch *catches = nullptr;       // root: where calls that may crash go on, innermost first (crash.hpp)
    ColdCounters cold_counters;          // `short_of` and `sequence` are read by anybody
};

// All records of the process.
class RecordList {
public:
    // A record that is now the calling thread's: a free one, else a new one; nullptr when there is no memory.
    [[nodiscard]] ThreadRecord *claim() noexcept;
    // The newest record; follow next_listed. seq_cst: pairs with the push in claim(). Who loads it after closing a slot
    // sees every record whose thread found the slot open.
    [[nodiscard]] ThreadRecord *first() const noexcept { return head_.load(std::memory_order_seq_cst); }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

private:
    std::atomic<ThreadRecord *> head_{nullptr};
    std::atomic<std::uint32_t> count_{0};
};

// Does an entry of `record` hold one of `tables`? For reclaim: counts guards that were jumped over.
//
// Loads are seq_cst: acquire pairs with leave's release, so that all a call wrote is seen once its entry is gone;
// seq_cst pairs with the cold path's announcement.
[[nodiscard]] bool holds_any(const ThreadRecord &record, const hotgraft_table *const *tables,
                             std::size_t count) noexcept;
// Is the thread of `record` inside one of `tables`? For the drain: leaves out guards that are provably jumped over, and
// sends their thread to the cold branch, where it clears them.
[[nodiscard]] bool is_inside(ThreadRecord &record, const hotgraft_table *const *tables, std::size_t count) noexcept;
// In a forked child: the record's thread does not exist there.
void forget(ThreadRecord &record) noexcept;

// --- the calling thread's own chain (record_posix.cpp) ---

// For hotgraft_import.record_offset: where the thread's record pointer lies, bytes from the thread pointer.
[[nodiscard]] std::int64_t record_offset() noexcept;
// This thread's chain, nullptr before its first call and after its end.
[[nodiscard]] ThreadRecord *own_chain() noexcept;
// The first record of this thread's chain with room for one more entry: claims one where there is none or it is full.
[[nodiscard]] ThreadRecord *own_place(RecordList &records) noexcept;
// Make `record` of this thread's chain the first again, if a signal handler's call put another one there.
void put_first(ThreadRecord *record) noexcept;
// Forget entries whose guard was jumped over in the calling thread's `record`, and let calls take the warm path again.
// Returns how many there were.
std::uint32_t clear_jumped_over(ThreadRecord &record) noexcept;
// Something that is this thread's alone while it lives, and the same in a forked child: tells threads apart.
[[nodiscard]] const void *thread_identity() noexcept;

[[nodiscard]] std::int32_t thread_id() noexcept;
// "name" as in /proc/self/task/<tid>/comm; empty when that thread is gone.
[[nodiscard]] std::string thread_name(std::int32_t tid);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_RECORD_HPP
