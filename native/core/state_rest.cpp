#include "state_rest.hpp"

#include <atomic>
#include <ctime>
#include <string>
#include <utility>

#include "callbacks.hpp"
#include "control.hpp"
#include "fallback.hpp"
#include "gate.hpp"
#include "gate_threads.hpp"
#include "notify.hpp"

namespace hotgraft {

namespace {

constexpr timespec kRestAgain{0, 50'000};
constexpr std::int64_t kResumeNs = 1'000'000'000;      // for those that do not hang
constexpr std::size_t kGivenUp = std::size_t{1} << 63; // beside an instance's number
constexpr std::size_t kUnasked = std::size_t{1} << 62; // its turn has come, and its quiesce was not asked for yet
constexpr std::size_t kNone = kUnasked - 1;

// What the control thread works on; it keeps it if it is abandoned.
struct Resting {
    std::shared_ptr<Generation> generation;
    std::function<Status(Generation &)> work;
    std::vector<std::size_t> looked_at;     // instances, or sessions
    std::vector<bool> was_away;             // of each: before anything was done
    std::atomic<std::size_t> quiesced{0};   // instances whose quiesce was asked for: what has to be resumed
    std::atomic<std::size_t> inside{kNone}; // the instance that the thread has to do with, and whether it is given up
    bool looks_at_sessions = false;
    std::shared_ptr<GateThreads> threads; // of the generation, at the closed gates
};

thread_local Resting *resting_here = nullptr; // what this thread works for

Status rest_one(Generation &generation, std::size_t index, std::int64_t deadline_ns) {
    for (;;) {
        bool is_again = false;
        Status status = generation.quiesce(index, deadline_ns, &is_again);
        if (!status.is_ok() || !is_again) {
            return status;
        }
        if (monotonic_ns() >= deadline_ns || is_rest_given_up(index)) {
            return {Code::kTimedOut, "quiesce still answered \"again\" at the deadline"};
        }
        nanosleep(&kRestAgain, nullptr);
    }
}

// Its own threads pass these gates until its quiesce has joined them (model rule M11).
Status rest_with_threads(Resting &resting, std::size_t index, std::int64_t deadline_ns, std::uint64_t turn) {
    Status status = resting.threads->begin_quiesce(0, deadline_ns, turn);
    if (status.is_ok()) {
        status = rest_one(*resting.generation, index, deadline_ns);
    }
    return status.is_ok() ? resting.threads->end_quiesce(0, resting.generation->thread_owner(index), deadline_ns, turn)
                          : status;
}

Status rest_all(Resting &resting, std::int64_t deadline_ns, std::uint64_t turn) {
    if (resting.looks_at_sessions) {
        return {};
    }
    for (std::size_t index = 0; index < resting.generation->instance_count(); ++index) {
        if (is_rest_given_up(index | kUnasked)) {
            return {Code::kAbandoned, "given up"};
        }
        Guards::instance().seam().at(SeamPoint::kRestsNext);
        // A quiesce that fails may have stopped half of it: resume follows all the same (plugin.h).
        resting.quiesced.store(index + 1, std::memory_order_release); // pairs with resume_others()
        if (is_rest_given_up(index)) { // nobody would resume it: it is left as it is, as who gave it up has read
            return {Code::kAbandoned, "given up"};
        }
        if (Status status = rest_with_threads(resting, index, deadline_ns, turn); !status.is_ok()) {
            return status;
        }
    }
    return {};
}

} // namespace

// One word, so that either this thread turns back and has to do with the instance of before, or this one is left to it.
bool is_rest_given_up(std::size_t index) noexcept {
    if (resting_here == nullptr) {
        return false;
    }
    std::size_t before = resting_here->inside.load(std::memory_order_relaxed);
    while ((before & kGivenUp) == 0 && !resting_here->inside.compare_exchange_weak(
                                           before, index, std::memory_order_acq_rel)) { // pairs with work_at_rest()
    }
    return (before & kGivenUp) != 0;
}

namespace {

// Resume whatever came of it, but for what lacks its state: that must not be called. The first failure is the answer.
Status perform_at_rest(Resting &resting, std::int64_t deadline_ns, std::uint64_t turn) {
    resting_here = &resting;
    Status status = or_no_memory([&] {
        Status quiet = rest_all(resting, deadline_ns, turn);
        return quiet.is_ok() ? resting.work(*resting.generation) : quiet;
    });
    for (std::size_t index = resting.quiesced; index-- > 0;) {
        if (is_rest_given_up(index)) {
            break; // others are resumed by who gave it up
        }
        if (resting.generation->is_away(index)) {
            continue;
        }
        resting.threads->begin_resume(0, turn);
        Status resumed = resting.generation->resume(index);
        // Before the next is noted: nobody resumes this one again. Pairs with resume_others().
        resting.quiesced.store(index, std::memory_order_release);
        if (resumed.is_ok()) {
            resting.threads->end_resume(0, turn);
        }
        if (status.is_ok()) {
            status = std::move(resumed);
        }
    }
    resting_here = nullptr;
    return status;
}

std::vector<Slot *> plain_slots(const std::vector<std::shared_ptr<Slot>> &slots) {
    std::vector<Slot *> plain;
    plain.reserve(slots.size());
    for (const std::shared_ptr<Slot> &slot : slots) {
        plain.push_back(slot.get());
    }
    return plain;
}

// One instance's thread has not come back; the others are to serve as before. Answers what does not.
std::string resume_others(ControlThread &control, const std::shared_ptr<Resting> &resting, std::uint64_t swap,
                          std::size_t hung) {
    std::string still;
    control.goes_back();
    const bool is_unasked = (hung & kUnasked) != 0;
    hung &= ~kUnasked;
    for (std::size_t index = resting->quiesced.load(std::memory_order_acquire); index-- > 0;) { // pairs with rest_all()
        if (resting->generation->is_away(index) || (is_unasked && index == hung)) {
            continue; // it is lost, and told as that; or nobody has asked it to come to rest, nor will
        }
        Status resumed(Code::kAbandoned, "its thread has not come back");
        if (index != hung) {
            resumed = control.run(
                "resume",
                [resting, swap, index, turn = resting->threads->next_turn()] {
                    const CarriesOut mark(swap);
                    resting->threads->begin_resume(0, turn);
                    Status status = resting->generation->resume(index);
                    if (status.is_ok()) {
                        resting->threads->end_resume(0, turn);
                    }
                    return status;
                },
                monotonic_ns() + kResumeNs);
        }
        if (!resumed.is_ok()) {
            still += "; \"" + resting->generation->instance_name(index) + "\" holds still: " + resumed.message();
        }
    }
    return still;
}

// The gates are closed and nobody is inside.
Status work_at_rest(const std::shared_ptr<Resting> &resting, const RestWish &wish, std::uint64_t swap) {
    ControlThread control(ControlThread::Late::kLetsGo);
    Status status = control.run(
        wish.what,
        [resting, swap, rest_deadline_ns = wish.rest_deadline_ns, turn = resting->threads->next_turn()] {
            const CarriesOut mark(swap);
            return perform_at_rest(*resting, rest_deadline_ns, turn);
        },
        wish.deadline_ns + kReturnNs);
    if (status.code() == Code::kAbandoned) {
        const std::size_t hung =
            resting->inside.fetch_or(kGivenUp, std::memory_order_acq_rel); // pairs with is_rest_given_up()
        (void)resting->threads->next_turn();
        resting->generation->mark_abandoned(wish.what);
        const Status told = or_no_memory([&]() -> Status {
            return {Code::kAbandoned, status.message() + resume_others(control, resting, swap, hung)};
        });
        return told.code() == Code::kAbandoned ? told : status;
    }
    return status;
}

// What was surrendered to be looked at and was not taken back, or did not resume: nothing of it may be called.
bool lose_what_is_away(const Resting &resting) noexcept {
    bool is_any = false;
    for (std::size_t i = 0; i < resting.was_away.size(); ++i) {
        is_any = (!resting.was_away[i] && resting.generation->lose_if_away(resting.looked_at[i])) || is_any;
    }
    return is_any;
}

Status work_behind_gates(const std::shared_ptr<Resting> &resting, const RestWish &wish, std::int64_t *pause_ns) {
    const HeldCallbacks callbacks(wish.generation->callbacks());
    std::vector<Slot *> slots = plain_slots(wish.slots);
    slots.insert(slots.end(), callbacks.slots().begin(), callbacks.slots().end());
    // Of sessions: what their own slots hold. A plain pin's calls are in none of them.
    GateSet gates(std::move(slots),
                  wish.sessions.empty() ? wish.generation->tables() : std::vector<const hotgraft_table *>());
    if (!resting->looks_at_sessions) { // no quiesce, no thread that it joins
        gates.set_members({{wish.generation->thread_generation(), wish.generation->label(),
                            wish.generation->instance_count(), wish.generation->tables()}});
    }
    if (Status status = gates.close(); !status.is_ok()) {
        return status;
    }
    resting->threads = gates.threads();
    Status status = gates.drain(wish.rest_deadline_ns);
    if (status.is_ok()) {
        gates.begin_transfer(); // a forked child finds nothing half quiesced
        status = work_at_rest(resting, wish, gates.swap());
    }
    if (lose_what_is_away(*resting)) {
        gates.refuse(wish.generation->number());
    }
    callbacks.hold_offered();
    gates.reopen();
    *pause_ns = gates.opened_ns() - gates.closed_ns();
    return status;
}

Status hold_still(const RestWish &wish, std::function<Status(Generation &)> work, std::int64_t *pause_ns) {
    Generation &generation = *wish.generation;
    const auto resting = std::make_shared<Resting>();
    resting->generation = wish.generation;
    resting->work = std::move(work);
    resting->looks_at_sessions = !wish.sessions.empty();
    resting->looked_at = wish.sessions;
    for (std::size_t index = 0; !resting->looks_at_sessions && index < generation.instance_count(); ++index) {
        resting->looked_at.push_back(index);
    }
    for (const std::size_t index : resting->looked_at) {
        resting->was_away.push_back(generation.is_away(index));
    }
    if (refusing_table() == nullptr) { // which may be needed when there is no memory
        return {Code::kNoMemory, "no memory"};
    }
    const ChecksHeldOff checks({wish.generation}, wish.rest_deadline_ns);
    if (!checks.status().is_ok()) {
        return checks.status();
    }
    if (resting->looks_at_sessions) {
        return work_behind_gates(resting, wish, pause_ns);
    }
    generation.stop_pins();
    Status status = generation.pins() != 0 ? Status(Code::kBusy, "pinned: " + generation.pin_holders())
                                           : work_behind_gates(resting, wish, pause_ns);
    if (generation.out_of_service().empty()) {
        generation.allow_pins();
    }
    return status;
}

} // namespace

Status at_rest(const RestWish &wish, std::function<Status(Generation &)> work, std::int64_t *pause_ns) {
    Status status = hold_still(wish, std::move(work), pause_ns);
    tell_missed(wish.generation); // nobody tells what holds still
    return status;
}

} // namespace hotgraft
