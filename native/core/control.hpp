// The thread that a swap's plugin code runs on: never the caller's and never the reaper's, because code that does not
// return cannot be stopped, only left behind.
//
// One ControlThread per attempt. Its thread is made by the first run() and ends with the object. A run that is over its
// deadline is abandoned: the thread is left to itself with everything its work holds, the object makes a new thread for
// the next run, and the process counts it until it returns.
#ifndef HOTGRAFT_CORE_CONTROL_HPP
#define HOTGRAFT_CORE_CONTROL_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "status.hpp"

namespace hotgraft {

// CLOCK_MONOTONIC, nanoseconds: what every deadline_ns is measured against.
[[nodiscard]] std::int64_t monotonic_ns() noexcept;

inline constexpr std::size_t kAbandonedMax = 4;
// A plugin that watches its budget comes back at the deadline, not before it: it is given this long to do so, which
// is much for a plugin and little for a thread that waits for a processor.
inline constexpr std::int64_t kReturnNs = 100'000'000;

// Thread safety
//   One caller at a time. abandoned_count() and is_control_thread(): any thread.
//
// Invariants
//   (1) Work is run at most once, and its answer is given to nobody after its deadline.
//   (2) Work and all it captured live until it returns, abandoned or not: capture by shared_ptr or by value.
class ControlThread {
public:
    // What becomes of a thread that is late: counted and left to itself; the same, for who lets a state or a library go
    // and runs however many are left behind, once for each generation; or kept for take_late() and not counted, for who
    // limits their number himself.
    enum class Late { kCounted, kLetsGo, kKept };

    explicit ControlThread(Late late = Late::kCounted) noexcept;
    ControlThread(const ControlThread &) = delete;
    ControlThread &operator=(const ControlThread &) = delete;
    ~ControlThread(); // joins a thread that is idle

    // Run `work` on the control thread and wait for its answer.
    //   kAbandoned  not back by deadline_ns: "create has not returned within 50 ms; its thread 123 is left behind"
    //   kBusy       kAbandonedMax threads are left behind already; nothing was run (kCounted)
    //   kNoMemory   no thread could be made; nothing was run
    [[nodiscard]] Status run(const char *what, std::function<Status()> work, std::int64_t deadline_ns);

    // What is run from here on takes back what was done: it is run, however many are left behind. Who has given a state
    // away needs it again.
    void goes_back() noexcept { is_going_back_ = true; }

    // True once a run of this object was abandoned.
    [[nodiscard]] bool has_abandoned() const noexcept { return has_abandoned_; }
    // kKept: the thread that the last run left behind, to be joined or detached; else not joinable.
    [[nodiscard]] std::thread take_late() noexcept { return std::move(late_); }
    // The thread's id; 0 while there is none. The swap names it to its gates (GateSet::set_control_thread).
    [[nodiscard]] int thread_id() const noexcept;

    // Threads left behind in this process that are counted and have not returned yet.
    [[nodiscard]] static std::size_t abandoned_count() noexcept;
    // Ids of all control threads of this process, abandoned ones included.
    [[nodiscard]] static std::vector<int> thread_ids();

private:
    struct Shared;
    static void serve(const std::shared_ptr<Shared> &shared);
    Status ensure_thread();
    void end_thread() noexcept;
    Status abandon(const char *what, std::int64_t began_ns);

    std::shared_ptr<Shared> shared_;
    const Late late_is_;
    std::thread late_;
    bool has_abandoned_ = false;
    bool is_going_back_ = false;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CONTROL_HPP
