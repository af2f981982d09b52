#include "health_check.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "control.hpp"
#include "generation.hpp"
#include "guard.hpp"

namespace hotgraft {

namespace {

std::atomic<std::size_t> hung_checks{0};
std::atomic<bool> skips_hold_off{false};

std::chrono::steady_clock::time_point moment(std::int64_t deadline_ns) {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline_ns)); // CLOCK_MONOTONIC in libstdc++
}

// The reader knows whom it asked: "gain: generation 3: health answered …" → "health answered …".
std::string without_label(const Generation &generation, const std::string &sentence) {
    const std::string head = generation.label() + ": ";
    return sentence.compare(0, head.size(), head) == 0 ? sentence.substr(head.size()) : sentence;
}

} // namespace

// A library that has not been seen to leave is mapped for good: a thread that is still in it may stay there.
HealthChecks::~HealthChecks() {
    for (UnderWay &one : under_way_) {
        if (one.late.joinable()) {
            one.late.detach();
        }
    }
}

// What was left behind and came back is waited for by nobody.
bool HealthChecks::is_awaited(const UnderWay &one, std::int64_t now_ns) noexcept {
    return one.deadline_ns > now_ns && !(one.has_returned && one.late.joinable());
}

Status HealthChecks::hold_off(std::int64_t deadline_ns) noexcept {
    std::unique_lock<std::mutex> lock(mutex_);
    ++held_off_;
    while (!skips_hold_off.load(std::memory_order_relaxed)) {
        const std::int64_t now_ns = monotonic_ns();
        const auto awaited = std::find_if(under_way_.begin(), under_way_.end(),
                                          [now_ns](const UnderWay &one) { return is_awaited(one, now_ns); });
        if (awaited == under_way_.end()) {
            return {};
        }
        if (now_ns >= deadline_ns) {
            return or_no_memory([&] {
                return Status(Code::kTimedOut, "its health check was still under way after " +
                                                   std::to_string((now_ns - awaited->began_ns) / 1'000'000) +
                                                   " ms, within its deadline");
            });
        }
        changed_.wait_until(lock, moment(std::min(awaited->deadline_ns, deadline_ns)));
    }
    return {};
}

void HealthChecks::set_hold_off_seam(bool is_skipped) noexcept {
    skips_hold_off.store(is_skipped, std::memory_order_relaxed);
}

void HealthChecks::allow() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    --held_off_;
}

bool HealthChecks::go_on(std::size_t index, std::int64_t deadline_ns) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto own =
        std::find_if(under_way_.begin(), under_way_.end(), [index](const UnderWay &one) { return one.index == index; });
    if (own == under_way_.end()) {
        return false;
    }
    if (own->deadline_ns > monotonic_ns()) {
        return true;
    }
    if (held_off_ != 0 && !skips_hold_off.load(std::memory_order_relaxed)) {
        return false;
    }
    own->deadline_ns = deadline_ns;
    return true;
}

// Joining waits for what is left of a thread that has come back from the plugin's function: its end.
void HealthChecks::collect(Generation &generation) noexcept {
    std::list<UnderWay> returned;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        for (Place place = under_way_.begin(); place != under_way_.end();) {
            const Place next = std::next(place);
            if (place->has_returned && place->late.joinable()) {
                returned.splice(returned.end(), under_way_, place);
            }
            place = next;
        }
    }
    for (UnderWay &one : returned) {
        one.late.join();
        hung_checks.fetch_sub(1, std::memory_order_relaxed);
        generation.remove_lease(one.lease);
    }
}

// True: an earlier check of the instance is in the way, *refusal says how.
bool HealthChecks::wait_for_earlier(std::unique_lock<std::mutex> &lock, const UnderWay &next, HealthAnswer *refusal) {
    for (;;) {
        const auto earlier = std::find_if(under_way_.begin(), under_way_.end(),
                                          [&](const UnderWay &one) { return one.index == next.index; });
        if (earlier == under_way_.end()) {
            return false;
        }
        const std::int64_t now_ns = monotonic_ns();
        if (!is_awaited(*earlier, now_ns) || now_ns >= next.deadline_ns) {
            *refusal = {Health::kHung, "health: the check before this one has not come back after " +
                                           std::to_string((now_ns - earlier->began_ns) / 1'000'000) + " ms"};
            return true;
        }
        changed_.wait_until(lock, moment(std::min(earlier->deadline_ns, next.deadline_ns)));
    }
}

