// Convert: a block of the old layout becomes one of the candidate's own inside the window, and the old block is kept as
// it was until the swap is committed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "control.hpp"
#include "layout_block.hpp"
#include "layout_plans.hpp"
#include "reclaim.hpp"
#include "steps_host.hpp"
#include "swap.hpp"

using namespace hotgraft;

namespace {

constexpr const char *kOld = "-DSTEPS_LAYOUT=11";
constexpr const char *kNew = "-DSTEPS_LAYOUT=12 -DSTEPS_STEP=10";
constexpr std::uint64_t kBytes = sizeof(std::int64_t);

// The new layout counts in thousandths.
Status size_of_new(std::uint64_t old_bytes, std::uint64_t *next_bytes) {
    *next_bytes = kBytes;
    return old_bytes == kBytes ? Status() : Status(Code::kRefused, "no block of steps");
}

Status scale(const void *old, void *next, std::int64_t up, std::int64_t down) {
    std::int64_t number = 0;
    std::memcpy(&number, old, kBytes);
    if (number == 13) {
        return {Code::kRefused, "number: 13 does not fit"};
    }
    number = number * up / down;
    std::memcpy(next, &number, kBytes);
    return {};
}

std::shared_ptr<const BlockConversion> conversion(std::int64_t up, std::int64_t down) {
    auto made = std::make_shared<BlockConversion>();
    made->size = size_of_new;
    made->convert = [up, down](const void *old, std::uint64_t, void *next) { return scale(old, next, up, down); };
    return made;
}

SwapRecord run(StepsHost &host, const SwapMember &member) {
    SwapRequest request;
    request.members.push_back(member);
    request.deadline_ns = monotonic_ns() + 5 * kSecond;
    request.undo_budget_ns = kSecond / 5;
    SwapRecord record = run_swap(request);
    if (record.is_published) {
        host.replaced_ = member.old_generation;
        host.active_ = member.next;
    }
    return record;
}

SwapRecord convert_to(StepsHost &host, const Candidate &candidate, std::uint64_t expected_bytes = kBytes) {
    const InstanceMove move{0, 0, StateWay::kConvert, false, conversion(1000, 1), expected_bytes};
    return run(host, {host.active_, candidate.generation, {move}, candidate.tables[0], PinRule::kWait});
}

SwapRecord roll_back(StepsHost &host, StateWay way) {
    InterfaceWish wish;
    wish.id = "steps/1";
    wish.version = 1U << 16;
    wish.padded_bytes = host.slot_->padded_bytes();
    const hotgraft_table *table = nullptr;
    REQUIRE(host.replaced_->make_table(0, wish, &table).is_ok());
    SwapMember member;
    member.old_generation = host.active_;
    member.next = host.replaced_;
    member.instances.push_back({0, 0, way, true, conversion(1, 1000), kBytes});
    member.slots.push_back({host.slot_, table});
    member.pins = PinRule::kWait;
    member.is_recalled = true;
    return run(host, member);
}

bool has_step(const SwapRecord &record, StepKind kind) {
    for (const StepRecord &step : record.steps) {
        if (step.kind == kind) {
            return true;
        }
    }
    return false;
}

// Fails the step it is given, once.
StepKind failing = StepKind::kPublish;
StepSeam fail_there(StepKind kind, void *) {
    return kind == failing ? StepSeam::kFail : StepSeam::kRun;
}

} // namespace

TEST_CASE("a block is converted into one of the candidate's own, and the old generation keeps its own") {
    StepsHost host(kOld);
    CHECK(host.call(&StepsInterface::next) == 1);
    const SwapRecord record = convert_to(host, host.bring(kNew, "{}"));
    REQUIRE_MESSAGE(record.is_published, record.failure.message());
    CHECK(has_step(record, StepKind::kConvert));
    CHECK(host.call(&StepsInterface::next) == 1010);
    CHECK(host.active_->live_bytes() == kBytes);
    CHECK(host.replaced_->live_bytes() == kBytes);
}

TEST_CASE("a block of a size that nobody expected is converted as well") {
    StepsHost host(kOld);
    host.call(&StepsInterface::next);
    for (const std::uint64_t expected : {std::uint64_t{0}, std::uint64_t{4096}}) {
        const SwapRecord record = convert_to(host, host.bring(kNew, "{}"), expected);
        REQUIRE_MESSAGE(record.is_published, record.failure.message());
        CHECK(host.call(&StepsInterface::value) == 1000);
        REQUIRE(roll_back(host, StateWay::kConvert).is_published);
    }
}

