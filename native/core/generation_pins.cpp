#include "generation_pins.hpp"

#include <cstdio>
#include <utility>

#include "control.hpp"

namespace hotgraft {

Status Pins::add(const std::string &who, std::uint64_t *number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_stopped_) {
        return {Code::kBusy, "no new pins: a swap waits for those that are there"};
    }
    live_.emplace(next_, PinHold{next_, who, monotonic_ns()});
    count_.store(live_.size(), std::memory_order_seq_cst); // pairs with count()
    *number = next_++;
    return {};
}

bool Pins::remove(std::uint64_t number) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool was_there = live_.erase(number) != 0;
    count_.store(live_.size(), std::memory_order_seq_cst); // pairs with count()
    return was_there;
}

void Pins::stop() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_stopped_ = true;
}

void Pins::allow() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_stopped_ = false;
}

bool Pins::is_stopped() const noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    return is_stopped_;
}

std::vector<PinHold> Pins::list() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<PinHold> pins;
    pins.reserve(live_.size());
    for (const auto &entry : live_) {
        pins.push_back(entry.second);
    }
    return pins;
}

std::string Pins::holders() const {
    const std::int64_t now_ns = monotonic_ns();
    std::string text;
    for (const PinHold &pin : list()) {
        char seconds[32];
        (void)std::snprintf(seconds, sizeof seconds, "%.3f", static_cast<double>(now_ns - pin.since_ns) * 1e-9);
        text += (text.empty() ? "" : "; ") + pin.who + " for " + seconds + " s";
    }
    return text;
}

} // namespace hotgraft
