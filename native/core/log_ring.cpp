#include "log_ring.hpp"

#include <algorithm>
#include <cstring>

#include "control.hpp"
#include "generation_text.hpp"

namespace hotgraft {

// Invariant (1): sequence == n: free for the writer of line n. n + 1: line n is written, the reader's. The reader gives
// the cell back with n + cells.
struct LogRing::Cell {
    std::atomic<std::uint64_t> sequence{0};
    std::int64_t time_ns = 0;
    std::uint64_t generation = 0;
    std::int32_t level = 0;
    std::uint16_t text_bytes = 0;
    std::uint8_t plugin_bytes = 0;
    std::uint8_t instance_bytes = 0;
    bool is_cut = false;
    char plugin[kLogNameBytes];
    char instance[kLogNameBytes];
    char text[kLogTextBytes];
};

LogRing::LogRing(std::size_t cells) : cells_(new Cell[cells]), mask_(cells - 1) {
    for (std::size_t i = 0; i < cells; ++i) {
        cells_[i].sequence.store(i, std::memory_order_relaxed);
    }
}

LogRing::~LogRing() = default;

LogRing &LogRing::instance() {
    static LogRing *const ring = new LogRing(); // on purpose never deleted: a plugin may log while the process ends
    return *ring;
}

bool LogRing::write(const LogSource &source, std::int32_t level, std::string_view text) noexcept {
    std::uint64_t line = head_.load(std::memory_order_relaxed);
    Cell *cell = nullptr;
    for (;;) {
        cell = &cells_[line & mask_];
        // acquire: pairs with the reader's giving the cell back
        const std::uint64_t sequence = cell->sequence.load(std::memory_order_acquire);
        if (sequence == line) {
            if (head_.compare_exchange_weak(line, line + 1, std::memory_order_relaxed)) {
                break;
            }
        } else if (sequence < line) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
            return false;
        } else {
            line = head_.load(std::memory_order_relaxed);
        }
    }
    cell->time_ns = monotonic_ns();
    cell->generation = source.generation;
    cell->level = level;
    cell->is_cut = text.size() > kLogTextBytes;
    cell->plugin_bytes = static_cast<std::uint8_t>(std::min(source.plugin.size(), kLogNameBytes));
    cell->instance_bytes = static_cast<std::uint8_t>(std::min(source.instance.size(), kLogNameBytes));
    cell->text_bytes = static_cast<std::uint16_t>(std::min(text.size(), kLogTextBytes));
    std::memcpy(cell->plugin, source.plugin.data(), cell->plugin_bytes);
    std::memcpy(cell->instance, source.instance.data(), cell->instance_bytes);
    if (cell->text_bytes != 0) {
        std::memcpy(cell->text, text.data(), cell->text_bytes);
    }
    cell->sequence.store(line + 1, std::memory_order_seq_cst); // pairs with the reader's look, and with rest()
    void (*const wake)() noexcept = wake_.load(std::memory_order_acquire); // pairs with set_wake
    // seq_cst: either this sees that the reader rests, or the reader's last look sees the line.
    if (wake != nullptr && !is_awake_.load(std::memory_order_seq_cst) && !is_awake_.exchange(true)) {
        wake();
    }
    return true;
}

void LogRing::set_wake(void (*wake)() noexcept) noexcept {
    wake_.store(wake, std::memory_order_release); // pairs with write()
    is_awake_.store(false, std::memory_order_seq_cst);
}

bool LogRing::has_line() noexcept {
    const std::lock_guard<std::mutex> turn(reader_);
    return cells_[tail_ & mask_].sequence.load(std::memory_order_seq_cst) == tail_ + 1; // pairs with write()
}

bool LogRing::rest() noexcept {
    is_awake_.store(false, std::memory_order_seq_cst); // pairs with write()'s look
    // A line that came before that store woke nobody: stay, unless its writer came after it and woke another reader.
    return !has_line() || is_awake_.exchange(true);
}

std::size_t LogRing::drain(std::vector<LogLine> *out) {
    const std::lock_guard<std::mutex> turn(reader_);
    std::size_t count = 0;
    for (;; ++count) {
        Cell &cell = cells_[tail_ & mask_];
        if (cell.sequence.load(std::memory_order_acquire) != tail_ + 1) { // pairs with write()
            return count;
        }
        LogLine line;
        line.time_ns = cell.time_ns;
        line.level = cell.level;
        line.generation = cell.generation;
        line.plugin.assign(cell.plugin, cell.plugin_bytes);
        line.instance.assign(cell.instance, cell.instance_bytes);
        line.text = valid_utf8({cell.text, cell.text_bytes});
        line.is_cut = cell.is_cut;
        out->push_back(std::move(line));
        cell.sequence.store(tail_ + mask_ + 1, std::memory_order_release); // pairs with the next writer's look
        ++tail_;
    }
}

} // namespace hotgraft
