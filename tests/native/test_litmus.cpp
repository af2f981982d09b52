// The store-buffer litmus: announce-then-look against close-then-scan, on two processors.
//
// A violation is a round in which the caller found the slot open and the scan found the caller's record empty: the
// table would be reclaimed under the call. Only the barrier of the closing side forbids it (tests/model, rule M1). Each
// side is what production runs: hotgraft_enter inlined, the slot's close, Guards::barrier, Guards::is_held.
#include "guard_scene.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

using namespace scene;

namespace {

Guards &guards() {
    return Guards::instance();
}

void pin_to(unsigned index) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    (void)sched_getaffinity(0, sizeof allowed, &allowed);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &allowed) && index-- == 0) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
            return;
        }
    }
}

struct Counts {
    std::uint64_t rounds = 0;
    std::uint64_t met = 0;        // in which the caller was running: it came and went since the round before
    std::uint64_t reclaimed = 0;  // in which the scan found nobody inside
    std::uint64_t violations = 0; // calls that were inside a table after the scan had found nobody
};

// One caller enters and leaves without a pause, one closer closes, scans and opens without a pause: nothing else keeps
// them in step, so they meet at every offset. Where the scan finds nobody the closer marks the table as reclaimed for a
// moment; a call that sees the mark from inside is a violation.
class Litmus {
public:
    // Plays at least so many rounds, and on until the caller was met in so many.
    Litmus(std::uint64_t rounds, std::uint64_t met) : rounds_(rounds), met_(met) {
        REQUIRE(guards().publish_open(slot_, offer_.get()).is_ok());
    }

    Counts play(std::uint64_t enough_violations) {
        std::thread caller([this] { call(); });
        pin_to(1);
        REQUIRE(is_ready_.wait());
        Counts counts;
        std::uint64_t seen_calls = 0;
        while ((counts.rounds < rounds_ || counts.met < met_) &&
               violations_.load(std::memory_order_relaxed) < enough_violations) {
            ++counts.rounds;
            counts.reclaimed += close_and_scan() ? 1 : 0;
            const std::uint64_t calls = calls_.load(std::memory_order_relaxed);
            counts.met += calls != seen_calls ? 1 : 0;
            seen_calls = calls;
        }
        is_done_ = true;
        caller.join();
        counts.violations = violations_.load();
        std::printf("%llu rounds, the caller met in %llu, nobody inside in %llu: %llu violations\n",
                    static_cast<unsigned long long>(counts.rounds), static_cast<unsigned long long>(counts.met),
                    static_cast<unsigned long long>(counts.reclaimed),
                    static_cast<unsigned long long>(counts.violations));
        return counts;
    }

private:
    static constexpr int kLooks = 400;

    // Written by both sides just before their first step: the caller's announcement then stays in its store buffer for
    // as long as these lines take to come over, as it would behind any store to shared memory.
    struct alignas(64) Line {
        std::atomic<std::uint64_t> word{0};
    };

    // hotgraft_enter's own steps on the warm path; its cold branch would wait at the gate, which this caller must not.
    void call() {
        pin_to(0);
        guards().leave(guards().enter(slot_)); // from here on the record is there
        is_ready_.set();
        hotgraft_record *const record = hotgraft_record_at(guards().record_offset());
        for (std::uint64_t calls = 1; !is_done_.load(std::memory_order_relaxed); ++calls) {
            for (Line &line : lines_) {
                line.word.store(calls, std::memory_order_relaxed);
            }
            const hotgraft_table *const table = __atomic_load_n(&slot_.words()->current, __ATOMIC_ACQUIRE);
            hotgraft_raise_depth(record, 0);
            __atomic_store_n(&record->entry[0], table, __ATOMIC_RELAXED);
            if (hotgraft_is_still(slot_.words(), table) != 0) {
                bool is_reclaimed = false;
                for (int i = 0; i < kLooks; ++i) {
                    is_reclaimed = is_reclaimed || is_reclaimed_.load(std::memory_order_relaxed);
                }
                violations_.fetch_add(is_reclaimed ? 1 : 0, std::memory_order_relaxed);
            }
            __atomic_store_n(&record->entry[0], nullptr, __ATOMIC_RELEASE); // pairs with the scan
            __atomic_store_n(&record->depth, 0U, __ATOMIC_RELAXED);
            calls_.store(calls, std::memory_order_relaxed);
        }
    }

    bool close_and_scan() {
        const hotgraft_table *const table = offer_.get();
        for (Line &line : lines_) {
            line.word.store(0, std::memory_order_relaxed);
        }
        slot_.close(nullptr);
        guards().barrier();
        const bool is_free = !guards().is_held(&table, 1);
        if (is_free) {
            is_reclaimed_.store(true, std::memory_order_relaxed);
            for (int i = 0; i < kLooks * 3; ++i) {
                __asm__ volatile("nop"); // not pause: a virtual machine gives the processor away at it
            }
            is_reclaimed_.store(false, std::memory_order_relaxed);
        }
        slot_.reopen(true); // seq_cst: the mark is off before a call can find the slot open
        return is_free;
    }

    const std::uint64_t rounds_;
    const std::uint64_t met_;
    Event is_ready_;
    Line lines_[6];
    Slot slot_{"answer/1"};
    Offer offer_{1};
    alignas(64) std::atomic<bool> is_reclaimed_{false};
    alignas(64) std::atomic<std::uint64_t> calls_{0};
    std::atomic<std::uint64_t> violations_{0};
    alignas(64) std::atomic<bool> is_done_{false};
};

std::string without_membarrier() {
    guards().seam().no_barrier = true;
    const Counts counts = Litmus(1'000'000, 1'000'000).play(100);
    return counts.violations == 0
               ? std::string()
               : std::to_string(counts.violations) + " violations in " + std::to_string(counts.met) + " rounds";
}

} // namespace

TEST_CASE("with the barrier no caller is overlooked, however its announcement and the closing of the gate fall") {
    REQUIRE(guards().has_membarrier());
    const Counts counts = Litmus(sized(1'000'000, 10'000'000), sized(100'000, 5'000'000)).play(~std::uint64_t{0});
    CHECK(counts.rounds >= 1'000'000);
    CHECK(counts.reclaimed > 1000);
    CHECK(counts.reclaimed < counts.rounds); // both orders came up, or nothing was tried
    CHECK(counts.violations == 0);
}

int main(int argc, char **argv) {
    return run(argc, argv, {{"no_membarrier", without_membarrier}});
}
