// What the threads that meet a closed gate need to know of the swap behind it: its number and the old tables of its
// set.
//
// A waiting thread may look at a block while the swap ends, so blocks are listed for ever and used again, as records
// are. A reader takes the number, reads, acts, and compares the number again: if it moved, what was read counts for
// nothing.
//
// Thread safety
//   claim(): any thread. fill(), finish(): the swap, under the fork lock. holds(), swap(): any thread.
//
// Invariants
//   (1) swap() is 0 unless a slot may be closed on account of this block. Numbers are never used twice.
//   (2) What fill() writes is complete before the number is, and the number before any slot is closed.
#ifndef HOTGRAFT_CORE_GATE_BLOCK_HPP
#define HOTGRAFT_CORE_GATE_BLOCK_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "slot.hpp"

namespace hotgraft {

class GateBlock {
public:
    [[nodiscard]] std::uint64_t swap() const noexcept {
        return swap_.load(std::memory_order_acquire); // pairs with fill() and finish()
    }
    // Is `table` an old table of this swap's set? Compares addresses, never looks inside: `table` may be gone.
    [[nodiscard]] bool holds(const hotgraft_table *table) const noexcept;

    void fill(std::uint64_t swap, const std::vector<Slot *> &slots,
              const std::vector<const hotgraft_table *> &tables) noexcept;
    // From here on nobody passes: whoever is inside waits like everybody else, for the publish that follows at once.
    void stop_passing() noexcept { table_count_.store(0, std::memory_order_relaxed); }
    // Nobody is kept waiting on account of this block any more; it may be claimed again.
    void finish() noexcept;
    // In a forked child, where the swap's thread does not exist: open all slots on the tables they hold.
    void open_all(bool warm) noexcept;

private:
    friend class GateBlockList;

    std::atomic<bool> is_taken_{true};
    std::atomic<std::uint64_t> swap_{0};
    std::size_t slot_room_ = 0;
    std::size_t slot_count_ = 0;
    std::unique_ptr<Slot *[]> slots_;
    std::size_t table_room_ = 0;
    std::atomic<std::size_t> table_count_{0};
    std::unique_ptr<std::atomic<const hotgraft_table *>[]> tables_;
    GateBlock *next_listed_ = nullptr; // set before the push, then constant
};

class GateBlockList {
public:
    // A block with that much room that is now the caller's; nullptr when there is no memory.
    [[nodiscard]] GateBlock *claim(std::size_t slots, std::size_t tables) noexcept;
    // In a forked child: every block that a swap was using.
    void open_all(bool warm) noexcept;

private:
    std::atomic<GateBlock *> head_{nullptr};
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GATE_BLOCK_HPP
