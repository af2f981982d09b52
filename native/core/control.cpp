#include "control.hpp"

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "control_clock_posix.hpp"
#include "crash.hpp"
#include "guard.hpp"
#include "stack_wipe.hpp"

namespace hotgraft {

namespace {

// The process's control threads: reports and the residue search leave them out. Built in place, which needs no memory,
// and never destroyed: an abandoned thread may come back while the process ends.
struct Roll {
    std::mutex mutex;
    std::list<int> tids;
    std::size_t abandoned = 0;
};

Roll &roll() {
    alignas(Roll) static unsigned char storage[sizeof(Roll)];
    static Roll *const the_roll = new (storage) Roll();
    return *the_roll;
}

// `line` was made by who asked for the thread, which may find no memory itself.
void enrol(int tid, std::list<int> *line) noexcept {
    line->front() = tid;
    const std::lock_guard<std::mutex> lock(roll().mutex);
    roll().tids.splice(roll().tids.end(), *line);
}

void strike(std::list<int>::const_iterator line, bool was_abandoned) noexcept {
    const std::lock_guard<std::mutex> lock(roll().mutex);
    roll().tids.erase(line);
    roll().abandoned -= was_abandoned ? 1 : 0;
}

std::chrono::steady_clock::time_point at(std::int64_t deadline_ns) {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline_ns)); // CLOCK_MONOTONIC in libstdc++
}

} // namespace

// Between one caller and its thread. Both hold it: whoever is left behind keeps it alive (invariant 2).
struct ControlThread::Shared {
    enum class Turn { kIdle, kAsked, kAnswered, kEnd };

    std::mutex mutex;
    std::condition_variable changed;
    Turn turn = Turn::kIdle;
    bool is_abandoned = false;
    bool is_counted = true; // when it is abandoned
    std::function<Status()> work;
    Status answer;
    int tid = 0;
    std::list<int> roll_line = std::list<int>(1);
    std::thread thread;
};

ControlThread::ControlThread(Late late) noexcept : late_is_(late) {}

ControlThread::~ControlThread() {
    end_thread();
    if (late_.joinable()) {
        late_.detach();
    }
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
    const std::list<int>::const_iterator roll_line = shared->roll_line.begin();
    enrol(tid, &shared->roll_line);
    CrashHandlers::prepare_thread();
    std::unique_lock<std::mutex> lock(shared->mutex);
    shared->tid = tid;
    while (shared->turn != Shared::Turn::kEnd) {
        if (shared->turn != Shared::Turn::kAsked) {
            shared->changed.wait(lock);
            continue;
        }
        std::function<Status()> work = std::move(shared->work);
        lock.unlock();
        Status answer = or_no_memory(work);
        work = nullptr; // what it captured ends before the answer is seen
        lock.lock();
        if (shared->is_abandoned) {
            break;
        }
        shared->answer = std::move(answer);
        shared->turn = Shared::Turn::kAnswered;
        shared->changed.notify_all();
    }
    const bool was_abandoned = shared->is_abandoned && shared->is_counted;
    lock.unlock();
    wipe_dead_stack(); // plugin code ran here
    strike(roll_line, was_abandoned);
}

Status ControlThread::ensure_thread() {
    if (shared_ != nullptr) {
        return {};
    }
    if (late_is_ == Late::kCounted && !is_going_back_ && abandoned_count() >= kAbandonedMax) {
        return {
            Code::kBusy,
            std::to_string(kAbandonedMax) + " control threads are left behind in plugin code that does not return\n" +
                std::string(kToDo) +
                "mend the functions that did not return, and start the process anew: the threads stay until it ends"};
    }
    try {
        std::shared_ptr<Shared> shared = std::make_shared<Shared>();
        shared->is_counted = late_is_ != Late::kKept;
        Guards::instance().note_use();
        shared->thread = std::thread([shared] { serve(shared); });
        shared_ = std::move(shared);
    } catch (const std::system_error &error) {
        return {Code::kNoMemory, std::string("cannot make a control thread: ") + error.what()};
    }
    return {};
}

Status ControlThread::run(const char *what, std::function<Status()> work, std::int64_t deadline_ns) {
    const std::int64_t began_ns = monotonic_ns();
    if (Status status = or_no_memory([this] { return ensure_thread(); }); !status.is_ok()) {
        return or_no_memory(
            [&] { return Status(status.code(), std::string("cannot run ") + what + ": " + status.message()); });
    }
    std::unique_lock<std::mutex> lock(shared_->mutex);
    shared_->work = std::move(work);
    shared_->turn = Shared::Turn::kAsked;
    shared_->changed.notify_all();
    const bool is_back =
        shared_->changed.wait_until(lock, at(deadline_ns), [this] { return shared_->turn == Shared::Turn::kAnswered; });
    if (is_back) {
        shared_->turn = Shared::Turn::kIdle;
        return std::move(shared_->answer);
    }
    lock.unlock();
    return abandon(what, began_ns);
}

namespace {

// kAbandoned whatever happens: who hears anything else would free what the thread still uses.
Status late(const char *how, const char *what, std::int64_t waited_us, int tid) noexcept {
    Status status = or_no_memory([=] {
        return Status(Code::kAbandoned,
                      std::string(what) + " " + how + (waited_us < 0 ? "" : std::to_string(waited_us / 1000) + " ms") +
                          (tid == 0 ? "" : "; thread " + std::to_string(tid) + " is left behind in it"));
    });
    return status.code() == Code::kAbandoned ? std::move(status) : Status(Code::kAbandoned, "did not return");
}

} // namespace

// The thread may answer between the wait's end and here: then it is not left behind, but its answer is too late.
Status ControlThread::abandon(const char *what, std::int64_t began_ns) {
    const std::int64_t waited_us = (monotonic_ns() - began_ns) / 1000;
    int tid = 0;
    {
        const std::lock_guard<std::mutex> lock(shared_->mutex);
        tid = shared_->tid;
        if (shared_->turn == Shared::Turn::kAnswered) {
            shared_->turn = Shared::Turn::kIdle;
            return late("returned after its deadline", what, -1, 0);
        }
        shared_->is_abandoned = true;
        if (shared_->is_counted) {
            shared_->thread.detach();
            const std::lock_guard<std::mutex> roll_lock(roll().mutex);
            ++roll().abandoned;
        } else {
            late_ = std::move(shared_->thread);
        }
    }
    shared_.reset();
    has_abandoned_ = true;
    return late(tid == 0 ? "was not begun within " : "has not returned after ", what, waited_us, tid);
}

void ControlThread::end_thread() noexcept {
    if (shared_ == nullptr) {
        return;
    }
    {
        const std::lock_guard<std::mutex> lock(shared_->mutex);
        shared_->turn = Shared::Turn::kEnd;
        shared_->changed.notify_all();
    }
    shared_->thread.join();
    shared_.reset();
}

} // namespace hotgraft
