#include "reclaim.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "control.hpp"
#include "generation_unload.hpp"
#include "guard.hpp"

namespace hotgraft {

namespace {

// How long a plugin's destroy, and the quiesce before it, may take before its thread is left behind.
constexpr std::int64_t kTeardownNs = 5'000'000'000;
// Between two looks at generations that are still held: short after a change, then longer, so that a call that lasts an
// hour costs nothing.
constexpr std::chrono::microseconds kLookFirst{200};
constexpr std::chrono::microseconds kLookLongest{50'000};

std::string held_by_leases(const Generation &generation) {
    std::string text;
    for (const Lease &lease : generation.leases()) {
        text += (text.empty() ? "leased: " : "; ") + lease.why;
    }
    return text;
}

} // namespace

Reaper &Reaper::instance() noexcept {
    static Reaper *const reaper = new Reaper(); // never destroyed: its thread may outlive main
    return *reaper;
}

Status Reaper::retire(std::shared_ptr<Generation> generation) {
    if (Guards::instance().is_forked_child()) {
        return {Code::kForked, generation->label() + " belongs to the parent process; a forked child unloads nothing"};
    }
    if (generation->stage() != Stage::kFailed) {
        Status status = generation->advance(Event::kRetire); // the one compare-and-swap that competes with recall
        if (!status.is_ok()) {
            return status;
        }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_.push_back({std::move(generation), "not looked at yet"});
    changed_.notify_all();
    start_thread();
    return {};
}

void Reaper::start_thread() {
    if (is_running_) {
        return;
    }
    is_running_ = true;
    std::thread([this] { serve(); }).detach();
}

void Reaper::serve() noexcept {
    std::chrono::microseconds pause = kLookFirst;
    std::unique_lock<std::mutex> lock(mutex_);
    while (!waiting_.empty()) {
        bool progress = false;
        sweep(lock, &progress);
        if (progress) {
            pause = kLookFirst;
        } else if (!waiting_.empty()) {
            changed_.wait_for(lock, pause);
            pause = std::min(pause * 2, kLookLongest);
        }
    }
    is_running_ = false;
    changed_.notify_all();
}

// One look at each waiting generation; the lock is dropped while looking and reclaiming.
void Reaper::sweep(std::unique_lock<std::mutex> &lock, bool *progress) {
    for (std::size_t i = 0; i < waiting_.size();) {
        const std::shared_ptr<Generation> generation = waiting_[i].generation;
        std::string held_by;
        lock.unlock();
        const bool is_free_now = is_free(*generation, &held_by);
        if (is_free_now) {
            reclaim(generation);
        }
        lock.lock();
        if (is_free_now) {
            waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i)); // others are only ever added at the end
            changed_.notify_all();
            *progress = true;
        } else {
            waiting_[i++].held_by = held_by;
        }
    }
}

bool Reaper::is_free(Generation &generation, std::string *held_by) {
    if (generation.pins() != 0) {
        *held_by = "pinned: " + generation.pin_holders();
        return false;
    }
    *held_by = held_by_leases(generation);
    if (!held_by->empty()) {
        return false;
    }
    Guards &guards = Guards::instance();
    const std::vector<const hotgraft_table *> tables = generation.tables();
    guards.barrier(); // what was announced before the table left its slot is visible to the scan (tests/model)
    if (guards.is_held(tables.data(), tables.size())) {
        *held_by = describe(guards.holders(tables));
        return false;
    }
    if (between_ != nullptr) {
        between_(between_ctx_);
    }
    if (!skips_second_look_ && (generation.pins() != 0 || !generation.leases().empty())) {
        *held_by = "pinned between two looks: " + generation.pin_holders() + held_by_leases(generation);
        return false;
    }
    return true;
}

void Reaper::reclaim(const std::shared_ptr<Generation> &generation) {
    Reclaimed reclaimed{generation->plugin(), generation->number(), {}};
    {
        ControlThread control;
        reclaimed.proof = Unload(generation).run(control, monotonic_ns() + kTeardownNs);
    }
    void (*listener)(const Reclaimed &, void *) = nullptr;
    void *ctx = nullptr;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (reclaimed.proof.proven) {
            ++proven_[reclaimed.plugin];
        } else {
            stuck_.push_back(reclaimed);
            kept_.push_back(generation);
        }
        listener = listener_;
        ctx = listener_ctx_;
        is_calling_ = listener != nullptr;
    }
    if (listener != nullptr) {
        listener(reclaimed, ctx);
        const std::lock_guard<std::mutex> lock(mutex_);
        is_calling_ = false;
        changed_.notify_all();
    }
}

Status Reaper::wait_idle(std::int64_t deadline_ns) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!waiting_.empty()) {
        const std::int64_t left_ns = deadline_ns - monotonic_ns();
        if (left_ns <= 0) {
            std::string names;
            for (const Waiting &waiting : waiting_) {
                names += (names.empty() ? "" : "; ") + waiting.generation->label() + ": " + waiting.held_by;
            }
            return {Code::kTimedOut, "still on the way out of memory: " + names};
        }
        changed_.wait_for(lock, std::chrono::nanoseconds(left_ns));
    }
    return {};
}

std::vector<std::string> Reaper::waiting() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::string> names;
    names.reserve(waiting_.size());
    for (const Waiting &waiting : waiting_) {
        names.push_back(waiting.generation->label() + ": " + waiting.held_by);
    }
    return names;
}

std::vector<Reclaimed> Reaper::stuck() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return stuck_;
}

std::uint64_t Reaper::proven_count(const std::string &plugin) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = proven_.find(plugin);
    return found == proven_.end() ? 0 : found->second;
}

void Reaper::set_listener(void (*listener)(const Reclaimed &, void *), void *ctx) {
    std::unique_lock<std::mutex> lock(mutex_);
    listener_ = listener;
    listener_ctx_ = ctx;
    changed_.wait(lock, [this] { return !is_calling_; });
}

void Reaper::set_second_look_seam(void (*between)(void *), void *ctx, bool skips_second_look) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    between_ = between;
    between_ctx_ = ctx;
    skips_second_look_ = skips_second_look;
}

} // namespace hotgraft
