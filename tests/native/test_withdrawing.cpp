// Call-backs that are withdrawn, or offered anew, while a swap has the book: beside threads of the plugin's own that
// its quiesce is yet to join and that pass the closed gates, and beside gates that are about to open.
#include "callbacks_scene.hpp"

#include <optional>
#include <thread>
#include <vector>

#include "events_scene.hpp"
#include "gate.hpp"
#include "gate_threads.hpp"
#include "own_threads.hpp"

using namespace scene;

namespace {

constexpr ThreadOwner kOwner = ThreadOwner::instance(std::uint64_t{1} << 32, 0);

// The book in a swap that is in its plugin's quiesce, carried out by the thread that makes this.
class Leaving {
public:
    Leaving(CallbackBook &book, std::uint64_t number)
        : gates({&CallbackCells::instance().find(number)->slot}, tables_of(book)), book_(book) {
        CHECK(book.begin_to_leave() == std::vector<std::uint64_t>{number});
        gates.set_members({{kOwner.generation(), "plain: generation 1", 1, tables_of(book)}});
        REQUIRE(gates.close().is_ok());
        REQUIRE(gates.drain(in_seconds(20)).is_ok());
        REQUIRE(gates.threads()->begin_quiesce(0, in_seconds(20)).is_ok());
        mark_.emplace(gates.swap());
    }
    ~Leaving() {
        mark_.reset();
        gates.reopen();
    }
    Leaving(const Leaving &) = delete;
    Leaving &operator=(const Leaving &) = delete;

    // As a swap does it, up to where the gates are open.
    void call_off() {
        mark_.reset();
        book_.hold_offered();
        gates.reopen();
    }

    GateSet gates;

private:
    static std::vector<const hotgraft_table *> tables_of(const CallbackBook &book) {
        std::vector<const hotgraft_table *> tables;
        book.append_tables(&tables);
        return tables;
    }

    CallbackBook &book_;
    std::optional<CarriesOut> mark_;
};

} // namespace

TEST_CASE("who withdraws in quiesce is told of the plugin's own threads, which are yet to be joined") {
    const Offered offered;
    const auto book = offered.book(1);
    book->begin_to_serve();
    const std::uint64_t number = offered.offer(*book);
    const Leaving leaving(*book, number);
    const hotgraft_table *entered = nullptr;
    scene::Event is_inside;
    scene::Event go_on;
    std::thread own([&] {
        REQUIRE(register_own_thread(kOwner) == HOTGRAFT_OK);
        const hotgraft_table *const inside = enter(number);
        CHECK(inside != nullptr);
        is_inside.set();
        REQUIRE(go_on.wait());
        Guards::instance().leave(inside);
        entered = enter(number);
    });
    REQUIRE(is_inside.wait());
    CHECK(book->withdraw(number) == HOTGRAFT_AGAIN);
    go_on.set();
    own.join();
    CHECK(entered == nullptr);
    CHECK(book->withdraw(number) == HOTGRAFT_OK);
}

TEST_CASE("one that passes the gate as what is behind it is withdrawn is seen, or finds nothing there") {
    const Offered offered;
    for (const SeamPoint at : {SeamPoint::kMayPass, SeamPoint::kPassing}) {
        CAPTURE(static_cast<int>(at));
        const auto book = offered.book(1);
        book->begin_to_serve();
        const std::uint64_t number = offered.offer(*book);
        const Leaving leaving(*book, number);
        scene::Event is_there;
        scene::Event go_on;
        const hotgraft_table *entered = nullptr;
        const AtSeam seam([&](SeamPoint point) {
            if (point == at && !is_there.is_set()) {
                is_there.set();
                REQUIRE(go_on.wait());
            }
        });
        std::thread own([&] {
            REQUIRE(register_own_thread(kOwner) == HOTGRAFT_OK);
            entered = enter(number);
        });
        REQUIRE(is_there.wait());
        const hotgraft_status status = book->withdraw(number);
        CHECK(status == (at == SeamPoint::kPassing ? HOTGRAFT_AGAIN : HOTGRAFT_OK));
        go_on.set();
        own.join();
        CHECK(entered == nullptr);
        CHECK(book->withdraw(number) == HOTGRAFT_OK);
    }
}

TEST_CASE("what is withdrawn in quiesce and offered anew in resume is what the gates open on") {
    const Offered offered;
    const auto book = offered.book(1);
    book->begin_to_serve();
    int one = 0;
    int two = 0;
    const std::uint64_t number = offered.offer(*book, "heard", &one);
    for (const bool is_withdrawn_again : {false, true}) {
        CAPTURE(is_withdrawn_again);
        Leaving leaving(*book, number);
        CHECK(book->withdraw(number) == HOTGRAFT_OK);
        CHECK(offered.offer(*book, "heard", &two) == number);
        if (is_withdrawn_again) {
            CHECK(book->withdraw(number) == HOTGRAFT_OK);
        }
        leaving.call_off();
        const hotgraft_table *const now = enter(number); // the book has not heard yet that the gates are open
        CHECK((now == nullptr) == is_withdrawn_again);
        if (now != nullptr) {
            CHECK(now->self == &two);
            Guards::instance().leave(now);
        }
        book->stay();
    }
    CHECK(generation_of(number) == 0);
}

TEST_CASE("who carries out another swap, or one that is about to open its gates, is not told that nobody comes") {
    const Offered offered;
    const auto book = offered.book(1);
    book->begin_to_serve();
    const std::uint64_t number = offered.offer(*book);
    Leaving leaving(*book, number);
    {
        const CarriesOut other(leaving.gates.swap() + 1);
        CHECK(book->withdraw(number) == HOTGRAFT_AGAIN);
    }
    Slot &slot = CallbackCells::instance().find(number)->slot;
    CHECK(slot.held() != nullptr);
    book->hold_offered();
    CHECK(slot.held() == nullptr);
    leaving.gates.reopen();
    book->stay();
    CHECK(book->withdraw(number) == HOTGRAFT_OK);
    const std::uint64_t again = offered.offer(*book);
    Leaving late(*book, again);
    book->hold_offered();
    CHECK(book->withdraw(again) == HOTGRAFT_AGAIN); // one that was left behind comes back just here
    late.gates.reopen();
    CHECK(CallbackCells::instance().find(again)->slot.held() != nullptr);
    book->stay();
    CHECK(generation_of(again) == 0);
    CHECK(book->withdraw(again) == HOTGRAFT_OK);
}
