// What a probe says while it goes on: a line per thing, so that a death says how far it had come.
//
// A line begins with `>` and a word, its fields follow after tabs; line ends, tabs and backslashes inside a field are
// escaped with a backslash. What a crash report writes to the same fd begins with "hotgraft: " or a space.
#ifndef HOTGRAFT_PROBE_REPORT_HPP
#define HOTGRAFT_PROBE_REPORT_HPP

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "status.hpp"

namespace hotgraft {

// In the order they run; what the candidate does not have or was not asked for is left out. The last of them is over
// when the process says "done".
inline constexpr const char *kProbeStages[] = {"limits", "residents", "providers", "map",     "entry",
                                               "create", "interface", "take",      "restore", "start",
                                               "health", "quiesce",   "destroy",   "close"};

class ProbeReport {
public:
    explicit ProbeReport(int fd) noexcept : fd_(fd) {}

    // `subject`: the instance, or the provider; empty: the whole.
    void begin(const char *stage, std::string_view subject = {}) const noexcept;
    void end(std::int64_t ns) const noexcept; // of what was begun last: how long it took
    void fail(const Status &status) const noexcept;
    // Any other line.
    void say(std::initializer_list<std::string_view> fields) const noexcept;

private:
    int fd_;
};

} // namespace hotgraft

#endif // HOTGRAFT_PROBE_REPORT_HPP
