// Who is registered as whose thread (threads.h), and what closed gates make of such a thread, step by step: a set of
// two without plugins behind it. With plugins: test_threads.cpp.
#include <sys/wait.h>
#include <unistd.h>

#include "control.hpp"
#include "gate_block.hpp"
#include "gate_scene.hpp"
#include "gate_threads.hpp"
#include "own_threads.hpp"

using namespace scene;

namespace {

constexpr ThreadOwner kOwnerA = ThreadOwner::instance(std::uint64_t{1} << 32, 0);
constexpr ThreadOwner kOwnerB = ThreadOwner::instance((std::uint64_t{1} << 32) + 1, 0);
constexpr ThreadOwner kOwnerC = ThreadOwner::instance((std::uint64_t{1} << 32) + 2, 0);

// A (consumer) and B (provider) as a set of gates, without plugins behind them.
struct Gates {
    Gates() {
        gates.set_members({{kOwnerA.generation(), "a: generation 1", 1, {a.old_offer.get()}},
                           {kOwnerB.generation(), "b: generation 1", 1, {b.old_offer.get()}}});
        REQUIRE(gates.close().is_ok());
    }
    Provider a{"a/1"};
    Provider b{"b/1"};
    GateSet gates{{&a.slot, &b.slot}};
};

// A set of three: A calls B and C, and B calls C.
struct ThreeGates {
    ThreeGates() {
        gates.set_members({{kOwnerA.generation(), "a: generation 1", 1, {a.old_offer.get()}},
                           {kOwnerB.generation(), "b: generation 1", 1, {b.old_offer.get()}},
                           {kOwnerC.generation(), "c: generation 1", 1, {c.old_offer.get()}}});
        REQUIRE(gates.close().is_ok());
        REQUIRE(gates.drain(in_seconds(5)).is_ok());
    }
    Provider a{"a/1"};
    Provider b{"b/1"};
    Provider c{"c/1"};
    GateSet gates{{&a.slot, &b.slot, &c.slot}};
};

void on_other_thread(const std::function<void()> &work) {
    std::thread(work).join();
}

// `work` on a thread that `owner` registered.
void on_own_thread(ThreadOwner owner, const std::function<void()> &work) {
    std::thread([&] {
        REQUIRE(register_own_thread(owner) == HOTGRAFT_OK);
        work();
    }).join();
}

// The member that its thread was last seen clear of, by the swap that has closed these gates.
std::atomic<std::uint64_t> &mark_of(ThreadRecord &record, const Provider &provider) {
    return record.cleared[provider.slot.gate()->lane()].cleared_of;
}

} // namespace

TEST_CASE("who registers: once, outside of calls, and no thread of the host's") {
    Provider provider;
    on_own_thread(kOwnerA, [&] {
        CHECK(count_own_threads(kOwnerA) == 1);
        CHECK(register_own_thread(kOwnerA) == HOTGRAFT_E_INVALID);
        CHECK(register_own_thread(kOwnerB) == HOTGRAFT_E_INVALID);
        CHECK(unregister_own_thread(kOwnerB) == HOTGRAFT_E_INVALID);
        CHECK(unregister_own_thread(kOwnerA) == HOTGRAFT_OK);
        CHECK(count_own_threads(kOwnerA) == 0);
        const hotgraft_table *const table = guards().enter(provider.slot);
        CHECK(register_own_thread(kOwnerA) == HOTGRAFT_E_INVALID);
        guards().leave(table);
        CHECK(register_own_thread(kOwnerA) == HOTGRAFT_OK);
    });
    CHECK(count_own_threads(kOwnerA) == 0); // it has ended
    ControlThread control;
    const Status status = control.run(
        "the test",
        [] { return Status(register_own_thread(kOwnerA) == HOTGRAFT_E_INVALID ? Code::kOk : Code::kInvalid, ""); },
        in_seconds(5));
    CHECK(status.is_ok());
}

TEST_CASE("nested beyond one record it still passes, and counts once") {
    Gates set;
    on_own_thread(kOwnerA, [&] {
        for (int i = 0; i < 40; ++i) {
            CHECK(guards().try_enter(i % 2 == 0 ? set.b.slot : set.a.slot) != nullptr);
        }
        CHECK(count_own_threads(kOwnerA) == 1);
        for (int i = 40; i-- > 0;) {
            guards().leave(i % 2 == 0 ? set.b.old_offer.get() : set.a.old_offer.get());
        }
    });
}

