// Closing, draining and opening the slots of one swap.
#include "gate.hpp"

#include <algorithm>
#include <utility>

#include "fallback.hpp"
#include "futex.hpp"
#include "gate_block.hpp"
#include "gate_threads.hpp"

namespace hotgraft {

GateSet::GateSet(std::vector<Slot *> slots, std::vector<const hotgraft_table *> old_tables)
    : slots_(std::move(slots)), old_tables_(std::move(old_tables)), tables_given_(!old_tables_.empty()),
      swap_(Guards::instance().next_swap()) {
    old_tables_.reserve(old_tables_.size() + slots_.size()); // close() must not fail for memory half way
}

void GateSet::replace_old_tables(std::vector<const hotgraft_table *> tables) {
    old_tables_ = std::move(tables);
    old_tables_.reserve(old_tables_.size() + slots_.size());
    tables_given_ = !old_tables_.empty();
}

void GateSet::set_members(std::vector<GateMember> members, std::vector<std::uint64_t> candidates) {
    threads_ = std::make_shared<GateThreads>(swap_, slots_, std::move(members));
    candidates_ = std::move(candidates);
}

GateSet::~GateSet() {
    reopen();
}

Status GateSet::forked(const char *what) const {
    return {Code::kForked, std::string(what) + ": this is a forked child, where no swap goes on; the old tables serve"};
}

Status GateSet::close() {
    Guards &guards = Guards::instance();
    if (guards.is_forked_child()) {
        return forked("close gates");
    }
    if (stage_ != Stage::kOpen) {
        return {Code::kWrongStage, "close gates: this set is closed already"};
    }
    const ForkLockHold hold(guards.fork_lock(), swap_);
    std::string gated;
    for (const Slot *slot : slots_) {
        gated += slot->is_gated() ? (gated.empty() ? "" : ", ") + slot->name() : "";
    }
    if (!gated.empty()) {
        return {Code::kBusy,
                "close gates: another swap has closed " + gated + "; nothing was closed, wait for that swap"};
    }
    find_old_tables();
    if (threads_ == nullptr) {
        set_members({});
    }
    threads_->set_tables(old_tables_);
    block_ = guards.gate_blocks().claim(slots_.size(), old_tables_.size(),
                                        std::max(threads_->members().size(), candidates_.size()));
    if (block_ == nullptr) {
        return {Code::kNoMemory, "close gates: no memory for the list of old tables; nothing was closed"};
    }
    block_->fill(swap_, slots_, old_tables_, threads_->members(), threads_->member_of(), candidates_);
    threads_->begin(block_);
    closed_ns_ = futex_clock_ns();
    opened_ns_ = 0;
    for (Slot *slot : slots_) {
        slot->close(block_);
    }
    guards.seam().at(SeamPoint::kGateClosed);
    guards.barrier(); // M1: every thread has announced visibly, or will see the gate
    stage_ = Stage::kClosed;
    return {};
}

void GateSet::find_old_tables() {
    if (tables_given_) {
        return;
    }
    old_tables_.clear();
    for (const Slot *slot : slots_) {
        if (const hotgraft_table *const held = slot->held()) {
            old_tables_.push_back(held);
        }
    }
}

bool GateSet::is_clear(ThreadRecord &record) noexcept {
    return is_left_out(record) ||
           is_seen_clear(record, {old_tables_, block_->lane(), &ClearMarks::cleared_for, swap_}, slots_);
}

// Its plugin's quiesce joins it, and only then nothing of the set may be held by it (model rule M11).
bool GateSet::is_left_out(const ThreadRecord &record) noexcept {
    if (block_->member_of_thread(owner_of(record).generation()) == GateBlock::kNobody) {
        return false;
    }
    block_->note_own_thread();
    return true;
}

void GateSet::turn_candidates_away() noexcept {
    if (block_ != nullptr) {
        block_->turn_candidates_away();
        wake_all();
    }
}

std::vector<Holder> GateSet::named_holders() const {
    std::vector<Holder> found = Guards::instance().holders(old_tables_);
    for (Holder &holder : found) {
        for (const Slot *slot : slots_) {
            holder.slot = slot->held() == holder.table ? slot->name() : holder.slot;
        }
    }
    return found;
}

Status GateSet::drain(std::int64_t deadline_ns) {
    Guards &guards = Guards::instance();
    if (guards.is_forked_child()) {
        return forked("drain");
    }
    if (stage_ == Stage::kOpen) {
        return {Code::kWrongStage, "drain: the gates are open; close them first"};
    }
    const bool waits = !guards.seam().no_drain.load(std::memory_order_relaxed);
    for (ThreadRecord *record = guards.records().first(); waits && record != nullptr; record = record->next_listed) {
        for (Backoff backoff; !is_clear(*record); backoff.pause()) {
            guards.seam().at(SeamPoint::kDrainWaits);
            if (futex_clock_ns() >= deadline_ns) {
                return {Code::kTimedOut, "drain: calls were still inside when the deadline passed: " +
                                             describe(named_holders()) + "; the gates are still closed"};
            }
        }
    }
    stage_ = Stage::kDrained;
    return {};
}

// A thread inside an old table that calls back goes on: until publish it passes to the old tables, during publish (a
// few stores) it waits, and after it finds the new ones. So one outer call that was left may see both sides, as without
// a gate, and never the old after the new.
Status GateSet::skip_drain() {
    if (stage_ == Stage::kOpen) {
        return {Code::kWrongStage, "leave undrained: the gates are open; close them first"};
    }
    stage_ = Stage::kDrained;
    return {};
}

void GateSet::begin_transfer() noexcept {
    Guards &guards = Guards::instance();
    if (!keeps_fork_out_ && stage_ != Stage::kOpen && !guards.is_forked_child()) {
        guards.fork_lock().lock(swap_);
        keeps_fork_out_ = true;
    }
}

Status GateSet::publish(const std::vector<const hotgraft_table *> &next) {
    Guards &guards = Guards::instance();
    if (guards.is_forked_child()) {
        return forked("publish");
    }
    if (stage_ != Stage::kDrained) {
        return {Code::kWrongStage, "publish: the set was not drained; the old tables are kept"};
    }
    if (next.size() != slots_.size()) {
        return {Code::kInvalid, "publish: " + std::to_string(next.size()) + " tables for " +
                                    std::to_string(slots_.size()) + " slots; the old tables are kept"};
    }
    {
        const ForkLockHold hold(guards.fork_lock(), swap_);
        // Where calls were left inside, one of them may enter a slot that is open already and then meet one that is
        // not: passing, it would get the old table after it has seen the new. Ordered by the seq_cst store of `check`:
        // who has seen the new table there reads this too (M19).
        block_->stop_passing();
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            slots_[i]->store(next[i], guards.has_membarrier());
            guards.seam().at(SeamPoint::kBetweenSlots);
        }
        end();
    }
    wake_all();
    return {};
}

