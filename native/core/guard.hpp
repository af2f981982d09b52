// The cold side of guards: everything that call.h does not inline, and the scan that tells whether a table is in use.
//
// One object per process, reached by Guards::instance() and never destroyed. The order that makes it right (announce
// the table, then look at the slot; close the slot, barrier, then scan the records) is checked in tests/model.
//
// Thread safety
//   Every function may be called from any thread. enter, try_enter and leave may also be called in a signal handler if
//   the thread has called before and its nesting stays within one record (15): taking a further record is not for
//   handlers, and the wait at a gate runs the wait hooks.
//
// Invariants
//   (1) A thread that got a table from enter has it in its record until leave: is_held() of it is true after a barrier.
//   (2) While a thread waits at a gate, no entry of its record speaks for that call.
//   (3) A table held by a thread that ended, or by a guard that was jumped over, counts as held; holders() says why.
#ifndef HOTGRAFT_CORE_GUARD_HPP
#define HOTGRAFT_CORE_GUARD_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fork_lock.hpp"
#include "gate_block.hpp"
#include "guard_seam.hpp"
#include "record.hpp"
#include "slot.hpp"
#include "status.hpp"

namespace hotgraft {

enum class HolderKind {
    kInside,     // a call in progress
    kThreadGone, // its thread ended inside the guard: held for ever
    kJumpedOver, // longjmp went over the guard: held until its thread's next call notices
};

// One entry of a record that holds a table: for reports.
struct Holder {
    std::int32_t tid = 0;
    std::string thread_name; // empty when the thread is gone
    const hotgraft_table *table = nullptr;
    std::uint64_t generation = 0;
    std::string slot; // "gain/1"; empty unless whoever asked knows which slot the table served
    HolderKind kind = HolderKind::kInside;
};

// "thread 4711 "audio" holds gain/1 of generation 3", one clause per holder, joined by "; ".
[[nodiscard]] std::string describe(const std::vector<Holder> &holders);

class Guards {
public:
    static Guards &instance() noexcept;
    Guards(const Guards &) = delete;
    Guards &operator=(const Guards &) = delete;

    // For hotgraft_import.record_offset.
    [[nodiscard]] std::int64_t record_offset() const noexcept { return hotgraft::record_offset(); }

    // Guard a table of `slot` for this thread; waits at a closed gate, unless as many wait there as may. nullptr: see
    // last_refusal().
    [[nodiscard]] const hotgraft_table *enter(Slot &slot) noexcept;
    // As enter, but nullptr where enter would wait.
    [[nodiscard]] const hotgraft_table *try_enter(Slot &slot) noexcept;
    // Give up this thread's newest guard of `table`. Guards made after it and not given up were jumped over: they go
    // too.
    void leave(const hotgraft_table *table) noexcept;
    // Why this thread's last enter or try_enter answered nullptr: kWrongStage (no table: not bound or closing), kBusy
    // (try_enter at a closed gate, the thread carries out the very swap that closed it, or it is registered and turned
    // away), kBackpressure (the queue of
    // a closed gate is full), kNoMemory. Ok: it did not.
    [[nodiscard]] Status last_refusal() const;

    // Called before and after every wait of a slow path, on the waiting thread; what `before` returns is handed to
    // `after`. The bindings detach the Python thread state there, or a caller that holds the GIL at a gate would hang
    // the process. Both or neither may be nullptr. Stays for the life of the process.
    void set_wait_hooks(void *(*before)(), void (*after)(void *token)) noexcept;

    // Make every thread's announcements before this call visible to the scan after it, and every store of the caller
    // before it visible to every thread's next look at a slot (M1).
    void barrier() noexcept;
    // False: callers of every slot take the cold branch and pay a fence there; protocol 1 holds either way.
    [[nodiscard]] bool has_membarrier() const noexcept {
        return is_registered_.load(std::memory_order_relaxed) && !without_membarrier_.load(std::memory_order_relaxed);
    }
    // A seam for tests: behave as on a kernel without membarrier. Counts for slots published from then on.
    void force_no_membarrier(bool without) noexcept { without_membarrier_.store(without, std::memory_order_relaxed); }

