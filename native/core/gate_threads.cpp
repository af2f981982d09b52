#include "gate_threads.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "futex.hpp"
#include "guard.hpp"

namespace hotgraft {

namespace {

constexpr unsigned kMemberBits = 16;

constexpr std::uint64_t kLastMember = (std::uint64_t{1} << kMemberBits) - 1;

// What a record is marked with that was seen clear of one member. A set of more than 65,535 plugins shares the last.
std::uint64_t mark_of(std::uint64_t swap, std::size_t member) noexcept {
    return swap << kMemberBits | std::min<std::uint64_t>(member + 1, kLastMember);
}

// Members come to rest in their order, and nobody who was seen clear of one enters it again. So who was seen clear of
// one is clear of all before it, whose marks are gone.
bool is_cleared_of(const ThreadRecord &record, std::uint64_t swap, std::size_t lane, std::uint32_t member) noexcept {
    const std::uint64_t mark =
        record.cleared[lane].cleared_of.load(std::memory_order_seq_cst); // pairs with is_seen_clear()
    return mark >> kMemberBits == swap && mark >= mark_of(swap, member);
}

// The record of this thread's chain by which it is inside a member, or nullptr. As at the gate of a whole set, one that
// was seen clear proves nothing: what it holds of that member by now is there on account of an older one.
const ThreadRecord *inside_member(const GateBlock &block, std::uint64_t swap, std::size_t lane,
                                  std::uint32_t member) noexcept {
    for (const ThreadRecord *record = own_chain(); record != nullptr; record = record->older) {
        if (is_cleared_of(*record, swap, lane, member)) {
            continue;
        }
        for (std::uint32_t i = 0; i < record->hot.depth; ++i) {
            if (block.member_of_table(record->hot.entry[i]) == member) {
                return record;
            }
        }
    }
    return nullptr;
}

} // namespace

OwnThreadAtGate::OwnThreadAtGate(const GateBlock &block, std::uint64_t swap, std::size_t lane,
                                 const ThreadRecord &record, const hotgraft_table *target) noexcept
    : block_(block), swap_(swap), lane_(lane), generation_(owner_of(record).generation()),
      home_(generation_ == 0 ? GateBlock::kNobody : block.member_of_thread(generation_)) {
    if (home_ != GateBlock::kNobody) {
        target_ = block.member_of_table(target);
        inside_ = target_ == GateBlock::kNobody ? nullptr : inside_member(block, swap_, lane_, target_);
    }
}

bool OwnThreadAtGate::is_turned_away() const noexcept {
    if (generation_ == 0 || Guards::instance().seam().no_turning_away.load(std::memory_order_relaxed)) {
        return false;
    }
    if (block_.turns_candidate_away(generation_)) {
        return true;
    }
    if (home_ == GateBlock::kNobody || target_ == GateBlock::kNobody) {
        return false;
    }
    const MemberStage stage = block_.stage(target_, swap_);
    const bool is_closed_to_it = stage == MemberStage::kRests || (stage == MemberStage::kTurnsAway && home_ != target_);
    return is_closed_to_it && (inside_ == nullptr || is_cleared_of(*inside_, swap_, lane_, target_));
}

bool OwnThreadAtGate::passes() const noexcept {
    if (home_ == GateBlock::kNobody || Guards::instance().seam().no_passing.load(std::memory_order_relaxed)) {
        return false;
    }
    const MemberStage stage = block_.stage(home_, swap_);
    return stage == MemberStage::kServes || stage == MemberStage::kTurnsAway;
}

GateThreads::GateThreads(std::uint64_t swap, std::vector<Slot *> slots, std::vector<GateMember> members)
    : swap_(swap), slots_(std::move(slots)), members_(std::move(members)), begun_(members_.size()),
      ended_(members_.size()) {}

void GateThreads::set_tables(const std::vector<const hotgraft_table *> &old_tables) {
    std::vector<std::pair<const hotgraft_table *, std::uint32_t>> known;
    for (std::size_t m = 0; m < members_.size(); ++m) {
        for (const hotgraft_table *table : members_[m].tables) {
            known.emplace_back(table, static_cast<std::uint32_t>(m));
        }
    }
    std::sort(known.begin(), known.end());
    member_of_.clear();
    for (const hotgraft_table *table : old_tables) {
        const auto found = std::lower_bound(known.begin(), known.end(), std::make_pair(table, std::uint32_t{0}));
        const bool is_known = found != known.end() && found->first == table;
        member_of_.push_back(is_known ? found->second : GateBlock::kNobody);
    }
    old_tables_ = old_tables;
}

namespace {

Status turn_is_over() {
    return {Code::kAbandoned, "given up"};
}

} // namespace

std::uint64_t GateThreads::next_turn() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ++turn_;
}

// With the turn: who is late marks no record that another swap has marked since.
Status GateThreads::look(ThreadRecord &record, const Clearance &wanted, std::uint64_t turn, bool *is_clear) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (turn != turn_) {
        return turn_is_over();
    }
    *is_clear = is_seen_clear(record, wanted, slots_);
    return {};
}