// The one of `made` goes onto the list, or *refusal says why not. Leased first, looked at second: the reaper does it
// the other way round, so one of the two sees the other.
Status HealthChecks::begin(Generation &generation, const char *why, std::list<UnderWay> *made, HealthAnswer *refusal) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (wait_for_earlier(lock, made->front(), refusal)) {
        return {};
    }
    if (held_off_ != 0 && !skips_hold_off.load(std::memory_order_relaxed)) {
        *refusal = {Health::kNotAsked, "a swap of it goes on"};
        return {};
    }
    if (hung_checks.load(std::memory_order_relaxed) >= kHungChecksMax) {
        *refusal = {Health::kNotAsked, std::to_string(kHungChecksMax) + " health checks of this process hang already"};
        return {};
    }
    made->front().lease = generation.add_lease(why);
    if (made->front().lease == 0) {
        return {Code::kNoMemory, "no memory left"};
    }
    const Stage stage = generation.stage();
    if (stage != Stage::kActive || generation.is_abandoned()) {
        generation.remove_lease(made->front().lease);
        *refusal = {Health::kNotAsked, stage == Stage::kActive ? "one of its control functions has not come back"
                                                               : std::string("it is ") + name_of(stage)};
        return {};
    }
    under_way_.splice(under_way_.end(), *made);
    return {};
}

void HealthChecks::note_return(Place place) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    place->has_returned = true;
    changed_.notify_all();
}

// False: it came back at the last moment; there is nobody to leave behind.
bool HealthChecks::leave_behind(Place place, std::thread late) noexcept {
    if (!late.joinable()) {
        return false;
    }
    hung_checks.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard<std::mutex> lock(mutex_);
    place->late = std::move(late);
    changed_.notify_all();
    return true;
}

void HealthChecks::end(Generation &generation, Place place) noexcept {
    std::list<UnderWay> ended;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        ended.splice(ended.end(), under_way_, place);
        changed_.notify_all();
    }
    generation.remove_lease(ended.front().lease);
}

Status check_health(const std::shared_ptr<Generation> &generation, std::size_t index, std::uint32_t depth,
                    std::int64_t deadline_ns, HealthAnswer *answer) {
    if (!generation->has_health() && !Guards::instance().is_forked_child()) {
        *answer = {};
        return {};
    }
    return ask_serving(
        {generation, index, "health", "a health check that has not come back"},
        [generation, index, depth] { return generation->check_health(index, depth); }, deadline_ns, answer);
}

Status ask_serving(const Asked &asked, std::function<Status()> work, std::int64_t deadline_ns, HealthAnswer *answer) {
    const std::shared_ptr<Generation> generation = asked.generation;
    if (Guards::instance().is_forked_child()) {
        return {Code::kForked, generation->label() + " belongs to the parent process; a forked child checks nothing"};
    }
    *answer = {};
    HealthChecks &checks = generation->health_checks();
    checks.collect(*generation);
    std::list<HealthChecks::UnderWay> made(1);
    const HealthChecks::Place place = made.begin(); // stays one, on whichever list it is
    place->index = asked.index;
    place->began_ns = monotonic_ns();
    place->deadline_ns = deadline_ns;
    if (Status status = checks.begin(*generation, asked.lease, &made, answer); !status.is_ok() || !made.empty()) {
        return status;
    }
    Status status;
    bool is_left_behind = false;
    {
        ControlThread control(ControlThread::Late::kKept);
        status = or_no_memory([&] {
            return control.run(
                asked.what,
                [generation, place, work = std::move(work)] {
                    Status said = or_no_memory([&] { return work(); });
                    generation->health_checks().note_return(place);
                    return said;
                },
                deadline_ns);
        });
        is_left_behind = checks.leave_behind(place, control.take_late());
    } // joined, unless it is left behind
    if (!is_left_behind) {
        checks.end(*generation, place);
    }
    switch (status.code()) {
    case Code::kOk:
        return {};
    case Code::kPlugin:
        *answer = {Health::kUnfit, without_label(*generation, status.message())};
        return {};
    case Code::kAbandoned:
        *answer = {Health::kHung, status.message()};
        return {};
    default:
        return status;
    }
}

ChecksHeldOff::ChecksHeldOff(std::vector<std::shared_ptr<Generation>> generations, std::int64_t deadline_ns) noexcept
    : generations_(std::move(generations)) {
    for (const std::shared_ptr<Generation> &generation : generations_) {
        Status status = generation->health_checks().hold_off(deadline_ns);
        if (status_.is_ok() && !status.is_ok()) {
            status_ = std::move(status);
        }
    }
}

ChecksHeldOff::~ChecksHeldOff() {
    for (const std::shared_ptr<Generation> &generation : generations_) {
        generation->health_checks().allow();
    }
}

} // namespace hotgraft
