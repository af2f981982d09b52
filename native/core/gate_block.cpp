// Blocks: claimed, filled, finished, never freed.
#include "gate_block.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "record.hpp"

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
                     const std::vector<const hotgraft_table *> &tables, const std::vector<GateMember> &members,
                     const std::vector<std::uint32_t> &member_of,
                     const std::vector<std::uint64_t> &candidates) noexcept {
    std::copy(slots.begin(), slots.end(), slots_.get());
    slot_count_ = slots.size();
    for (std::size_t i = 0; i < tables.size(); ++i) {
        tables_[i].store(tables[i], std::memory_order_relaxed);
        table_members_[i].store(i < member_of.size() ? member_of[i] : kNobody, std::memory_order_relaxed);
    }
    for (std::size_t m = 0; m < members.size(); ++m) {
        members_[m].generation.store(members[m].generation, std::memory_order_relaxed);
        members_[m].stage.store(swap << 2 | std::uint64_t(MemberStage::kServes), std::memory_order_relaxed);
    }
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        candidates_[i].store(candidates[i], std::memory_order_relaxed);
    }
    has_own_threads_.store(false, std::memory_order_relaxed);
    candidates_leave_.store(false, std::memory_order_relaxed);
    candidate_count_.store(candidates.size(), std::memory_order_relaxed);
    member_count_.store(members.size(), std::memory_order_relaxed);
    table_count_.store(tables.size(), std::memory_order_relaxed);
    swap_.store(swap, std::memory_order_release); // pairs with swap(): invariant (2)
}

std::uint32_t GateBlock::member_of_thread(std::uint64_t generation) const noexcept {
    const std::size_t count = member_count_.load(std::memory_order_relaxed); // ordered by the number read before
    for (std::size_t m = 0; generation != 0 && m < count; ++m) {
        if (members_[m].generation.load(std::memory_order_relaxed) == generation) {
            return static_cast<std::uint32_t>(m);
        }
    }
    return kNobody;
}

std::uint32_t GateBlock::member_of_table(const hotgraft_table *table) const noexcept {
    const std::size_t count = table_count_.load(std::memory_order_relaxed); // ordered by the number read before
    for (std::size_t i = 0; table != nullptr && i < count; ++i) {
        if (tables_[i].load(std::memory_order_relaxed) == table) {
            return table_members_[i].load(std::memory_order_relaxed);
        }
    }
    return kNobody;
}

MemberStage GateBlock::stage(std::uint32_t member, std::uint64_t swap) const noexcept {
    if (member >= member_count_.load(std::memory_order_relaxed)) {
        return MemberStage::kNoneAtAll;
    }
    const std::uint64_t word = members_[member].stage.load(std::memory_order_seq_cst); // pairs with set_stage()
    return word >> 2 == swap ? static_cast<MemberStage>(word & 3) : MemberStage::kNoneAtAll;
}

void GateBlock::set_stage(std::uint32_t member, std::uint64_t swap, MemberStage stage) noexcept {
    std::uint64_t word = members_[member].stage.load(std::memory_order_relaxed);
    while (word >> 2 == swap && !members_[member].stage.compare_exchange_weak(
                                    word, swap << 2 | static_cast<std::uint64_t>(stage),
                                    std::memory_order_seq_cst)) { // pairs with stage(), after an announcement
    }
}

bool GateBlock::turns_candidate_away(std::uint64_t generation) const noexcept {
    if (generation == 0 || !candidates_leave_.load(std::memory_order_seq_cst)) { // pairs with turn_candidates_away()
        return false;
    }
    const std::size_t count = candidate_count_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < count; ++i) {
        if (candidates_[i].load(std::memory_order_relaxed) == generation) {
            return true;
        }
    }
    return false;
}

void GateBlock::finish() noexcept {
    swap_.store(0, std::memory_order_release); // pairs with swap()
    member_count_.store(0, std::memory_order_relaxed);
    candidate_count_.store(0, std::memory_order_relaxed);
    table_count_.store(0, std::memory_order_relaxed);
    if (std::atomic<std::uint32_t> *const lanes = std::exchange(lanes_, nullptr)) {
        lanes->fetch_and(~(1U << lane()), std::memory_order_release); // pairs with take_lane()
    }
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

void GateBlockList::take_lane(GateBlock &block) noexcept {
    static_assert(kClearLanes < 32, "a bit for each");
    std::uint32_t taken = lanes_.load(std::memory_order_relaxed);
    for (std::size_t lane = 0; lane < kClearLanes;) {
        if ((taken >> lane & 1U) != 0) {
            ++lane;
        } else if (lanes_.compare_exchange_weak(taken, taken | 1U << lane,
                                                std::memory_order_acquire)) { // pairs with finish()
            block.lane_.store(lane, std::memory_order_relaxed);
            block.lanes_ = &lanes_;
            return;
        }
    }
    block.lane_.store(0, std::memory_order_relaxed);
}

GateBlock *GateBlockList::claim(std::size_t slots, std::size_t tables, std::size_t members) noexcept {
    GateBlock *const first = head_.load(std::memory_order_acquire); // pairs with the push below
    for (GateBlock *block = first; block != nullptr; block = block->next_listed_) {
        bool is_taken = false;
        if (block->slot_room_ >= slots && block->table_room_ >= tables && block->member_room_ >= members &&
            block->is_taken_.compare_exchange_strong(is_taken, true,
                                                     std::memory_order_acquire)) { // pairs with finish()
            take_lane(*block);
            return block;
        }
    }
    std::unique_ptr<GateBlock> block(new (std::nothrow) GateBlock);
    if (block == nullptr) {
        return nullptr;
    }
    block->slot_room_ = std::max<std::size_t>(slots, 8); // most swaps then fit into the first block ever made
    block->table_room_ = std::max<std::size_t>(tables, 16);
    block->member_room_ = std::max<std::size_t>(members, 8);
    block->slots_.reset(new (std::nothrow) Slot *[block->slot_room_]);
    block->tables_.reset(new (std::nothrow) std::atomic<const hotgraft_table *>[block->table_room_]);
    block->table_members_.reset(new (std::nothrow) std::atomic<std::uint32_t>[block->table_room_]);
    block->members_.reset(new (std::nothrow) GateBlock::Member[block->member_room_]);
    block->candidates_.reset(new (std::nothrow) std::atomic<std::uint64_t>[block->member_room_]);
    if (block->slots_ == nullptr || block->tables_ == nullptr || block->table_members_ == nullptr ||
        block->members_ == nullptr || block->candidates_ == nullptr) {
        return nullptr;
    }
    GateBlock *const made = block.release();
    take_lane(*made);
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
