// What an abandoned thread has in its hands: nothing that goes on reaches it, with all that its state leads to; and
// what comes back late is found again.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "fallback.hpp"
#include "layout_block.hpp"
#include "pointed_steps.hpp"
#include "state_reading.hpp"
#include "steps_host.hpp"

using namespace hotgraft;

namespace {

constexpr const char *kPointed = "-DSTEPS_POINTED";
constexpr const char *kNext = "-DSTEPS_POINTED -DSTEPS_STEP=10";

SwapRecord swap(StepsHost &host, const Candidate &candidate, StateWay way = StateWay::kHandOver,
                std::shared_ptr<const CopyProgram> by = walk_of_steps()) {
    InstanceMove move{0, 0, way};
    move.walk = by;
    if (way == StateWay::kConvert) {
        move.conversion = conversion_by(walk_of_steps(), by, by);
    }
    SwapRequest request;
    request.members.push_back({host.active_, candidate.generation, {move}, candidate.tables[0], PinRule::kWait});
    request.deadline_ns = monotonic_ns() + kSecond / 4;
    request.undo_budget_ns = kSecond / 8;
    SwapRecord record = run_swap(request);
    if (record.is_published) {
        host.replaced_ = host.active_;
        host.active_ = candidate.generation;
    }
    return record;
}

std::uint64_t live_blocks(const std::shared_ptr<Generation> &generation) {
    return generation->ledger()->live_blocks();
}

// What is behind an instance's function table: hotgraft_instance of steps.c.
struct Insides {
    const void *host;
    void *state;
};

const StepsInterface *functions_of(Generation &generation, std::size_t index, void **self) {
    InterfaceWish wish;
    wish.id = "steps/1";
    wish.version = 1U << 16;
    const void *functions = nullptr;
    REQUIRE(generation.interface(index, wish, &functions, self).is_ok());
    return static_cast<const StepsInterface *>(functions);
}

void *state_of(Generation &generation) {
    void *self = nullptr;
    (void)functions_of(generation, 0, &self);
    return static_cast<const Insides *>(self)->state;
}

std::int64_t is_resting(Generation &generation, std::size_t index) {
    void *self = nullptr;
    return functions_of(generation, index, &self)->is_resting(self);
}

RestWish wish_for(StepsHost &host) {
    const std::int64_t deadline_ns = monotonic_ns() + kSecond / 8;
    return {host.active_, {host.slot_}, "save", deadline_ns, deadline_ns};
}

// A take that hangs on the way back, then a swap that is in order. Answers what stands in what the thread has.
std::int64_t number_left_after_swaps(StateWay way, const std::shared_ptr<const CopyProgram> &by) {
    StepsHost host(kPointed, "{\"hang\": \"take\"}");
    host.call(&StepsInterface::next);
    const std::int64_t *const numbers = static_cast<PointedState *>(state_of(*host.active_))->numbers;
    const Candidate first = host.bring(kPointed, "{\"fail\": \"start\"}");
    CHECK_FALSE(swap(host, first, way, by).is_published);
    drop_candidate(first);
    const SwapRecord mended = swap(host, host.bring(kNext, "{}"), way, by);
    CHECK_MESSAGE(mended.is_published, mended.failure.message());
    CHECK(host.call(&StepsInterface::next) == 11);
    host.replaced_ = nullptr; // it never leaves memory
    return numbers[0];
}

} // namespace

TEST_CASE("a take that hangs on the way back keeps all that its block leads to, and a copy of all of it serves") {
    for (const StateWay way : {StateWay::kHandOver, StateWay::kConvert}) {
        CAPTURE(static_cast<int>(way));
        StepsHost host(kPointed, "{\"hang\": \"take\"}");
        host.call(&StepsInterface::next);
        REQUIRE(live_blocks(host.active_) == 2);
        const std::int64_t *const numbers = static_cast<PointedState *>(state_of(*host.active_))->numbers;
        for (int i = 0; i < 3; ++i) { // it is copied once
            const Candidate failing = host.bring(kPointed, "{\"fail\": \"start\"}");
            CHECK_FALSE(swap(host, failing, way).is_published);
            CHECK(host.slot_->held() == refusing_table());
            CHECK(live_blocks(host.active_) == (i == 0 ? 2 : 4));
            drop_candidate(failing);
        }
        CHECK(host.active_->is_abandoned());
        const SwapRecord mended = swap(host, host.bring(kNext, "{}"), way);
        CHECK_MESSAGE(mended.is_published, mended.failure.message());
        CHECK(host.call(&StepsInterface::next) == 11);
        CHECK(numbers[0] == 1); // of what its thread has nothing is written
        CHECK(live_blocks(host.replaced_) == (way == StateWay::kHandOver ? 2 : 4)); // and what is kept for a rollback
        host.replaced_ = nullptr;
    }
}