TEST_CASE("inside its own plugin alone it is turned away by one that rests; inside of that one, that waits for it") {
    Gates set;
    REQUIRE(set.gates.drain(in_seconds(5)).is_ok());
    GateThreads &threads = *set.gates.threads();
    on_own_thread(kOwnerB, [&] {
        const hotgraft_table *const b = guards().try_enter(set.b.slot);
        CHECK(b == set.b.old_offer.get());
        const hotgraft_table *const a = guards().try_enter(set.a.slot);
        CHECK(a == set.a.old_offer.get());
        Status status;
        std::thread([&] { status = threads.begin_quiesce(0, futex_clock_ns()); }).join();
        CHECK(status.code() == Code::kTimedOut);
        CHECK(status.message().find("holds a table of generation 1") != std::string::npos);
        CHECK(guards().try_enter(set.a.slot) == a); // it is inside of it: the call-back comes through
        guards().leave(a);
        guards().leave(a);
        CHECK(guards().try_enter(set.a.slot) == nullptr);
        CHECK(guards().last_refusal().code() == Code::kBusy);
        CHECK(guards().last_refusal().message().find("comes to rest") != std::string::npos);
        guards().leave(b);
    });
    CHECK(threads.begin_quiesce(0, in_seconds(5)).is_ok());
    CHECK(threads.end_quiesce(0, kOwnerA, in_seconds(5)).is_ok());
    on_own_thread(kOwnerA, [&] { CHECK(guards().try_enter(set.b.slot) == nullptr); }); // joined, it says: so it waits
    CHECK(threads.begin_quiesce(1, in_seconds(5)).is_ok());
    CHECK(threads.end_quiesce(1, kOwnerB, in_seconds(5)).is_ok());
}

TEST_CASE("one that meets the gate as a member comes to rest is seen, or sees that it is turned away") {
    Gates set;
    REQUIRE(set.gates.drain(in_seconds(5)).is_ok());
    scene::Event announced;
    scene::Event go_on;
    std::thread::id own{};
    const AtSeam seam([&](SeamPoint point) {
        if (point == SeamPoint::kPassing && std::this_thread::get_id() == own) {
            announced.set();
            REQUIRE(go_on.wait());
        } else if (point == SeamPoint::kDrainWaits) {
            go_on.set(); // its announcement was seen: it is waited for
        }
    });
    const hotgraft_table *found = set.a.old_offer.get();
    std::thread thread([&] {
        own = std::this_thread::get_id();
        REQUIRE(register_own_thread(kOwnerB) == HOTGRAFT_OK);
        found = guards().try_enter(set.a.slot);
    });
    REQUIRE(announced.wait());
    CHECK(set.gates.threads()->begin_quiesce(0, in_seconds(20)).is_ok());
    CHECK(go_on.is_set());
    thread.join();
    CHECK(found == nullptr);
}

TEST_CASE("who was seen clear of the first to rest is so when others have come to rest after it") {
    ThreeGates set;
    GateThreads &threads = *set.gates.threads();
    on_own_thread(kOwnerC, [&] {
        guards().leave(guards().try_enter(set.a.slot)); // it passes, so from here on all records are looked at
        on_other_thread([&] {
            CHECK(threads.begin_quiesce(0, in_seconds(20)).is_ok());
            CHECK(threads.end_quiesce(0, kOwnerA, in_seconds(20)).is_ok());
        });
        in_handler(set.a.old_offer.get(), [&] { CHECK(guards().try_enter(set.a.slot) == nullptr); });
        on_other_thread([&] { CHECK(threads.begin_quiesce(1, in_seconds(20)).is_ok()); });
        in_handler(set.a.old_offer.get(), [&] { CHECK(guards().try_enter(set.a.slot) == nullptr); });
        const hotgraft_table *const c = guards().try_enter(set.c.slot); // nobody has looked who is inside of that one
        CHECK(c == set.c.old_offer.get());
        guards().leave(c);
    });
}

TEST_CASE("a mark that is taken back leaves standing that the record is clear of who came to rest before") {
    ThreeGates set;
    GateThreads &threads = *set.gates.threads();
    on_own_thread(kOwnerC, [&] {
        guards().leave(guards().try_enter(set.a.slot));
        on_other_thread([&] {
            CHECK(threads.begin_quiesce(0, in_seconds(20)).is_ok());
            CHECK(threads.end_quiesce(0, kOwnerA, in_seconds(20)).is_ok());
        });
        ThreadRecord &own = *own_chain();
        const std::uint64_t of_first = mark_of(own, set.a);
        scene::Event is_marked;
        scene::Event is_inside;
        const AtSeam seam([&](SeamPoint point) {
            if (point == SeamPoint::kMarkedClear && mark_of(own, set.a) != of_first && !is_marked.is_set()) {
                is_marked.set();
                REQUIRE(is_inside.wait());
            }
        });
        Status status;
        std::thread looking([&] { status = threads.begin_quiesce(1, futex_clock_ns()); });
        REQUIRE(is_marked.wait());
        in_handler(set.b.old_offer.get(), [&] {
            is_inside.set();
            looking.join();
            CHECK(guards().try_enter(set.b.slot) != nullptr); // as before it was marked
            guards().leave(set.b.old_offer.get());
        });
        CHECK(status.code() == Code::kTimedOut);
        in_handler(set.a.old_offer.get(), [&] { CHECK(guards().try_enter(set.a.slot) == nullptr); });
    });
}

