#include "meter_rate.hpp"

#include <algorithm>
#include <cmath>

namespace hotgraft {

namespace {

constexpr double kAim = 4.0;   // times what is asked for: a rate may fall to a quarter before the mean must change
constexpr double kMost = 16.0; // times, before it is made rarer
constexpr std::int64_t kLeastLookNs = 20'000'000;
constexpr std::int64_t kSecondNs = 1'000'000'000;

} // namespace

std::uint64_t next_random(std::uint64_t *state) noexcept {
    std::uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1DU;
}

std::int64_t draw_distance(std::uint64_t mean_calls, std::uint64_t random) noexcept {
    if (mean_calls <= 1) {
        return 1;
    }
    const double uniform = (static_cast<double>(random >> 11) + 0.5) * 0x1p-53; // in (0, 1)
    const double distance = std::ceil(-std::log(uniform) * static_cast<double>(mean_calls));
    return static_cast<std::int64_t>(std::clamp(distance, 1.0, 0x1p60));
}

bool is_time_to_look(std::uint64_t samples, std::int64_t passed_ns, std::uint32_t per_second) noexcept {
    return samples >= kLookAfterSamples ||
           passed_ns >= std::max(kLeastLookNs, 40 * kSecondNs / std::max(per_second, 1U));
}

std::uint64_t next_mean(std::uint64_t mean_calls, std::uint64_t samples, std::int64_t passed_ns,
                        std::uint32_t per_second) noexcept {
    const double asked = static_cast<double>(std::max(per_second, 1U));
    const double seconds = static_cast<double>(std::max<std::int64_t>(passed_ns, 1)) * 1e-9;
    const double rate = std::max(static_cast<double>(samples), 0.5) / seconds; // none at all: fewer than one
    if (rate >= asked && rate <= kMost * asked) {
        return mean_calls;
    }
    const double wanted = std::floor(static_cast<double>(mean_calls) * rate / (kAim * asked));
    return static_cast<std::uint64_t>(std::clamp(wanted, 1.0, static_cast<double>(kMostMean)));
}

} // namespace hotgraft
