// The cold branch of enter, and leave for those who do not inline it.
//
// Step by step: find room in the thread's record; look at the slot; announce the table in the record; look again. The
// second look is what counts (tests/model). Both announcement and looks are seq_cst here, so this branch is right even
// without membarrier.
#include "gate_threads.hpp"
#include "guard.hpp"
#include "meter.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hotgraft {

namespace {

void announce(ThreadRecord &record, const hotgraft_table *table) noexcept {
    const std::uint32_t depth = record.hot.depth;
    __atomic_store_n(&record.hot.depth, depth + 1,
                     __ATOMIC_RELAXED); // before the entry: a handler's call goes above it
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&record.hot.entry[depth], table, __ATOMIC_SEQ_CST); // pairs with the scan, and with check()
}

void retract_to(ThreadRecord &record, std::uint32_t depth) noexcept {
    for (std::uint32_t i = record.hot.depth; i-- > depth;) {
        __atomic_store_n(&record.hot.entry[i], nullptr, __ATOMIC_RELEASE); // pairs with the scan
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        __atomic_store_n(&record.hot.depth, i, __ATOMIC_RELAXED);
    }
}

void refuse(ThreadRecord &record, const Slot &slot, Refusal why) noexcept {
    ThreadRecord &root = *record.root;
    root.refusal = why;
    const std::size_t length = std::min(slot.name().size(), sizeof root.refused_slot - 1);
    std::memcpy(root.refused_slot, slot.name().data(), length);
    root.refused_slot[length] = '\0';
}

void refuse_for_queue(ThreadRecord &record, const Slot &slot, std::uint32_t waiting) noexcept {
    refuse(record, slot, Refusal::kQueueFull);
    record.root->refused_waiting = waiting;
    record.root->refused_limit = slot.queue().limit();
}

// The record of this thread's chain by which it is inside the swap's set (rule 2), or nullptr. A record that the drain
// saw clear is no proof any more: an entry in it can then only be an announcement that will not stand, seen by a
// handler.
const ThreadRecord *inside_of(const GateBlock &block, std::uint64_t swap, std::size_t lane) noexcept {
    for (const ThreadRecord *record = own_chain(); record != nullptr; record = record->older) {
        if (record->cleared[lane].cleared_for.load(std::memory_order_seq_cst) == swap) { // pairs with the drain
            continue;
        }
        for (std::uint32_t i = 0; i < record->hot.depth; ++i) {
            if (block.holds(record->hot.entry[i])) {
                return record;
            }
        }
    }
    return nullptr;
}

} // namespace

const hotgraft_table *Guards::enter(Slot &slot) noexcept {
    return enter_cold(slot, true);
}

const hotgraft_table *Guards::try_enter(Slot &slot) noexcept {
    return enter_cold(slot, false);
}

const hotgraft_table *Guards::enter_cold(Slot &slot, bool may_wait) noexcept {
    GatePlace place(slot.queue()); // kept over all looks: who was woken and looks again still waits
    std::uint32_t waiting = 0;
    for (;;) {
        ThreadRecord *const record = own_place(records_);
        if (record == nullptr) {
            if (ThreadRecord *const full = own_chain()) {
                refuse(*full, slot, Refusal::kNoMemory);
            }
            return nullptr;
        }
        if (const std::uint32_t found = clear_jumped_over(*record)) {
            jumped_over_.fetch_add(found, std::memory_order_relaxed);
        }
        Meters::instance().arm(*record);
        const hotgraft_table *table = nullptr;
        const std::uint32_t seen = slot.sequence(); // before check(): a wake between the two ends the wait at once
        switch (look(slot, *record, &table)) {
        case Look::kEntered:
            put_first(record); // a handler's call may have made another record the first meanwhile
            record->root->refusal = Refusal::kNothing;
            return table;
        case Look::kRefused:
            return nullptr;
        case Look::kWait:
            if (!may_wait) {
                refuse(*record, slot, Refusal::kGateClosed);
                return nullptr;
            }
            if (!place.take(&waiting)) {
                refuse_for_queue(*record, slot, waiting);
                return nullptr;
            }
            seam_.at(SeamPoint::kBeforeWait);
            wait_at(slot, seen);
            break;
        case Look::kAgain:
            break;
        }
    }
}

Guards::Look Guards::look(Slot &slot, ThreadRecord &record, const hotgraft_table **table) noexcept {
    const hotgraft_table *const seen = slot.check();
    if (seen == kMarkGate) {
        return pass_gate(slot, record, table);
    }
    if (!is_table(seen)) {
        refuse(record, slot, Refusal::kNoTable);
        return Look::kRefused;
    }
    const std::uint32_t depth = record.hot.depth;
    announce(record, seen);
    seam_.at(SeamPoint::kAnnounced);
    if (slot.check() == seen) { // announced first, looked after: it cannot be reclaimed any more
        *table = seen;
        return Look::kEntered;
    }
    retract_to(record, depth);
    return Look::kAgain;
}

