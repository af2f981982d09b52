// A pair that calls each other, swapped as one set while it is called from all sides: no call sees both sides of a
// swap, who has seen the new never sees the old later, and no call is lost. And what holds that taken out, to see that
// mixes would be noticed.
#include <cinttypes>

#include "pair_scene.hpp"

using namespace scene;

namespace {

Guards &guards() {
    return Guards::instance();
}

// One thread that calls the pair without a pause, in one way, and judges every answer.
class Caller {
public:
    Caller(const Duo &duo, std::uint64_t lane) : duo_(duo), lane_(lane) {}

    // Four ways in: consumer → provider → consumer, provider → consumer, and each half by itself.
    void call(std::uint64_t number) {
        static constexpr std::uint64_t kDepths[] = {2, 1, 0, 0};
        const std::uint64_t way = (lane_ + number / 64) % 4; // each caller takes each way in its turn
        const Half half = way == 0 || way == 2 ? kConsumer : kProvider;
        pair_call one{};
        one.lane = lane_;
        const std::uint64_t rolled_back = duo_.rolled_back.load();
        duo_.call(half, &one, kDepths[way]);
        counted[half] += way == 0 ? 2 : 1;
        counted[half == kConsumer ? kProvider : kConsumer] += way < 2 ? 1 : 0;
        calls += 1;
        if (const char *fault = fault_of(one, kDepths[way])) {
            note(fault, one);
        }
        see(one.stamps[0] >> 8, rolled_back);
    }

    std::uint64_t calls = 0;
    std::uint64_t counted[kHalves] = {}; // what the halves' states must say of this caller
    std::uint64_t mixed = 0;             // everything that fault_of() finds
    std::uint64_t went_back = 0; // the old after the new, with no rollback that was under way or came in between

private:
    void note(const char *fault, const pair_call &one) {
        if (mixed++ == 0) { // the first says enough
            std::string stamps;
            for (std::uint64_t i = 0; i < one.count; ++i) {
                stamps += " " + std::to_string(one.stamps[i] >> 8);
            }
            std::printf("lane %" PRIu64 ": %s:%s\n", lane_, fault, stamps.c_str());
        }
    }
    // `rolled_back`: how many rollbacks were over before the call; one that was not, then, may explain what is seen
    // later.
    void see(std::uint64_t serial, std::uint64_t rolled_back) {
        went_back += serial < seen_ && duo_.rollbacks.load() == rolled_back_ ? 1 : 0;
        seen_ = serial;
        rolled_back_ = rolled_back;
    }

    const Duo &duo_;
    const std::uint64_t lane_;
    std::uint64_t seen_ = 0;
    std::uint64_t rolled_back_ = 0;
};

struct Counts {
    std::uint64_t calls = 0;
    std::uint64_t mixed = 0;
    std::uint64_t went_back = 0;
    std::uint64_t lost = 0; // between what callers did and what the state counted, either way
    std::uint64_t swaps = 0;
    std::uint64_t called_off = 0;
};

// Four callers and one who swaps: every eighth swap takes the one before it back, every sixteenth is called off by a
// half that fails when both gates are closed.
class Play {
public:
    Play(std::uint64_t calls, std::uint64_t swaps, bool is_slot_by_slot = false)
        : calls_(calls), swaps_(swaps), is_slot_by_slot_(is_slot_by_slot) {}