void GateSet::reopen() noexcept {
    Guards &guards = Guards::instance();
    if (stage_ == Stage::kOpen || guards.is_forked_child()) { // the child opened them as it began
        return;
    }
    {
        const ForkLockHold hold(guards.fork_lock(), swap_);
        for (Slot *slot : slots_) {
            slot->reopen(guards.has_membarrier());
        }
        end();
    }
    wake_all();
}

void GateSet::refuse(std::uint64_t number) noexcept {
    for (Slot *slot : slots_) {
        refuse(slot, number);
    }
}

void GateSet::refuse(Slot *slot, std::uint64_t number) const noexcept {
    if (stage_ != Stage::kOpen && slot->held() != nullptr && slot->held()->generation == number) {
        slot->hold_behind_gate(refusing_table());
    }
}

// Under the fork lock, all slots open: a fork from here on finds no swap to undo.
void GateSet::end() noexcept {
    opened_ns_ = futex_clock_ns();
    block_->finish();
    block_ = nullptr;
    stage_ = Stage::kOpen;
    if (keeps_fork_out_) {
        keeps_fork_out_ = false;
        Guards::instance().fork_lock().unlock();
    }
}

void GateSet::wake_all() noexcept {
    for (Slot *slot : slots_) {
        slot->wake();
    }
}

CarriesOut::CarriesOut(std::uint64_t swap) noexcept {
    if (ThreadRecord *const record = own_place(Guards::instance().records())) {
        root_ = record->root;
        before_ = root_->carries_out;
        root_->carries_out = swap;
    }
}

CarriesOut::~CarriesOut() {
    if (root_ != nullptr) {
        root_->carries_out = before_;
    }
}

} // namespace hotgraft
