#include "crash.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <new>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crash_images.hpp"
#include "crash_maps_posix.hpp"
#include "crash_report.hpp"
#include "crash_signal_posix.hpp"
#include "crash_stack_posix.hpp"
#include "record.hpp"

namespace hotgraft {

namespace {

constexpr int kHandled[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::size_t kHandledCount = sizeof kHandled / sizeof kHandled[0];
// A handler that resumes after a fault may meet any number of them.
constexpr std::uint32_t kReportsMax = 16;
constexpr int kWaitsMax = 200; // of 10 ms, for another thread's report

// All that a handler needs, made before it can run. The working part belongs to the thread that reads CrashImages.
struct CrashState {
    std::atomic<bool> is_installed{false};
    std::atomic<int> fd{-1};
    struct sigaction previous[kHandledCount] = {};
    std::atomic<bool> was_reset[kHandledCount] = {}; // SA_RESETHAND: its one time is over
    std::atomic<std::uint64_t> caught{0};
    std::atomic<bool> has_first{false};
    CaughtCrash first;

    sigjmp_buf way_out; // of a report that crashes itself
    std::uint32_t reports = 0;
    CrashScene scene;
    CrashFindings findings;
    CrashText text;
};

CrashState &crash_state() noexcept {
    // Built in place by install() at the latest, never in a handler, and never destroyed.
    alignas(CrashState) static unsigned char storage[sizeof(CrashState)];
    static CrashState *const the_state = new (storage) CrashState;
    return *the_state;
}

std::size_t index_of(int signal) noexcept {
    std::size_t index = 0;
    while (index + 1 < kHandledCount && kHandled[index] != signal) {
        ++index;
    }
    return index;
}

void write_all(int fd, const char *text, std::size_t bytes) noexcept {
    while (bytes > 0) {
        const ssize_t written = ::write(fd, text, bytes);
        if (written < 0 && errno != EINTR) {
            return;
        }
        if (written > 0) {
            text += written;
            bytes -= static_cast<std::size_t>(written);
        }
    }
}

void copy_text(const CrashText &text, char *to, std::size_t bytes) noexcept {
    const std::size_t count = text.size() < bytes ? text.size() : bytes - 1;
    std::memcpy(to, text.data(), count);
    to[count] = '\0';
}

// The place to go on at: set only where the processor met the fault in the image of the very function that is called.
CrashCatch *find_catch(int signal) noexcept {
    CrashState &now = crash_state();
    CrashCatch *const innermost = now.scene.chain == nullptr ? nullptr : now.scene.chain->root->catches;
    if (innermost == nullptr || signal == SIGABRT || now.scene.was_sent || !now.findings.is_at_pc) {
        return nullptr;
    }
    return CrashImages::instance().find(innermost->function) == now.findings.image ? innermost : nullptr;
}

void note_caught(CrashCatch *caught) noexcept {
    CrashState &now = crash_state();
    std::strncpy(caught->crash.signal, now.scene.signal, sizeof caught->crash.signal - 1);
    now.text.clear();
    add_place(now.text, *now.findings.image, now.scene.pc, false);
    copy_text(now.text, caught->crash.where, sizeof caught->crash.where);
    now.text.clear();
    add_found(now.text, now.scene);
    copy_text(now.text, caught->crash.found, sizeof caught->crash.found);
    if (now.caught.fetch_add(1, std::memory_order_relaxed) == 0) {
        now.first = caught->crash;
        now.has_first.store(true, std::memory_order_release); // pairs with taint()
    }
}

// Inside a reading. Returns where to go on, nullptr: with the handler of before.
CrashCatch *report(int signal, const siginfo_t &info, const ucontext_t &context) noexcept {
    CrashState &now = crash_state();
    now.scene = CrashScene();
    now.scene.tid = thread_id();
    now.scene.chain = own_chain();
    set_scene(signal, info, context, &now.scene);
    CrashImages::instance().place(&find_mapped_file);
    examine(now.scene, &now.findings);
    if (now.findings.image == nullptr) {
        return nullptr;
    }
    CrashCatch *const caught = find_catch(signal);
    const int fd = now.fd.load(std::memory_order_relaxed);
    if (fd >= 0 && now.reports < kReportsMax) {
        ++now.reports;
        now.text.clear();
        now.scene.file = find_file_at(now.scene.pc, &now.scene.file_offset);
        describe(now.text, now.scene, now.findings, caught != nullptr);
        write_all(fd, now.text.data(), now.text.size());
    }
    if (caught != nullptr) {
        note_caught(caught);
    }
    return caught;
}

void rest_10_ms() noexcept {
    const timespec rest{0, 10'000'000};
    (void)::nanosleep(&rest, nullptr);
}

CrashCatch *report_in_turn(int signal, const siginfo_t &info, const ucontext_t &context) noexcept {
    CrashImages &images = CrashImages::instance();
    const std::int32_t tid = thread_id();
    for (int waits = 0; !images.begin_reading(tid); ++waits) {
        if (images.reader() == tid) {
            ::siglongjmp(crash_state().way_out, 1); // (2)
        }
        if (waits == kWaitsMax) {
            return nullptr;
        }
        rest_10_ms();
    }
    CrashCatch *volatile caught = nullptr;
    if (sigsetjmp(crash_state().way_out, 0) == 0) {
        caught = report(signal, info, context);
    } else {
        static constexpr char kCut[] = "hotgraft: the crash report met a fault itself and ends here\n";
        write_all(crash_state().fd.load(std::memory_order_relaxed), kCut, sizeof kCut - 1);
    }
    images.end_reading();
    return caught;
}

// --- the handler of before ---

bool is_default(int signal, const siginfo_t &info, const struct sigaction &action) noexcept {
    const bool is_ignored = (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN;
    // A fault cannot be ignored: the kernel ends the process (force_sig_info_to_task).
    return ((action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL) ||
           crash_state().was_reset[index_of(signal)].load(std::memory_order_relaxed) || (is_ignored && !was_sent(info));
}

// With the default in place a fault comes again when its instruction is run again, and the core dump shows it there. A
// signal that was sent is sent once more, as it was; it comes when this handler returns.
void end_by(int signal, siginfo_t *info) noexcept {
    struct sigaction plain {};
    plain.sa_handler = SIG_DFL;
    (void)::sigaction(signal, &plain, nullptr);
    if (was_sent(*info)) {
        sigset_t one;
        ::sigemptyset(&one);
        ::sigaddset(&one, signal);
        (void)::pthread_sigmask(SIG_BLOCK, &one, nullptr);
        (void)::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), thread_id(), signal, info);
    }
}

void set_mask_for(int signal, const struct sigaction &action, const ucontext_t &context) noexcept {
    sigset_t mask = context.uc_sigmask;
    for (int one = 1; one < NSIG; ++one) {
        if (::sigismember(&action.sa_mask, one) == 1) {
            ::sigaddset(&mask, one);
        }
    }
    if ((action.sa_flags & SA_NODEFER) == 0) {
        ::sigaddset(&mask, signal);
    }
    (void)::pthread_sigmask(SIG_SETMASK, &mask, nullptr); // the return from our handler puts the old one back
}

void call_previous(int signal, siginfo_t *info, void *context) noexcept {
    const std::size_t index = index_of(signal);
    const struct sigaction &action = crash_state().previous[index];
    if (is_default(signal, *info, action)) {
        end_by(signal, info);
        return;
    }
    if ((action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN) {
        return;
    }
    if ((static_cast<unsigned>(action.sa_flags) & SA_RESETHAND) != 0) {
        crash_state().was_reset[index].store(true, std::memory_order_relaxed);
    }
    set_mask_for(signal, action, *static_cast<ucontext_t *>(context));
    if ((action.sa_flags & SA_SIGINFO) != 0) {
        action.sa_sigaction(signal, info, context);
    } else {
        action.sa_handler(signal);
    }
}

extern "C" void hotgraft_on_crash(int signal, siginfo_t *info, void *context) {
    const int error = errno;
    CrashCatch *const caught = report_in_turn(signal, *info, *static_cast<ucontext_t *>(context));
    if (caught != nullptr) {
        ::siglongjmp(caught->where, 1);
    }
    errno = error;
    call_previous(signal, info, context);
}

bool is_plain_default(const struct sigaction &action) noexcept {
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

bool handle(int signal, bool is_first) noexcept {
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) != 0) {
        return false;
    }
    if (!is_first && !is_plain_default(now)) {
        return true; // ours, or one that leads to ours
    }
    // Kept before ours can run. NODEFER: a crash inside the report must come here, or the kernel ends the process
    // before the handler of before has had its turn.
    crash_state().previous[index_of(signal)] = now;
    crash_state().was_reset[index_of(signal)].store(false, std::memory_order_relaxed);
    struct sigaction ours {};
    ours.sa_sigaction = &hotgraft_on_crash;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    return ::sigaction(signal, &ours, nullptr) == 0;
}

} // namespace

Status CrashHandlers::install() noexcept {
    (void)crash_state();
    (void)CrashImages::instance(); // both made here, never in a handler
    give_crash_stack();
    const bool is_first = !crash_state().is_installed.exchange(true, std::memory_order_relaxed);
    for (const int signal : kHandled) {
        if (!handle(signal, is_first)) {
            return {Code::kIo, "the system refused a handler for a crash report"};
        }
    }
    return {};
}

void CrashHandlers::report_to(int fd) noexcept {
    crash_state().fd.store(fd, std::memory_order_relaxed);
}

bool CrashHandlers::are_installed() noexcept {
    return crash_state().is_installed.load(std::memory_order_relaxed);
}

void CrashHandlers::prepare_thread() noexcept {
    if (are_installed()) {
        give_crash_stack();
    }
}

void CrashHandlers::begin_child() noexcept {
    CrashImages::instance().forget_reader();
}

bool call_catching(const void *function, void (*body)(void *), void *context, CaughtCrash *crash) noexcept {
    ThreadRecord *const root = own_chain()->root;
    CrashCatch here;
    here.function = reinterpret_cast<std::uintptr_t>(function);
    here.outer = root->catches;
    if (sigsetjmp(here.where, 1) != 0) { // with the mask: a fault unblocks what the handler's return would have
        root->catches = here.outer;
        *crash = here.crash;
        return false;
    }
    root->catches = &here;
    body(context);
    root->catches = here.outer;
    return true;
}

std::uint64_t caught_crashes() noexcept {
    return crash_state().caught.load(std::memory_order_relaxed);
}

std::string taint() {
    const CrashState &now = crash_state();
    if (!now.has_first.load(std::memory_order_acquire)) { // pairs with note_caught()
        return {};
    }
    return std::string(now.first.signal) + " in " + now.first.where + " was caught";
}

} // namespace hotgraft
