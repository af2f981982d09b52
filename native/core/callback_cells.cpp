#include "callback_cells.hpp"

#include <algorithm>
#include <new>
#include <tuple>

namespace hotgraft {

bool CallbackCells::IsBefore::operator()(const CallbackKey &a, const CallbackKey &b) const {
    return std::tie(a.folder, a.plugin, a.instance, a.key) < std::tie(b.folder, b.plugin, b.instance, b.key);
}

CallbackCells &CallbackCells::instance() noexcept {
    alignas(CallbackCells) static unsigned char storage[sizeof(CallbackCells)];
    static CallbackCells *const cells = new (storage) CallbackCells();
    return *cells;
}

CallbackCell &CallbackCells::cell_of(std::uint64_t number) const noexcept {
    return *cells_[(number & 0xffffffff) - 1].load(std::memory_order_relaxed);
}

std::uint64_t CallbackCells::take(const CallbackKey &key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = numbers_.find(key);
    const std::uint64_t number = found != numbers_.end() ? found->second : add(key);
    if (number != 0) {
        cell_of(number).offers += 1;
    }
    return number;
}

std::uint64_t CallbackCells::add(const CallbackKey &key) {
    if (free_.empty()) {
        if (count_ == kMost) {
            return 0;
        }
        if (free_.capacity() == count_) {
            free_.reserve(2 * count_ + 16);
        }
        cells_[count_].store(new CallbackCell(), std::memory_order_release); // pairs with find()
        count_ += 1;
        free_.push_back(static_cast<std::uint32_t>(count_));
    }
    const std::uint64_t place = free_.back();
    const CallbackCell &cell = *cells_[place - 1].load(std::memory_order_relaxed);
    const std::uint64_t number = std::uint64_t{cell.serial.load(std::memory_order_relaxed)} << 32 | place;
    numbers_.emplace(key, number);
    free_.pop_back();
    return number;
}

void CallbackCells::release(std::uint64_t number) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    CallbackCell &cell = cell_of(number);
    cell.offers -= 1;
    if (cell.offers != 0) {
        return;
    }
    numbers_.erase(
        std::find_if(numbers_.begin(), numbers_.end(), [number](const auto &one) { return one.second == number; }));
    cell.serial.fetch_add(1, std::memory_order_seq_cst); // pairs with is_of()
    free_.push_back(static_cast<std::uint32_t>(number & 0xffffffff));
}

} // namespace hotgraft