Status GateThreads::wait_until_clear(const Clearance &wanted, std::int64_t deadline_ns, const std::string &what,
                                     std::uint64_t turn) {
    Guards &guards = Guards::instance();
    guards.barrier(); // who passed did so on the cold path, whose order is its own; who left did so on the warm one
    for (ThreadRecord *record = guards.records().first(); record != nullptr; record = record->next_listed) {
        bool is_clear = false;
        for (Backoff backoff;; backoff.pause()) {
            if (Status status = look(*record, wanted, turn, &is_clear); !status.is_ok()) {
                return status;
            }
            if (is_clear) {
                break;
            }
            guards.seam().at(SeamPoint::kDrainWaits);
            if (futex_clock_ns() >= deadline_ns) {
                return {Code::kTimedOut, what + ": " + describe(guards.holders(wanted.tables))};
            }
        }
    }
    return {};
}

Status GateThreads::begin_quiesce(std::size_t member, std::int64_t deadline_ns, std::uint64_t turn) {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (turn != turn_) {
            return turn_is_over();
        }
        if (begun_[member]++ != 0 || Guards::instance().seam().no_turning_away.load(std::memory_order_relaxed)) {
            return {};
        }
        block_->set_stage(static_cast<std::uint32_t>(member), swap_, MemberStage::kTurnsAway);
    }
    Guards::instance().seam().at(SeamPoint::kTurnsAway);
    if (members_.size() != 1 && block_->has_own_threads()) { // read after the stage was set: who passes now sees it
        Status status = wait_until_clear(
            {members_[member].tables, block_->lane(), &ClearMarks::cleared_of, mark_of(swap_, member)}, deadline_ns,
            members_[member].label + " was not quiesced, because plugins' own threads " +
                "were still inside of it when the deadline passed",
            turn);
        if (!status.is_ok()) {
            return status;
        }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    return turn == turn_ ? Status() : turn_is_over(); // then it is not asked to come to rest at all
}

Status GateThreads::end_quiesce(std::size_t member, ThreadOwner instance, std::int64_t deadline_ns,
                                std::uint64_t turn) {
    const std::string left = describe_own_threads(instance);
    if (!left.empty()) {
        return {Code::kRefused,
                members_[member].label + ": its quiesce returned, but " + left +
                    ", which it registered, has neither ended nor unregistered; quiesce has to join it"};
    }
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (turn != turn_) {
            return turn_is_over();
        }
        if (++ended_[member] < members_[member].quiesces) {
            return {};
        }
        block_->set_stage(static_cast<std::uint32_t>(member), swap_, MemberStage::kRests);
        for (std::size_t m = 0; m < members_.size(); ++m) {
            if (ended_[m] < members_[m].quiesces) {
                return {};
            }
        }
    }
    if (!block_->has_own_threads()) { // read after the stage was set: who passes now sees it
        return {};
    }
    return wait_until_clear({old_tables_, block_->lane(), &ClearMarks::cleared_for, swap_}, deadline_ns,
                            "all have come to rest, but calls of plugins' own threads were still inside when the "
                            "deadline passed",
                            turn);
}

void GateThreads::begin_resume(std::size_t member, std::uint64_t turn) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (turn == turn_ && block_->stage(static_cast<std::uint32_t>(member), swap_) == MemberStage::kRests) {
        block_->set_stage(static_cast<std::uint32_t>(member), swap_, MemberStage::kTurnsAway);
    }
}

void GateThreads::end_resume(std::size_t member, std::uint64_t turn) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (turn != turn_) {
        return;
    }
    begun_[member] -= begun_[member] != 0 ? 1 : 0;
    ended_[member] = 0; // a set is called off once
    if (begun_[member] == 0) {
        block_->set_stage(static_cast<std::uint32_t>(member), swap_, MemberStage::kServes);
    }
}

// One record at a time, in any order: only who is inside may enter, and guards nest, so a record once seen clear stays
// clear. The mark makes that exact where a signal handler calls: what it finds in a marked record proves nothing, so it
// waits. Mark first, then look again (both seq_cst): either we see the handler's announcement, or it sees the mark.
bool is_seen_clear(ThreadRecord &record, const Clearance &wanted, const std::vector<Slot *> &slots) noexcept {
    const std::vector<const hotgraft_table *> &tables = wanted.tables;
    std::atomic<std::uint64_t> &mark = record.cleared[wanted.lane].*wanted.mark;
    if (record.state.load(std::memory_order_acquire) == RecordState::kOrphaned) { // pairs with thread end
        return true; // nothing runs there any more; is_held() still counts it
    }
    if (is_inside(record, tables.data(), tables.size())) {
        return false;
    }
    const std::uint64_t before = mark.exchange(wanted.number, std::memory_order_seq_cst); // pairs with pass_gate()
    Guards::instance().seam().at(SeamPoint::kMarkedClear);
    if (!is_inside(record, tables.data(), tables.size())) {
        return true;
    }
    // It is inside after all. A handler's call that met the mark in between has gone to sleep above the very
    // announcement we wait for: let it look again, at a record that counts as proof once more. Of members that came to
    // rest before it does not.
    mark.store(before == wanted.number ? 0 : before, std::memory_order_seq_cst); // pairs with pass_gate()
    for (Slot *slot : slots) {
        slot->wake();
    }
    return false;
}

} // namespace hotgraft
