// fork(): the child has one thread, the records of the others speak for nobody, and no swap goes on there.
//
// In the child calls work, on the tables that served when it was made; the control plane is off
// (Guards::is_forked_child), unless the parent had not begun to use it: servers import, fork, and load in the child. A
// swap that had closed gates is undone there by opening them on the tables the slots hold. That is right at any moment
// fork may happen: the fork lock keeps it out of closing, publishing and of everything from the first quiesce on.
#include "crash.hpp"
#include "guard.hpp"

#include <pthread.h>

namespace hotgraft {

namespace {

std::uint64_t own_swap() noexcept {
    const ThreadRecord *const chain = own_chain();
    return chain != nullptr ? chain->root->carries_out : 0;
}

bool is_in_own_chain(const ThreadRecord *record) noexcept {
    const ThreadRecord *own = own_chain();
    while (own != nullptr && own != record) {
        own = own->older;
    }
    return own != nullptr;
}

} // namespace

// A fork that has to wait for a swap lets go of the interpreter's lock like every other waiter: plugin code that the
// swap runs may want it. It is taken back without the fork lock in hand, or two waiters could hold one lock each.
// os.fork() never waits here: by now it holds more of the interpreter's locks, so it has kept swaps out before
// (try_keep_swaps_out). This is for a fork(2) that an extension makes by itself, as subprocess does.
void Guards::watch_forks() noexcept {
    const auto before_fork = [] {
        Guards &guards = instance();
        const std::uint64_t swap = own_swap();
        std::uint32_t seen = guards.fork_lock_.releases();
        while (!guards.fork_lock_.try_lock(swap)) {
            const WaitHooks &hooks = guards.hooks_[guards.hooks_index_.load(std::memory_order_acquire)]; // as wait_at()
            void *(*const before)() = hooks.before.load(std::memory_order_relaxed);
            void (*const after)(void *) = hooks.after.load(std::memory_order_relaxed);
            void *const token = before != nullptr ? before() : nullptr;
            guards.fork_lock_.wait(seen);
            if (after != nullptr) {
                after(token);
            }
            seen = guards.fork_lock_.releases();
        }
    };
    // Handlers stay registered for the life of the process: this library is never unloaded.
    (void)::pthread_atfork(
        before_fork, [] { instance().fork_lock_.unlock(); }, [] { instance().begin_child(); });
}

bool Guards::try_keep_swaps_out(std::uint32_t *seen) noexcept {
    *seen = fork_lock_.releases();
    return fork_lock_.try_lock(own_swap());
}

void Guards::begin_child() noexcept {
    forked_.store(is_used_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    fork_lock_.reset();
    CrashHandlers::begin_child();
    for (ThreadRecord *record = records_.first(); record != nullptr; record = record->next_listed) {
        if (is_in_own_chain(record)) {
            record->tid.store(thread_id(), std::memory_order_relaxed);
            record->carries_out = 0;
        } else {
            forget(*record);
        }
    }
    gate_blocks_.open_all(has_membarrier());
}

} // namespace hotgraft
