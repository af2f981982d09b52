// Numbers of call-backs, at the level of the core: what they lead to, when they lead nowhere, and cells that are used
// again while somebody enters. How swaps move them is tests/unit/test_callbacks.py's.
#include "callbacks_scene.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "fallback.hpp"

using namespace hotgraft;
using scene::enter;
using scene::generation_of;
using scene::Offered;

namespace {

bool is_over(std::uint64_t number) {
    return kCallbacks.is_over(nullptr, number) != 0;
}

} // namespace

TEST_CASE("a number is of a plugin, an instance and a key, whichever generation offers") {
    const Offered offered;
    const auto first = offered.book(1);
    const auto next = offered.book(2);
    const auto other = offered.book(1, "other");
    const std::uint64_t number = offered.offer(*first);
    CHECK(number != 0);
    CHECK(offered.offer(*first) == number);
    CHECK(offered.offer(*next) == number);
    CHECK(offered.offer(*first, "seen") != number);
    CHECK(offered.offer(*other) != number);
    CHECK(next->offer("left", "heard", 1U << 16, offered.functions, nullptr) != number);
    CHECK_FALSE(is_over(number)); // it will serve
    CHECK(generation_of(number) == 0);
    first->begin_to_serve();
    CHECK(generation_of(number) == 1);
    first->end_to_serve();
    CHECK(generation_of(number) == 0);
    CHECK_FALSE(is_over(number)); // the next will
    next->begin_to_serve();
    CHECK(generation_of(number) == 2);
    next->end_to_serve();
    CHECK(is_over(number));
}

TEST_CASE("what does not lie in the plugin is not offered") {
    const Offered offered;
    const auto book = offered.book(1);
    const struct {
        std::uint32_t struct_size;
        void (*function)();
    } foreign = {16, [] {}};
    CHECK(book->offer("main", "heard", 1U << 16, &foreign, nullptr) == 0);
    CHECK(book->offer("main", "heard", 1U << 16, nullptr, nullptr) == 0);
    CHECK(book->offer("main", nullptr, 1U << 16, offered.functions, nullptr) == 0);
    CHECK(CallbackBook("folder", "unmapped", 1).offer("main", "heard", 1U << 16, offered.functions, nullptr) == 0);
}

TEST_CASE("another self under a key replaces the one before, and is what is called from then on") {
    const Offered offered;
    const auto book = offered.book(1);
    book->begin_to_serve();
    int one = 0;
    int two = 0;
    const std::uint64_t number = offered.offer(*book, "heard", &one);
    const hotgraft_table *const inside = enter(number);
    REQUIRE(inside != nullptr);
    CHECK(offered.offer(*book, "heard", &two) == number);
    const hotgraft_table *const now = enter(number);
    REQUIRE(now != nullptr);
    CHECK(inside->self == &one);
    CHECK(now->self == &two);
    Guards::instance().leave(now);
    Guards::instance().leave(inside);
}

TEST_CASE("who withdraws is told whether anybody is inside, and a number is never given twice") {
    const Offered offered;
    const auto book = offered.book(1);
    book->begin_to_serve();
    const std::uint64_t number = offered.offer(*book);
    const hotgraft_table *const inside = enter(number);
    REQUIRE(inside != nullptr);
    CHECK(book->withdraw(number) == HOTGRAFT_AGAIN);
    CHECK(generation_of(number) == 0);
    Guards::instance().leave(inside);
    CHECK(book->withdraw(number) == HOTGRAFT_OK);
    CHECK(book->withdraw(number) == HOTGRAFT_E_INVALID);
    CHECK(is_over(number));
    const std::uint64_t again = offered.offer(*book);
    CHECK(again != number);
    CHECK((again & 0xffffffff) == (number & 0xffffffff)); // the cell is used again
    CHECK(generation_of(again) == 1);
    CHECK(generation_of(number) == 0);
    CHECK(is_over(number));
}

TEST_CASE("what is offered and withdrawn while a swap or a rest has the book is so when that is over") {
    const Offered offered;
    const auto book = offered.book(1);
    book->begin_to_serve();
    const std::uint64_t stays = offered.offer(*book, "stays");
    const std::uint64_t goes = offered.offer(*book, "goes");
    CHECK(book->begin_to_leave().size() == 2);
    const std::uint64_t late = offered.offer(*book, "late");
    CHECK(generation_of(late) == 0);
    CHECK(book->withdraw(goes) == HOTGRAFT_AGAIN);
    book->stay();
    CHECK(generation_of(stays) == 1);
    CHECK(generation_of(late) == 1);
    CHECK(generation_of(goes) == 0);
    CHECK(book->withdraw(goes) == HOTGRAFT_OK);
}

