// Fallback tables: what callers in C are answered while a plugin has no usable generation.
#include <array>
#include <cmath>
#include <cstdint>

#include "fallback.hpp"
#include "gate_scene.hpp"

using namespace scene;

namespace {

// One function of each class of results, and more parameters than fit in registers.
struct Wide {
    std::uint32_t struct_size;
    std::int32_t (*status)(void *self, const void *bytes, std::uint64_t count);
    double (*real)(void *self, double by);
    float (*narrow)(void *self, float a, float b);
    std::uint8_t (*byte)(void *self);
    std::int64_t (*many)(void *self, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d, std::int64_t e,
                         std::int64_t f, std::int64_t g, double h);
    std::int32_t (*silent)(void *self);
};

FallbackAnswer narrow(float value) {
    FallbackAnswer answer;
    std::memcpy(&answer.number, &value, sizeof value);
    return answer;
}

std::vector<AnsweredFunction> answers() {
    return {{offsetof(Wide, status), {HOTGRAFT_E_CANCELLED, 0}},
            {offsetof(Wide, real), {0, 0.5}},
            {offsetof(Wide, narrow), narrow(-2.25F)},
            {offsetof(Wide, byte), {200, 0}},
            {offsetof(Wide, many), {-(INT64_C(1) << 40), 0}}};
}

constexpr std::uint32_t kVersion = 1U << 16;

Status publish(const std::shared_ptr<Slot> &slot, const std::vector<AnsweredFunction> &given = answers()) {
    return publish_fallback(slot, sizeof(Wide), kVersion, given);
}

// One guarded call of `function`.
template <class Call> auto call(Slot &slot, Call function) {
    const hotgraft_import import = import_of(slot);
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&import, &guard);
    REQUIRE(table != nullptr);
    const auto answer = function(*HOTGRAFT_INTERFACE(Wide, table), table->self);
    hotgraft_leave(&guard);
    return answer;
}

std::shared_ptr<Slot> new_slot() {
    return std::make_shared<Slot>("wide/1");
}

} // namespace

TEST_CASE("each class of results comes back as it was declared, whatever the parameters") {
    const std::shared_ptr<Slot> slot = new_slot();
    REQUIRE(publish(slot).is_ok());
    CHECK(call(*slot, [](const Wide &it, void *self) { return it.status(self, nullptr, 7); }) == HOTGRAFT_E_CANCELLED);
    CHECK(call(*slot, [](const Wide &it, void *self) { return it.real(self, 9.0); }) == 0.5);
    CHECK(call(*slot, [](const Wide &it, void *self) { return it.narrow(self, 1.0F, 2.0F); }) == -2.25F);
    CHECK(call(*slot, [](const Wide &it, void *self) { return it.byte(self); }) == 200);
    CHECK(call(*slot, [](const Wide &it, void *self) { return it.many(self, 1, 2, 3, 4, 5, 6, 7, 8.0); }) ==
          -(INT64_C(1) << 40));
}

TEST_CASE("a function without a declared answer says that the plugin is unavailable") {
    const std::shared_ptr<Slot> slot = new_slot();
    REQUIRE(publish(slot).is_ok());
    CHECK(call(*slot, [](const Wide &it, void *self) { return it.silent(self); }) == HOTGRAFT_E_UNAVAILABLE);
    CHECK(slot->held()->generation == 0);
    CHECK(is_fallback(slot->held()->self));
}

TEST_CASE("what a generation does not offer stays unsupported: its self is no fallback's") {
    std::uint64_t state = 0;
    CHECK(table_stub(&state) == HOTGRAFT_E_UNSUPPORTED);
    CHECK(table_stub(nullptr) == HOTGRAFT_E_UNSUPPORTED);
    CHECK_FALSE(is_fallback(&state));
}

TEST_CASE("a caller inside the plugin is not waited for, and who comes after it is answered by the fallback") {
    Provider provider("answer/1");
    const std::shared_ptr<Slot> slot(&provider.slot, [](Slot *) {});
    Inside inside(provider);
    REQUIRE(publish_fallback(slot, sizeof(Answer), kVersion, {{offsetof(Answer, answer), {77, 0}}}).is_ok());
    CHECK(provider.call() == 77);
    const hotgraft_table *const old = provider.old_offer.get();
    guards().barrier();
    CHECK(guards().is_held(&old, 1));
    inside.finish();
    REQUIRE(guards().publish_open(*slot, provider.new_offer.get()).is_ok());
    CHECK(provider.call() == 2);
}

TEST_CASE("a fallback that was replaced stays while a caller holds it, and is freed then") {
    const std::shared_ptr<Slot> slot = new_slot();
    const std::size_t before = count_fallbacks();
    REQUIRE(publish(slot).is_ok());
    const hotgraft_table *const held = guards().enter(*slot);
    REQUIRE(guards().publish_open(*slot, nullptr).is_ok());
    CHECK(count_fallbacks() == before + 1);
    CHECK(HOTGRAFT_INTERFACE(Wide, held)->byte(held->self) == 200); // still whole
    guards().leave(held);
    CHECK(count_fallbacks() == before);
}

TEST_CASE("a breaker that opens and closes for ever grows nothing") {
    const std::shared_ptr<Slot> slot = new_slot();
    const std::size_t before = count_fallbacks();
    for (int round = 0; round < 3000; ++round) { // more than there are places for
        REQUIRE(publish(slot).is_ok());
    }
    CHECK(count_fallbacks() == before + 1);
    REQUIRE(guards().publish_open(*slot, nullptr).is_ok());
    CHECK(count_fallbacks() == before);
}

TEST_CASE("an answer for what is no function is refused, and the slot keeps its table") {
    Provider provider("answer/1");
    const std::shared_ptr<Slot> slot(&provider.slot, [](Slot *) {});
    for (const std::uint32_t offset : {0U, 4U, 9U, 16U, 4096U}) {
        const Status status = publish_fallback(slot, sizeof(Answer), kVersion, {{offset, {}}});
        CHECK(status.code() == Code::kInvalid);
    }
    const std::vector<AnsweredFunction> too_many(kMostAnswers + 1, AnsweredFunction{8, {}});
    CHECK(publish_fallback(slot, sizeof(Answer), kVersion, too_many).code() == Code::kInvalid);
    CHECK(provider.call() == 1);
}

TEST_CASE("a slot whose gate a swap has closed takes no fallback") {
    Provider provider("answer/1");
    const std::shared_ptr<Slot> slot(&provider.slot, [](Slot *) {});
    const std::size_t before = count_fallbacks();
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    CHECK(publish_fallback(slot, sizeof(Answer), kVersion, {}).code() == Code::kBusy);
    gates.reopen();
    CHECK(provider.call() == 1);
    CHECK(count_fallbacks() == before);
}
