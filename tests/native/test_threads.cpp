// Threads that plugins register as their own (threads.h): they call each other's plugins while both are replaced as
// one, quiesce joins them, and nobody meets a plugin at rest. And what holds that taken out, to see that it is missed.
#include "at_step.hpp"
#include "generation_unload.hpp"
#include "own_threads.hpp"
#include "pair_scene.hpp"
#include "state_rest.hpp"

using namespace scene;

namespace {

Guards &guards() {
    return Guards::instance();
}

std::uint64_t seen(const std::uint64_t &count) {
    return __atomic_load_n(&count, __ATOMIC_SEQ_CST);
}

bool wait_above(const std::uint64_t &count, std::uint64_t before) {
    const std::int64_t deadline_ns = in_seconds(20);
    while (seen(count) <= before && futex_clock_ns() < deadline_ns) {
        std::this_thread::yield();
    }
    return seen(count) > before;
}

pair_thread own_thread(std::uint64_t depth = 0, std::int32_t registers = 1) {
    pair_thread own{};
    own.lane = PAIR_LANES - 1;
    own.depth = depth;
    own.registers = registers;
    return own;
}

class Without {
public:
    explicit Without(std::atomic<bool> GuardSeam::*rule) : rule_(rule) { guards().seam().*rule_ = true; }
    ~Without() { guards().seam().*rule_ = false; }
    Without(const Without &) = delete;
    Without &operator=(const Without &) = delete;

private:
    std::atomic<bool> GuardSeam::*rule_;
};

// What the own threads did to each half's state is what it says.
void check_exact(const Duo &duo, Half half, const pair_thread &own) {
    const Half other = half == kConsumer ? kProvider : kConsumer;
    CHECK(duo.total(other, own.lane) == seen(own.counted[0]));
    CHECK(duo.total(half, own.lane) == seen(own.counted[1]));
    CHECK(seen(own.resting) == 0);
    CHECK(seen(own.faults) == 0);
}

// Stop it, so that what it counted holds still.
void stop(pair_thread &own) {
    __atomic_store_n(&own.ends, 1, __ATOMIC_SEQ_CST);
    const std::int64_t deadline_ns = in_seconds(20);
    while (seen(own.alive) != 0 && futex_clock_ns() < deadline_ns) {
        std::this_thread::yield();
    }
    CHECK(seen(own.alive) == 0);
}

// A swap while the thread of `half` calls on, without one of the rules; `*resting`: its calls that met a half at rest.
std::string rests_inside(Half half, std::uint64_t registers, std::atomic<bool> GuardSeam::*rule, std::int64_t budget_s,
                         std::uint64_t *resting) {
    pair_thread own = own_thread(0, static_cast<std::int32_t>(registers));
    std::string failure;
    {
        std::array<pair_thread *, kHalves> threads{};
        threads[half] = &own;
        Duo duo(threads);
        REQUIRE(wait_above(own.calls, 0));
        const Without without(rule);
        const AtStep at([&](StepKind kind, std::uint64_t nth) {
            if (kind == StepKind::kQuiesce && nth == 1) {
                (void)wait_above(own.resting, 0);
            }
        });
        const std::array<Candidate, kHalves> candidates = duo.bring();
        const SwapRecord record = duo.swap(candidates, budget_s);
        failure = record.failure.message();
        if (!record.is_published) {
            drop_candidate(candidates[kConsumer]);
            drop_candidate(candidates[kProvider]);
        }
        stop(own);
    }
    *resting = seen(own.resting);
    return failure;
}

// Control: registered threads wait at the gates like everybody (model rule M11).
std::string threads_wait() {
    std::uint64_t resting = 0;
    return rests_inside(kConsumer, 1, &GuardSeam::no_passing, 1, &resting);
}

// Control: nobody is turned away where a member comes to rest (model rule M12).
std::string nobody_turned_away() {
    std::uint64_t resting = 0;
    (void)rests_inside(kProvider, 1, &GuardSeam::no_turning_away, 20, &resting);
    return resting == 0 ? "" : std::to_string(resting) + " calls met a plugin that holds still";
}

// Control: nor are candidates' threads when the swap is undone: the provider's waits at the gate, and its stop for it.
std::string candidates_wait() {
    pair_thread own = own_thread();
    Duo duo;
    duo.set_own(kProvider, &own);
    const Without without(&GuardSeam::no_turning_away);
    const AtStep at([&duo](StepKind kind, std::uint64_t nth) {
        while (kind == StepKind::kStart && nth == 1 && duo.slot(kConsumer).waiters() == 0) {
            std::this_thread::yield();
        }
    });
    const SwapRecord record = duo.swap(duo.bring(kConsumer, "start"), 20);
    stop(own);
    return record.after_undo.empty() ? std::string() : record.after_undo.front();
}

} // namespace