TEST_CASE("a call-back from further down than one record comes through to a member that waits for its thread") {
    Gates set;
    REQUIRE(set.gates.drain(in_seconds(5)).is_ok());
    GateThreads &threads = *set.gates.threads();
    on_own_thread(kOwnerB, [&] {
        CHECK(guards().try_enter(set.a.slot) != nullptr);
        for (std::uint32_t i = 0; i < HOTGRAFT_RECORD_ENTRIES + 1; ++i) {
            CHECK(guards().try_enter(set.b.slot) != nullptr);
        }
        Status status;
        on_other_thread([&] { status = threads.begin_quiesce(0, futex_clock_ns()); });
        CHECK(status.code() == Code::kTimedOut);
        mark_of(*own_chain(), set.a) = set.gates.swap() << 16 | 1; // as if the look had come to its newest record first
        CHECK(guards().try_enter(set.a.slot) != nullptr);
        CHECK(guards().try_enter(set.a.slot) != nullptr); // inside of it by two records, of which one was seen clear
        guards().leave(set.a.old_offer.get());
        guards().leave(set.a.old_offer.get());
        for (std::uint32_t i = 0; i < HOTGRAFT_RECORD_ENTRIES + 1; ++i) {
            guards().leave(set.b.old_offer.get());
        }
        guards().leave(set.a.old_offer.get());
    });
}

TEST_CASE("what one that was left behind still says of coming to rest counts for nothing") {
    Gates set;
    REQUIRE(set.gates.drain(in_seconds(5)).is_ok());
    GateThreads &threads = *set.gates.threads();
    on_own_thread(kOwnerB, [&] {
        guards().leave(guards().try_enter(set.a.slot));
        const std::uint64_t late = threads.next_turn();
        on_other_thread([&] { CHECK(threads.begin_quiesce(0, in_seconds(20), late).is_ok()); });
        CHECK(guards().try_enter(set.a.slot) == nullptr);
        const std::uint64_t turn = threads.next_turn();
        threads.begin_resume(0, turn);
        CHECK(threads.end_quiesce(0, kOwnerA, in_seconds(20), late).code() == Code::kAbandoned);
        threads.end_resume(0, turn);
        threads.end_resume(0, late);
        CHECK(guards().try_enter(set.a.slot) != nullptr);
        guards().leave(set.a.old_offer.get());
        CHECK(threads.begin_quiesce(0, in_seconds(20), late).code() == Code::kAbandoned);
        CHECK(guards().try_enter(set.a.slot) != nullptr);
        guards().leave(set.a.old_offer.get());
    });
}

TEST_CASE("one that is given up as it looks who is inside marks no record from there on") {
    Gates set;
    REQUIRE(set.gates.drain(in_seconds(5)).is_ok());
    GateThreads &threads = *set.gates.threads();
    on_own_thread(kOwnerB, [&] {
        const hotgraft_table *const a = guards().try_enter(set.a.slot);
        const std::uint64_t before = mark_of(*own_chain(), set.a);
        scene::Event waits;
        const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kDrainWaits ? waits.set() : void(); });
        const std::uint64_t late = threads.next_turn();
        Status status;
        std::thread looking([&] { status = threads.begin_quiesce(0, in_seconds(20), late); });
        REQUIRE(waits.wait());
        (void)threads.next_turn();
        guards().leave(a);
        looking.join();
        CHECK(status.code() == Code::kAbandoned);
        CHECK(mark_of(*own_chain(), set.a) == before);
    });
}

TEST_CASE("in a forked child the parent's threads are nobody's") {
    scene::Event registered;
    scene::Event go_on;
    std::thread thread([&] {
        REQUIRE(register_own_thread(kOwnerA) == HOTGRAFT_OK);
        registered.set();
        REQUIRE(go_on.wait());
    });
    REQUIRE(registered.wait());
    CHECK(count_own_threads(kOwnerA) == 1);
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(count_own_threads(kOwnerA) == 0 ? 0 : 1);
    }
    int status = -1;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(count_own_threads(kOwnerA) == 1);
    go_on.set();
    thread.join();
}

int main(int argc, char **argv) {
    return run(argc, argv, {});
}