    Counts run() {
        std::vector<std::thread> threads;
        for (Caller &caller : callers_) {
            threads.emplace_back([this, &caller] { live(caller); });
        }
        for (std::uint64_t number = 1; number <= swaps_; ++number) {
            wait_for(calls_ / swaps_ * (number - 1));
            replace(number);
        }
        wait_for(calls_);
        is_done_ = true;
        for (std::thread &thread : threads) {
            thread.join();
        }
        return sums();
    }

private:
    void live(Caller &caller) {
        for (std::uint64_t number = 0; !is_done_.load(std::memory_order_relaxed);) {
            for (int i = 0; i < 64; ++i) {
                caller.call(number++);
            }
            done_.fetch_add(64, std::memory_order_relaxed);
        }
    }
    // So that the swaps are spread over the calls.
    void wait_for(std::uint64_t calls) {
        while (done_.load(std::memory_order_relaxed) < calls) {
            std::this_thread::yield();
        }
    }
    void replace(std::uint64_t number) {
        if (is_slot_by_slot_) {
            replace_slot_by_slot();
            return;
        }
        if (number % 8 == 0) {
            const SwapRecord record = duo_.roll_back();
            REQUIRE_MESSAGE(record.is_published, record.failure.message());
            counts_.swaps += 1;
            return;
        }
        const bool fails = number % 16 == 7;
        const std::array<Candidate, kHalves> candidates = duo_.bring(fails ? kProvider : kHalves, "start");
        const SwapRecord record = duo_.swap(candidates);
        REQUIRE_MESSAGE(record.is_published != fails, record.failure.message());
        counts_.swaps += fails ? 0 : 1;
        counts_.called_off += fails ? 1 : 0;
        if (fails) {
            drop_candidate(candidates[kConsumer]);
            drop_candidate(candidates[kProvider]);
        }
    }
    // Callers have their turns between the two.
    void replace_slot_by_slot() {
        const std::array<Candidate, kHalves> candidates = duo_.bring();
        REQUIRE(duo_.swap_half(kProvider, candidates[kProvider]).is_published);
        wait_for(done_ + 64 * 4 * callers_.size());
        REQUIRE(duo_.swap_half(kConsumer, candidates[kConsumer]).is_published);
    }
    Counts sums() {
        for (std::uint64_t lane = 0; lane < callers_.size(); ++lane) {
            const Caller &caller = callers_[lane];
            counts_.calls += caller.calls;
            counts_.mixed += caller.mixed;
            counts_.went_back += caller.went_back;
            for (const Half half : {kConsumer, kProvider}) {
                const std::uint64_t kept = duo_.total(half, lane);
                counts_.lost += kept > caller.counted[half] ? kept - caller.counted[half] : caller.counted[half] - kept;
            }
        }
        std::printf("%" PRIu64 " calls, %" PRIu64 " swaps of the pair, %" PRIu64 " called off: %" PRIu64
                    " mixed, %" PRIu64 " the old after the new, %" PRIu64 " lost\n",
                    counts_.calls, counts_.swaps, counts_.called_off, counts_.mixed, counts_.went_back, counts_.lost);
        return counts_;
    }

