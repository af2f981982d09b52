// The lock between swaps and fork(): a few words behind a spin flag, and a futex to sleep on.
#include "fork_lock.hpp"

#include "futex.hpp"
#include "record.hpp"

namespace hotgraft {

namespace {

// Held for a handful of instructions; signals do not take it (fork in a signal handler is not supported).
class Brief {
public:
    explicit Brief(std::atomic<bool> &flag) noexcept : flag_(flag) {
        Backoff backoff;
        while (flag_.exchange(true, std::memory_order_acquire)) { // pairs with the destructor
            backoff.pause();
        }
    }
    ~Brief() { flag_.store(false, std::memory_order_release); } // pairs with the constructor
    Brief(const Brief &) = delete;
    Brief &operator=(const Brief &) = delete;

private:
    std::atomic<bool> &flag_;
};

} // namespace

bool ForkLock::belongs_to(std::uint64_t swap) const noexcept {
    return thread_ == thread_identity() || (swap != 0 && swap_ == swap);
}

bool ForkLock::try_lock(std::uint64_t swap) noexcept {
    const Brief brief(flag_);
    if (depth_ != 0 && !belongs_to(swap)) {
        return false;
    }
    if (depth_ == 0) {
        thread_ = thread_identity();
        swap_ = swap;
    }
    ++depth_;
    return true;
}

void ForkLock::lock(std::uint64_t swap) noexcept {
    for (;;) {
        const std::uint32_t seen = releases();
        if (try_lock(swap)) {
            return;
        }
        wait(seen);
    }
}

void ForkLock::wait(std::uint32_t seen) noexcept {
    futex_wait(releases_, seen);
}

void ForkLock::unlock() noexcept {
    {
        const Brief brief(flag_);
        if (--depth_ != 0) {
            return;
        }
        thread_ = nullptr;
        swap_ = 0;
    }
    releases_.fetch_add(1, std::memory_order_release); // pairs with releases()
    futex_wake_all(releases_);
}

bool ForkLock::is_mine(std::uint64_t swap) noexcept {
    const Brief brief(flag_);
    return depth_ != 0 && belongs_to(swap);
}

void ForkLock::reset() noexcept {
    flag_.store(false, std::memory_order_relaxed);
    depth_ = 0;
    thread_ = nullptr;
    swap_ = 0;
}

} // namespace hotgraft
