#include "control.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "control_clock_posix.hpp"
#include "stack_wipe.hpp"

namespace hotgraft {

namespace {

enum class Turn { kIdle, kAsked, kAnswered, kEnd };

// The process's control threads: reports and the residue search leave them out. Never destroyed: an abandoned thread
// may come back while the process ends.
struct Roll {
    std::mutex mutex;
    std::multiset<int> tids;
    std::size_t abandoned = 0;
};

Roll &roll() {
    static Roll *const the_roll = new Roll();
    return *the_roll;
}

void enrol(int tid) {
    const std::lock_guard<std::mutex> lock(roll().mutex);
    roll().tids.insert(tid);
}

void strike(int tid, bool was_abandoned) {
    const std::lock_guard<std::mutex> lock(roll().mutex);
    roll().tids.erase(roll().tids.find(tid));
    roll().abandoned -= was_abandoned ? 1 : 0;
}

std::chrono::steady_clock::time_point at(std::int64_t deadline_ns) {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline_ns)); // CLOCK_MONOTONIC in libstdc++
}

} // namespace

// Between one caller and its thread. Both hold it: whoever is left behind keeps it alive (invariant 2).
struct ControlThread::Shared {
    std::mutex mutex;
    std::condition_variable changed;
    Turn turn = Turn::kIdle;
    bool is_abandoned = false;
    std::function<Status()> work;
    Status answer;
    int tid = 0;
    std::thread thread;
};

ControlThread::ControlThread() noexcept = default;

ControlThread::~ControlThread() {
    end_thread();
}

int ControlThread::thread_id() const noexcept {
    if (shared_ == nullptr) {
        return 0;
    }
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    return shared_->tid;
}

std::size_t ControlThread::abandoned_count() noexcept {
    const std::lock_guard<std::mutex> lock(roll().mutex);
    return roll().abandoned;
}

std::vector<int> ControlThread::thread_ids() {
    const std::lock_guard<std::mutex> lock(roll().mutex);
    return {roll().tids.begin(), roll().tids.end()};
}

void ControlThread::serve(const std::shared_ptr<Shared> &shared) {
    const int tid = own_thread_id();
    enrol(tid);
    std::unique_lock<std::mutex> lock(shared->mutex);
    shared->tid = tid;
    while (shared->turn != Turn::kEnd) {
        if (shared->turn != Turn::kAsked) {
            shared->changed.wait(lock);
            continue;
        }
        std::function<Status()> work = std::move(shared->work);
        lock.unlock();
        Status answer = work();
        work = nullptr; // what it captured ends before the answer is seen
        lock.lock();
        if (shared->is_abandoned) {
            break;
        }
        shared->answer = std::move(answer);
        shared->turn = Turn::kAnswered;
        shared->changed.notify_all();
    }
    const bool was_abandoned = shared->is_abandoned;
    lock.unlock();
    wipe_dead_stack(); // plugin code ran here
    strike(tid, was_abandoned);
}

Status ControlThread::ensure_thread() {
    if (shared_ != nullptr) {
        return {};
    }
    if (abandoned_count() >= kAbandonedMax) {
        return {Code::kBusy,
                std::to_string(kAbandonedMax) + " control threads are left behind in plugin code that does not return"};
    }
    std::shared_ptr<Shared> shared = std::make_shared<Shared>();
    try {
        shared->thread = std::thread([shared] { serve(shared); });
    } catch (const std::system_error &error) {
        return {Code::kNoMemory, std::string("cannot make a control thread: ") + error.what()};
    }
    shared_ = std::move(shared);
    return {};
}

Status ControlThread::run(const char *what, std::function<Status()> work, std::int64_t deadline_ns) {
    const std::int64_t began_ns = monotonic_ns();
    if (Status status = ensure_thread(); !status.is_ok()) {
        return {status.code(), std::string("cannot run ") + what + ": " + status.message()};
    }
    std::unique_lock<std::mutex> lock(shared_->mutex);
    shared_->work = std::move(work);
    shared_->turn = Turn::kAsked;
    shared_->changed.notify_all();
    const bool is_back =
        shared_->changed.wait_until(lock, at(deadline_ns), [this] { return shared_->turn == Turn::kAnswered; });
    if (is_back) {
        shared_->turn = Turn::kIdle;
        return std::move(shared_->answer);
    }
    lock.unlock();
    return abandon(what, began_ns);
}

// The thread may answer between the wait's end and here: then it is not left behind, but its answer is too late.
Status ControlThread::abandon(const char *what, std::int64_t began_ns) {
    const std::int64_t waited_us = (monotonic_ns() - began_ns) / 1000;
    int tid = 0;
    {
        const std::lock_guard<std::mutex> lock(shared_->mutex);
        tid = shared_->tid;
        if (shared_->turn == Turn::kAnswered) {
            shared_->turn = Turn::kIdle;
            return {Code::kAbandoned, std::string(what) + " returned after its deadline"};
        }
        shared_->is_abandoned = true;
        shared_->thread.detach();
        const std::lock_guard<std::mutex> roll_lock(roll().mutex);
        ++roll().abandoned;
    }
    shared_.reset();
    has_abandoned_ = true;
    return {Code::kAbandoned, std::string(what) + " has not returned after " + std::to_string(waited_us) +
                                  " us; thread " + std::to_string(tid) + " is left behind in it"};
}

void ControlThread::end_thread() noexcept {
    if (shared_ == nullptr) {
        return;
    }
    {
        const std::lock_guard<std::mutex> lock(shared_->mutex);
        shared_->turn = Turn::kEnd;
        shared_->changed.notify_all();
    }
    shared_->thread.join();
    shared_.reset();
}

} // namespace hotgraft