TEST_CASE("a pair swapped as one while a thread of one half calls the other: joined, called anew, exact") {
    for (const Half half : {kConsumer, kProvider}) {
        for (const std::uint64_t depth : {0U, 1U}) {
            CAPTURE(half);
            CAPTURE(depth);
            pair_thread own = own_thread(depth);
            std::array<pair_thread *, kHalves> threads{};
            threads[half] = &own;
            Duo duo(threads);
            REQUIRE(wait_above(own.calls, 0));
            const std::uint64_t refused = seen(own.refused); // while the other half did not serve yet
            for (std::uint64_t number = 0; number < sized(4, 200); ++number) {
                REQUIRE(wait_above(own.calls, seen(own.calls)));
                const SwapRecord record = number % 4 == 3 ? duo.roll_back() : duo.swap(duo.bring());
                REQUIRE_MESSAGE(record.is_published, record.failure.message());
            }
            REQUIRE(wait_above(own.calls, seen(own.calls)));
            stop(own);
            check_exact(duo, half, own);
            CHECK((half == kProvider || seen(own.refused) == refused)); // a consumer is never cut off from its provider
        }
    }
}

TEST_CASE("both halves have a thread that calls the other, beside a caller from outside") {
    pair_thread consumers = own_thread(1);
    pair_thread providers = own_thread(1);
    providers.lane = 0;
    Duo duo({&consumers, &providers});
    std::atomic<bool> is_done{false};
    std::uint64_t faults = 0;
    std::uint64_t calls = 0;
    std::thread caller([&] {
        while (!is_done) {
            pair_call call{};
            call.lane = 1;
            duo.call(kConsumer, &call, 1);
            faults += fault_of(call, 1) != nullptr ? 1 : 0;
            calls += 1;
        }
    });
    for (std::uint64_t number = 0; number < sized(4, 200); ++number) {
        REQUIRE(wait_above(consumers.calls, seen(consumers.calls)));
        REQUIRE(wait_above(providers.calls, seen(providers.calls)));
        const SwapRecord record = duo.swap(duo.bring());
        REQUIRE_MESSAGE(record.is_published, record.failure.message());
    }
    is_done = true;
    caller.join();
    stop(consumers);
    stop(providers);
    check_exact(duo, kConsumer, consumers);
    check_exact(duo, kProvider, providers);
    CHECK(faults == 0);
    CHECK(duo.total(kProvider, 1) == calls);
}

TEST_CASE(
    "behind closed gates it passes to what it provides for, and is told NULL by who rests before its own plugin") {
    for (const Half half : {kConsumer, kProvider}) {
        CAPTURE(half);
        pair_thread own = own_thread();
        std::array<pair_thread *, kHalves> threads{};
        threads[half] = &own;
        Duo duo(threads);
        std::uint64_t passed = 0;
        std::uint64_t refused = 0;
        const AtStep at([&](StepKind kind, std::uint64_t nth) {
            if (kind == StepKind::kQuiesce && nth == 0) {
                passed += wait_above(own.calls, seen(own.calls) + 1) ? 1 : 0;
            } else if (kind == StepKind::kQuiesce && half == kProvider) {
                refused += wait_above(own.refused, seen(own.refused)) ? 1 : 0;
            }
        });
        const SwapRecord record = duo.swap(duo.bring());
        CHECK_MESSAGE(record.is_published, record.failure.message());
        CHECK(passed == 1);
        CHECK(refused == (half == kProvider ? 1 : 0));
        stop(own);
        check_exact(duo, half, own);
    }
}

TEST_CASE("one half alone is swapped under the thread of either") {
    for (const Half swapped : {kConsumer, kProvider}) {
        for (const Half half : {kConsumer, kProvider}) {
            CAPTURE(swapped);
            CAPTURE(half);
            pair_thread own = own_thread(1);
            std::array<pair_thread *, kHalves> threads{};
            threads[half] = &own;
            Duo duo(threads);
            REQUIRE(wait_above(own.calls, 0));
            const SwapRecord record = duo.swap_half(swapped, duo.bring()[swapped]);
            CHECK_MESSAGE(record.is_published, record.failure.message());
            REQUIRE(wait_above(own.calls, seen(own.calls)));
            stop(own);
            check_exact(duo, half, own);
        }
    }
}

TEST_CASE("a moment at rest joins it, though what it calls calls its own plugin back") {
    for (const std::int32_t registers : {1, 0}) { // without being registered it waits for what waits for it
        CAPTURE(registers);
        pair_thread own = own_thread(1, registers);
        Duo duo({&own, nullptr});
        REQUIRE(wait_above(own.calls, 0));
        RestWish wish;
        const AtSeam seam([&](SeamPoint point) {
            while (point == SeamPoint::kGateClosed && registers == 0 && duo.slot(kConsumer).waiters() == 0) {
                std::this_thread::yield(); // it is to meet the gate
            }
        });
        wish.generation = duo.shared_active(kConsumer);
        wish.slots = {duo.shared_slot(kConsumer)};
        wish.what = "look";
        wish.rest_deadline_ns = registers != 0 ? in_seconds(20) : futex_clock_ns() + kSecond_ns / 5;
        wish.deadline_ns = wish.rest_deadline_ns + kSecond_ns;
        std::uint64_t alive = 1;
        std::int64_t pause_ns = 0;
        const Status status = at_rest(
            wish,
            [&own, &alive](Generation &) {
                alive = seen(own.alive);
                return Status();
            },
            &pause_ns);
        CHECK(status.is_ok() == (registers != 0));
        CHECK(alive == (registers != 0 ? 0 : 1));
        CHECK(wait_above(own.calls, seen(own.calls))); // resumed, with a thread
        stop(own);
        check_exact(duo, kConsumer, own);
    }
}

