// Waiting on Linux: futex(2), sched_yield(2), nanosleep(2).
#include "futex.hpp"

#include <climits>
#include <ctime>

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hotgraft {

static_assert(sizeof(std::atomic<std::uint32_t>) == 4, "the kernel reads the word itself");

void futex_wait(std::atomic<std::uint32_t> &word, std::uint32_t seen) noexcept {
    // EAGAIN (the word moved) and EINTR (a signal) both mean: look again. No timeout: who closes a gate also opens it.
    (void)::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

void futex_wake_all(std::atomic<std::uint32_t> &word) noexcept {
    (void)::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

std::int64_t futex_clock_ns() noexcept {
    timespec now{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void Backoff::pause() noexcept {
    constexpr std::uint32_t kSpins = 100;
    constexpr std::uint32_t kYields = 20;
    constexpr long kShortest_ns = 2'000;
    constexpr long kLongest_ns = 50'000;
    ++round_;
    if (round_ <= kSpins) {
        __builtin_ia32_pause();
    } else if (round_ <= kSpins + kYields) {
        (void)::sched_yield();
    } else {
        const long step = static_cast<long>(round_ - kSpins - kYields) * kShortest_ns;
        const timespec nap{0, step < kLongest_ns ? step : kLongest_ns};
        (void)::nanosleep(&nap, nullptr);
        round_ = step < kLongest_ns ? round_ : round_ - 1;
    }
}

} // namespace hotgraft
