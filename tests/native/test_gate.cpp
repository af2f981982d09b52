// Gates: who waits, who passes, who is refused, and what each way out of a swap leaves behind.
#include "gate_scene.hpp"

using namespace scene;

TEST_CASE("a call that meets a closed gate waits, and runs on the new table once it is published") {
    Provider provider;
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    Event meets_gate;
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? meets_gate.set() : void(); });
    std::uint64_t answer = 0;
    std::thread caller([&] { answer = provider.call(); });
    REQUIRE(meets_gate.wait());
    REQUIRE(gates.drain(in_seconds(5)).is_ok());
    REQUIRE(gates.publish({provider.new_offer.get()}).is_ok());
    caller.join();
    CHECK(answer == 2);
    CHECK(gates.opened_ns() >= gates.closed_ns());
}

TEST_CASE("a swap called off lets waiting calls run on the old table") {
    Provider provider;
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    Event meets_gate;
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? meets_gate.set() : void(); });
    std::uint64_t answer = 0;
    std::thread caller([&] { answer = provider.call(); });
    REQUIRE(meets_gate.wait());
    gates.reopen();
    caller.join();
    CHECK(answer == 1);
}

TEST_CASE("a gate that opens between a caller's look and its sleep does not leave it asleep") {
    for (const bool is_publish : {true, false}) {
        Provider provider;
        GateSet gates({&provider.slot});
        REQUIRE(gates.close().is_ok());
        REQUIRE(gates.drain(in_seconds(5)).is_ok());
        const AtSeam seam([&](SeamPoint point) { // on the caller's thread, just before it would sleep
            if (point == SeamPoint::kBeforeWait && is_publish) {
                REQUIRE(gates.publish({provider.new_offer.get()}).is_ok());
            } else if (point == SeamPoint::kBeforeWait) {
                gates.reopen();
            }
        });
        Event called;
        std::uint64_t answer = 0;
        std::thread caller([&] {
            answer = provider.call();
            called.set();
        });
        REQUIRE(called.wait());
        caller.join();
        CHECK(answer == (is_publish ? 2U : 1U));
    }
}

TEST_CASE("a call-back A → B → A passes the closed gates of its own set; the drain waits for it") {
    Provider a("a/1");
    Provider b("b/1");
    std::uint64_t nested = 0;
    Inside inside(a, [&] {
        const hotgraft_table *in_b = guards().enter(b.slot);
        nested = b.call() * 10 + a.call();
        guards().leave(in_b);
    });
    GateSet gates({&a.slot, &b.slot});
    REQUIRE(gates.close().is_ok());
    CHECK(gates.drain(futex_clock_ns()).code() == Code::kTimedOut);
    std::thread finisher([&] { inside.finish(); });
    CHECK(gates.drain(in_seconds(20)).is_ok());
    finisher.join();
    CHECK(nested == 11);
    REQUIRE(gates.publish({a.new_offer.get(), b.new_offer.get()}).is_ok());
    CHECK(a.call() == 2);
    CHECK(b.call() == 2);
}

TEST_CASE("a call inside a plugin that is not in the set waits at the gate like any other") {
    Provider outside("outside/1");
    Provider member("member/1");
    Event meets_gate;
    std::uint64_t answer = 0;
    Inside inside(outside, [&] { answer = member.call(); });
    GateSet gates({&member.slot});
    REQUIRE(gates.close().is_ok());
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? meets_gate.set() : void(); });
    std::thread finisher([&] { inside.finish(); });
    REQUIRE(meets_gate.wait());
    REQUIRE(gates.drain(in_seconds(5)).is_ok()); // it holds nothing of the set while it waits
    REQUIRE(gates.publish({member.new_offer.get()}).is_ok());
    finisher.join();
    CHECK(answer == 2);
}

TEST_CASE("the thread that carries out a swap is refused at its own gates, and waits at those of another swap") {
    Provider mine("mine/1");
    Provider other("other/1");
    GateSet own({&mine.slot});
    GateSet others({&other.slot});
    REQUIRE(own.close().is_ok());
    REQUIRE(others.close().is_ok());
    const CarriesOut carries(own.swap());
    CHECK(mine.call() == 0);
    CHECK(guards().last_refusal().code() == Code::kBusy);
    CHECK(guards().last_refusal().message().find("mine/1") != std::string::npos);
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? others.reopen() : void(); });
    CHECK(other.call() == 1);
    own.reopen();
    CHECK(mine.call() == 1);
    CHECK(guards().last_refusal().is_ok());
}

TEST_CASE("try_enter answers NULL at a closed gate instead of waiting") {
    Provider provider;
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    CHECK(guards().try_enter(provider.slot) == nullptr);
    CHECK(guards().last_refusal().code() == Code::kBusy);
    gates.reopen();
    const hotgraft_table *table = guards().try_enter(provider.slot);
    CHECK(table == provider.old_offer.get());
    guards().leave(table);
}