TEST_CASE("registered twice it counts once; ended without a word it is nobody's, and the swap goes through") {
    pair_thread own = own_thread(0, 2);
    own.just_ends = 1;
    Duo duo({&own, nullptr});
    REQUIRE(wait_above(own.calls, 0));
    const SwapRecord record = duo.swap(duo.bring());
    CHECK_MESSAGE(record.is_published, record.failure.message());
    REQUIRE(wait_above(own.calls, seen(own.calls)));
    stop(own);
    check_exact(duo, kConsumer, own);
}

TEST_CASE("a thread that quiesce did not join calls the swap off by its name, and both serve on") {
    pair_thread own = own_thread();
    own.is_left = 1;
    Duo duo({&own, nullptr});
    REQUIRE(wait_above(own.calls, 0));
    const std::array<Candidate, kHalves> candidates = duo.bring();
    const SwapRecord record = duo.swap(candidates, 20);
    CHECK_FALSE(record.is_published);
    CHECK(record.failure.code() == Code::kRefused);
    CHECK(record.failure.message().find("consumer: generation") != std::string::npos);
    CHECK(record.failure.message().find("its quiesce returned, but thread ") != std::string::npos);
    CHECK(record.after_undo.empty());
    CHECK(wait_above(own.calls, seen(own.calls)));
    drop_candidate(candidates[kConsumer]);
    drop_candidate(candidates[kProvider]);
    own.is_left = 0;
    const SwapRecord again = duo.swap(duo.bring());
    CHECK_MESSAGE(again.is_published, again.failure.message());
    stop(own);
    check_exact(duo, kConsumer, own);
}

TEST_CASE("a swap that is called off leaves them their thread, and its candidates' threads wait for nothing") {
    for (const Half failing : {kConsumer, kProvider}) {
        for (const char *function : {"quiesce", "surrender", "take", "start"}) {
            CAPTURE(failing);
            CAPTURE(function);
            pair_thread consumers = own_thread();
            pair_thread providers = own_thread();
            providers.lane = 0;
            Duo duo({&consumers, &providers});
            REQUIRE(wait_above(consumers.calls, 0));
            const bool is_old = function == std::string("quiesce") || function == std::string("surrender");
            if (is_old) {
                REQUIRE(duo.swap(duo.bring(failing, function)).is_published); // what now serves will fail
            }
            const std::array<Candidate, kHalves> candidates = is_old ? duo.bring() : duo.bring(failing, function);
            const SwapRecord record = duo.swap(candidates, 20);
            CHECK_FALSE(record.is_published);
            CHECK(record.after_undo.empty());
            CHECK(wait_above(consumers.calls, seen(consumers.calls)));
            CHECK(wait_above(providers.calls, seen(providers.calls)));
            stop(consumers);
            stop(providers);
            check_exact(duo, kConsumer, consumers);
            check_exact(duo, kProvider, providers);
            drop_candidate(candidates[kConsumer]);
            drop_candidate(candidates[kProvider]);
        }
    }
}

TEST_CASE("a library with a registered thread is kept, and says which thread it is") {
    pair_thread own = own_thread();
    own.is_left = 1;
    Duo duo;
    duo.set_own(kProvider, &own);
    const std::array<Candidate, kHalves> candidates = duo.bring();
    Generation &generation = *candidates[kProvider].generation;
    REQUIRE(generation.start(0).is_ok());
    const std::int64_t deadline_ns = in_seconds(20);
    while (count_own_threads(generation.thread_owner(0)) == 0 && futex_clock_ns() < deadline_ns) {
        std::this_thread::yield();
    }
    REQUIRE(describe_own_threads(generation.thread_owner(0)).find("thread ") == 0);
    generation.mark_failed();
    ControlThread control;
    const Proof proof = Unload(candidates[kProvider].generation).run(control, in_seconds(5));
    CHECK_FALSE(proof.proven);
    CHECK(proof.reason.find("was registered by it") != std::string::npos);
    CHECK(generation.stage() == Stage::kStuck);
    drop_candidate(candidates[kConsumer]);
    stop(own);
}

int main(int argc, char **argv) {
    return run(argc, argv,
               {{"threads_wait", threads_wait},
                {"nobody_turned_away", nobody_turned_away},
                {"candidates_wait", candidates_wait}});
}
