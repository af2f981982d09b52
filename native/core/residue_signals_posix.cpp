// Signal handlers that a library leaves behind.
#include "residue_posix.hpp"

#include <cstring>
#include <dlfcn.h>
#include <iterator>
#include <sys/syscall.h>
#include <unistd.h>

namespace hotgraft {

namespace {

// The C library keeps 32 and 33 for itself and does not answer for them (nptl(7)); nobody else can set them by its
// sigaction either, so there is nothing to see.
bool is_private(int signal) noexcept {
    return signal == 32 || signal == 33;
}

std::uintptr_t handler_of(const struct sigaction &action) noexcept {
    return reinterpret_cast<std::uintptr_t>(action.sa_handler); // shares its place with sa_sigaction
}

bool is_default_or_ignored(const struct sigaction &action) noexcept {
    return action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN;
}

// What was there before may have been unloaded since: then nothing is the only safe thing to put back.
struct sigaction still_good(const struct sigaction &before, const Library &library) noexcept {
    Dl_info info{};
    const bool is_good =
        is_default_or_ignored(before) || (!library.range().contains(handler_of(before)) &&
                                          ::dladdr(reinterpret_cast<void *>(handler_of(before)), &info) != 0);
    if (is_good) {
        return before;
    }
    struct sigaction none {};
    none.sa_handler = SIG_DFL;
    return none;
}

// By number on x86-64 Linux (signal(7)); the C library's own names came with glibc 2.32.
constexpr const char *kSignalNames[] = {
    nullptr,     "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};

} // namespace

std::string signal_name(int signal) {
    const auto index = static_cast<std::size_t>(signal);
    return index < std::size(kSignalNames) ? kSignalNames[index] : "signal " + std::to_string(signal);
}

void take_handlers(Handlers *out) noexcept {
    for (int signal = 1; signal <= kSignalMax; ++signal) {
        struct sigaction &action = out->actions[static_cast<std::size_t>(signal)];
        if (is_private(signal) || ::sigaction(signal, nullptr, &action) != 0) {
            std::memset(&action, 0, sizeof action);
        }
    }
}

std::vector<LeftHandler> put_back_handlers(const Library &library, const Handlers &before) {
    Handlers now;
    take_handlers(&now);
    std::vector<LeftHandler> left;
    for (int signal = 1; signal <= kSignalMax; ++signal) {
        const auto index = static_cast<std::size_t>(signal);
        if (!library.range().contains(handler_of(now.actions[index]))) {
            continue;
        }
        const struct sigaction back = still_good(before.actions[index], library);
        LeftHandler handler;
        handler.signal = signal;
        handler.name = signal_name(signal);
        handler.symbol = library.name_of(handler_of(now.actions[index]));
        handler.is_put_back = ::sigaction(signal, &back, nullptr) == 0;
        left.push_back(std::move(handler));
    }
    return left;
}

} // namespace hotgraft
