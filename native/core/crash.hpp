// A crash report: what this process writes when it dies of a signal in a plugin's code, before the handler that was
// there first gets it (faulthandler, a crash collector, or the end of the process). And for development the way out of
// one: a call that crashes raises, and the process is tainted from then on.
//
// What it deliberately does not do: go on after a crash by default. A fault inside malloc or the loader leaves locks
// held, and a plugin's state half written.
//
// Thread safety
//   Any thread.
//
// Invariants
//   (1) A handler touches no memory that may not be there and takes no lock: only what was made before is read.
//   (2) One thread reports at a time. A crash inside the report ends the report, and nothing else.
//   (3) The handler found at installation is called afterwards, as the kernel would have called it.
#ifndef HOTGRAFT_CORE_CRASH_HPP
#define HOTGRAFT_CORE_CRASH_HPP

#include <csetjmp>
#include <cstdint>
#include <string>

#include "status.hpp"

namespace hotgraft {

// A crash that was caught: text is terminated and cut to fit.
struct CaughtCrash {
    char signal[16] = {}; // "SIGSEGV"
    char where[160] = {}; // "write_at+0x12 (counter.so+0x1139)"
    char found[160] = {}; // "nothing is mapped at 0x0"
};

// Where a thread goes on when the function it calls crashes; linked from its record, innermost first.
struct CrashCatch {
    sigjmp_buf where;
    std::uintptr_t function = 0; // the crash must be in the image that this lies in
    CaughtCrash crash;
    CrashCatch *outer = nullptr;
};

class CrashHandlers {
public:
    // Handle SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT from now on, and give the calling thread an alternate stack;
    // further threads get theirs with their first call. Once per process: handlers that others installed since are left
    // alone, for they lead here; only where somebody put the default back ours are installed again.
    [[nodiscard]] static Status install() noexcept;
    // Write reports to `fd`; negative: to nobody. Until this is called nothing is written.
    static void report_to(int fd) noexcept;
    [[nodiscard]] static bool are_installed() noexcept;
    // For a thread that may run plugin code: an alternate stack, once handlers are installed.
    static void prepare_thread() noexcept;
    // In a forked child: no thread of the parent's reports here.
    static void begin_child() noexcept;
};

// Run body(context), which calls `function`, and come back from a crash in the code of its image: false, and *crash
// says what it was. Handlers must be installed and the thread must hold a guard. No destructor of body() runs then.
[[nodiscard]] bool call_catching(const void *function, void (*body)(void *), void *context,
                                 CaughtCrash *crash) noexcept;

// Crashes that were caught in this process; above 0 it is tainted: what its plugins did to memory is unknown.
[[nodiscard]] std::uint64_t caught_crashes() noexcept;
// "SIGSEGV in write_at+0x12 (counter.so+0x1139) was caught": of the first one; empty: none.
[[nodiscard]] std::string taint();

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CRASH_HPP
