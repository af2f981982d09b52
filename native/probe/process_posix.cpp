#include "process_posix.hpp"

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "residue_posix.hpp"

extern char **environ; // NOLINT(readability-redundant-declaration): unistd.h has it only with _GNU_SOURCE

namespace hotgraft {

// Rounding, what is masked, flush-to-zero: not the flags, which every calculation sets.
struct FpuMode {
    std::uint32_t mxcsr = 0;
    std::uint16_t control = 0;
};

namespace {

constexpr struct {
    __rlimit_resource resource;
    const char *name;
} kLimits[] = {{RLIMIT_CPU, "RLIMIT_CPU"},       {RLIMIT_FSIZE, "RLIMIT_FSIZE"}, {RLIMIT_DATA, "RLIMIT_DATA"},
               {RLIMIT_STACK, "RLIMIT_STACK"},   {RLIMIT_CORE, "RLIMIT_CORE"},   {RLIMIT_AS, "RLIMIT_AS"},
               {RLIMIT_NOFILE, "RLIMIT_NOFILE"}, {RLIMIT_NPROC, "RLIMIT_NPROC"}, {RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK"}};
constexpr std::size_t kLimitCount = sizeof kLimits / sizeof kLimits[0];

FpuMode take_fpu_mode() noexcept {
    constexpr std::uint32_t kFlags = 0x3F; // Intel SDM vol. 1, 10.2.3
    FpuMode mode;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mode.mxcsr), "=m"(mode.control));
    mode.mxcsr &= ~kFlags;
    return mode;
}

std::map<std::string, std::string> take_environment() {
    std::map<std::string, std::string> all;
    for (char **at = environ; at != nullptr && *at != nullptr; ++at) {
        const std::string text = *at;
        const std::size_t sign = text.find('=');
        all[text.substr(0, sign)] = sign == std::string::npos ? "" : text.substr(sign + 1);
    }
    return all;
}

std::string take_folder() {
    char path[4096];
    return ::getcwd(path, sizeof path) == nullptr ? std::string() : std::string(path);
}

// What they lead to, by number.
std::map<int, std::string> take_fds() {
    std::map<int, std::string> all;
    DIR *const folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) {
        return all;
    }
    while (const dirent *const entry = ::readdir(folder)) {
        const int fd = static_cast<int>(std::strtol(entry->d_name, nullptr, 10));
        char target[256];
        const ssize_t bytes = ::readlinkat(::dirfd(folder), entry->d_name, target, sizeof target);
        if (entry->d_name[0] != '.' && fd != ::dirfd(folder) && bytes > 0) {
            all[fd] = std::string(target, static_cast<std::size_t>(bytes));
        }
    }
    ::closedir(folder);
    return all;
}

mode_t take_umask() noexcept {
    const mode_t mask = ::umask(0);
    (void)::umask(mask);
    return mask;
}

std::string octal(unsigned number) {
    char text[16];
    (void)std::snprintf(text, sizeof text, "%03o", number);
    return text;
}

std::string handler_name(const struct sigaction &action) {
    return action.sa_handler == SIG_DFL ? "the default" : action.sa_handler == SIG_IGN ? "to ignore it" : "a handler";
}

bool is_same_action(const struct sigaction &a, const struct sigaction &b) noexcept {
    return a.sa_handler == b.sa_handler && a.sa_flags == b.sa_flags;
}

std::string names(const std::set<std::string> &all) {
    std::string text;
    for (const std::string &one : all) {
        text += (text.empty() ? "" : ", ") + one;
    }
    return text;
}

std::set<std::string> differing(const std::map<std::string, std::string> &a,
                                const std::map<std::string, std::string> &b) {
    std::set<std::string> found;
    for (const auto &[name, value] : a) {
        const auto there = b.find(name);
        if (there == b.end() || there->second != value) {
            found.insert(name);
        }
    }
    for (const auto &[name, value] : b) {
        if (a.count(name) == 0) {
            found.insert(name);
        }
    }
    return found;
}

void add_handlers(const Handlers &a, const Handlers &b, std::vector<Change> *changes) {
    for (int signal = 1; signal <= kSignalMax; ++signal) {
        const auto index = static_cast<std::size_t>(signal);
        if (!is_same_action(a.actions[index], b.actions[index])) {
            changes->push_back({"signal", signal_name(signal) + " was left at " + handler_name(b.actions[index])});
        }
    }
}

void add_text(const char *what, const char *name, const std::string &a, const std::string &b,
              std::vector<Change> *changes) {
    if (a != b) {
        changes->push_back({what, std::string("the ") + name + " was changed from " + a + " to " + b});
    }
}

} // namespace