    // Does any record hold one of `tables`? Call barrier() between taking the tables out of their slots and this.
    [[nodiscard]] bool is_held(const hotgraft_table *const *tables, std::size_t count) noexcept;
    // Who does. The tables must be alive. A guess about running threads, true for those that stay inside.
    [[nodiscard]] std::vector<Holder> holders(const std::vector<const hotgraft_table *> &tables);

    // Is the caller inside a plugin call? A reload asked for from there is deferred: it would wait for itself.
    [[nodiscard]] bool calling_thread_holds_any() const noexcept;

    // Publish in a slot whose callers need no gate (no state, one slot). The caller retires slot.held() of before.
    // nullptr takes the table out: callers get nullptr. kBusy: a swap has closed the slot. kForked: in a forked child.
    Status publish_open(Slot &slot, const hotgraft_table *next) noexcept;

    // True in a child of fork: calls work, on the tables of before the swap that was under way; the control plane is
    // off. Not in one whose parent had loaded nothing yet: such a child is as fresh as its parent.
    [[nodiscard]] bool is_forked_child() const noexcept { return forked_.load(std::memory_order_relaxed); }

    // Something begins that a forked child could not take over: a library is loaded, a table is published.
    void note_use() noexcept { is_used_.store(true, std::memory_order_relaxed); }

    // For a thread that is about to fork and holds a lock that a swap may need meanwhile: fork() waits for swaps too,
    // but with that lock in hand. False: a swap is in its window. Then let go of the lock, wait_for_window(*seen), try
    // again.
    [[nodiscard]] bool try_keep_swaps_out(std::uint32_t *seen) noexcept;
    void wait_for_window(std::uint32_t seen) noexcept { fork_lock_.wait(seen); }
    // After the fork, in the parent; the child begins anew.
    void let_swaps_go_on() noexcept { fork_lock_.unlock(); }

    // Guards found jumped over so far, by a leave below them or by their thread's next cold enter.
    [[nodiscard]] std::uint64_t jumped_over() const noexcept { return jumped_over_.load(std::memory_order_relaxed); }

    // A number for a swap, by which the threads that carry it out are known; never 0, never given twice.
    [[nodiscard]] std::uint64_t next_swap() noexcept { return swaps_.fetch_add(1, std::memory_order_relaxed) + 1; }

    [[nodiscard]] RecordList &records() noexcept { return records_; }
    [[nodiscard]] GateBlockList &gate_blocks() noexcept { return gate_blocks_; }
    [[nodiscard]] ForkLock &fork_lock() noexcept { return fork_lock_; }
    [[nodiscard]] GuardSeam &seam() noexcept { return seam_; }

private:
    struct WaitHooks {
        std::atomic<void *(*)()> before{nullptr};
        std::atomic<void (*)(void *)> after{nullptr};
    };
    enum class Look { kEntered, kWait, kAgain, kRefused };

    Guards() noexcept;
    // guard_enter.cpp
    const hotgraft_table *enter_cold(Slot &slot, bool may_wait) noexcept;
    Look look(Slot &slot, ThreadRecord &record, const hotgraft_table **table) noexcept;
    Look pass_gate(Slot &slot, ThreadRecord &record, const hotgraft_table **table) noexcept;
    void wait_at(Slot &slot, std::uint32_t seen) noexcept;
    // fork_posix.cpp
    void watch_forks() noexcept;
    void begin_child() noexcept;

    RecordList records_;
    GateBlockList gate_blocks_;
    ForkLock fork_lock_;
    GuardSeam seam_;
    std::atomic<std::uint64_t> swaps_{0};
    std::atomic<bool> is_registered_{false};
    std::atomic<bool> without_membarrier_{false};
    std::atomic<bool> is_used_{false};
    std::atomic<bool> forked_{false};
    std::atomic<std::uint64_t> jumped_over_{0};
    WaitHooks hooks_[2]; // the pair in force and the one set next: a wait takes its pair once
    std::atomic<std::uint32_t> hooks_index_{0};
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GUARD_HPP
