// What keeps fork() out of the moments a child could not live with: half a set published, a plugin quiesced.
//
// Held by whoever opens or closes slots, and by a swap from its first quiesce until it published or undid. fork waits
// for it. Recursive for the thread that holds it and for every thread that carries out the swap that holds it: a plugin
// that forks in its quiesce must not wait for its own swap.
//
// Not a mutex of libc: threads of one swap share it, and the child's copy must be free to start anew.
//
// Thread safety
//   Any thread; the thread that unlocks may be another one of the same swap.
#ifndef HOTGRAFT_CORE_FORK_LOCK_HPP
#define HOTGRAFT_CORE_FORK_LOCK_HPP

#include <atomic>
#include <cstdint>

namespace hotgraft {

class ForkLock {
public:
    // `swap`: the number of the swap on whose behalf, 0: only this thread's.
    void lock(std::uint64_t swap = 0) noexcept;
    void unlock() noexcept;
    // The two halves of lock(), for who must let go of another lock before it sleeps: take it unless somebody has it,
    // and sleep until it was released after `seen` = releases() was read, which comes before the try.
    [[nodiscard]] bool try_lock(std::uint64_t swap) noexcept;
    [[nodiscard]] std::uint32_t releases() const noexcept {
        return releases_.load(std::memory_order_acquire); // pairs with unlock()
    }
    void wait(std::uint32_t seen) noexcept;
    // Does the calling thread, or that swap, hold it?
    [[nodiscard]] bool is_mine(std::uint64_t swap = 0) noexcept;
    // In a forked child: nobody holds it.
    void reset() noexcept;

private:
    [[nodiscard]] bool belongs_to(std::uint64_t swap) const noexcept;

    std::atomic<bool> flag_{false};          // guards the three below
    std::uint32_t depth_ = 0;                // 0: free
    const void *thread_ = nullptr;           // who took it, by thread_identity(): the same in a forked child
    std::uint64_t swap_ = 0;                 // on behalf of which swap
    std::atomic<std::uint32_t> releases_{0}; // waiters sleep on it
};

class ForkLockHold {
public:
    explicit ForkLockHold(ForkLock &lock, std::uint64_t swap = 0) noexcept : lock_(lock) { lock_.lock(swap); }
    ~ForkLockHold() { lock_.unlock(); }
    ForkLockHold(const ForkLockHold &) = delete;
    ForkLockHold &operator=(const ForkLockHold &) = delete;

private:
    ForkLock &lock_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_FORK_LOCK_HPP