struct ThreadFacts::Facts {
    sigset_t mask;
    FpuMode fpu;
};

ThreadFacts::ThreadFacts() : facts_(new Facts()) {
    facts_->fpu = take_fpu_mode();
    (void)::pthread_sigmask(SIG_SETMASK, nullptr, &facts_->mask);
}

ThreadFacts::~ThreadFacts() = default;

void ThreadFacts::add_changes_in(const ThreadFacts &now, std::vector<Change> *changes) const {
    std::set<std::string> masked;
    for (int signal = 1; signal <= kSignalMax; ++signal) {
        if (::sigismember(&facts_->mask, signal) != ::sigismember(&now.facts_->mask, signal)) {
            masked.insert(signal_name(signal));
        }
    }
    if (!masked.empty()) {
        changes->push_back({"mask", "the signal mask of its thread was changed: " + names(masked)});
    }
    const FpuMode &a = facts_->fpu;
    const FpuMode &b = now.facts_->fpu;
    if (a.mxcsr != b.mxcsr || a.control != b.control) {
        changes->push_back({"fpu",
                            "the floating-point mode of its thread was changed: flush to zero, rounding or traps "
                            "(linking with -ffast-math does it)"});
    }
}

struct ProcessFacts::Facts {
    Handlers handlers;
    std::string locale;
    std::string folder;
    std::string umask;
    std::map<std::string, std::string> environment;
    rlimit limits[kLimitCount] = {};
    std::map<int, std::string> fds;
    bool has_children = false;
};

ProcessFacts::ProcessFacts() : facts_(new Facts()) {
    Facts &facts = *facts_;
    take_handlers(&facts.handlers);
    const char *const locale = std::setlocale(LC_ALL, nullptr); // NOLINT(concurrency-mt-unsafe): others are at rest
    facts.locale = locale == nullptr ? "" : locale;
    facts.folder = take_folder();
    facts.umask = octal(take_umask());
    facts.environment = take_environment();
    for (std::size_t i = 0; i < kLimitCount; ++i) {
        (void)::getrlimit(kLimits[i].resource, &facts.limits[i]);
    }
    facts.fds = take_fds();
    siginfo_t info{};
    facts.has_children = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

ProcessFacts::~ProcessFacts() = default;

void ProcessFacts::add_changes_in(const ProcessFacts &now, std::vector<Change> *changes) const {
    const Facts &a = *facts_;
    const Facts &b = *now.facts_;
    add_handlers(a.handlers, b.handlers, changes);
    add_text("locale", "locale", a.locale, b.locale, changes);
    add_text("folder", "working directory", a.folder, b.folder, changes);
    add_text("umask", "umask", a.umask, b.umask, changes);
    if (const std::set<std::string> found = differing(a.environment, b.environment); !found.empty()) {
        changes->push_back({"environment", "the environment was changed: " + names(found)});
    }
    for (std::size_t i = 0; i < kLimitCount; ++i) {
        if (a.limits[i].rlim_cur != b.limits[i].rlim_cur || a.limits[i].rlim_max != b.limits[i].rlim_max) {
            changes->push_back({"limit", std::string(kLimits[i].name) + " was changed"});
        }
    }
    for (const auto &[fd, target] : b.fds) {
        const auto there = a.fds.find(fd);
        if (there == a.fds.end() || there->second != target) {
            changes->push_back({"fd", "fd " + std::to_string(fd) + " was left open: " + target});
        }
    }
    if (b.has_children && !a.has_children) {
        changes->push_back({"child", "a process that it started is still running"});
    }
}

} // namespace hotgraft
