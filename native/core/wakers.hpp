// Who wants to be told, through an eventfd, when a slot opens: callers that must not sleep at its gate (an event loop).
//
// Thread safety
//   add(): any thread. tell_all(): any thread; each waker is told once.
//
// Invariants
//   (1) A waker that was added before a gate opened is told. One added after is told at the next opening: who adds must
//       look at the slot again before it waits. add() and the store of `check` are both sequentially consistent with
//       what follows them, so one of the two sees the other.
//   (2) The fd of a waker is its own duplicate: the caller may close its own at any time, and no number that was used
//       again is ever written to.
#ifndef HOTGRAFT_CORE_WAKERS_HPP
#define HOTGRAFT_CORE_WAKERS_HPP

#include <atomic>

namespace hotgraft {

class Wakers {
public:
    Wakers() noexcept = default;
    ~Wakers();
    Wakers(const Wakers &) = delete;
    Wakers &operator=(const Wakers &) = delete;

    // False, with errno: no memory, or `eventfd` could not be duplicated.
    [[nodiscard]] bool add(int eventfd) noexcept;
    void tell_all() noexcept;

private:
    struct Waker {
        int fd = -1;
        Waker *next = nullptr;
    };
    Waker *take_all() noexcept;

    std::atomic<Waker *> first_{nullptr};
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_WAKERS_HPP