TEST_CASE("a drain that meets its deadline names thread, plugin and generation; the swap can go on or be called off") {
    Provider provider("gain/1");
    Inside inside(provider);
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    const Status status = gates.drain(futex_clock_ns() + 2'000'000);
    CHECK(status.code() == Code::kTimedOut);
    for (const std::string &part : {"thread " + std::to_string(inside.tid), std::string("gain/1 of generation 1")}) {
        CAPTURE(status.message());
        CHECK(status.message().find(part) != std::string::npos);
    }
    CHECK(gates.publish({provider.new_offer.get()}).code() == Code::kWrongStage);
    inside.finish();
    CHECK(gates.drain(in_seconds(5)).is_ok());
    CHECK(gates.publish({provider.new_offer.get()}).is_ok());
}

TEST_CASE("steps out of order and a wrong number of tables are refused and change nothing") {
    Provider provider;
    GateSet gates({&provider.slot});
    CHECK(gates.drain(in_seconds(1)).code() == Code::kWrongStage);
    CHECK(gates.publish({provider.new_offer.get()}).code() == Code::kWrongStage);
    REQUIRE(gates.close().is_ok());
    CHECK(gates.close().code() == Code::kWrongStage);
    REQUIRE(gates.drain(in_seconds(1)).is_ok());
    CHECK(gates.publish({}).code() == Code::kInvalid);
    gates.reopen();
    gates.reopen();
    CHECK(provider.call() == 1);
}

TEST_CASE("two swaps that share a slot take turns: the second is told which, and closes nothing; others do not mind") {
    Provider shared("shared/1");
    Provider free_slot("free/1");
    GateSet first({&shared.slot});
    GateSet second({&free_slot.slot, &shared.slot});
    REQUIRE(first.close().is_ok());
    const Status status = second.close();
    CHECK(status.code() == Code::kBusy);
    CHECK(status.message().find("shared/1") != std::string::npos);
    CHECK(free_slot.call() == 1);
    CHECK(guards().publish_open(shared.slot, shared.new_offer.get()).code() == Code::kBusy);
    GateSet apart({&free_slot.slot});
    REQUIRE(apart.close().is_ok());
    REQUIRE(apart.drain(in_seconds(1)).is_ok());
    REQUIRE(apart.publish({free_slot.new_offer.get()}).is_ok());
    first.reopen();
    CHECK(second.close().is_ok());
}

TEST_CASE("a swap that goes away with its gates closed opens them: nobody waits for what is gone") {
    Provider provider;
    {
        GateSet gates({&provider.slot});
        REQUIRE(gates.close().is_ok());
    }
    CHECK(provider.call() == 1);
}

TEST_CASE("a table taken out of a slot answers waiting and later calls with NULL") {
    Provider provider;
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    REQUIRE(gates.drain(in_seconds(1)).is_ok());
    Event meets_gate;
    std::uint64_t answer = 99;
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? meets_gate.set() : void(); });
    std::thread caller([&] { answer = provider.call(); });
    REQUIRE(meets_gate.wait());
    REQUIRE(gates.publish({nullptr}).is_ok());
    caller.join();
    CHECK(answer == 0);
    CHECK(provider.call() == 0);
}

int main(int argc, char **argv) {
    return run(argc, argv, {});
}

// A thread that is left inside `a` while its set is published calls back between the publishing of the two slots.
TEST_CASE("a thread that was left inside never sees the old after the new, also while the slots are being published") {
    Provider a("a/1");
    Provider b("b/1");
    Event between;
    Event is_past; // the straggler has its second answer, or waits for it
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    Inside straggler(a, [&] {
        REQUIRE(between.wait());
        first = a.call();
        second = b.call();
        is_past.set();
    });
    GateSet gates({&a.slot, &b.slot});
    REQUIRE(gates.close().is_ok());
    CHECK(gates.drain(futex_clock_ns()).code() == Code::kTimedOut);
    REQUIRE(gates.skip_drain().is_ok());
    std::thread finisher([&] { straggler.finish(); });
    bool is_first = true;
    const AtSeam seam([&](SeamPoint point) {
        if (point == SeamPoint::kBeforeWait) {
            is_past.set();
        } else if (point == SeamPoint::kBetweenSlots && is_first) {
            is_first = false;
            between.set();
            REQUIRE(is_past.wait());
        }
    });
    REQUIRE(gates.publish({a.new_offer.get(), b.new_offer.get()}).is_ok());
    finisher.join();
    CHECK(first == 2);
    CHECK(second == 2);
}
