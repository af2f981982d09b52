// How many calls lie between two timed ones: by chance, with a mean that follows what is asked for. Pure.
//
// The distance is exponential, rounded up: the next timed call is as likely to be any call as any other, whatever was
// timed before and however long calls take. A trigger by time would not be: it falls into long calls and long pauses
// more often than into short ones (the inspection paradox), and the call after it is then a chosen one.
//
// The mean is one number for all threads, and stays as it is while it gives between `per_second` and sixteen times as
// many samples: within such a stretch all calls are equally likely, fast and slow ones, of busy threads and of idle
// ones.
#ifndef HOTGRAFT_CORE_METER_RATE_HPP
#define HOTGRAFT_CORE_METER_RATE_HPP

#include <cstdint>

namespace hotgraft {

inline constexpr std::uint64_t kFirstMean = 64; // until the first look
inline constexpr std::uint64_t kMostMean = std::uint64_t{1} << 40;
inline constexpr std::uint32_t kMostPerSecond = 100'000;
inline constexpr std::uint64_t kLookAfterSamples = 256; // or after as long as forty samples may take

// A uniformly distributed word after `state`, which is moved on (xorshift64*, Vigna 2016: "An experimental exploration
// of Marsaglia's xorshift generators, scrambled"). `state` is not 0.
[[nodiscard]] std::uint64_t next_random(std::uint64_t *state) noexcept;

// The distance to the next timed call, at least 1, for the mean `mean_calls` and a random word.
[[nodiscard]] std::int64_t draw_distance(std::uint64_t mean_calls, std::uint64_t random) noexcept;

// Is it time for next_mean()?
[[nodiscard]] bool is_time_to_look(std::uint64_t samples, std::int64_t passed_ns, std::uint32_t per_second) noexcept;
// The mean distance from now on, after `samples` were taken in `passed_ns` at `mean_calls`. 1: every call.
[[nodiscard]] std::uint64_t next_mean(std::uint64_t mean_calls, std::uint64_t samples, std::int64_t passed_ns,
                                      std::uint32_t per_second) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_METER_RATE_HPP
