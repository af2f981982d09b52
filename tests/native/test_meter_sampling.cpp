// Which calls are timed: enough of them, and none is favoured. And the trigger by time, to see what it would do.
//
// Time is a clock that the called functions move: how long a call takes is what it says, on any machine.
#include "meter_scene.hpp"

#include <cmath>

using namespace scene;

namespace {

std::uint64_t samples_from(const MeterReading &reading, std::uint64_t least_ns) {
    std::uint64_t found = 0;
    for (std::size_t bucket = bucket_of(least_ns); bucket < kBuckets; ++bucket) {
        found += reading.latency_ns[bucket];
    }
    return found;
}

constexpr std::int64_t kShort = 1'000;
constexpr std::int64_t kLong = 50'000;

// Streams of calls in which every other call is a long one, in runs of `run`.
void play(Plugin &plugin, int calls, int run) {
    for (int i = 0; i < calls; ++i) {
        plugin.call(i / run % 2 == 0 ? kShort : kLong);
    }
}

double share_of_long(const Plugin &plugin) {
    const MeterReading reading = plugin.meter->read();
    return reading.samples == 0
               ? 0.0
               : static_cast<double>(samples_from(reading, kLong / 2)) / static_cast<double>(reading.samples);
}

// What a trigger by time does: at moments that know nothing of the calls, the next call is timed.
double share_of_long_by_time(int run) {
    meters().set_clock([] { return clock_ns.load(std::memory_order_relaxed); });
    Plugin plugin;
    plugin.call();
    std::uint64_t random = 88172645463325252U;
    std::int64_t due_ns = clock_ns;
    for (int i = 0; i < 400'000; ++i) {
        plugin.call(i / run % 2 == 0 ? kShort : kLong);
        if (clock_ns >= due_ns) {
            meters().time_next_call(*plugin.meter);
            due_ns = clock_ns + draw_distance(3'000'000, next_random(&random)); // nanoseconds
        }
    }
    meters().set_clock(&futex_clock_ns);
    return share_of_long(plugin);
}

} // namespace

