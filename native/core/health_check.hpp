// Asking a generation that serves whether it is fit, or telling it something: on a thread of its own, with a deadline,
// and never while a swap or anybody else runs the same instance's control functions.
//
// A check that does not come back in time is left alone: calls, swaps and closing go on, its library stays mapped until
// it does come back, and the instance is not asked again before.
//
// What it does not do: decide what follows from an answer, or when to ask again.
#ifndef HOTGRAFT_CORE_HEALTH_CHECK_HPP
#define HOTGRAFT_CORE_HEALTH_CHECK_HPP

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "status.hpp"

namespace hotgraft {

class Generation;

enum class Health : std::uint8_t {
    kFit,
    kUnfit,    // it says so itself
    kHung,     // not back at the deadline, or an earlier check of the instance has not come back yet
    kNotAsked, // it does not serve, a swap of it goes on, or too many checks hang in this process
};

struct HealthAnswer {
    Health health = Health::kFit;
    std::string sentence; // why; empty where it is fit
};

// Of one process. Apart from kAbandonedMax, so that checks that hang never refuse a swap.
inline constexpr std::size_t kHungChecksMax = 16;

// Ask one instance. Ok: *answer holds what came of it.
//   kInvalid   there is no such instance     kForked  the child of a fork asks nothing
//   kNoMemory  for the thread or the lease: it was not asked
[[nodiscard]] Status check_health(const std::shared_ptr<Generation> &generation, std::size_t index, std::uint32_t depth,
                                  std::int64_t deadline_ns, HealthAnswer *answer);

// Whom to run something for, and how it is called in reports.
struct Asked {
    std::shared_ptr<Generation> generation;
    std::size_t index = 0;
    const char *what = nullptr;
    const char *lease = nullptr; // why its library stays, while it has not come back
};

// The same for any control function of an instance that serves, `work`, which reaches nothing that does not live as
// long as itself. kFit: it has run.
[[nodiscard]] Status ask_serving(const Asked &asked, std::function<Status()> work, std::int64_t deadline_ns,
                                 HealthAnswer *answer);

// The checks of one generation, and whatever else it is asked, that have not come back.
//
// Thread safety
//   Any thread. Nothing is waited for with mutex_ held.
//
// Invariants
//   (1) At most one check of an instance is under way; one that hangs is.
//   (2) Between hold_off() and allow() none begins.
//   (3) What is under way has a lease on the generation, given up once its thread has ended: what the plugin left in
//       the thread (destructors of thread_local variables and keys) is code of the library too.
class HealthChecks {
public:
    HealthChecks() = default;
    HealthChecks(const HealthChecks &) = delete;
    HealthChecks &operator=(const HealthChecks &) = delete;
    ~HealthChecks();

    // From now on none begins; wait for those under way, for each until its own deadline at most. kTimedOut: one that
    // is not late yet goes on at `deadline_ns`. allow() is owed whatever the answer.
    [[nodiscard]] Status hold_off(std::int64_t deadline_ns) noexcept;
    void allow() noexcept;

    // For who is under way for that instance, before it begins with one more function: true within its deadline; later
    // until `deadline_ns`, for which hold_off() waits then. False: somebody holds it off, and it is to return.
    [[nodiscard]] bool go_on(std::size_t index, std::int64_t deadline_ns) noexcept;

    // A seam for the control "a window that does not wait": hold_off() answers at once and holds nothing off.
    static void set_hold_off_seam(bool is_skipped) noexcept;

    // Give up the leases of late checks that came back since.
    void collect(Generation &generation) noexcept;

private:
    friend Status ask_serving(const Asked &, std::function<Status()>, std::int64_t, HealthAnswer *);

    struct UnderWay {
        std::size_t index = 0;
        std::int64_t began_ns = 0;
        std::int64_t deadline_ns = 0;
        std::uint64_t lease = 0;
        bool has_returned = false; // from the plugin's function
        std::thread late;          // joinable: left behind
    };
    using Place = std::list<UnderWay>::iterator;

    Status begin(Generation &generation, const char *why, std::list<UnderWay> *made, HealthAnswer *refusal);
    [[nodiscard]] static bool is_awaited(const UnderWay &one, std::int64_t now_ns) noexcept;
    bool wait_for_earlier(std::unique_lock<std::mutex> &lock, const UnderWay &next, HealthAnswer *refusal);
    void note_return(Place place) noexcept;
    bool leave_behind(Place place, std::thread late) noexcept;
    void end(Generation &generation, Place place) noexcept;

    std::mutex mutex_; // everything below
    std::condition_variable changed_;
    std::list<UnderWay> under_way_;
    std::size_t held_off_ = 0;
};

// While it lives no check of these generations begins, and none that is not late is under way if status() is Ok.
class ChecksHeldOff {
public:
    ChecksHeldOff(std::vector<std::shared_ptr<Generation>> generations, std::int64_t deadline_ns) noexcept;
    ChecksHeldOff(const ChecksHeldOff &) = delete;
    ChecksHeldOff &operator=(const ChecksHeldOff &) = delete;
    ~ChecksHeldOff();

    [[nodiscard]] const Status &status() const noexcept { return status_; }

private:
    const std::vector<std::shared_ptr<Generation>> generations_;
    Status status_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_HEALTH_CHECK_HPP
