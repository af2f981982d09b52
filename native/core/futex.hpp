// How a thread waits: on a word until somebody wakes it, or for a moment; and the clock its deadlines are read from.
//
// Private futexes, futex(2): no other process shares these words. A wait may end for no reason; callers look again.
#ifndef HOTGRAFT_CORE_FUTEX_HPP
#define HOTGRAFT_CORE_FUTEX_HPP

#include <atomic>
#include <cstdint>

namespace hotgraft {

// Sleep while `word` is `seen`; the kernel compares under its own lock, so a change before the sleep is never missed.
void futex_wait(std::atomic<std::uint32_t> &word, std::uint32_t seen) noexcept;
// Wake everybody who sleeps on `word`.
void futex_wake_all(std::atomic<std::uint32_t> &word) noexcept;

// CLOCK_MONOTONIC, nanoseconds.
[[nodiscard]] std::int64_t futex_clock_ns() noexcept;

// Waiting for other threads to move on, longer each time: spin, then give up the processor, then sleep up to 50 µs.
class Backoff {
public:
    void pause() noexcept;

private:
    std::uint32_t round_ = 0;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_FUTEX_HPP
