// What the tests of meters play with: a plugin whose calls take as long as they are told, by a clock that they move.
#ifndef HOTGRAFT_TESTS_METER_SCENE_HPP
#define HOTGRAFT_TESTS_METER_SCENE_HPP

#include "guard_scene.hpp"
#include "meter.hpp"
#include "meter_rate.hpp"

namespace scene {

inline Meters &meters() {
    return Meters::instance();
}

inline std::atomic<std::int64_t> clock_ns{1};

// While it lives, time is `clock_ns`, and calls are timed.
class Sampling {
public:
    explicit Sampling(std::uint32_t per_second) {
        meters().set_clock([] { return clock_ns.load(std::memory_order_relaxed); });
        meters().set_sampling(per_second);
    }
    ~Sampling() {
        meters().set_sampling(0);
        meters().set_clock(&futex_clock_ns);
    }
    Sampling(const Sampling &) = delete;
    Sampling &operator=(const Sampling &) = delete;
};

// An interface whose function takes as long as it is told.
struct Task {
    std::uint32_t struct_size;
    void (*take)(void *self, std::int64_t ns);
};

// A generation in a slot of its own, with its meter.
struct Plugin {
    explicit Plugin(std::uint64_t generation = 1) {
        REQUIRE(meter != nullptr);
        const Task functions{sizeof(Task), [](void *, std::int64_t ns) { clock_ns.fetch_add(ns); }};
        table = Table::make(&functions, 0, 1U << 16, generation, nullptr, meter->index());
        REQUIRE(table != nullptr);
        REQUIRE(Guards::instance().publish_open(slot, table->get()).is_ok());
    }
    ~Plugin() {
        (void)Guards::instance().publish_open(slot, nullptr);
        Guards::instance().barrier();
    }
    void call(std::int64_t ns = 1) {
        hotgraft_guard guard;
        const hotgraft_table *const held = hotgraft_enter(&import, &guard);
        HOTGRAFT_INTERFACE(Task, held)->take(held->self, ns);
        hotgraft_leave(&guard);
    }
    std::shared_ptr<Meter> meter = Meter::open();
    std::unique_ptr<Table> table;
    Slot slot{"task/1"};
    hotgraft_import import = import_of(slot);
};

} // namespace scene

#endif // HOTGRAFT_TESTS_METER_SCENE_HPP
