#include "crash_signal_posix.hpp"

#include <algorithm>
#include <cstring>

#include <unistd.h>

#include "crash_stack_posix.hpp"

namespace hotgraft {

namespace {

// What the kernel pushes for a handler (arch/x86/include/asm/sigframe.h, struct rt_sigframe) begins with a return
// address and its ucontext, which is shorter than the C library's. The siginfo comes behind, but only for SA_SIGINFO.
constexpr std::uintptr_t kKernelContextBytes = 304;
constexpr std::uint64_t kContextFlagsMax = 7;
constexpr std::uintptr_t kFramesSearched = 16'384;
constexpr std::uintptr_t kNear = 65'536;
constexpr std::uint64_t kUserCode = 0x33; // the code segment of a 64-bit program

struct Named {
    int number;
    const char *name;
};
constexpr Named kSignals[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}, {SIGABRT, "SIGABRT"}};

std::uint64_t word_of(const ucontext_t &context, int index) noexcept {
    return static_cast<std::uint64_t>(context.uc_mcontext.gregs[index]);
}

// The page fault's error code: the page was there (Intel SDM vol. 3, 4.7).
constexpr std::uint64_t kWasMapped = 1;

enum Trap : std::uint64_t {
    kDivide = 0,
    kOpcode = 6,
    kProtection = 13,
    kPageFault = 14,
    kX87 = 16,
    kAlignment = 17,
    kSimd = 19
};

// What the processor met, from the numbers that the kernel notes with a context. A signal that was sent leaves those of
// an earlier trap, or 0: only a trap that becomes this signal counts.
void tell_from(const ucontext_t &met, int signal, siginfo_t *info) noexcept {
    const std::uint64_t trap = word_of(met, REG_TRAPNO);
    *info = siginfo_t();
    info->si_signo = signal;
    info->si_code = SI_TKILL; // nobody knows who sent it
    info->si_addr = reinterpret_cast<void *>(word_of(met, REG_CR2));
    if (signal == SIGSEGV && trap == kPageFault) {
        info->si_code = (word_of(met, REG_ERR) & kWasMapped) != 0 ? SEGV_ACCERR : SEGV_MAPERR;
    } else if (signal == SIGSEGV && trap == kProtection) {
        info->si_code = SI_KERNEL;
    } else if (signal == SIGFPE && (trap == kDivide || trap == kX87 || trap == kSimd)) {
        info->si_code = trap == kDivide ? FPE_INTDIV : FPE_FLTINV;
    } else if (signal == SIGILL && trap == kOpcode) {
        info->si_code = ILL_ILLOPN;
    } else if (signal == SIGBUS && (trap == kPageFault || trap == kAlignment)) {
        info->si_code = trap == kPageFault ? BUS_ADRERR : BUS_ADRALN;
    } else {
        info->si_addr = nullptr; // shares its place with the sender, who is nobody then
    }
}

// The context of an outer handler on this thread, further up on the stack that the handlers run on.
bool find_outer(const ucontext_t &context, ucontext_t *out) noexcept {
    const std::uintptr_t begin = word_of(context, REG_RSP) & ~std::uintptr_t{15};
    std::uintptr_t end = begin + kFramesSearched;
    if ((context.uc_stack.ss_flags & SS_DISABLE) == 0) {
        const std::uintptr_t low = reinterpret_cast<std::uintptr_t>(context.uc_stack.ss_sp);
        if (begin < low || begin - low >= context.uc_stack.ss_size) {
            return false; // not in a handler on the alternate stack
        }
        end = std::min(end, low + context.uc_stack.ss_size);
    }
    for (std::uintptr_t at = begin; at < end; at += 16) { // where the kernel puts it
        if (read_own_memory(at, out, kKernelContextBytes) != kKernelContextBytes) {
            return false;
        }
        if (out->uc_flags <= kContextFlagsMax && out->uc_link == nullptr &&
            out->uc_stack.ss_sp == context.uc_stack.ss_sp && out->uc_stack.ss_size == context.uc_stack.ss_size &&
            (word_of(*out, REG_CSGSFS) & 0xFFFFU) == kUserCode) {
            return true;
        }
    }
    return false;
}

void say_sent(const siginfo_t &info, CrashScene *scene) noexcept {
    if (info.si_pid == 0) {
        scene->found = "a program sent it (kill, raise, abort)";
    } else if (info.si_pid == ::getpid()) {
        scene->found = "the process raised it itself (abort, a failed assert, raise)";
    } else {
        scene->found = "sent by process";
        scene->sender = info.si_pid;
    }
}

void say_fault(int signal, const siginfo_t &info, CrashScene *scene) noexcept {
    const bool is_used_up =
        signal == SIGSEGV && scene->address + kNear >= scene->sp && scene->address < scene->sp + kNear;
    scene->has_address = info.si_code != SI_KERNEL;
    if (signal == SIGFPE || signal == SIGILL) {
        scene->has_address = false; // it is where the program counter is
        scene->found = signal == SIGILL             ? "the processor knows no such instruction"
                       : info.si_code == FPE_INTDIV ? "an integer was divided by zero, or the quotient is too large"
                                                    : "an arithmetic exception";
    } else if (info.si_code == SI_KERNEL) {
        scene->found = "an address that no memory can have, or a privileged instruction";
    } else if (is_used_up) {
        scene->found = "the stack is used up (endless recursion, or a large local variable) at";
    } else if (signal == SIGBUS) {
        scene->found = "no memory stands behind the mapping (a file that was cut, or a bad alignment) at";
    } else {
        scene->found =
            info.si_code == SEGV_ACCERR ? "what is mapped there may not be used so:" : "nothing is mapped at";
    }
}

} // namespace

bool was_sent(const siginfo_t &info) noexcept {
    return info.si_code <= 0;
}

void set_scene(int signal, const siginfo_t &info, const ucontext_t &context, CrashScene *scene) noexcept {
    static ucontext_t outer; // of the one thread that reports
    siginfo_t outer_info;
    const bool is_again = was_sent(info) && info.si_pid == ::getpid() && find_outer(context, &outer);
    if (is_again) {
        tell_from(outer, signal, &outer_info);
    }
    const ucontext_t &met = is_again ? outer : context;
    const siginfo_t &told = is_again ? outer_info : info;
    for (const Named &one : kSignals) {
        scene->signal = one.number == signal ? one.name : scene->signal;
    }
    scene->pc = word_of(met, REG_RIP);
    scene->sp = word_of(met, REG_RSP);
    scene->was_sent = was_sent(told);
    if (scene->was_sent) {
        say_sent(told, scene);
    } else {
        scene->address = reinterpret_cast<std::uintptr_t>(told.si_addr);
        say_fault(signal, told, scene);
    }
    scene->read = &read_own_memory;
}

} // namespace hotgraft
