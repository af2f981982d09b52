// Durations from Python, deadlines for the core.
#ifndef HOTGRAFT_BINDINGS_CONTROL_TIME_HPP
#define HOTGRAFT_BINDINGS_CONTROL_TIME_HPP

#include <algorithm>
#include <cstdint>

#include "control.hpp"

namespace hotgraft {

inline constexpr double kLongestWaitS = 1e9; // about thirty years: what "for ever" is cut to

[[nodiscard]] inline std::int64_t nanoseconds_of(double seconds) {
    return static_cast<std::int64_t>(std::clamp(seconds, 0.0, kLongestWaitS) * 1e9);
}

// `seconds` from now, as the core wants it.
[[nodiscard]] inline std::int64_t deadline_in(double seconds) {
    return monotonic_ns() + nanoseconds_of(seconds);
}

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CONTROL_TIME_HPP