TEST_CASE("a swap that fails at any step leaves the old block as it was, and nothing of the new one") {
    for (const StepKind step : {StepKind::kCloseGates, StepKind::kDrain, StepKind::kQuiesce, StepKind::kSurrender,
                                StepKind::kConvert, StepKind::kTake, StepKind::kStart, StepKind::kPublish}) {
        CAPTURE(step_name(step));
        StepsHost host(kOld);
        host.call(&StepsInterface::next);
        {
            const Candidate candidate = host.bring(kNew, "{}");
            failing = step;
            set_step_hook(fail_there, nullptr);
            const SwapRecord record = convert_to(host, candidate);
            set_step_hook(nullptr, nullptr);
            CHECK_FALSE(record.is_published);
            CHECK(record.after_undo.empty());
            // What take freed was its own fresh block; where it was not reached, that is still there.
            CHECK(candidate.generation->live_bytes() <= kBytes);
            candidate.generation->mark_failed();
            REQUIRE(Reaper::instance().retire(candidate.generation).is_ok());
        }
        CHECK(host.call(&StepsInterface::next) == 2);
        CHECK(host.active_->live_bytes() == kBytes);
        REQUIRE(convert_to(host, host.bring(kNew, "{}")).is_published);
        CHECK(host.call(&StepsInterface::value) == 2000);
    }
}

TEST_CASE("a value that does not fit refuses the swap by its name") {
    StepsHost host(kOld);
    for (int i = 0; i < 13; ++i) {
        host.call(&StepsInterface::next);
    }
    const Candidate candidate = host.bring(kNew, "{}");
    const SwapRecord record = convert_to(host, candidate);
    CHECK_FALSE(record.is_published);
    CHECK(record.failure.message() == "number: 13 does not fit");
    CHECK(record.after_undo.empty());
    CHECK(host.call(&StepsInterface::next) == 14);
    candidate.generation->mark_failed();
    REQUIRE(Reaper::instance().retire(candidate.generation).is_ok());
}

TEST_CASE("a rollback converts what was gained since, and needs the kept block no more") {
    StepsHost host(kOld);
    host.call(&StepsInterface::next);
    REQUIRE(convert_to(host, host.bring(kNew, "{}")).is_published);
    host.call(&StepsInterface::next); // 1010
    const SwapRecord record = roll_back(host, StateWay::kConvert);
    REQUIRE_MESSAGE(record.is_published, record.failure.message());
    CHECK(host.call(&StepsInterface::next) == 2);
    CHECK(host.active_->live_bytes() == kBytes);
    CHECK(host.replaced_->live_bytes() == kBytes);
}

TEST_CASE("a rollback that cannot convert lets the kept block serve again, as it was when it was replaced") {
    StepsHost host(kOld);
    host.call(&StepsInterface::next);
    REQUIRE(convert_to(host, host.bring(kNew, "{}")).is_published);
    host.call(&StepsInterface::next);
    const SwapRecord record = roll_back(host, StateWay::kNone);
    REQUIRE_MESSAGE(record.is_published, record.failure.message());
    CHECK(host.call(&StepsInterface::next) == 2);
    CHECK(host.active_->live_bytes() == kBytes);
}

TEST_CASE("a rollback that fails at any step can be tried again, with either block") {
    for (const StateWay way : {StateWay::kConvert, StateWay::kNone}) {
        for (const StepKind step : {StepKind::kDrain, StepKind::kQuiesce, StepKind::kSurrender, StepKind::kConvert,
                                    StepKind::kTake, StepKind::kStart, StepKind::kPublish}) {
            CAPTURE(step_name(step));
            StepsHost host(kOld);
            host.call(&StepsInterface::next);
            REQUIRE(convert_to(host, host.bring(kNew, "{}")).is_published);
            host.call(&StepsInterface::next);
            failing = step;
            set_step_hook(fail_there, nullptr);
            const SwapRecord record = roll_back(host, StateWay::kConvert);
            set_step_hook(nullptr, nullptr);
            CHECK_FALSE(record.is_published);
            CHECK(record.after_undo.empty());
            CHECK(host.call(&StepsInterface::value) == 1010);
            const SwapRecord again = roll_back(host, way);
            REQUIRE_MESSAGE(again.is_published, again.failure.message());
            CHECK(host.call(&StepsInterface::value) == 1);
        }
    }
}

TEST_CASE("what was kept goes with the generation that it was kept for") {
    StepsHost host(kOld);
    REQUIRE(convert_to(host, host.bring(kNew, "{}")).is_published);
    const std::shared_ptr<Generation> old = host.replaced_;
    REQUIRE(Reaper::instance().retire(old).is_ok());
    REQUIRE(Reaper::instance().wait_idle(monotonic_ns() + 10 * kSecond).is_ok());
    CHECK(old->stage() == Stage::kUnloaded);
    CHECK(old->live_bytes() == 0);
}

TEST_CASE("how large a block will be is read from the books, before it is asked for") {
    StepsHost host(kOld);
    const auto program = [](std::uint64_t bytes) { return program_of(plan_of(bytes, bytes, {copy(0, 0, bytes)})); };
    CHECK(likely_state_bytes(*host.active_, 0, *program(8)) == 8);
    CHECK(likely_state_bytes(*host.active_, 0, *program(2)) == 8); // four states
    CHECK(likely_state_bytes(*host.active_, 0, *program(3)) == 3); // no number of states: one is expected
    void *const other = host.active_->make_block(100, 0).data;
    CHECK(host.active_->likely_block_bytes(0) == 0); // which of the two it is, nobody knows
    REQUIRE(convert_to(host, host.bring(kNew, "{}")).is_published);
    void *const more = host.active_->make_block(100, 0).data;
    CHECK(host.active_->likely_block_bytes(0) == kBytes); // as it was when it was taken
    Ledger::free_block(other);
    Ledger::free_block(more);
}

