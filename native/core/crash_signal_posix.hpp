// A signal as the kernel tells it, in the words of a report. Async-signal-safe. Private to crash*_posix.cpp.
#ifndef HOTGRAFT_CORE_CRASH_SIGNAL_POSIX_HPP
#define HOTGRAFT_CORE_CRASH_SIGNAL_POSIX_HPP

#include <csignal>

#include <ucontext.h>

#include "crash_report.hpp"

namespace hotgraft {

// Sent by a program (kill, raise, abort), not by what the processor met.
[[nodiscard]] bool was_sent(const siginfo_t &info) noexcept;

// The scene of `signal`. Where another handler raised it again (faulthandler does), that of the first time, which the
// kernel left on the stack.
void set_scene(int signal, const siginfo_t &info, const ucontext_t &context, CrashScene *scene) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CRASH_SIGNAL_POSIX_HPP
