// Meters: how often one instance of one generation was called, how many of its calls failed, and how long some of them
// took.
//
// Calls are counted where they are made, in the thread's record (meter_counters.hpp); a table holds the index of its
// meter. Which calls are timed is drawn by their number, never by time (meter_rate.hpp), so no thread samples.
//
// A timed call in which the scheduler pushed the calling thread off its processor is counted apart and is no sample:
// what it took is the neighbours' doing, and on a busy machine such calls are the whole tail.
//
// What it does not do: judge. And it sees no status: errors are counted by who does (the Python call path).
//
// Thread safety
//   Any thread. reached() and leave_timed() run on the calling thread, also in a signal handler: no lock, no memory.
//
// Invariants
//   (1) An index belongs to one open meter at a time, and its meter is closed only when no record holds a table of it:
//       so no thread counts under an index that nobody has, and a meter's calls are the sum now less the sum when it
//       was opened.
//   (2) Index 0 is nobody's: what no index was left for is counted there and nowhere else.
//   (3) A mean changes before the epoch, the epoch before any limit is set to 0; a thread raises its limit before it
//       looks at the epoch. So no thread misses a change.
#ifndef HOTGRAFT_CORE_METER_HPP
#define HOTGRAFT_CORE_METER_HPP

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <hotgraft/call.h>

#include "meter_counters.hpp"
#include "meter_histogram.hpp"
#include "record.hpp"

namespace hotgraft {

// What a meter says at one moment.
struct MeterReading {
    bool is_metered = false; // false: no index was left; calls and samples are 0
    std::uint64_t calls = 0;
    std::uint64_t errors = 0;
    std::uint64_t crashes = 0;             // that were caught (crash.hpp); errors as well
    std::uint64_t samples = 0;             // of the histogram below
    std::uint64_t pushed_off = 0;          // timed calls that are not in it (meter_scheduler_posix.hpp)
    std::int64_t since_ns = 0;             // CLOCK_MONOTONIC, when it was opened
    std::vector<std::uint64_t> latency_ns; // calls by bucket (meter_histogram.hpp)
    // The lower edge of the bucket of the smallest sample that `share` of all do not exceed; 0 without samples.
    [[nodiscard]] std::uint64_t percentile_ns(double share) const noexcept;
};

class Meter {
public:
    // A meter with an index, or without if there is none left. Its tables want index().
    [[nodiscard]] static std::shared_ptr<Meter> open() noexcept; // nullptr: no memory
    explicit Meter(std::uint32_t index) noexcept;
    ~Meter() { close(); }
    Meter(const Meter &) = delete;
    Meter &operator=(const Meter &) = delete;

    [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
    // Give the index back; readings stay. Only when no record holds a table of it (1). Twice is once.
    void close() noexcept;
    void count_error() noexcept { errors_.fetch_add(1, std::memory_order_relaxed); }
    void count_crash() noexcept { crashes_.fetch_add(1, std::memory_order_relaxed); } // beside count_error()
    [[nodiscard]] std::uint64_t calls() const noexcept;
    [[nodiscard]] MeterReading read();

private:
    friend class Meters;
    const std::uint32_t index_;
    const std::int64_t since_ns_;
    std::int64_t calls_before_ = 0;             // under the index, by others
    std::atomic<std::int64_t> final_calls_{-1}; // once closed
    std::atomic<std::uint64_t> errors_{0};
    std::atomic<std::uint64_t> crashes_{0};
    std::atomic<std::uint64_t> timed_{0};      // what a mean is judged by: those pushed off cost as much
    std::atomic<std::uint64_t> pushed_off_{0}; // of them, not in the histogram
    std::atomic<std::int64_t> looked_ns_{0};   // when the mean was looked at last
    std::atomic<std::uint64_t> looked_at_{0};  // timed calls then
    MeterHistogram latency_;
};

// All of the process: who has which index, and what is sampled. One object, never destroyed.
class Meters {
public:
    static Meters &instance() noexcept;
    Meters(const Meters &) = delete;
    Meters &operator=(const Meters &) = delete;

    // Time calls of every meter: at least `per_second` (up to kMostPerSecond) of each, if it has that many; 0: none.
    void set_sampling(std::uint32_t per_second) noexcept;
    [[nodiscard]] std::uint32_t sampling() const noexcept { return per_second_.load(std::memory_order_relaxed); }
    // Look whether what is called gives as many samples as asked for. Timed calls do, and so does reading: a plugin
    // that is hardly called any more would never come to its next timed call.
    void look(Meter &meter, std::int64_t now_ns) noexcept;

    // The meter of a table that the caller's record holds; never nullptr.
    [[nodiscard]] Meter *of(const hotgraft_table *table) noexcept;
    // In the cold branch, after the record's limit was raised: arm its words by the means of now, if they changed.
    void arm(ThreadRecord &record) noexcept;
    [[nodiscard]] static hotgraft_counts head() noexcept; // for a new record

    // Guards of `meter` taken so far by all threads, by whoever had that index.
    [[nodiscard]] static std::int64_t sum(std::uint32_t index) noexcept;

    // A seam for tests: the clock by which calls are timed and means are looked at.
    void set_clock(std::int64_t (*clock_ns)()) noexcept { clock_ns_.store(clock_ns, std::memory_order_relaxed); }
    [[nodiscard]] std::int64_t now_ns() const noexcept { return clock_ns_.load(std::memory_order_relaxed)(); }
    // A seam for tests: how often the calling thread was pushed off its processor.
    void set_scheduler(std::int64_t (*times)()) noexcept { scheduler_.store(times, std::memory_order_relaxed); }
    // A seam for tests: time the next call of `meter` that the calling thread makes, as a trigger by time would.
    // Sampling is off.
    void time_next_call(const Meter &meter) noexcept;
    [[nodiscard]] std::uint32_t free_indexes() noexcept;

private:
    friend class Meter;
    Meters() noexcept;
    // meter.cpp
    std::uint32_t take_index() noexcept; // 0: there is none left
    void give_back(std::uint32_t index) noexcept;
    void list(Meter &meter) noexcept;
    // meter_sampling.cpp
    void begin(Meter &meter) noexcept;
    void set_mean(std::uint32_t index, std::uint64_t mean) noexcept;
    void tell_threads() noexcept;
    static std::uint64_t reached(hotgraft_record *record, std::uint64_t depth) noexcept;
    static void leave_timed(hotgraft_record *record, std::uint64_t depth) noexcept;
    [[nodiscard]] std::int64_t pushed_off() const noexcept { return scheduler_.load(std::memory_order_relaxed)(); }

    std::mutex mutex_; // guards is_taken_, and who writes open_
    std::array<bool, kMeters> is_taken_{};
    std::array<std::atomic<Meter *>, kMeters> open_{};
    std::array<std::atomic<std::uint64_t>, kMeters> mean_{}; // calls between timed ones; 0: not sampled
    std::atomic<std::uint32_t> epoch_{1};                    // of the means; 0 is no epoch
    std::atomic<std::uint32_t> per_second_{0};
    std::atomic<bool> is_timing_by_hand_{false}; // time_next_call()
    std::atomic<std::int64_t (*)()> clock_ns_;
    std::atomic<std::int64_t (*)()> scheduler_;
    Meter unmetered_{0};
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_METER_HPP