    Duo duo_;
    std::array<Caller, 4> callers_{{{duo_, 0}, {duo_, 1}, {duo_, 2}, {duo_, 3}}};
    const std::uint64_t calls_;
    const std::uint64_t swaps_;
    const bool is_slot_by_slot_;
    std::atomic<std::uint64_t> done_{0};
    std::atomic<bool> is_done_{false};
    Counts counts_;
};

// Callers get the processor while the set is half open, half closed, or half drained; and those whom a gate met count.
class Crowd {
public:
    std::atomic<std::uint64_t> passed{0}; // a closed gate, as a holder
    std::atomic<std::uint64_t> waited{0};

private:
    const AtSeam seam_{[this](SeamPoint point) {
        passed += point == SeamPoint::kPassing ? 1 : 0;
        waited += point == SeamPoint::kBeforeWait ? 1 : 0;
        if (point == SeamPoint::kBetweenSlots || point == SeamPoint::kGateClosed || point == SeamPoint::kMarkedClear) {
            std::this_thread::yield();
        }
    }};
};

// A call of depth 2 that stays inside `half`, before it calls the other one, until `go_on`.
class Staying {
public:
    Staying(const Duo &duo, Half half) {
        call.between = [](void *self) {
            static_cast<Staying *>(self)->is_inside.set();
            REQUIRE(static_cast<Staying *>(self)->go_on.wait());
        };
        call.ctx = this;
        thread_ = std::thread([this, &duo, half] { duo.call(half, &call, PAIR_DEPTH_MAX); });
        REQUIRE(is_inside.wait());
    }
    ~Staying() { finish(); }
    Staying(const Staying &) = delete;
    Staying &operator=(const Staying &) = delete;
    // What is wrong with the call, now that it is over.
    const char *finish() {
        go_on.set();
        if (thread_.joinable()) {
            thread_.join();
        }
        return fault_of(call, PAIR_DEPTH_MAX);
    }
    scene::Event is_inside;
    scene::Event go_on;
    pair_call call{};

private:
    std::thread thread_;
};

std::string told(const char *fault) {
    return fault == nullptr ? std::string() : fault;
}

// Control: each member in a swap of its own, each with its gate, drained and opened before the next.
std::string slot_by_slot() {
    const Counts counts = Play(20'000, 8, true).run();
    return counts.mixed == 0 ? std::string() : std::to_string(counts.mixed) + " calls saw both sides of one swap";
}

// Control: each member's gate and drain by itself. Who is inside the one comes to the other's gate, and waits there for
// a swap that waits for it.
std::string one_by_one() {
    Duo duo;
    Staying staying(duo, kConsumer);
    scene::Event waits;
    const AtSeam seam([&](SeamPoint point) {
        if (point == SeamPoint::kBeforeWait) {
            waits.set();
        }
    });
    GateSet consumer({&duo.slot(kConsumer)});
    GateSet provider({&duo.slot(kProvider)});
    REQUIRE(consumer.close().is_ok());
    REQUIRE(provider.close().is_ok());
    staying.go_on.set();
    REQUIRE(waits.wait());
    const Status status = consumer.drain(in_seconds(1));
    consumer.reopen();
    provider.reopen();
    return status.code() == Code::kTimedOut ? status.message() : std::string();
}

// Control: the gates closed as a set, but drained and quiesced one member after the other. Who is still inside the
// second one calls back into the first.
std::string quiesced_one_by_one() {
    Duo duo;
    Staying staying(duo, kProvider);
    GateSet gates({&duo.slot(kConsumer), &duo.slot(kProvider)});
    REQUIRE(gates.close().is_ok());
    const std::vector<const hotgraft_table *> first{duo.slot(kConsumer).held()};
    REQUIRE(!guards().is_held(first.data(), first.size()));
    bool is_again = false;
    REQUIRE(duo.active(kConsumer).quiesce(0, in_seconds(20), &is_again).is_ok());
    staying.go_on.set();
    REQUIRE(gates.drain(in_seconds(20)).is_ok());
    REQUIRE(duo.active(kConsumer).resume(0).is_ok());
    gates.reopen();
    return told(staying.finish());
}

} // namespace

TEST_CASE("no call sees both sides of a swap of a pair, nor the old after the new, and none is lost") {
    const Crowd crowd;
    const Counts counts = Play(sized(100'000, 100'000'000), sized(16, 1'100)).run();
    CHECK(counts.mixed == 0);
    CHECK(counts.went_back == 0);
    CHECK(counts.lost == 0);
    CHECK(counts.swaps >= sized(14, 1'000));
    std::printf("at closed gates: %" PRIu64 " passed, %" PRIu64 " waited\n", crowd.passed.load(), crowd.waited.load());
    CHECK(crowd.passed + crowd.waited >= sized(0, 1'000));
}

TEST_CASE("the same without membarrier") {
    const WithoutMembarrier without;
    const Counts counts = Play(sized(20'000, 5'000'000), sized(8, 200)).run();
    CHECK(counts.mixed == 0);
    CHECK(counts.went_back == 0);
    CHECK(counts.lost == 0);
}

TEST_CASE("a call inside either half when the gates close goes to and fro on the old side, and the swap waits for it") {
    for (const Half half : {kConsumer, kProvider}) {
        CAPTURE(half);
        Duo duo;
        Staying staying(duo, half);
        const AtSeam seam([&](SeamPoint point) {
            if (point == SeamPoint::kDrainWaits) {
                staying.go_on.set(); // both gates are closed: the other half is called only now
            }
        });
        const SwapRecord record = duo.swap(duo.bring());
        CHECK_MESSAGE(record.is_published, record.failure.message());
        CHECK(told(staying.finish()) == "");
        CHECK((staying.call.stamps[0] >> 8) == 1);
        pair_call next{};
        duo.call(half, &next, PAIR_DEPTH_MAX);
        CHECK(told(fault_of(next, PAIR_DEPTH_MAX)) == "");
        CHECK((next.stamps[0] >> 8) == 2);
    }
}

TEST_CASE(
    "a call that finds the first slot open on the new side waits at the second one's gate, and sees the new there") {
    Duo duo;
    pair_call call{};
    scene::Event waits;
    std::thread caller;
    const AtSeam seam([&](SeamPoint point) {
        if (point == SeamPoint::kBeforeWait) {
            waits.set();
        } else if (point == SeamPoint::kBetweenSlots && !caller.joinable()) {
            caller = std::thread([&] { duo.call(kConsumer, &call, PAIR_DEPTH_MAX); });
            REQUIRE(waits.wait());
        }
    });
    CHECK(duo.swap(duo.bring()).is_published);
    caller.join();
    CHECK(told(fault_of(call, PAIR_DEPTH_MAX)) == "");
    CHECK((call.stamps[0] >> 8) == 2);
}

TEST_CASE("whatever step of either half fails, both serve on as they were, with all that callers counted") {
    for (const Half half : {kConsumer, kProvider}) {
        for (const char *function : {"take", "start"}) {
            CAPTURE(half);
            CAPTURE(function);
            Duo duo;
            Caller caller(duo, 0);
            for (std::uint64_t i = 0; i < 256; ++i) {
                caller.call(i);
            }
            const std::array<Candidate, kHalves> candidates = duo.bring(half, function);
            const SwapRecord record = duo.swap(candidates);
            CHECK_FALSE(record.is_published);
            CHECK(record.failure.message().find(std::string("told to fail in ") + function) != std::string::npos);
            CHECK(record.after_undo.empty());
            for (std::uint64_t i = 0; i < 256; ++i) {
                caller.call(i);
            }
            CHECK(caller.mixed == 0);
            CHECK(duo.total(kConsumer, 0) == caller.counted[kConsumer]);
            CHECK(duo.total(kProvider, 0) == caller.counted[kProvider]);
            drop_candidate(candidates[kConsumer]);
            drop_candidate(candidates[kProvider]);
            CHECK(duo.swap(duo.bring()).is_published);
            CHECK(duo.total(kProvider, 0) == caller.counted[kProvider]);
        }
    }
}

TEST_CASE("a pair rolled back is back on both sides, with what callers counted since") {
    Duo duo;
    Caller caller(duo, 0);
    CHECK(duo.swap(duo.bring()).is_published);
    for (std::uint64_t i = 0; i < 256; ++i) {
        caller.call(i);
    }
    CHECK(duo.roll_back().is_published);
    for (std::uint64_t i = 0; i < 256; ++i) {
        caller.call(i);
    }
    CHECK(caller.mixed == 0);
    CHECK(caller.went_back == 0);
    CHECK(duo.total(kConsumer, 0) == caller.counted[kConsumer]);
    CHECK(duo.total(kProvider, 0) == caller.counted[kProvider]);
}

int main(int argc, char **argv) {
    return run(
        argc, argv,
        {{"slot_by_slot", slot_by_slot}, {"one_by_one", one_by_one}, {"quiesced_one_by_one", quiesced_one_by_one}});
}
