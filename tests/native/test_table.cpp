// A table: copied once, padded with stubs, never changed.
#include "guard_scene.hpp"

using namespace scene;

namespace {

struct Three {
    std::uint32_t struct_size;
    hotgraft_status (*first)(void *) noexcept;
    hotgraft_status (*second)(void *) noexcept;
    hotgraft_status (*third)(void *) noexcept;
};
hotgraft_status seven(void *) noexcept {
    return 7;
}

} // namespace

TEST_CASE("a table is a copy: what the plugin does to its struct afterwards is not seen by callers") {
    Three offered{sizeof(Three), &seven, &seven, &seven};
    int self = 0;
    const std::unique_ptr<Table> table = Table::make(&offered, 0, 1U << 16 | 2, 5, &self, 9);
    REQUIRE(table != nullptr);
    offered.first = nullptr;

    CHECK(HOTGRAFT_INTERFACE(Three, table->get())->first(nullptr) == 7);
    CHECK(table->get()->struct_size == sizeof(hotgraft_table));
    CHECK(table->get()->version == (1U << 16 | 2));
    CHECK(table->get()->generation == 5);
    CHECK(table->get()->self == &self);
    CHECK(table->get()->meter == 9);
    CHECK(reinterpret_cast<std::uintptr_t>(table->get()) % 64 == 0);
}

TEST_CASE("functions that are absent, in the middle or past the end, answer unsupported instead of crashing") {
    const Three offered{16, &seven, &seven, &seven}; // struct_size offers `first` only
    const std::unique_ptr<Table> shorter = Table::make(&offered, sizeof(Three), 1, 1, nullptr, 0);
    REQUIRE(shorter != nullptr);
    const Three *functions = HOTGRAFT_INTERFACE(Three, shorter->get());
    CHECK(functions->struct_size == 16);
    CHECK(functions->first(nullptr) == 7);
    CHECK(functions->second(nullptr) == HOTGRAFT_E_UNSUPPORTED);
    CHECK((functions->third == &table_stub));
    CHECK(shorter->offered_bytes() == 16);
    CHECK(shorter->padded_bytes() == sizeof(Three));

    const Three hole{sizeof(Three), &seven, nullptr, &seven};
    const std::unique_ptr<Table> holed = Table::make(&hole, 0, 1, 1, nullptr, 0);
    REQUIRE(holed != nullptr);
    CHECK((HOTGRAFT_INTERFACE(Three, holed->get())->second == &table_stub));
}

TEST_CASE("a struct_size that cannot be one is refused, whatever it claims") {
    for (const std::uint32_t bytes : {0U, 4U, 12U, 17U, 64U * 1024 + 8, 0xffffffffU}) {
        const std::uint64_t claim[2] = {bytes, 0};
        CHECK(Table::make(claim, 0, 1, 1, nullptr, 0) == nullptr);
    }
    const Three good{sizeof(Three), &seven, &seven, &seven};
    CHECK(Table::make(&good, 33, 1, 1, nullptr, 0) == nullptr);
}

int main(int argc, char **argv) {
    return run(argc, argv, {});
}