TEST_CASE("a take that fails on the way back leaves nothing behind of what its block leads to") {
    StepsHost host(kPointed, "{\"fail\": \"take\"}");
    const Candidate failing = host.bring(kPointed, "{\"fail\": \"start\"}");
    CHECK_FALSE(swap(host, failing).is_published);
    drop_candidate(failing);
    CHECK(live_blocks(host.active_) == 2);
    REQUIRE(host.active_->destroy(0).is_ok());
    CHECK(live_blocks(host.active_) == 0);
}

TEST_CASE("where one of a set is lost the others serve on, whatever the numbers of their generations are") {
    StepsHost lost(kPointed, "{\"fail\": \"take\"}", "lost");
    StepsHost whole(kPointed, "{}", "whole");
    REQUIRE(lost.active_->number() == whole.active_->number());
    const Candidate next_of_lost = lost.bring(kPointed, "{\"fail\": \"start\"}");
    const Candidate next_of_whole = whole.bring(kPointed, "{}");
    InstanceMove move{0, 0, StateWay::kHandOver};
    move.walk = walk_of_steps();
    SwapRequest request;
    request.members.push_back({lost.active_, next_of_lost.generation, {move}, next_of_lost.tables[0], PinRule::kWait});
    request.members.push_back(
        {whole.active_, next_of_whole.generation, {move}, next_of_whole.tables[0], PinRule::kWait});
    request.deadline_ns = monotonic_ns() + 5 * kSecond;
    CHECK_FALSE(run_swap(request).is_published);
    CHECK(static_cast<std::int32_t>(lost.call(&StepsInterface::next)) == HOTGRAFT_E_UNAVAILABLE);
    CHECK(whole.call(&StepsInterface::next) == 1);
    drop_candidate(next_of_lost);
    drop_candidate(next_of_whole);
}

TEST_CASE("a block that a candidate hangs with is never given back to the system, whoever frees or moves it") {
    StepsHost host;
    host.call(&StepsInterface::next);
    const Candidate hanging = host.bring("", "{\"hang\": \"take\"}");
    CHECK_FALSE(swap(host, hanging, StateWay::kHandOver, nullptr).is_published);
    CHECK(hanging.generation->is_abandoned());
    CHECK(host.call(&StepsInterface::next) == 2);
    Block block;
    REQUIRE(host.active_->surrender(0, &block).is_ok());
    Block moved = block;
    moved.data = Ledger::reallocate(host.active_->ledger(), block.data, block.bytes, 0);
    CHECK(moved.data != block.data);
    CHECK(*static_cast<std::int64_t *>(block.data) == 2); // and it is read as it was
    CHECK(Ledger::block_bytes(block.data) == 0);
    CHECK(host.active_->live_bytes() == block.bytes);
    REQUIRE(host.active_->give_back(0, moved).is_ok());
    CHECK(host.call(&StepsInterface::next) == 3);
}

TEST_CASE("where a look at the state hangs the others resume, and who holds still is told") {
    StepsHost host("-DSTEPS_SAVES", "{\"hang\": \"save\"}");
    REQUIRE(host.active_->create_instance("other", "{}").is_ok());
    REQUIRE(host.active_->start(1).is_ok());
    std::vector<KeyedState> saved;
    std::int64_t pause_ns = 0;
    const Status status = read_state(wish_for(host), &saved, &pause_ns);
    CHECK(status.code() == Code::kAbandoned);
    CHECK_MESSAGE(status.message().find("\"\" holds still: its thread has not come back") != std::string::npos,
                  status.message());
    CHECK_MESSAGE(status.message().find("other") == std::string::npos, status.message());
    CHECK(is_resting(*host.active_, 0) == 1);
    CHECK(is_resting(*host.active_, 1) == 0);
    saved.emplace_back();
    const Status again = host.active_->save(0, &saved.front()); // beside one that has not returned
    CHECK(again.code() == Code::kRefused);
    CHECK_MESSAGE(again.message().find("a thread has not come back from its save") != std::string::npos,
                  again.message());
    host.active_ = nullptr;
}

int main(int argc, char **argv) {
    doctest::Context context(argc, argv);
    if (argc == 3 && std::strcmp(argv[1], "--control") == 0) {
        context.setAsDefaultForAssertsOutOfTestCases();
        const bool is_seen = number_left_after_swaps(StateWay::kHandOver, nullptr) != 1;
        std::printf("control %s: %s\n", argv[2],
                    is_seen ? "seen: what an abandoned thread has was written" : "NOT seen");
        return is_seen ? 0 : 1;
    }
    return context.run();
}
