// Which calls are timed: drawing them, timing them, and keeping their number near what is asked for.
#include "meter.hpp"

#include "guard.hpp"
#include "meter_rate.hpp"

namespace hotgraft {

namespace {

ThreadRecord &whole(hotgraft_record *record) noexcept {
    return *reinterpret_cast<ThreadRecord *>(record);
}

std::int64_t draw(ThreadRecord &record, std::uint64_t mean) noexcept {
    std::uint64_t &state = record.cold_counters.random;
    if (state == 0) {
        state = reinterpret_cast<std::uintptr_t>(&record) ^
                static_cast<std::uint64_t>(Meters::instance().now_ns()) * 0x9E3779B97F4A7C15U;
        state |= 1U;
    }
    return draw_distance(mean, next_random(&state));
}

} // namespace

hotgraft_counts Meters::head() noexcept {
    return {&Meters::reached, &Meters::leave_timed};
}

void Meters::set_sampling(std::uint32_t per_second) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    per_second_.store(per_second < kMostPerSecond ? per_second : kMostPerSecond, std::memory_order_relaxed);
    for (std::uint32_t index = 1; index < kMeters; ++index) {
        Meter *const meter = open_[index].load(std::memory_order_relaxed);
        if (meter != nullptr && meter != &unmetered_) {
            begin(*meter);
        }
    }
    tell_threads();
}

void Meters::begin(Meter &meter) noexcept {
    meter.looked_ns_.store(now_ns(), std::memory_order_relaxed);
    meter.looked_at_.store(meter.timed_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    set_mean(meter.index_, sampling() == 0 ? 0 : kFirstMean);
}

void Meters::set_mean(std::uint32_t index, std::uint64_t mean) noexcept {
    mean_[index].store(mean, std::memory_order_relaxed);
}

// Every thread's next call takes the cold branch once, and arms its record anew.
void Meters::tell_threads() noexcept {
    epoch_.fetch_add(1, std::memory_order_seq_cst); // before the limits (3); pairs with arm()
    for (ThreadRecord *record = Guards::instance().records().first(); record != nullptr; record = record->next_listed) {
        __atomic_store_n(&record->hot.limit, 0U, __ATOMIC_SEQ_CST); // pairs with clear_jumped_over()
    }
}

void Meters::arm(ThreadRecord &record) noexcept {
    const std::uint32_t epoch = epoch_.load(std::memory_order_seq_cst); // after the limit was raised (3)
    if (record.cold_counters.epoch == epoch) {
        return;
    }
    record.cold_counters.epoch = epoch; // first: a handler that could not move a word sets it back
    Counters counters = record.counters();
    for (std::uint32_t index = 1; index < kMeters; ++index) {
        const std::uint64_t mean = mean_[index].load(std::memory_order_relaxed);
        // A distance drawn anew is as good as what was left of the old one: neither remembers.
        if (mean == 0) {
            counters.rest(index);
        } else {
            counters.arm(index, draw(record, mean));
        }
    }
}

void Meters::time_next_call(const Meter &meter) noexcept {
    is_timing_by_hand_.store(true, std::memory_order_relaxed);
    if (ThreadRecord *const record = own_chain()) {
        record->counters().arm(meter.index_, 1);
    }
}

std::uint64_t Meters::reached(hotgraft_record *words, std::uint64_t depth) noexcept {
    ThreadRecord &record = whole(words);
    Meters &meters = instance();
    const std::uint32_t index = words->entry[depth]->meter;
    const std::uint64_t mean = meters.mean_[index].load(std::memory_order_relaxed);
    if (mean == 0) { // no longer sampled, or for this one call only
        record.counters().rest(index);
    } else {
        record.counters().arm(index, draw(record, mean));
    }
    if (mean == 0 && !meters.is_timing_by_hand_.load(std::memory_order_relaxed)) {
        return depth;
    }
    record.cold_counters.pushed_off_before[depth] = meters.pushed_off();
    record.cold_counters.started_ns[depth] = meters.now_ns(); // last: what comes before it is not the call's
    return depth | HOTGRAFT_TIMED;
}

void Meters::leave_timed(hotgraft_record *words, std::uint64_t timed_depth) noexcept {
    Meters &meters = instance();
    const std::int64_t now_ns = meters.now_ns(); // first
    ThreadRecord &record = whole(words);
    const std::uint64_t depth = timed_depth & ~HOTGRAFT_TIMED;
    Meter &meter = *meters.of(words->entry[depth]); // open as long as this guard is held
    // Another number, not a larger one: what a forked child leaves that its parent entered began under another count.
    if (meters.pushed_off() != record.cold_counters.pushed_off_before[depth]) {
        meter.pushed_off_.fetch_add(1, std::memory_order_relaxed);
    } else {
        const std::int64_t took_ns = now_ns - record.cold_counters.started_ns[depth];
        meter.latency_.add(took_ns > 0 ? static_cast<std::uint64_t>(took_ns) : 0);
    }
    meter.timed_.fetch_add(1, std::memory_order_relaxed);
    meters.look(meter, now_ns);
    hotgraft_retract(words, depth);
}

void Meters::look(Meter &meter, std::int64_t now_ns) noexcept {
    const std::uint32_t per_second = sampling();
    if (open_[meter.index_].load(std::memory_order_relaxed) != &meter) {
        return; // closed: the index may be another meter's
    }
    const std::uint64_t mean = mean_[meter.index_].load(std::memory_order_relaxed);
    std::int64_t looked_ns = meter.looked_ns_.load(std::memory_order_relaxed);
    const std::uint64_t timed = meter.timed_.load(std::memory_order_relaxed);
    const std::uint64_t since = timed - meter.looked_at_.load(std::memory_order_relaxed);
    if (mean == 0 || !is_time_to_look(since, now_ns - looked_ns, per_second) ||
        !meter.looked_ns_.compare_exchange_strong(looked_ns, now_ns, std::memory_order_relaxed)) {
        return; // somebody else looks
    }
    meter.looked_at_.store(timed, std::memory_order_relaxed);
    const std::uint64_t next = next_mean(mean, since, now_ns - looked_ns, per_second);
    std::uint64_t expected = mean; // not if sampling was switched meanwhile, or the index given back
    if (next != mean && mean_[meter.index_].compare_exchange_strong(expected, next, std::memory_order_relaxed)) {
        tell_threads();
    }
}

} // namespace hotgraft
