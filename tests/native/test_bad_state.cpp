// Plugins that do wrong with their state (bad_state.h): each is refused, the old state is untouched bit for bit, calls
// go on, and in the end nothing is left in anybody's books. And what becomes of who does not get its state back.
#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <string>

#include "fallback.hpp"
#include "steps_host.hpp"

using namespace hotgraft;

namespace {

std::string bad(const std::string &way) {
    return std::string("{\"bad\": \"") + way + "\"}";
}

std::string fails(const char *step) {
    return std::string("{\"fail\": \"") + step + "\"}";
}

// The block of an instance, found by taking it away and giving it back.
std::string bytes_of(const std::shared_ptr<Generation> &generation) {
    Block block;
    REQUIRE(generation->surrender(0, &block).is_ok());
    std::string bytes(static_cast<const char *>(block.data), block.bytes);
    REQUIRE(generation->give_back(0, block).is_ok());
    return bytes;
}

// Retire what is to go, wait until all of it has left memory, and look into its books.
void check_books_of(const Candidate &candidate) {
    const std::shared_ptr<Generation> generation = candidate.generation;
    drop_candidate(candidate);
    const Status idle = Reaper::instance().wait_idle(monotonic_ns() + 10 * kSecond);
    CHECK_MESSAGE(idle.is_ok(), idle.message());
    CHECK(generation->stage() == Stage::kUnloaded);
    CHECK(generation->live_bytes() == 0);
}

// The swap fails for the reason, and the old generation goes on as if there had been none.
void check_refused(StepsHost &host, const std::string &flags, const std::string &config, const std::string &why,
                   std::int64_t budget_ns = 5 * kSecond) {
    const std::int64_t before = host.call(&StepsInterface::value);
    const std::uint64_t bytes_before = host.active_->live_bytes();
    const Candidate candidate = host.bring(flags, config);
    const SwapRecord record = host.swap(candidate, budget_ns);
    CHECK_FALSE(record.is_published);
    CHECK_MESSAGE(record.failure.message().find(why) != std::string::npos, record.failure.message());
    CHECK(record.after_undo.empty());
    CHECK(host.call(&StepsInterface::value) == before);
    CHECK(host.call(&StepsInterface::next) == before + 1);
    CHECK(host.active_->live_bytes() == bytes_before);
    check_books_of(candidate);
}

std::uint64_t most_resident_kb() {
    std::ifstream status("/proc/self/status");
    std::string word;
    std::uint64_t kb = 0;
    while (status >> word) {
        if (word == "VmHWM:") {
            status >> kb;
        }
    }
    return kb;
}

} // namespace

TEST_CASE("M01: a save that breaks a rule refuses the swap, though the plugin swallowed what it was told") {
    for (const std::string way : {"no key", "empty key", "long key", "key of garbage", "text of garbage",
                                  "no such type", "wrong length", "no data", "key twice"}) {
        CAPTURE(way);
        StepsHost host("-DSTEPS_SAVES -DSTEPS_BAD", bad(way));
        host.call(&StepsInterface::next);
        check_refused(host, "-DSTEPS_SAVES", "{}", "save: ");
    }
}

TEST_CASE("a save of 10 GB meets the cap, and the host never has more of it than that") {
#ifdef __SANITIZE_THREAD__
    constexpr std::uint64_t kShadow = 6; // a byte and what ThreadSanitizer keeps of it
#else
    constexpr std::uint64_t kShadow = 1;
#endif
    constexpr std::uint64_t kSlackKb = 200 * 1024;
    StepsHost host("-DSTEPS_SAVES -DSTEPS_BAD", bad("too much"));
    const std::uint64_t before_kb = most_resident_kb();
    check_refused(host, "-DSTEPS_SAVES", "{}", "save: ", 120 * kSecond);
    CHECK(most_resident_kb() - before_kb < kShadow * (kStateBytesMax / 1024 + kSlackKb));
}

TEST_CASE("a restore that fails half way costs the candidate, and nobody else") {
    StepsHost host("-DSTEPS_SAVES");
    host.call(&StepsInterface::next);
    check_refused(host, "-DSTEPS_SAVES -DSTEPS_BAD", bad("restores half"), "half of it is restored");
}

TEST_CASE("a surrender that gives what is no block of the host's is refused, and gets it back") {
    for (const std::string way : {"own memory", "too long", "nothing"}) {
        CAPTURE(way);
        StepsHost host("-DSTEPS_BAD", bad(way));
        host.call(&StepsInterface::next);
        check_refused(host, "", "{}", "not a block of the host's realloc");
    }
}

TEST_CASE("a candidate that frees, moves or keeps the block it was given, then fails, has none in its hands") {
    for (const std::string way : {"frees it", "moves it", "keeps it", "frees it late", "moves it late"}) {
        CAPTURE(way);
        StepsHost host;
        host.call(&StepsInterface::next);
        const std::string before = bytes_of(host.active_);
        check_refused(host, "-DSTEPS_BAD", bad(way), "and failed");
        std::int64_t number = 0;
        std::memcpy(&number, before.data(), sizeof number);
        number += 1; // the one call of check_refused
        CHECK(bytes_of(host.active_) == std::string(reinterpret_cast<const char *>(&number), sizeof number));
    }
}

