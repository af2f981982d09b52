#include "crash_stack_posix.hpp"

#include <csignal>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

namespace hotgraft {

namespace {

// Room for the kernel's frame (up to 11 KB where a thread uses AMX), ours, and the handlers called after it.
constexpr std::size_t kCrashStackBytes = 65'536;
constexpr std::size_t kCrashGuardBytes = 4096; // below it, so that an overflow of this stack too ends in a fault

extern "C" void hotgraft_end_crash_stack(void *block) {
    stack_t now{};
    char *const stack = static_cast<char *>(block) + kCrashGuardBytes;
    if (::sigaltstack(nullptr, &now) == 0 && now.ss_sp == stack) {
        stack_t none{};
        none.ss_flags = SS_DISABLE;
        (void)::sigaltstack(&none, nullptr);
    }
    (void)::munmap(block, kCrashGuardBytes + kCrashStackBytes);
}

// The key is made once and stays: this library is never unloaded.
struct CrashStackKey {
    pthread_key_t key{};
    bool is_made = ::pthread_key_create(&key, &hotgraft_end_crash_stack) == 0;
};

} // namespace

void give_crash_stack() noexcept {
    static const CrashStackKey key;
    stack_t now{};
    if (!key.is_made || ::pthread_getspecific(key.key) != nullptr || ::sigaltstack(nullptr, &now) != 0 ||
        (now.ss_flags & SS_DISABLE) == 0) {
        return; // the one it has is kept: whoever gave it may give it back
    }
    void *const block = ::mmap(nullptr, kCrashGuardBytes + kCrashStackBytes, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (block == MAP_FAILED) {
        return;
    }
    stack_t own{};
    own.ss_sp = static_cast<char *>(block) + kCrashGuardBytes;
    own.ss_size = kCrashStackBytes;
    if (::mprotect(own.ss_sp, kCrashStackBytes, PROT_READ | PROT_WRITE) != 0 ||
        ::pthread_setspecific(key.key, block) != 0) {
        (void)::munmap(block, kCrashGuardBytes + kCrashStackBytes);
        return;
    }
    (void)::sigaltstack(&own, nullptr);
}

std::size_t read_own_memory(std::uintptr_t address, void *to, std::size_t bytes) noexcept {
    const iovec into{to, bytes};
    const iovec from{reinterpret_cast<void *>(address), bytes};
    const ssize_t got = ::process_vm_readv(::getpid(), &into, 1, &from, 1, 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
}

} // namespace hotgraft
