// The queue of a closed gate: how many may wait, who is turned away, and that a call turned away never entered.
#include "gate_scene.hpp"

#include <atomic>

using namespace scene;

namespace {

struct Crowd {
    std::uint64_t waiting = 0;
    std::uint64_t refused = 0;
    std::uint64_t answered = 0; // once the gate is open
};

// `callers` threads call at a closed gate of `provider`; it opens on the new table once each of them waits or is back.
Crowd meet_gate(Provider &provider, std::uint64_t callers) {
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    std::atomic<std::uint64_t> waiting{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> answered{0};
    Event all_decided;
    const auto decided = [&] { waiting + refused == callers ? all_decided.set() : void(); };
    thread_local bool has_waited = false; // a wake for no reason is no second caller
    const AtSeam seam([&](SeamPoint point) {
        if (point == SeamPoint::kBeforeWait && !has_waited) {
            has_waited = true;
            ++waiting;
            decided();
        }
    });
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < callers; ++i) {
        threads.emplace_back([&] {
            const std::uint64_t answer = provider.call();
            if (answer == 2) {
                ++answered;
            } else if (guards().last_refusal().code() == Code::kBackpressure) {
                ++refused;
                decided();
            }
        });
    }
    REQUIRE(all_decided.wait());
    Crowd crowd;
    crowd.waiting = waiting;
    crowd.refused = refused;
    CHECK(provider.slot.queue().waiting() == crowd.waiting);
    REQUIRE(gates.drain(in_seconds(5)).is_ok());
    REQUIRE(gates.publish({provider.new_offer.get()}).is_ok());
    for (std::thread &thread : threads) {
        thread.join();
    }
    crowd.answered = answered;
    return crowd;
}

} // namespace

TEST_CASE("as many callers wait at a closed gate as its limit says, and every further one is turned away") {
    for (const std::uint32_t limit : {0U, 1U, 3U}) {
        Provider provider;
        provider.slot.queue().set_limit(limit);
        const Crowd crowd = meet_gate(provider, 8);
        CHECK(crowd.waiting == limit);
        CHECK(crowd.refused == 8 - limit);
        CHECK(crowd.answered == limit);
        CHECK(provider.slot.queue().turned_away() == 8 - limit);
        CHECK(provider.slot.queue().waiting() == 0);
        CHECK(provider.call() == 2);
    }
}

TEST_CASE("without a limit nobody is turned away") {
    Provider provider;
    const Crowd crowd = meet_gate(provider, 8);
    CHECK(crowd.waiting == 8);
    CHECK(crowd.answered == 8);
    CHECK(provider.slot.queue().turned_away() == 0);
}

TEST_CASE("a call that is turned away says how many wait, and holds nothing") {
    Provider provider;
    provider.slot.queue().set_limit(0);
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    CHECK(provider.call() == 0);
    const Status refusal = guards().last_refusal();
    CHECK(refusal.code() == Code::kBackpressure);
    CHECK(refusal.message().find("answer/1") != std::string::npos);
    CHECK(refusal.message().find("0 wait there, and its queue limit is 0") != std::string::npos);
    CHECK_FALSE(guards().calling_thread_holds_any());
    CHECK(gates.drain(futex_clock_ns()).is_ok()); // nobody is inside
    gates.reopen();
    CHECK(provider.call() == 1);
}

TEST_CASE("a thread inside the set passes a gate whose queue is full: it would not have waited") {
    Provider a("a/1");
    Provider b("b/1");
    b.slot.queue().set_limit(0);
    std::uint64_t nested = 0;
    Inside inside(a, [&] { nested = b.call(); });
    GateSet gates({&a.slot, &b.slot});
    REQUIRE(gates.close().is_ok());
    inside.finish();
    CHECK(nested == 1);
    CHECK(b.slot.queue().turned_away() == 0);
    REQUIRE(gates.drain(in_seconds(5)).is_ok());
}

TEST_CASE("try_enter at a full gate is busy, not turned away: it never waits") {
    Provider provider;
    provider.slot.queue().set_limit(0);
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    CHECK(guards().try_enter(provider.slot) == nullptr);
    CHECK(guards().last_refusal().code() == Code::kBusy);
    CHECK(provider.slot.queue().turned_away() == 0);
}

TEST_CASE("a queue never holds more than its limit, and one that is turned away turns nobody else away") {
    GateQueue queue;
    constexpr std::uint32_t kLimit = 2;
    queue.set_limit(kLimit);
    std::atomic<std::uint32_t> inside{0};
    std::atomic<bool> is_over{false};
    std::atomic<bool> turned_away_too_early{false};
    const std::uint64_t rounds = sized(20'000, 400'000);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (std::uint64_t round = 0; round < rounds; ++round) {
                std::uint32_t found = 0;
                if (queue.join(&found)) {
                    inside.fetch_add(1) >= kLimit ? is_over.store(true) : void();
                    inside.fetch_sub(1);
                    queue.leave();
                } else if (found < kLimit) {
                    turned_away_too_early = true;
                }
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK_FALSE(is_over);
    CHECK_FALSE(turned_away_too_early);
    CHECK(queue.waiting() == 0);
}

TEST_CASE("places may be given back after a fork has emptied the queue") {
    GateQueue queue;
    std::uint32_t found = 0;
    REQUIRE(queue.join(&found));
    queue.empty();
    queue.leave();
    CHECK(queue.waiting() == 0);
}
