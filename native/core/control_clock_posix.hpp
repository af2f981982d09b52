// What the control thread asks of the system besides threads: the clock and the thread's id as /proc shows it.
#ifndef HOTGRAFT_CORE_CONTROL_CLOCK_POSIX_HPP
#define HOTGRAFT_CORE_CONTROL_CLOCK_POSIX_HPP

namespace hotgraft {

[[nodiscard]] int own_thread_id() noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CONTROL_CLOCK_POSIX_HPP
