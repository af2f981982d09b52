// Timed calls in which the scheduler took the processor away: counted apart, and in no histogram.
//
// Mostly the scheduler is one that the called functions move, as time is; once it is the real one.
#include "meter_scene.hpp"

#include <cerrno>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meter_scheduler_posix.hpp"

using namespace scene;

namespace {

constexpr std::int64_t kCall_ns = 1'000;
constexpr std::int64_t kPushedOff_ns = 4'000'000; // a neighbour's turn

std::atomic<std::int64_t> pushed_off{0};

// While it lives, the scheduler pushes threads off when `pushed_off` is raised.
class Scheduler {
public:
    explicit Scheduler(std::int64_t (*read)() = [] { return pushed_off.load(std::memory_order_relaxed); }) {
        meters().set_scheduler(read);
    }
    ~Scheduler() { meters().set_scheduler(&times_pushed_off); }
    Scheduler(const Scheduler &) = delete;
    Scheduler &operator=(const Scheduler &) = delete;
};

// A plugin whose calls may be pushed off.
class Busy {
public:
    void call(bool is_pushed_off, std::int64_t waits_ns = kPushedOff_ns) {
        hotgraft_guard guard;
        REQUIRE(hotgraft_enter(&plugin_.import, &guard) != nullptr);
        clock_ns.fetch_add(kCall_ns);
        if (is_pushed_off) {
            clock_ns.fetch_add(waits_ns);
            pushed_off.fetch_add(1);
        }
        hotgraft_leave(&guard);
    }
    // A call in fifty is pushed off.
    void play(int calls) {
        for (int i = 0; i < calls; ++i) {
            call(i % 50 == 0);
        }
    }
    [[nodiscard]] MeterReading read() const { return plugin_.meter->read(); }

private:
    Plugin plugin_;
};

// While it lives, the calling thread and one that never rests share a processor.
class Neighbour {
public:
    Neighbour() {
        REQUIRE(sched_getaffinity(0, sizeof before_, &before_) == 0);
        cpu_set_t one;
        CPU_ZERO(&one);
        for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
            if (CPU_ISSET(cpu, &before_)) {
                CPU_SET(cpu, &one);
            }
        }
        REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0); // the new thread inherits it
        busy_ = std::thread([this] {
            while (!is_over_) {
            }
        });
    }
    ~Neighbour() {
        is_over_ = true;
        busy_.join();
        (void)sched_setaffinity(0, sizeof before_, &before_);
    }
    Neighbour(const Neighbour &) = delete;
    Neighbour &operator=(const Neighbour &) = delete;

private:
    cpu_set_t before_{};
    std::atomic<bool> is_over_{false};
    std::thread busy_;
};

// Calls that last until the scheduler has given their processor to the neighbour, each of them timed, by the real
// clock.
MeterReading beside_a_neighbour(int calls) {
    const Neighbour neighbour;
    Plugin plugin;
    plugin.call();
    for (int i = 0; i < calls; ++i) {
        meters().time_next_call(*plugin.meter);
        hotgraft_guard guard;
        REQUIRE(hotgraft_enter(&plugin.import, &guard) != nullptr);
        const std::int64_t before = times_pushed_off();
        for (const std::int64_t until_ns = in_seconds(20); times_pushed_off() == before;) {
            REQUIRE(futex_clock_ns() < until_ns);
        }
        hotgraft_leave(&guard);
    }
    return plugin.meter->read();
}

} // namespace

TEST_CASE("calls that were pushed off are counted apart, and the tail is the plugin's own") {
    const Sampling sampling(100'000);
    const Scheduler scheduler;
    Busy plugin;
    plugin.play(20'000);
    const MeterReading reading = plugin.read();
    CHECK(reading.pushed_off > 100);
    CHECK(reading.samples > 5'000);
    CHECK(reading.percentile_ns(1.0) < 2 * kCall_ns);
    CHECK(reading.calls == 20'000); // they are calls like all others
}

TEST_CASE("what was pushed off before a call or after it is none of its business") {
    const Sampling sampling(100'000);
    const Scheduler scheduler;
    Busy plugin;
    for (int i = 0; i < 50'000; ++i) {
        pushed_off.fetch_add(1);
        plugin.call(false);
    }
    CHECK(plugin.read().pushed_off == 0);
    CHECK(plugin.read().samples > 500);
}

TEST_CASE("a call is judged by its own thread's count, at every depth") {
    const Sampling sampling(100'000);
    const Scheduler scheduler;
    Plugin outer;
    Busy inner;
    for (int i = 0; i < 50'000; ++i) {
        hotgraft_guard guard;
        REQUIRE(hotgraft_enter(&outer.import, &guard) != nullptr);
        pushed_off.fetch_add(1); // inside the outer call, outside the inner one
        inner.call(false);
        hotgraft_leave(&guard);
    }
    CHECK(outer.meter->read().samples == 0);
    CHECK(outer.meter->read().pushed_off > 500);
    CHECK(inner.read().pushed_off == 0);
    CHECK(inner.read().samples > 500);
}

TEST_CASE("what is pushed off all the time is timed no more often than anything else") {
    const Sampling sampling(2'000);
    const Scheduler scheduler;
    Busy plugin;
    std::uint64_t before = 0;
    for (int i = 0; i < 20'000; ++i) {
        if (i == 10'000) {
            before = plugin.read().pushed_off;
        }
        plugin.call(true, 0);
    }
    const MeterReading reading = plugin.read();
    CHECK(reading.samples == 0);
    CHECK(reading.percentile_ns(0.99) == 0);
    CHECK(reading.pushed_off - before < 1'000); // 10 ms at 32,000 a second, the most before the mean changes
}

TEST_CASE("errno is what the call left there") {
    const Sampling sampling(100'000);
    Plugin plugin;
    for (int i = 0; i < 500; ++i) {
        errno = ENOTTY;
        plugin.call();
        REQUIRE(errno == ENOTTY);
    }
    CHECK(plugin.meter->read().samples + plugin.meter->read().pushed_off > 0);
}

TEST_CASE("a busy neighbour on the same processor is seen by the real count") {
    const MeterReading reading = beside_a_neighbour(5);
    CHECK(reading.pushed_off == 5);
    CHECK(reading.samples == 0);
}

TEST_CASE("a guard that a forked child leaves for its parent is no sample: the child's count began anew") {
    const Scheduler scheduler;
    Plugin plugin;
    plugin.call();
    hotgraft_guard guard;
    meters().time_next_call(*plugin.meter);
    pushed_off.store(7);
    REQUIRE(hotgraft_enter(&plugin.import, &guard) != nullptr);
    const pid_t child = fork();
    if (child == 0) {
        pushed_off.store(0);
        hotgraft_leave(&guard);
        const MeterReading reading = plugin.meter->read();
        _exit(reading.pushed_off == 1 && reading.samples == 0 ? 0 : 1);
    }
    hotgraft_leave(&guard);
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(plugin.meter->read().samples == 1);
}

int main(int argc, char **argv) {
    return run(argc, argv, {{"no_filter", [] {
                                 // Nobody counts: what the neighbour took is taken for the plugin's own time.
                                 const Scheduler blind([]() -> std::int64_t { return 0; });
                                 const MeterReading reading = beside_a_neighbour(5);
                                 const std::uint64_t longest_ns = reading.percentile_ns(1.0);
                                 return reading.samples == 5 && longest_ns > 500'000
                                            ? "calls of " + std::to_string(longest_ns / 1'000) + " us in the tail"
                                            : std::string();
                             }}});
}
