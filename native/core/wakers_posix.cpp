#include "wakers.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <new>

namespace hotgraft {

Wakers::~Wakers() {
    for (Waker *waker = take_all(); waker != nullptr;) {
        const std::unique_ptr<Waker> gone(waker);
        ::close(gone->fd);
        waker = gone->next;
    }
}

bool Wakers::add(int eventfd) noexcept {
    std::unique_ptr<Waker> waker(new (std::nothrow) Waker);
    if (waker == nullptr) {
        errno = ENOMEM;
        return false;
    }
    waker->fd = ::fcntl(eventfd, F_DUPFD_CLOEXEC, 0);
    if (waker->fd < 0) {
        return false;
    }
    waker->next = first_.load(std::memory_order_relaxed);
    // seq_cst: pairs with take_all() after the store of `check`, invariant (1).
    while (
        !first_.compare_exchange_weak(waker->next, waker.get(), std::memory_order_seq_cst, std::memory_order_relaxed)) {
    }
    (void)waker.release();
    return true;
}

void Wakers::tell_all() noexcept {
    for (Waker *waker = take_all(); waker != nullptr;) {
        const std::unique_ptr<Waker> told(waker);
        const std::uint64_t one = 1;
        ssize_t written = 0;
        do {
            written =
                ::write(told->fd, &one, sizeof(one)); // EAGAIN: the counter is full, so its reader is told already
        } while (written < 0 && errno == EINTR);
        ::close(told->fd);
        waker = told->next;
    }
}

Wakers::Waker *Wakers::take_all() noexcept {
    if (first_.load(std::memory_order_seq_cst) == nullptr) { // pairs with add()
        return nullptr;
    }
    return first_.exchange(nullptr, std::memory_order_seq_cst); // pairs with add(): its members are visible
}

} // namespace hotgraft
