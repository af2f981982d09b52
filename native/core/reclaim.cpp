#include "reclaim.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>
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
    // Built in place, which needs no memory, and never destroyed: its thread may outlive main.
    alignas(Reaper) static unsigned char storage[sizeof(Reaper)];
    static Reaper *const reaper = new (storage) Reaper();
    return *reaper;
}

Status Reaper::retire(std::shared_ptr<Generation> generation) {
    if (Guards::instance().is_forked_child()) {
        return {Code::kForked, generation->label() + " belongs to the parent process; a forked child unloads nothing"};
    }
    // One whose own function never came back may have served on (a swap that met its deadline was called off): it is
    // stuck already, and leaves service like any other.
    if (generation->stage() != Stage::kFailed && !generation->is_abandoned()) {
        Status status = generation->advance(Event::kRetire); // the one compare-and-swap that competes with recall
        if (!status.is_ok()) {
            return status;
        }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<Generation> *end = &first_waiting_;
    while (*end != nullptr) {
        end = &(*end)->next_waiting_;
    }
    *end = std::move(generation);
    changed_.notify_all();
    start_thread();
    return {};
}

// Where no thread can be made now, the next retire or wait_idle() tries again: what waits is in the list.
void Reaper::start_thread() noexcept {
    if (is_running_ || first_waiting_ == nullptr) {
        return;
    }
    is_running_ = true;
    try {
        std::thread([this] { serve(); }).detach();
    } catch (const std::system_error &) {
        is_running_ = false;
    } catch (const std::bad_alloc &) {
        is_running_ = false;
    }
}

void Reaper::serve() noexcept {
    std::chrono::microseconds pause = kLookFirst;
    std::unique_lock<std::mutex> lock(mutex_);
    while (first_waiting_ != nullptr) {
        bool progress = false;
        sweep(lock, &progress);
        if (progress) {
            pause = kLookFirst;
        } else if (first_waiting_ != nullptr) {
            changed_.wait_for(lock, pause);
            pause = std::min(pause * 2, kLookLongest);
        }
    }
    is_running_ = false;
    changed_.notify_all();
}

// One look at each waiting generation; the lock is dropped while looking and reclaiming. Only this thread takes out of
// the list, and others only add at its end, so a place in it stays one. Where memory runs out, the generation is looked
// at again later: nothing that was done to it has to be undone.
void Reaper::sweep(std::unique_lock<std::mutex> &lock, bool *progress) noexcept {
    for (std::shared_ptr<Generation> *place = &first_waiting_; *place != nullptr;) {
        const std::shared_ptr<Generation> generation = *place;
        std::string held_by;
        bool is_over = false;
        lock.unlock();
        const Status looked = or_no_memory([&]() -> Status {
            is_over = is_free(*generation, &held_by) && reclaim(generation, &held_by);
            return {};
        });
        lock.lock();
        if (is_over) {
            *place = std::move(generation->next_waiting_);
            changed_.notify_all();
            *progress = true;
        } else {
            if (looked.is_ok()) {
                generation->held_by_ = std::move(held_by);
            } else {
                generation->held_by_ = looked.message(); // short: needs no memory
            }
            place = &generation->next_waiting_;
        }
    }
}

bool Reaper::is_free(Generation &generation, std::string *held_by) {
    generation.health_checks().collect(generation);
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

// What it needs for its books it takes before it begins: what has left memory is not to be forgotten.
bool Reaper::reclaim(const std::shared_ptr<Generation> &generation, std::string *held_by) {
    Reclaimed reclaimed{generation->staged().path, generation->plugin(), generation->number(), {}};
    std::uint64_t *proven = nullptr;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        proven = &proven_[reclaimed.plugin]; // stays where it is
        stuck_.reserve(stuck_.size() + 1);
        kept_.reserve(kept_.size() + 1);
    }
    {
        ControlThread control(ControlThread::Late::kLetsGo);
        Unload unload(generation);
        reclaimed.proof = unload.run(control, monotonic_ns() + kTeardownNs);
        if (unload.is_unsettled()) {
            *held_by = std::move(reclaimed.proof.reason);
            return false;
        }
    }
    const Reclaimed *told = &reclaimed;
    void (*listener)(const Reclaimed &, void *) = nullptr;
    void *ctx = nullptr;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (reclaimed.proof.proven) {
            ++*proven;
        } else {
            stuck_.push_back(std::move(reclaimed));
            kept_.push_back(generation);
            told = &stuck_.back(); // only this thread adds to it
        }
        listener = listener_;
        ctx = listener_ctx_;
        is_calling_ = listener != nullptr;
    }
    if (listener != nullptr) {
        listener(*told, ctx);
        const std::lock_guard<std::mutex> lock(mutex_);
        is_calling_ = false;
        changed_.notify_all();
    }
    return true;
}

Status Reaper::wait_idle(std::int64_t deadline_ns) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (first_waiting_ != nullptr) {
        start_thread();
        const std::int64_t left_ns = deadline_ns - monotonic_ns();
        if (left_ns <= 0) {
            std::string names;
            for (const Waiting &one : list_waiting()) {
                names += (names.empty() ? "" : "; ") + one.sentence;
            }
            return {Code::kTimedOut, "still on the way out of memory: " + names};
        }
        changed_.wait_for(lock, is_running_ ? std::chrono::nanoseconds(left_ns) : kLookLongest);
    }
    return {};
}

std::vector<Waiting> Reaper::waiting() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return list_waiting();
}

std::vector<Waiting> Reaper::list_waiting() const {
    std::vector<Waiting> found;
    for (const Generation *one = first_waiting_.get(); one != nullptr; one = one->next_waiting_.get()) {
        found.push_back(
            {one->staged().path, one->label() + ": " + (one->held_by_.empty() ? "not looked at yet" : one->held_by_)});
    }
    return found;
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
