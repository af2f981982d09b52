// What the scheduler did to the calling thread: a timed call in which it took the processor away says nothing of the
// plugin.
#ifndef HOTGRAFT_CORE_METER_SCHEDULER_POSIX_HPP
#define HOTGRAFT_CORE_METER_SCHEDULER_POSIX_HPP

#include <cstdint>

namespace hotgraft {

// How often the calling thread was pushed off its processor while it wanted to go on: getrusage(2), ru_nivcsw. A thread
// that waits by itself (a lock, a sleep, a read) is not. Async-signal-safe, leaves errno alone. Always 0 where the
// system forbids or does not count it: every call is then taken for undisturbed.
[[nodiscard]] std::int64_t times_pushed_off() noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_METER_SCHEDULER_POSIX_HPP
