/* Makes the N-th request for memory, for a mapping or for an fd fail, on whatever thread of the process it comes.
 *
 * Loaded with LD_PRELOAD. Memory is met at malloc and its kin, which the loader uses too. Mappings and fds are met at
 * the system call, because the loader maps and opens without asking libc: a seccomp filter traps the call, and the
 * handler refuses it or carries it out. Nothing fails before inject_arm and after inject_disarm.
 *
 *     inject_arm(INJECT_MALLOC, 17, 0);   only the 17th fails; with 1 for the last argument the 17th and all after it
 *     ...
 *     reached = inject_disarm();          how many requests were counted
 */
#define _GNU_SOURCE
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *block, size_t bytes);
extern void *__libc_memalign(size_t align, size_t bytes);

static int armed = 0; /* INJECT_..., 0: nothing fails */
static int is_from = 0;
static long nth = 0;
static long counted = 0;
static long inherited = 0; /* fds that a program started now would get */
static __thread int is_spared __attribute__((tls_model("initial-exec"))) = 0;

static int fails(int kind) {
    if (__atomic_load_n(&armed, __ATOMIC_ACQUIRE) != kind || is_spared != 0) {
        return 0;
    }
    const long mine = __atomic_add_fetch(&counted, 1, __ATOMIC_RELAXED);
    return is_from ? mine >= nth : mine == nth;
}

/* --- memory --- */

static int no_memory(void) {
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t bytes) {
    return fails(INJECT_MALLOC) && no_memory() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
    return fails(INJECT_MALLOC) && no_memory() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes) {
    return bytes != 0 && fails(INJECT_MALLOC) && no_memory() ? NULL : __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t align, size_t bytes) {
    return fails(INJECT_MALLOC) && no_memory() ? NULL : __libc_memalign(align, bytes);
}

int posix_memalign(void **block, size_t align, size_t bytes) {
    void *const made = fails(INJECT_MALLOC) ? NULL : __libc_memalign(align, bytes);
    if (made == NULL) {
        return ENOMEM;
    }
    *block = made;
    return 0;
}

/* --- system calls --- */

/* The one place from which the filter lets a trapped call through: the instruction after this system call. */
__asm__(".text\n"
        "inject_call:\n"
        "  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n  mov %rcx, %rdx\n"
        "  mov %r8, %r10\n  mov %r9, %r8\n  mov 8(%rsp), %r9\n"
        "  syscall\n"
        "inject_call_end:\n"
        "  ret\n");
extern long inject_call(long number, long a, long b, long c, long d, long e, long f)
    __attribute__((visibility("hidden")));
extern const char inject_call_end[] __attribute__((visibility("hidden")));

static int kind_of(long number) {
    return number == SYS_mmap ? INJECT_MMAP : INJECT_OPEN;
}

static int is_inherited(long number, const greg_t *r) {
    switch (number) {
    case SYS_open:
        return (r[REG_RSI] & O_CLOEXEC) == 0;
    case SYS_openat:
        return (r[REG_RDX] & O_CLOEXEC) == 0;
    case SYS_pipe2:
    case SYS_eventfd2:
        return (r[REG_RSI] & O_CLOEXEC) == 0;
    case SYS_socket:
        return (r[REG_RSI] & SOCK_CLOEXEC) == 0;
    case SYS_memfd_create:
        return (r[REG_RSI] & MFD_CLOEXEC) == 0;
    default:
        return number == SYS_dup;
    }
}

static void on_trap(int signal, siginfo_t *info, void *context) {
    greg_t *const r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const int errno_before = errno;
    (void)signal;
    if (kind_of(info->si_syscall) == INJECT_OPEN && armed == INJECT_OPEN && is_spared == 0) {
        __atomic_add_fetch(&inherited, is_inherited(info->si_syscall, r), __ATOMIC_RELAXED);
    }
    if (fails(kind_of(info->si_syscall))) {
        r[REG_RAX] = kind_of(info->si_syscall) == INJECT_MMAP ? -ENOMEM : -EMFILE;
    } else {
        r[REG_RAX] =
            inject_call(info->si_syscall, r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]);
    }
    errno = errno_before;
}

#define LOAD(field)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, to) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), to, 0)

/* Traps every call that makes a mapping or an fd, on all threads, from here on. 0: done. */
static int trap_calls(void) {
    static int is_done = 0;
    const uint64_t from = (uint64_t)(uintptr_t)inject_call_end;
    struct sock_filter program[] = {
        LOAD(nr),
        IS(SYS_mmap, 8),
        IS(SYS_open, 7),
        IS(SYS_openat, 6),
        IS(SYS_pipe2, 5),
        IS(SYS_socket, 4),
        IS(SYS_memfd_create, 3),
        IS(SYS_dup, 2),
        IS(SYS_eventfd2, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        LOAD(instruction_pointer),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)from, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(from >> 32), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof program / sizeof program[0], program};
    struct sigaction action;
    if (is_done) {
        return 0;
    }
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART;
    if (sigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    is_done = 1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
}

/* A trapped call in a thread that blocks the trap's signal would end the process: it stays open for everybody. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *before) {
    sigset_t open;
    if (set != NULL && how != SIG_UNBLOCK) {
        open = *set;
        sigdelset(&open, SIGSYS);
        set = &open;
    }
    return syscall(SYS_rt_sigprocmask, how, set, before, 8) == 0 ? 0 : errno;
}

/* --- arming --- */

__attribute__((visibility("default"))) int inject_arm(int kind, long n, int from) {
    if (kind != INJECT_MALLOC && trap_calls() != 0) {
        return -1;
    }
    nth = n;
    is_from = from;
    __atomic_store_n(&counted, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&inherited, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&armed, kind, __ATOMIC_RELEASE);
    return 0;
}

__attribute__((visibility("default"))) long inject_disarm(void) {
    __atomic_store_n(&armed, 0, __ATOMIC_RELEASE);
    return __atomic_load_n(&counted, __ATOMIC_RELAXED);
}

__attribute__((visibility("default"))) long inject_inherited(void) {
    return __atomic_load_n(&inherited, __ATOMIC_RELAXED);
}

__attribute__((visibility("default"))) void inject_spare_thread(int spared) {
    is_spared = spared;
}
