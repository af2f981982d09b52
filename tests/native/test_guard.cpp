// Guards on one thread and on ending threads: nesting, overflow, refusal, exceptions, longjmp, thread end, hooks.
#include "guard_scene.hpp"

#include <csetjmp>
#include <stdexcept>

using namespace scene;

namespace {

Guards &guards() {
    return Guards::instance();
}

bool is_held(const Offer &offer) {
    const hotgraft_table *table = offer.get();
    guards().barrier();
    return guards().is_held(&table, 1);
}

struct Provider {
    explicit Provider(std::uint64_t number = 1) : offer(number), import(import_of(slot)) {
        REQUIRE(guards().publish_open(slot, offer.get()).is_ok());
    }
    Slot slot{"answer/1"};
    Offer offer;
    hotgraft_import import;
};

// Runs `inside` under `depth` guards.
void nest(const hotgraft_import &import, int depth, const std::function<void()> &inside) {
    if (depth == 0) {
        inside();
        return;
    }
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&import, &guard);
    REQUIRE(table != nullptr);
    REQUIRE(HOTGRAFT_INTERFACE(Answer, table)->answer(table->self) == 1);
    nest(import, depth - 1, inside);
    hotgraft_leave(&guard);
}

} // namespace

TEST_CASE("a guard holds its table from enter to leave, the innermost and the outermost alike") {
    Provider provider;
    CHECK(!guards().calling_thread_holds_any());
    for (const int depth : {1, 2, 15}) {
        nest(provider.import, depth, [&] {
            CHECK(is_held(provider.offer));
            CHECK(guards().calling_thread_holds_any());
        });
        CHECK(!is_held(provider.offer));
    }
    CHECK(!guards().calling_thread_holds_any());
}

TEST_CASE("calls nest past one record: 100 deep, again after unwinding, with no more records the second time") {
    Provider provider;
    nest(provider.import, 100, [&] { CHECK(is_held(provider.offer)); });
    const std::uint32_t records = guards().records().count();
    for (int i = 0; i < 20; ++i) {
        nest(provider.import, i * 7 % 100, [&] {});
        nest(provider.import, 100, [&] { CHECK(guards().holders({provider.offer.get()}).size() == 100); });
        CHECK(!is_held(provider.offer));
    }
    CHECK(guards().records().count() == records);
}

TEST_CASE("host functions and the inlined form mix, across records, and each leave finds its own guard") {
    Provider provider;
    Slot other_slot{"other/1"};
    Offer other(2);
    REQUIRE(guards().publish_open(other_slot, other.get()).is_ok());
    for (const int depth : {0, 13, 14, 15, 16, 30}) {
        nest(provider.import, depth, [&] {
            const hotgraft_table *outer = guards().enter(provider.slot);
            const hotgraft_table *inner = guards().enter(other_slot);
            nest(provider.import, 3, [&] { CHECK(is_held(other)); });
            guards().leave(inner);
            CHECK(!is_held(other));
            CHECK(guards().holders({provider.offer.get()}).size() == static_cast<std::size_t>(depth) + 1);
            guards().leave(outer);
        });
        CHECK(!is_held(provider.offer));
        CHECK(!guards().calling_thread_holds_any());
    }
}

TEST_CASE("a slot without a table answers NULL at once and says why, inlined or not") {
    Slot slot("answer/1");
    const hotgraft_import import = import_of(slot);
    hotgraft_guard guard;
    CHECK(hotgraft_enter(&import, &guard) == nullptr);
    CHECK(guards().last_refusal().code() == Code::kWrongStage);
    CHECK(guards().last_refusal().message().find("answer/1") != std::string::npos);
    CHECK(guards().try_enter(slot) == nullptr);
    CHECK(!guards().calling_thread_holds_any());
}

TEST_CASE("an exception that passes a Batch gives the guard up") {
    Provider provider;
    CHECK_THROWS_AS(
        [&] {
            const Batch batch(provider.import);
            CHECK(is_held(provider.offer));
            throw std::runtime_error("out of the call");
        }(),
        std::runtime_error);
    CHECK(!is_held(provider.offer));
    CHECK(!guards().calling_thread_holds_any());
}

namespace {

std::jmp_buf way_out;

[[noreturn, gnu::noinline]] void jump_from_inside(const hotgraft_import &import) {
    hotgraft_guard guard;
    REQUIRE(hotgraft_enter(&import, &guard) != nullptr);
    std::longjmp(way_out, 1); // the guard is never given up
}

// A function of its own: a guard that is inlined beside setjmp draws gcc's warning about variables that a jump may
// clobber.
__attribute__((noinline)) void catch_jump_from_inside(const hotgraft_import &import) {
    if (setjmp(way_out) == 0) {
        jump_from_inside(import);
    }
}

// A longjmp over a guard on `inner`, caught inside a guard on `outer`.
void jump_over(const hotgraft_import &outer, const hotgraft_import &inner) {
    hotgraft_guard guard;
    REQUIRE(hotgraft_enter(&outer, &guard) != nullptr);
    catch_jump_from_inside(inner);
    hotgraft_leave(&guard);
}

} // namespace

