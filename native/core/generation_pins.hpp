// Pins: counted holds on one generation for a session, each with a name and a time, so that a swap that waits for them
// can say who holds what since when.
#ifndef HOTGRAFT_CORE_GENERATION_PINS_HPP
#define HOTGRAFT_CORE_GENERATION_PINS_HPP

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "status.hpp"

namespace hotgraft {

struct PinHold {
    std::uint64_t number = 0;
    std::string who;
    std::int64_t since_ns = 0; // CLOCK_MONOTONIC
};

// Thread safety: any thread.
//
// Invariants
//   (1) While stopped, no pin is added: a count seen at zero after stop() stays zero until allow().
class Pins {
public:
    // kBusy: stopped. *number is what remove() wants.
    [[nodiscard]] Status add(const std::string &who, std::uint64_t *number);
    // False: there is no such pin; nothing changed.
    bool remove(std::uint64_t number) noexcept;

    void stop() noexcept;
    void allow() noexcept;
    [[nodiscard]] bool is_stopped() const noexcept;

    // seq_cst: pairs with add(), for the reaper's second look.
    [[nodiscard]] std::uint64_t count() const noexcept { return count_.load(std::memory_order_seq_cst); }
    [[nodiscard]] std::vector<PinHold> list() const;
    // "session 7 for 1.250 s; …", oldest first; empty when there are none.
    [[nodiscard]] std::string holders() const;

private:
    mutable std::mutex mutex_;
    std::map<std::uint64_t, PinHold> live_;
    std::uint64_t next_ = 1;
    bool is_stopped_ = false;
    std::atomic<std::uint64_t> count_{0};
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GENERATION_PINS_HPP