TEST_CASE("short and long calls, one by one and in runs: the samples' share of long ones is the true one") {
    const int calls = static_cast<int>(sized(600'000, 6'000'000));
    for (const int run : {1, 10, 300}) {
        CAPTURE(run);
        const Sampling sampling(2'000);
        Plugin plugin;
        play(plugin, calls, run);
        const MeterReading reading = plugin.meter->read();
        // Five standard deviations of a fair coin: wrong once in two million.
        const double bound = 5 * 0.5 / std::sqrt(static_cast<double>(reading.samples));
        CAPTURE(reading.samples);
        CHECK(reading.samples > 20'000);
        CHECK(std::abs(share_of_long(plugin) - 0.5) < bound);
    }
}

TEST_CASE("a thread of long calls and one of short ones: neither is favoured") {
    const Sampling sampling(2'000);
    Plugin plugin;
    // In turns, as two processors would run them: three short calls for a long one.
    std::atomic<int> turn{0};
    const auto run = [&](int own_turn, int count, std::int64_t ns) {
        for (int i = 0; i < 500; ++i) {
            while (turn != own_turn) {
                std::this_thread::yield();
            }
            for (int k = 0; k < count; ++k) {
                plugin.call(ns);
            }
            turn = 1 - own_turn;
        }
    };
    std::thread first(run, 0, 300, kShort);
    std::thread second(run, 1, 100, kLong);
    first.join();
    second.join();
    const MeterReading reading = plugin.meter->read();
    REQUIRE(reading.calls == 200'000);
    CHECK(reading.samples > 2'000);
    const double bound = 5 * std::sqrt(0.25 * 0.75 / static_cast<double>(reading.samples)); // as above
    CHECK(std::abs(share_of_long(plugin) - 0.25) < bound);
}

TEST_CASE("at least as many samples are taken as were asked for, where there are that many calls") {
    for (const std::int64_t ns : {100, 10'000, 300'000, 5'000'000}) {
        CAPTURE(ns);
        const Sampling sampling(2'000);
        Plugin plugin;
        const auto play_for = [&](std::int64_t passed_ns) {
            const std::int64_t until_ns = clock_ns + passed_ns;
            while (clock_ns < until_ns) {
                plugin.call(ns);
            }
        };
        play_for(200'000'000);
        const std::uint64_t before = plugin.meter->read().samples;
        play_for(1'000'000'000);
        const std::uint64_t possible = static_cast<std::uint64_t>(1'000'000'000 / ns);
        const std::uint64_t taken = plugin.meter->read().samples - before;
        CHECK(taken >= std::min<std::uint64_t>(2'000, possible - 1));
        CHECK(taken <= 40'000);
    }
}

TEST_CASE("a plugin that is suddenly called a thousand times less is found out by whoever reads its meter") {
    const Sampling sampling(2'000);
    Plugin plugin;
    for (int i = 0; i < 2'000'000; ++i) {
        plugin.call(500);
    }
    for (int i = 0; i < 100; ++i) { // 2 s with five looks a second, as probation has
        for (int k = 0; k < 20; ++k) {
            plugin.call(1'000'000);
        }
        (void)plugin.meter->read();
    }
    CHECK(samples_from(plugin.meter->read(), 900'000) > 1'500);
}

TEST_CASE("a timed call is told apart from the calls nested in it") {
    const Sampling sampling(100'000);
    Plugin outer;
    Plugin inner;
    for (int i = 0; i < 20'000; ++i) {
        hotgraft_guard guard;
        REQUIRE(hotgraft_enter(&outer.import, &guard) != nullptr);
        inner.call(1'000);
        clock_ns.fetch_add(100'000);
        hotgraft_leave(&guard);
    }
    CHECK(outer.meter->read().samples > 500);
    CHECK(inner.meter->read().samples > 500);
    CHECK(samples_from(outer.meter->read(), 100'000) == outer.meter->read().samples);
    CHECK(samples_from(inner.meter->read(), 1'100) == 0);
}

TEST_CASE("when sampling is switched off no call is timed any more") {
    Plugin plugin;
    {
        const Sampling sampling(2'000);
        play(plugin, 10'000, 1);
    }
    plugin.call();
    const std::uint64_t before = plugin.meter->read().samples;
    play(plugin, 100'000, 1);
    CHECK(plugin.meter->read().samples == before);
    CHECK(plugin.meter->read().calls == 110'001);
}

TEST_CASE("buckets cover everything, each at most a 32nd of its edge wide") {
    CHECK(bucket_of(0) == 0);
    CHECK(bucket_of(63) == 63);
    CHECK(bucket_of(64) == 64);
    CHECK(bucket_of((std::uint64_t{1} << 41) - 1) == kBuckets - 1);
    CHECK(bucket_of(~std::uint64_t{0}) == kBuckets - 1);
    for (std::size_t bucket = 0; bucket + 1 < kBuckets; ++bucket) {
        const std::uint64_t edge = edge_of(bucket);
        const std::uint64_t next = edge_of(bucket + 1);
        REQUIRE(bucket_of(edge) == bucket);
        REQUIRE(bucket_of(next - 1) == bucket);
        REQUIRE((next - edge) * 32 <= std::max<std::uint64_t>(edge, 32));
    }
}

TEST_CASE("distances have the mean that was asked for, and no memory") {
    std::uint64_t state = 1;
    for (const std::uint64_t mean : {std::uint64_t{2}, std::uint64_t{64}, std::uint64_t{5'000}}) {
        double sum = 0;
        int above = 0;
        constexpr int kDraws = 200'000;
        for (int i = 0; i < kDraws; ++i) {
            const std::int64_t distance = draw_distance(mean, next_random(&state));
            REQUIRE(distance >= 1);
            sum += static_cast<double>(distance);
            above += distance > static_cast<std::int64_t>(mean) ? 1 : 0;
        }
        // Exponential, rounded up: 1 / (1 - e^(-1/m)), and e^-1 of them lie above the mean.
        const double expected = 1 / (1 - std::exp(-1.0 / static_cast<double>(mean)));
        CHECK(sum / kDraws == doctest::Approx(expected).epsilon(0.02));
        CHECK(above / static_cast<double>(kDraws) == doctest::Approx(std::exp(-1.0)).epsilon(0.02));
    }
    CHECK(draw_distance(1, next_random(&state)) == 1);
    CHECK(draw_distance(kMostMean, 0) > 0);
}

TEST_CASE("the mean follows the rate only where it must") {
    CHECK(next_mean(100, 2'000, kSecond_ns, 2'000) == 100);
    CHECK(next_mean(100, 32'000, kSecond_ns, 2'000) == 100);
    CHECK(next_mean(100, 80'000, kSecond_ns, 2'000) == 1'000); // to four times what is asked for
    CHECK(next_mean(100, 800, kSecond_ns, 2'000) == 10);
    CHECK(next_mean(100, 0, kSecond_ns, 2'000) == 1);
    CHECK(next_mean(1, 3, kSecond_ns, 2'000) == 1);
    CHECK(!is_time_to_look(10, 19'000'000, 2'000));
    CHECK(is_time_to_look(10, 21'000'000, 2'000));
    CHECK(is_time_to_look(256, 1, 2'000));
    CHECK(!is_time_to_look(10, 2 * kSecond_ns, 10));
}

int main(int argc, char **argv) {
    return run(argc, argv, {{"by_time", [] {
                                 // Half of the calls are long and 98 % of the time: a moment falls into a long one.
                                 const double share = share_of_long_by_time(300);
                                 return share > 0.9 ? std::to_string(share) + " of the samples are long calls"
                                                    : std::string();
                             }}});
}