TEST_CASE("without memory for the new block the swap is called off") {
    StepsHost host(kOld);
    host.call(&StepsInterface::next);
    const Candidate candidate = host.bring(kNew, "{}");
    auto huge = std::make_shared<BlockConversion>();
    huge->size = [](std::uint64_t, std::uint64_t *next_bytes) {
        *next_bytes = std::uint64_t{1} << 62;
        return Status();
    };
    const InstanceMove move{0, 0, StateWay::kConvert, false, huge, 0};
    const SwapRecord record =
        run(host, {host.active_, candidate.generation, {move}, candidate.tables[0], PinRule::kWait});
    CHECK(record.failure.code() == Code::kNoMemory);
    CHECK(record.after_undo.empty());
    CHECK(host.call(&StepsInterface::next) == 2);
    candidate.generation->mark_failed();
    REQUIRE(Reaper::instance().retire(candidate.generation).is_ok());
}

namespace {

constexpr std::int64_t kShort = kSecond / 10;

SwapRecord convert_within(StepsHost &host, const Candidate &candidate, std::shared_ptr<BlockConversion> way,
                          std::int64_t deadline_ns) {
    SwapRequest request;
    const InstanceMove move{0, 0, StateWay::kConvert, false, std::move(way), kBytes};
    request.members.push_back({host.active_, candidate.generation, {move}, candidate.tables[0], PinRule::kWait});
    request.deadline_ns = deadline_ns;
    return run_swap(request);
}

void pass_the_time_until(std::int64_t ns) {
    while (monotonic_ns() < ns) {
    }
}

} // namespace

TEST_CASE("a conversion that ends after the deadline calls the swap off and blames nobody's code") {
    StepsHost host(kOld);
    host.call(&StepsInterface::next);
    const std::int64_t deadline_ns = monotonic_ns() + kSecond;
    auto slow = std::make_shared<BlockConversion>(*conversion(1000, 1));
    slow->convert = [&](const void *old, std::uint64_t, void *next) {
        pass_the_time_until(deadline_ns + kReturnNs + kShort); // an abandoned thread would not be waited for so long
        return scale(old, next, 1000, 1);
    };
    const Candidate candidate = host.bring(kNew, "{}");
    const SwapRecord record = convert_within(host, candidate, slow, deadline_ns);
    CHECK(record.failure.code() == Code::kTimedOut);
    CHECK(record.after_undo.empty());
    CHECK(ControlThread::abandoned_count() == 0);
    CHECK_FALSE(host.active_->is_abandoned());
    CHECK(host.call(&StepsInterface::next) == 2);
    candidate.generation->mark_failed();
    REQUIRE(Reaper::instance().retire(candidate.generation).is_ok());
}

TEST_CASE("a block is aligned as the probe's is, and as the old one was") {
    for (const std::uint64_t align : {std::uint64_t{0}, std::uint64_t{4096}}) {
        StepsHost host(std::string(kOld) + " -DSTEPS_ALIGN=" + std::to_string(align));
        const Candidate candidate = host.bring(kNew, "{}");
        std::uint64_t found = 0;
        auto looks = std::make_shared<BlockConversion>(*conversion(1000, 1));
        looks->convert = [&](const void *old, std::uint64_t, void *next) {
            found = Ledger::block_align(next);
            return scale(old, next, 1000, 1);
        };
        const SwapRecord record = convert_within(host, candidate, looks, monotonic_ns() + 5 * kSecond);
        REQUIRE_MESSAGE(record.is_published, record.failure.message());
        host.replaced_ = host.active_;
        host.active_ = candidate.generation;
        CHECK(found == std::max(align, std::uint64_t{64}));
    }
}

TEST_CASE("the time in which room is made for the new block is not the callers'") {
    StepsHost host(kOld);
    host.call(&StepsInterface::next);
    const Candidate candidate = host.bring(kNew, "{}");
    const std::int64_t deadline_ns = monotonic_ns() + kSecond;
    auto slow = std::make_shared<BlockConversion>(*conversion(1000, 1));
    slow->size = [&](std::uint64_t old_bytes, std::uint64_t *next_bytes) {
        pass_the_time_until(deadline_ns + kReturnNs + kShort);
        return size_of_new(old_bytes, next_bytes);
    };
    const SwapRecord record = convert_within(host, candidate, slow, deadline_ns);
    REQUIRE_MESSAGE(record.is_published, record.failure.message());
    host.replaced_ = host.active_;
    host.active_ = candidate.generation;
    CHECK(host.call(&StepsInterface::value) == 1000);
}
