// Blocks: claimed, filled, finished, never freed.
#include "gate_block.hpp"

#include <algorithm>
#include <new>

namespace hotgraft {

bool GateBlock::holds(const hotgraft_table *table) const noexcept {
    const std::size_t count = table_count_.load(std::memory_order_relaxed); // ordered by the number read before
    for (std::size_t i = 0; i < count; ++i) {
        if (tables_[i].load(std::memory_order_relaxed) == table) {
            return true;
        }
    }
    return false;
}

void GateBlock::fill(std::uint64_t swap, const std::vector<Slot *> &slots,
                     const std::vector<const hotgraft_table *> &tables) noexcept {
    std::copy(slots.begin(), slots.end(), slots_.get());
    slot_count_ = slots.size();
    for (std::size_t i = 0; i < tables.size(); ++i) {
        tables_[i].store(tables[i], std::memory_order_relaxed);
    }
    table_count_.store(tables.size(), std::memory_order_relaxed);
    swap_.store(swap, std::memory_order_release); // pairs with swap(): invariant (2)
}

void GateBlock::finish() noexcept {
    swap_.store(0, std::memory_order_release); // pairs with swap()
    table_count_.store(0, std::memory_order_relaxed);
    is_taken_.store(false, std::memory_order_release); // pairs with claim()
}

void GateBlock::open_all(bool warm) noexcept {
    if (swap() == 0) {
        return;
    }
    for (std::size_t i = 0; i < slot_count_; ++i) {
        slots_[i]->reopen(warm);
        slots_[i]->reset_waiters();
    }
    swap_.store(0, std::memory_order_relaxed); // is_taken_ stays: the swap object of the child still points here
}

GateBlock *GateBlockList::claim(std::size_t slots, std::size_t tables) noexcept {
    GateBlock *const first = head_.load(std::memory_order_acquire); // pairs with the push below
    for (GateBlock *block = first; block != nullptr; block = block->next_listed_) {
        bool is_taken = false;
        if (block->slot_room_ >= slots && block->table_room_ >= tables &&
            block->is_taken_.compare_exchange_strong(is_taken, true,
                                                     std::memory_order_acquire)) { // pairs with finish()
            return block;
        }
    }
    std::unique_ptr<GateBlock> block(new (std::nothrow) GateBlock);
    if (block == nullptr) {
        return nullptr;
    }
    block->slot_room_ = std::max<std::size_t>(slots, 8); // most swaps then fit into the first block ever made
    block->table_room_ = std::max<std::size_t>(tables, 16);
    block->slots_.reset(new (std::nothrow) Slot *[block->slot_room_]);
    block->tables_.reset(new (std::nothrow) std::atomic<const hotgraft_table *>[block->table_room_]);
    if (block->slots_ == nullptr || block->tables_ == nullptr) {
        return nullptr;
    }
    GateBlock *const made = block.release();
    made->next_listed_ = head_.load(std::memory_order_relaxed);
    while (!head_.compare_exchange_weak(made->next_listed_, made,
                                        std::memory_order_release, // pairs with the load above
                                        std::memory_order_relaxed)) {
    }
    return made;
}

void GateBlockList::open_all(bool warm) noexcept {
    for (GateBlock *block = head_.load(std::memory_order_relaxed); block != nullptr; block = block->next_listed_) {
        block->open_all(warm);
    }
}

} // namespace hotgraft