TEST_CASE(
    "of a block that a candidate may write to a copy goes back, also while it hangs with the block in its hands") {
    for (const std::string way : {"fail", "hang"}) {
        CAPTURE(way);
        StepsHost host;
        host.call(&StepsInterface::next);
        const std::string before = bytes_of(host.active_);
        const Candidate candidate = host.bring("-DSTEPS_BAD", "{\"" + way + "\": \"start\", \"bad\": \"writes\"}");
        InstanceMove move{0, 0, StateWay::kHandOver};
        move.keeps_copy = true;
        SwapRequest request;
        request.members.push_back({host.active_, candidate.generation, {move}, candidate.tables[0], PinRule::kWait});
        request.deadline_ns = monotonic_ns() + kSecond / 2;
        request.undo_budget_ns = kSecond / 5;
        CHECK_FALSE(run_swap(request).is_published);
        CHECK(bytes_of(host.active_) == before);
        CHECK(host.call(&StepsInterface::next) == 2);
        CHECK(host.active_->live_bytes() == sizeof(std::int64_t));
        if (way == "hang") {
            CHECK(candidate.generation->is_abandoned());
            CHECK(candidate.generation->live_bytes() == sizeof(std::int64_t)); // kept for good
        } else {
            check_books_of(candidate);
        }
    }
}

TEST_CASE("two instances that surrender one block are refused, and each has its own again") {
    StepsHost host("-DSTEPS_BAD", bad("twice"));
    REQUIRE(host.active_->create_instance("other", bad("twice")).is_ok());
    REQUIRE(host.active_->start(1).is_ok());
    const Candidate candidate = host.bring("", "{}");
    REQUIRE(candidate.generation->create_instance("other", "{}").is_ok());
    SwapRequest request;
    const InstanceMove first{0, 0, StateWay::kHandOver};
    const InstanceMove other{1, 1, StateWay::kHandOver};
    request.members.push_back(
        {host.active_, candidate.generation, {first, other}, candidate.tables[0], PinRule::kWait});
    request.deadline_ns = monotonic_ns() + 5 * kSecond;
    const SwapRecord record = run_swap(request);
    CHECK_FALSE(record.is_published);
    CHECK_MESSAGE(record.failure.message().find("given away before") != std::string::npos, record.failure.message());
    CHECK(record.after_undo.empty());
    CHECK(host.call(&StepsInterface::next) == 1);
    CHECK(host.active_->live_bytes() == 2 * sizeof(std::int64_t));
    check_books_of(candidate);
}

TEST_CASE("what does not get its state back is called no more, and the next build goes on with the state") {
    StepsHost host("", fails("take")); // which it is asked for on the way back only
    host.call(&StepsInterface::next);
    const Candidate first = host.bring("", fails("start"));
    const SwapRecord record = host.swap(first);
    CHECK_FALSE(record.is_published);
    CHECK(record.after_undo.size() == 2); // give back, and so resume
    CHECK(host.slot_->held() == refusing_table());
    CHECK(host.slot_->generation() == 0);
    CHECK_FALSE(host.active_->out_of_service().empty());
    CHECK_FALSE(host.active_->check_health(0, HOTGRAFT_HEALTH_QUICK).is_ok());
    check_books_of(first);

    const Candidate again = host.bring("", fails("start")); // a swap from there that is called off changes nothing
    CHECK_FALSE(host.swap(again).is_published);
    CHECK(host.slot_->held() == refusing_table());
    check_books_of(again);

    const SwapRecord mended = host.swap(host.bring("-DSTEPS_STEP=10", "{}"));
    CHECK_MESSAGE(mended.is_published, mended.failure.message());
    CHECK(host.call(&StepsInterface::next) == 11);
    CHECK(host.replaced_->live_bytes() == 0);
}

TEST_CASE("a take that hangs on the way back keeps the block for good, and a copy of it serves") {
    StepsHost host("", "{\"hang\": \"take\"}");
    host.call(&StepsInterface::next);
    const Candidate first = host.bring("", fails("start"));
    CHECK_FALSE(host.swap(first).is_published);
    CHECK(host.active_->is_abandoned());
    CHECK(host.slot_->held() == refusing_table());
    check_books_of(first);
    for (int i = 0; i < 2; ++i) { // it is copied once
        const Candidate again = host.bring("", fails("start"));
        CHECK_FALSE(host.swap(again).is_published);
        check_books_of(again);
        CHECK(host.active_->live_bytes() == 2 * sizeof(std::int64_t));
    }
    const SwapRecord mended = host.swap(host.bring("-DSTEPS_STEP=10", "{}"));
    CHECK_MESSAGE(mended.is_published, mended.failure.message());
    CHECK(host.call(&StepsInterface::next) == 11);
    CHECK(host.replaced_->live_bytes() == sizeof(std::int64_t)); // what its thread has in its hands
    host.replaced_ = nullptr;                                    // it never leaves memory
}

TEST_CASE("who does not resume is called no more, and who takes its place has its state") {
    StepsHost host("", fails("resume"));
    host.call(&StepsInterface::next);
    const Candidate first = host.bring("", fails("start"));
    CHECK_FALSE(host.swap(first).is_published);
    CHECK(host.slot_->held() == refusing_table());
    check_books_of(first);
    const SwapRecord mended = host.swap(host.bring("-DSTEPS_STEP=10", "{}"));
    CHECK_MESSAGE(mended.is_published, mended.failure.message());
    CHECK(host.call(&StepsInterface::next) == 11);
}
