// How many callers wait at the closed gate of a slot, and how many may: a call beyond the limit is turned away before
// it entered, instead of waiting. Without a limit, which is how a slot begins, nobody is.
//
// A place is taken by whoever would wait, and kept until that call has entered or was refused: also by a task of an
// event loop, which waits without a thread. It is not the count of sleeping threads (Slot::waiters), which moves while
// a caller looks again.
//
// Thread safety
//   Any thread, and signal handlers.
//
// Invariants
//   (1) Never more places than the limit of the moment each was taken: one compare-and-swap takes it, so that a caller
//       who is turned away is at no time counted among those who wait, and turns nobody else away.
//   (2) turned_away() never falls.
#ifndef HOTGRAFT_CORE_GATE_QUEUE_HPP
#define HOTGRAFT_CORE_GATE_QUEUE_HPP

#include <atomic>
#include <cstdint>

namespace hotgraft {

class GateQueue {
public:
    static constexpr std::uint32_t kNoLimit = UINT32_MAX;

    // Take a place. False: it is full, and this caller is counted as turned away; *found is how many waited.
    [[nodiscard]] bool join(std::uint32_t *found) noexcept {
        std::uint32_t waiting = waiting_.load(std::memory_order_relaxed);
        do {
            if (waiting >= limit()) {
                *found = waiting;
                turned_away_.fetch_add(1, std::memory_order_relaxed);
                return false;
            }
        } while (!waiting_.compare_exchange_weak(waiting, waiting + 1, std::memory_order_relaxed));
        return true;
    }
    // Give a place back. In a forked child it may be one that empty() has taken already.
    void leave() noexcept {
        std::uint32_t waiting = waiting_.load(std::memory_order_relaxed);
        while (waiting != 0 && !waiting_.compare_exchange_weak(waiting, waiting - 1, std::memory_order_relaxed)) {
        }
    }
    // In a forked child, where none of the parent's callers waits.
    void empty() noexcept { waiting_.store(0, std::memory_order_relaxed); }

    // Counts from now on; who waits keeps its place.
    void set_limit(std::uint32_t limit) noexcept { limit_.store(limit, std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool is_full() const noexcept { return waiting() >= limit(); }
    // Calls refused on account of the limit since the slot was made; none of them entered.
    [[nodiscard]] std::uint64_t turned_away() const noexcept { return turned_away_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint32_t> limit_{kNoLimit};
    std::atomic<std::uint32_t> waiting_{0};
    std::atomic<std::uint64_t> turned_away_{0};
};

// A caller's place, taken the first time it would wait.
class GatePlace {
public:
    explicit GatePlace(GateQueue &queue) noexcept : queue_(queue) {}
    ~GatePlace() {
        if (is_taken_) {
            queue_.leave();
        }
    }
    GatePlace(const GatePlace &) = delete;
    GatePlace &operator=(const GatePlace &) = delete;

    [[nodiscard]] bool take(std::uint32_t *found) noexcept { return is_taken_ || (is_taken_ = queue_.join(found)); }

private:
    GateQueue &queue_;
    bool is_taken_ = false;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GATE_QUEUE_HPP
