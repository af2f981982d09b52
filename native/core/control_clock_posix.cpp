#include "control_clock_posix.hpp"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "control.hpp"

namespace hotgraft {

std::int64_t monotonic_ns() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail: the clock is always there (clock_gettime(2))
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

int own_thread_id() noexcept {
    return static_cast<int>(::syscall(SYS_gettid));
}

} // namespace hotgraft
