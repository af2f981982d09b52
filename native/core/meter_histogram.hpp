// A latency histogram: log-linear buckets, so that a value is known to 3.2 % over nine decades with a fixed 9.5 KB.
//
// Values below 64 ns have a bucket each; above, each power of two is cut into 32. python/hotgraft reads the same
// buckets.
//
// Thread safety
//   add(): any thread, also in a signal handler. count_in(): any thread; a reading beside writers is a moment's.
#ifndef HOTGRAFT_CORE_METER_HISTOGRAM_HPP
#define HOTGRAFT_CORE_METER_HISTOGRAM_HPP

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace hotgraft {

inline constexpr std::size_t kBuckets = 1184; // 2^41 ns, 36 minutes, and more: the last one

[[nodiscard]] inline std::size_t bucket_of(std::uint64_t value_ns) noexcept {
    if (value_ns >> 41 != 0) {
        return kBuckets - 1;
    }
    const unsigned bits = 63U - static_cast<unsigned>(__builtin_clzll(value_ns | 1U)); // floor(log2)
    const unsigned shift = bits > 5 ? bits - 5 : 0;
    return std::size_t{shift} * 32 + static_cast<std::size_t>(value_ns >> shift);
}

// The smallest value of a bucket.
[[nodiscard]] inline std::uint64_t edge_of(std::size_t bucket) noexcept {
    if (bucket < 64) {
        return bucket;
    }
    const std::size_t shift = bucket / 32 - 1;
    return static_cast<std::uint64_t>(bucket - shift * 32) << shift;
}

class MeterHistogram {
public:
    void add(std::uint64_t value_ns) noexcept { counts_[bucket_of(value_ns)].fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t count_in(std::size_t bucket) const noexcept {
        return counts_[bucket].load(std::memory_order_relaxed);
    }

private:
    std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_METER_HISTOGRAM_HPP