// A closed gate lets a thread that is inside the set through to the old table: waiting, it would hold up the drain that
// it waits for. So does a thread that a member registered and is yet to join (model rule M11), except to a member that
// comes to rest before its own (M12). The thread that carries out the swap gets nothing, every other thread waits.
Guards::Look Guards::pass_gate(Slot &slot, ThreadRecord &record, const hotgraft_table **table) noexcept {
    const GateBlock *const block = slot.gate();
    const std::uint64_t swap = block->swap();
    const std::size_t lane = block->lane(); // that swap's, if it still is that one below
    if (swap != 0 && record.root->carries_out == swap) {
        refuse(record, slot, Refusal::kOwnSwap);
        return Look::kRefused;
    }
    const hotgraft_table *const old = slot.held();
    const OwnThreadAtGate own(*block, swap, lane, record, old);
    if (own.is_turned_away()) {
        refuse(record, slot, Refusal::kTurnedAway);
        return Look::kRefused;
    }
    const ThreadRecord *const proof = inside_of(*block, swap, lane);
    if (proof == nullptr && !own.passes()) {
        return Look::kWait;
    }
    if (old == nullptr) {
        refuse(record, slot, Refusal::kNoTable); // closed before it ever opened: waiting would never end
        return Look::kRefused;
    }
    if (own.passes()) {
        slot.gate()->note_own_thread(); // before the announcement: who finds it unsaid is seen by who looks after it
    }
    seam_.at(SeamPoint::kMayPass);
    const std::uint32_t depth = record.hot.depth;
    announce(record, old);
    seam_.at(SeamPoint::kPassing);
    // What is behind the gate may have been withdrawn meanwhile: announced first, looked after.
    const bool is_same_gate =
        slot.check() == kMarkGate && slot.gate() == block && block->swap() == swap && slot.held() == old;
    const bool is_proven = proof != nullptr && proof->cleared[lane].cleared_for.load(std::memory_order_seq_cst) !=
                                                   swap; // pairs with the drain
    if (is_same_gate && (is_proven || own.passes()) && !own.is_turned_away()) {
        *table = old;
        return Look::kEntered;
    }
    retract_to(record, depth);
    return Look::kAgain;
}

void Guards::wait_at(Slot &slot, std::uint32_t seen) noexcept {
    const WaitHooks &hooks = hooks_[hooks_index_.load(std::memory_order_acquire)]; // pairs with set_wait_hooks()
    void *(*const before)() = hooks.before.load(std::memory_order_relaxed);
    void (*const after)(void *) = hooks.after.load(std::memory_order_relaxed);
    const int error = errno; // a caller may be a signal handler: what it interrupted must find its errno again
    void *const token = before != nullptr ? before() : nullptr;
    slot.wait(seen);
    if (after != nullptr) {
        after(token);
    }
    errno = error;
}

void Guards::leave(const hotgraft_table *table) noexcept {
    for (ThreadRecord *record = own_chain(); record != nullptr; record = record->older) {
        for (std::uint32_t i = record->hot.depth; i-- > 0;) {
            if (record->hot.entry[i] == table) {
                jumped_over_.fetch_add(record->hot.depth - i - 1, std::memory_order_relaxed);
                retract_to(*record, i);
                return;
            }
        }
    }
}

bool Guards::calling_thread_holds_any() const noexcept {
    for (const ThreadRecord *record = own_chain(); record != nullptr; record = record->older) {
        if (record->hot.depth != 0) {
            return true;
        }
    }
    return false;
}

Status Guards::last_refusal() const {
    const ThreadRecord *const chain = own_chain();
    if (chain == nullptr) {
        return {Code::kNoMemory, "call: no memory for this thread's record"};
    }
    const std::string what = "call through slot " + std::string(chain->root->refused_slot) + ": ";
    switch (chain->root->refusal) {
    case Refusal::kNothing:
        return {};
    case Refusal::kNoTable:
        return {Code::kWrongStage, what + "no generation serves there (not bound, or closing)"};
    case Refusal::kGateClosed:
        return {Code::kBusy, what + "its gate is closed by a swap, and this call does not wait"};
    case Refusal::kOwnSwap:
        return {Code::kBusy, what + "its gate is closed by the very swap that this thread carries out"};
    case Refusal::kTurnedAway:
        return {Code::kBusy,
                what + "it comes to rest for a swap, and this thread's own plugin is still to: call again later"};
    case Refusal::kQueueFull:
        return {Code::kBackpressure,
                what + "its gate is closed by a swap, " + std::to_string(chain->root->refused_waiting) +
                    " wait there, and its queue limit is " + std::to_string(chain->root->refused_limit)};
    case Refusal::kNoMemory:
        return {Code::kNoMemory, what + "no memory for a further record of this thread"};
    }
    return {};
}

} // namespace hotgraft