TEST_CASE("who withdraws is told of those inside what the number led to before another self took its place") {
    const Offered offered;
    const auto book = offered.book(1);
    book->begin_to_serve();
    int one = 0;
    int two = 0;
    const std::uint64_t number = offered.offer(*book, "heard", &one);
    const hotgraft_table *const inside = enter(number);
    REQUIRE(inside != nullptr);
    CHECK(offered.offer(*book, "heard", &two) == number);
    CHECK(book->withdraw(number) == HOTGRAFT_AGAIN);
    Guards::instance().leave(inside);
    CHECK(book->withdraw(number) == HOTGRAFT_OK);
}

TEST_CASE("what is withdrawn while a swap is about to publish it is not dropped, and does not open") {
    const Offered offered;
    const auto first = offered.book(1);
    const auto next = offered.book(2);
    first->begin_to_serve();
    const std::uint64_t number = offered.offer(*first);
    CHECK(offered.offer(*next) == number);
    CHECK(first->begin_to_leave().size() == 1);
    const hotgraft_table *const coming = next->arrive(number);
    REQUIRE(coming != nullptr);
    CHECK(next->withdraw(number) == HOTGRAFT_AGAIN);
    std::vector<const hotgraft_table *> tables;
    next->append_tables(&tables);
    CHECK(tables == std::vector<const hotgraft_table *>{coming});
    CHECK(Guards::instance().publish_open(CallbackCells::instance().find(number)->slot, coming).is_ok());
    next->begin_to_serve();
    first->end_to_serve();
    CHECK(generation_of(number) == 0);
    CHECK(next->withdraw(number) == HOTGRAFT_OK);
}

TEST_CASE("a generation that lost its state is called back no more, and what it withdraws leaves no trace") {
    REQUIRE(refusing_table() != nullptr);
    const Offered offered;
    const auto book = offered.book(1);
    book->begin_to_serve();
    const std::uint64_t number = offered.offer(*book);
    CHECK(book->begin_to_leave().size() == 1);
    Slot &slot = CallbackCells::instance().find(number)->slot;
    book->note_lost();
    CHECK(Guards::instance().publish_open(slot, refusing_table()).is_ok()); // as its gates do
    book->stay();
    CHECK(slot.held() == refusing_table());
    CHECK(offered.offer(*book, "seen") != 0);
    CHECK(generation_of(offered.offer(*book, "seen")) == 0);
    CHECK(book->withdraw(number) == HOTGRAFT_OK);
    CHECK(slot.held() == nullptr);
}

TEST_CASE("each time it serves it has tables of its own") {
    const Offered offered;
    const auto book = offered.book(1);
    const std::uint64_t number = offered.offer(*book);
    book->begin_to_serve();
    const hotgraft_table *const before = enter(number);
    book->end_to_serve();
    book->renew();
    book->begin_to_serve();
    const hotgraft_table *const after = enter(number);
    CHECK(before != nullptr);
    CHECK(after != nullptr);
    CHECK(before != after);
    Guards::instance().leave(after);
    Guards::instance().leave(before);
    std::vector<const hotgraft_table *> tables;
    book->append_tables(&tables);
    CHECK(tables.size() == 2); // who may hold the one of before is still asked
}

TEST_CASE("whoever enters while cells are used again and again gets what the number says, or nothing") {
    const Offered offered;
    const auto book = offered.book(1);
    book->begin_to_serve();
    std::atomic<std::uint64_t> told{0}; // the newest number, whose self it is
    std::atomic<bool> is_over_now{false};
    std::atomic<std::uint64_t> entered{0};
    std::atomic<std::uint64_t> wrong{0};
    std::vector<std::thread> callers;
    std::array<std::uint64_t, 4> kept{}; // by caller: a number of long ago
    for (std::size_t who = 0; who < kept.size(); ++who) {
        callers.emplace_back([&, who] {
            for (std::uint64_t turn = 0; !is_over_now.load(); ++turn) {
                kept[who] = turn % 8 == 0 ? told.load() : kept[who];
                const std::uint64_t number = turn % 2 == 0 ? told.load() : kept[who];
                const hotgraft_table *const table = number == 0 ? nullptr : enter(number);
                if (table != nullptr) {
                    entered += 1;
                    wrong += *static_cast<const std::uint64_t *>(table->self) != number ? 1 : 0;
                    Guards::instance().leave(table);
                }
            }
        });
    }
    std::vector<std::unique_ptr<std::uint64_t>> selves;
    for (int round = 0; round < 20'000 || entered.load() < 1'000; ++round) {
        selves.push_back(std::make_unique<std::uint64_t>(0));
        const auto fresh = offered.book(1); // not serving yet: its number is known before anybody can call
        const std::uint64_t number = offered.offer(*fresh, "heard", selves.back().get());
        *selves.back() = number;
        told.store(number);
        fresh->begin_to_serve();
        while (fresh->withdraw(number) == HOTGRAFT_AGAIN) {
            std::this_thread::yield();
        }
    }
    is_over_now.store(true);
    for (std::thread &caller : callers) {
        caller.join();
    }
    CHECK(entered.load() >= 1'000);
    CHECK(wrong.load() == 0);
}
