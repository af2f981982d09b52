// What the tests of the guard part play with: a provider whose calls can be seen, an import to call it by, events to
// wait on, seams as lambdas, and a main that also runs controls.
//
// A control takes one mitigation out and exits 0 only if the failure was seen: `test_x --control NAME`.
#ifndef HOTGRAFT_TESTS_GUARD_SCENE_HPP
#define HOTGRAFT_TESTS_GUARD_SCENE_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <hotgraft/call.h>

#include "events_scene.hpp"
#include "futex.hpp"
#include "gate.hpp"
#include "guard.hpp"
#include "table.hpp"

namespace scene {

using namespace hotgraft;

constexpr std::int64_t kSecond_ns = 1'000'000'000;
inline std::int64_t in_seconds(std::int64_t seconds) {
    return futex_clock_ns() + seconds * kSecond_ns;
}

// The N of a test by tier, as in tests/conftest.py.
inline std::uint64_t sized(std::uint64_t quick, std::uint64_t full) {
    const char *tier = std::getenv("HOTGRAFT_TIER");
    return tier == nullptr || std::strcmp(tier, "quick") == 0 ? quick : full;
}

// The interface all tests call: answers the number behind `self`.
struct Answer {
    std::uint32_t struct_size;
    std::uint64_t (*answer)(void *self);
};
inline std::uint64_t answer_of_self(void *self) {
    return *static_cast<const std::uint64_t *>(self);
}

// One generation's table and the state behind it.
struct Offer {
    explicit Offer(std::uint64_t number, const char *slot = "answer/1") : state(number) {
        const Answer functions{sizeof(Answer), &answer_of_self};
        table = Table::make(&functions, 0, 1U << 16, number, &state, 0, slot);
        REQUIRE(table != nullptr);
    }
    [[nodiscard]] const hotgraft_table *get() const { return table->get(); }
    std::uint64_t state;
    std::unique_ptr<Table> table;
};

inline hotgraft_host host_table() {
    hotgraft_host host{};
    host.struct_size = sizeof host;
    host.enter = [](hotgraft_ctx *, hotgraft_slot *slot) noexcept {
        return Guards::instance().enter(Slot::from_words(slot));
    };
    host.try_enter = [](hotgraft_ctx *, hotgraft_slot *slot) noexcept {
        return Guards::instance().try_enter(Slot::from_words(slot));
    };
    host.leave = [](hotgraft_ctx *, const hotgraft_table *table) noexcept { Guards::instance().leave(table); };
    host.guard_protocol = HOTGRAFT_GUARD_PROTOCOL;
    return host;
}

inline hotgraft_import import_of(Slot &slot) {
    static const hotgraft_host host = host_table();
    hotgraft_import import = HOTGRAFT_IMPORT("answer", "^1", 0);
    import.slot = slot.words();
    import.record_offset = Guards::instance().record_offset();
    import.host = &host;
    return import;
}

// While it lives, the core behaves as on a kernel without membarrier.
class WithoutMembarrier {
public:
    WithoutMembarrier() { Guards::instance().force_no_membarrier(true); }
    ~WithoutMembarrier() { Guards::instance().force_no_membarrier(false); }
    WithoutMembarrier(const WithoutMembarrier &) = delete;
    WithoutMembarrier &operator=(const WithoutMembarrier &) = delete;
};

// What a control answers: what was seen of the failure; empty: nothing.
using Controls = std::map<std::string, std::function<std::string()>>;

inline int run(int argc, char **argv, const Controls &controls) {
    doctest::Context context(argc, argv);
    if (argc == 3 && std::strcmp(argv[1], "--control") == 0) {
        context.setAsDefaultForAssertsOutOfTestCases(); // a REQUIRE that fails in a control ends the process
        const Controls::const_iterator control = controls.find(argv[2]);
        const std::string seen = control != controls.end() ? control->second() : std::string();
        std::printf("control %s: %s%s\n", argv[2], seen.empty() ? "NOT seen" : "seen: ", seen.c_str());
        return seen.empty() ? 1 : 0;
    }
    return context.run();
}

} // namespace scene

#endif // HOTGRAFT_TESTS_GUARD_SCENE_HPP