TEST_CASE("a guard that longjmp went over is found: it keeps its table mapped, is named, and does not stop the drain") {
    Provider outer;
    Provider inner;
    const std::uint64_t found = guards().jumped_over();
    jump_over(outer.import, inner.import);

    CHECK(is_held(inner.offer)); // reclaim must not happen on a guess
    const std::vector<Holder> holders = guards().holders({inner.offer.get()});
    REQUIRE(holders.size() == 1);
    CHECK(holders[0].kind == HolderKind::kJumpedOver);
    CHECK(describe(holders).find("longjmp") != std::string::npos);

    GateSet gates({&inner.slot});
    Offer next(2);
    REQUIRE(gates.close().is_ok());
    CHECK(gates.drain(in_seconds(5)).is_ok());
    REQUIRE(gates.publish({next.get()}).is_ok());

    hotgraft_guard guard; // the drain sent this thread to the cold branch once, where it notices
    REQUIRE(hotgraft_enter(&outer.import, &guard) != nullptr);
    hotgraft_leave(&guard);
    CHECK(guards().jumped_over() == found + 1);
    CHECK(!is_held(inner.offer));
    REQUIRE(guards().publish_open(inner.slot, nullptr).is_ok());
}

TEST_CASE("a guard that longjmp left with no other below it looks like a call that never returns, and is named") {
    Provider provider;
    std::thread([&] {
        if (setjmp(way_out) == 0) {
            jump_from_inside(provider.import);
        }
        GateSet gates({&provider.slot});
        REQUIRE(gates.close().is_ok());
        const Status status = gates.drain(futex_clock_ns());
        CHECK(status.code() == Code::kTimedOut);
        CHECK(status.message().find(std::to_string(thread_id())) != std::string::npos);
        gates.reopen();
        guards().leave(provider.offer.get());
    }).join();
    CHECK(!is_held(provider.offer));
}

TEST_CASE("leave finds guards jumped over above it") {
    Provider provider;
    const std::uint64_t found = guards().jumped_over();
    Slot below{"below/1"};
    Offer offer(3);
    REQUIRE(guards().publish_open(below, offer.get()).is_ok());
    const hotgraft_table *table = guards().enter(below);
    if (setjmp(way_out) == 0) {
        jump_from_inside(provider.import);
    }
    guards().leave(table);
    CHECK(guards().jumped_over() == found + 1);
    CHECK(!is_held(provider.offer));
    CHECK(!guards().calling_thread_holds_any());
}

TEST_CASE("a thread that ends inside a guard is named, holds its table for ever and nobody's drain") {
    static Provider provider; // as in the core, the table stays: one made later at its address would count as held
    std::int32_t tid = 0;
    std::thread([&] {
        tid = thread_id();
        CHECK(guards().enter(provider.slot) == provider.offer.get());
    }).join();

    CHECK(is_held(provider.offer));
    const std::vector<Holder> holders = guards().holders({provider.offer.get()});
    REQUIRE(holders.size() == 1);
    CHECK(holders[0].tid == tid);
    CHECK(holders[0].kind == HolderKind::kThreadGone);
    CHECK(holders[0].generation == 1);

    GateSet gates({&provider.slot});
    Offer next(2);
    REQUIRE(gates.close().is_ok());
    CHECK(gates.drain(in_seconds(5)).is_ok());
    REQUIRE(gates.publish({next.get()}).is_ok());
    for (int i = 0; i < 5; ++i) { // its record is not for the next thread
        std::thread([&] { guards().leave(guards().enter(provider.slot)); }).join();
    }
    CHECK(is_held(provider.offer));
    REQUIRE(guards().publish_open(provider.slot, nullptr).is_ok());
}

TEST_CASE("a thread that ends gives its records back, the further ones too") {
    Provider provider;
    std::thread([&] { nest(provider.import, 40, [] {}); }).join();
    const std::uint32_t records = guards().records().count();
    for (int i = 0; i < 200; ++i) {
        std::thread([&] { nest(provider.import, 40, [] {}); }).join();
    }
    CHECK(guards().records().count() == records);
}

TEST_CASE("a reload asked for inside a call is recognised, on the calling thread only") {
    Provider provider;
    nest(provider.import, 20, [&] {
        CHECK(guards().calling_thread_holds_any());
        std::thread([&] { CHECK(!guards().calling_thread_holds_any()); }).join();
    });
}

TEST_CASE("without membarrier every call takes the cold branch and all else stays the same") {
    const WithoutMembarrier without;
    Provider provider;
    CHECK(provider.slot.words()->current == kMarkCold);
    nest(provider.import, 40, [&] { CHECK(is_held(provider.offer)); });
    CHECK(!is_held(provider.offer));
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    REQUIRE(gates.drain(in_seconds(5)).is_ok());
    gates.reopen();
    CHECK(provider.slot.words()->current == kMarkCold);
    CHECK(provider.slot.check() == provider.offer.get());
}

int main(int argc, char **argv) {
    return run(argc, argv, {});
}
