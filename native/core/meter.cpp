// Which meter has which index, and what a meter reads.
#include "meter.hpp"

#include <algorithm>
#include <cmath>
#include <new>

#include "futex.hpp"
#include "guard.hpp"
#include "meter_rate.hpp"
#include "meter_scheduler_posix.hpp"

namespace hotgraft {

Meters &Meters::instance() noexcept {
    // Built in place and never destroyed: threads may call until the process is gone.
    alignas(Meters) static unsigned char storage[sizeof(Meters)];
    static Meters *const meters = new (storage) Meters;
    return *meters;
}

Meters::Meters() noexcept : clock_ns_(&futex_clock_ns), scheduler_(&times_pushed_off) {
    open_[0].store(&unmetered_, std::memory_order_relaxed);
}

Meter::Meter(std::uint32_t index) noexcept : index_(index), since_ns_(futex_clock_ns()) {}

std::shared_ptr<Meter> Meter::open() noexcept {
    try {
        Meters &meters = Meters::instance();
        const std::uint32_t index = meters.take_index();
        std::shared_ptr<Meter> meter;
        try {
            meter = std::make_shared<Meter>(index);
        } catch (...) {
            meters.give_back(index);
            throw;
        }
        if (index != 0) {
            meter->calls_before_ = Meters::sum(index);
            meters.list(*meter);
        }
        return meter;
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

void Meter::close() noexcept {
    if (index_ == 0 || Guards::instance().is_forked_child() || final_calls_.load(std::memory_order_relaxed) >= 0) {
        return;
    }
    final_calls_.store(Meters::sum(index_) - calls_before_, std::memory_order_release); // pairs with calls()
    Meters::instance().give_back(index_);
}

std::uint64_t Meter::calls() const noexcept {
    if (index_ == 0) {
        return 0;
    }
    // Read before the final count is looked for: once the index is another meter's, the final count is there.
    const std::int64_t now = Meters::sum(index_) - calls_before_;
    const std::int64_t at_end = final_calls_.load(std::memory_order_acquire); // pairs with close()
    return static_cast<std::uint64_t>(at_end >= 0 ? at_end : now);
}

MeterReading Meter::read() {
    Meters::instance().look(*this, Meters::instance().now_ns());
    MeterReading reading;
    reading.is_metered = index_ != 0;
    reading.calls = calls();
    reading.errors = errors_.load(std::memory_order_relaxed);
    reading.crashes = crashes_.load(std::memory_order_relaxed);
    reading.pushed_off = pushed_off_.load(std::memory_order_relaxed);
    reading.since_ns = since_ns_;
    reading.latency_ns.reserve(kBuckets);
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        reading.latency_ns.push_back(latency_.count_in(bucket));
        reading.samples += reading.latency_ns.back();
    }
    return reading;
}

std::uint64_t MeterReading::percentile_ns(double share) const noexcept {
    const auto rank =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(samples))));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < latency_ns.size(); ++bucket) {
        seen += latency_ns[bucket];
        if (seen >= rank) {
            return edge_of(bucket);
        }
    }
    return 0;
}

std::int64_t Meters::sum(std::uint32_t index) noexcept {
    std::int64_t sum = 0;
    for (ThreadRecord *record = Guards::instance().records().first(); record != nullptr; record = record->next_listed) {
        sum += record->counters().count(index);
    }
    return sum;
}

std::uint32_t Meters::take_index() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (std::uint32_t index = 1; index < kMeters; ++index) {
        if (!is_taken_[index]) {
            is_taken_[index] = true;
            return index;
        }
    }
    return 0;
}

void Meters::give_back(std::uint32_t index) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (index != 0) {
        set_mean(index, 0);
        open_[index].store(&unmetered_, std::memory_order_relaxed);
        is_taken_[index] = false;
    }
}

void Meters::list(Meter &meter) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    // Whoever finds this meter has a table of it, which is published after this.
    open_[meter.index_].store(&meter, std::memory_order_relaxed);
    if (sampling() != 0) {
        begin(meter);
        tell_threads();
    }
}

std::uint32_t Meters::free_indexes() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::uint32_t free = 0;
    for (std::uint32_t index = 1; index < kMeters; ++index) {
        free += is_taken_[index] ? 0 : 1;
    }
    return free;
}

Meter *Meters::of(const hotgraft_table *table) noexcept {
    return open_[table->meter < kMeters ? table->meter : 0].load(std::memory_order_relaxed);
}

} // namespace hotgraft
