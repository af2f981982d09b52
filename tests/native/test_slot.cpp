// A slot: its marks, the order of its two words, what it remembers.
#include "guard_scene.hpp"

using namespace scene;

namespace {

const hotgraft_table *current_of(Slot &slot) {
    return __atomic_load_n(&slot.words()->current, __ATOMIC_ACQUIRE);
}

// call.h takes two equal words for an open slot and `current` for a table.
bool is_safe_to_read(Slot &slot) {
    const hotgraft_table *current = current_of(slot);
    const hotgraft_table *check = slot.check();
    return current != nullptr && check != nullptr && (current != check || is_table(current));
}

} // namespace

TEST_CASE("no state of a slot makes a mark look like a table") {
    Offer first(1);
    Slot slot("answer/1");
    CHECK(is_safe_to_read(slot));
    CHECK(slot.held() == nullptr);
    REQUIRE(Guards::instance().publish_open(slot, first.get()).is_ok());
    CHECK(is_safe_to_read(slot));
    GateSet gates({&slot});
    REQUIRE(gates.close().is_ok());
    CHECK(is_safe_to_read(slot));
    CHECK(slot.held() == first.get());
    REQUIRE(gates.drain(in_seconds(5)).is_ok());
    REQUIRE(gates.publish({nullptr}).is_ok());
    CHECK(is_safe_to_read(slot));
    CHECK(slot.held() == nullptr);
    CHECK(slot.generation() == 0);
}

TEST_CASE("a slot's words are its first bytes and lie on one cache line, away from what waiters write") {
    Slot slot("answer/1");
    CHECK(static_cast<void *>(slot.words()) == static_cast<void *>(&slot));
    CHECK(reinterpret_cast<std::uintptr_t>(&slot) % 64 == 0);
    CHECK(sizeof(Slot) % 64 == 0);
    CHECK(&Slot::from_words(slot.words()) == &slot);
}

TEST_CASE("a slot remembers the longest interface ever published in it, so that a shorter one can be padded") {
    struct Longer {
        std::uint32_t struct_size;
        void (*functions[4])();
    };
    Slot slot("answer/1");
    const Longer longer{sizeof(Longer), {}};
    const std::unique_ptr<Table> long_table = Table::make(&longer, 0, 1, 1, nullptr, 0);
    Offer shorter(2);
    REQUIRE(Guards::instance().publish_open(slot, long_table->get()).is_ok());
    REQUIRE(Guards::instance().publish_open(slot, shorter.get()).is_ok());
    CHECK(slot.padded_bytes() == sizeof(Longer));
    CHECK(slot.generation() == 2);
}

TEST_CASE("who has seen a new table in the second word never meets an older one there or in the first") {
    std::vector<std::unique_ptr<Offer>> offers;
    for (std::uint64_t i = 1; i <= 2000; ++i) {
        offers.push_back(std::make_unique<Offer>(i));
    }
    Slot slot("answer/1");
    REQUIRE(Guards::instance().publish_open(slot, offers[0]->get()).is_ok());
    std::atomic<bool> is_done{false};
    std::uint64_t backwards = 0;
    std::thread watcher([&] {
        std::uint64_t newest = 0;
        while (!is_done.load()) {
            const std::uint64_t current = current_of(slot)->generation;
            const std::uint64_t check = slot.check()->generation; // read later, stored earlier: never behind
            backwards += check < current || check < newest ? 1 : 0;
            newest = check;
        }
    });
    for (const std::unique_ptr<Offer> &offer : offers) {
        REQUIRE(Guards::instance().publish_open(slot, offer->get()).is_ok());
    }
    is_done = true;
    watcher.join();
    CHECK(backwards == 0);
}

int main(int argc, char **argv) {
    return run(argc, argv, {});
}
