// A block that two generations use at once, and pins that are waited for, moved or left: what the window consists of,
// and what callers on both sides see.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "generation_scene.hpp"
#include "steps_host.hpp"
#include "window.hpp"

using namespace hotgraft;

namespace {

const char *const kShared = "-DSTEPS_SHARED";

std::string names_of(const std::vector<WindowStep> &steps) {
    std::string names;
    for (const WindowStep &step : steps) {
        names += (names.empty() ? "" : ",") + std::string(step_name(step.kind));
    }
    return names;
}

std::string planned(StateWay way, PinRule pins, std::size_t slots = 1) {
    SwapRequest request;
    request.members.resize(1);
    request.members[0].instances.resize(1);
    request.members[0].instances[0].way = way;
    request.members[0].slots.resize(slots);
    request.members[0].pins = pins;
    return names_of(plan_window(request));
}

std::string names_of(const SwapRecord &record) {
    std::string names;
    for (const StepRecord &step : record.steps) {
        names += (names.empty() ? "" : ",") + std::string(step_name(step.kind));
    }
    return names;
}

// Publish beside a pin that is open: what the swap does with it is in the record.
SwapRecord swap_pinned(StepsHost &host, const Candidate &candidate, PinRule rule, std::size_t moved,
                       std::vector<SlotMove> more = {}) {
    InstanceMove move;
    REQUIRE(choose_state_way(*host.active_, *candidate.generation, &move.way).is_ok());
    SwapRequest request;
    std::vector<SlotMove> slots = candidate.tables[0];
    slots.insert(slots.end(), more.begin(), more.end());
    request.members.push_back({host.active_, candidate.generation, {move}, slots, rule, moved});
    request.deadline_ns = monotonic_ns() + kSecond;
    SwapRecord record = run_swap(request);
    if (record.is_published) {
        host.replaced_ = host.active_;
        host.active_ = candidate.generation;
    }
    return record;
}

} // namespace

TEST_CASE("only a shared block of one slot, as no state at all, needs no gate") {
    CHECK(planned(StateWay::kNone, PinRule::kAny) == "start,publish");
    CHECK(planned(StateWay::kShare, PinRule::kAny) == "attach,start,publish");
    CHECK(planned(StateWay::kShare, PinRule::kLeave, 2) == "leave pins,close gates,drain,quiesce,attach,start,publish");
    CHECK(planned(StateWay::kConvertShared, PinRule::kWait) ==
          "wait for pins,close gates,drain,quiesce,convert,attach,start,publish");
    CHECK(planned(StateWay::kHandOver, PinRule::kMove, 3) ==
          "move pins,close gates,drain,quiesce,surrender,take,start,publish");
    CHECK(undo_of(StepKind::kAttach) == StepKind::kLetGo);
}

TEST_CASE("members of one set have their own rules for pins") {
    SwapRequest request;
    for (const PinRule rule : {PinRule::kLeave, PinRule::kMove, PinRule::kAny, PinRule::kMove}) {
        SwapMember member;
        member.pins = rule;
        request.members.push_back(member);
    }
    CHECK(names_of(plan_window(request)) == "move pins,leave pins,close gates,drain,publish");
}

TEST_CASE("old and new count in one block, and nobody waits") {
    StepsHost host(kShared);
    CHECK(host.call(&StepsInterface::next) == 1);
    const std::shared_ptr<SharedBlock> block = host.active_->shared_block(0);
    const SwapRecord record = host.swap(host.bring("-DSTEPS_SHARED -DSTEPS_STEP=10", "{}"));
    CHECK_MESSAGE(record.is_published, record.failure.message());
    CHECK(host.call(&StepsInterface::next) == 11);
    CHECK(host.active_->shared_block(0) == block);
    CHECK(host.replaced_->shared_block(0) == block);
    CHECK(host.active_->live_bytes() == 8);
    CHECK(host.replaced_->live_bytes() == 0);
}

TEST_CASE("the block stays until the last library that was told of it has left memory") {
    std::weak_ptr<SharedBlock> block;
    {
        StepsHost host(kShared);
        block = host.active_->shared_block(0);
        CHECK(host.swap(host.bring(kShared, "{}")).is_published);
        host.replaced_->mark_held();
        CHECK(Reaper::instance().retire(host.replaced_).is_ok());
        CHECK(Reaper::instance().wait_idle(scene::in_seconds(10)).is_ok());
        CHECK(host.replaced_->stage() == Stage::kUnloaded);
        CHECK(host.replaced_->shared_block(0) == nullptr);
        CHECK_FALSE(block.expired());
    }
    CHECK(block.expired());
}

TEST_CASE("an attach that fails or never returns leaves the block with who serves") {
    for (const char *how : {"{\"fail\": \"attach\"}", "{\"hang\": \"attach\"}"}) {
        CAPTURE(how);
        StepsHost host(kShared);
        host.call(&StepsInterface::next);
        const Candidate candidate = host.bring(kShared, how);
        InstanceMove move;
        REQUIRE(choose_state_way(*host.active_, *candidate.generation, &move.way).is_ok());
        const SwapRecord record = host.swap(candidate, kSecond / 5);
        CHECK_FALSE(record.is_published);
        CHECK(host.call(&StepsInterface::next) == 2);
        drop_candidate(candidate);
    }
}

TEST_CASE("pins that follow are gated with the rest, and one that cannot follow stops the swap") {
    StepsHost host;
    const auto pin_slot = std::make_shared<Slot>("pin:steps/1");
    const Candidate candidate = host.bring("-DSTEPS_STEP=10", "{}");
    std::uint64_t number = 0;
    REQUIRE(host.active_->pin_book().add("session 7", &number).is_ok());
    SwapRecord record = swap_pinned(host, candidate, PinRule::kMove, 0);
    CHECK(record.failure.code() == Code::kBusy);
    CHECK(scene::contains(record.failure.message(), "session 7 for 0."));
    CHECK_FALSE(host.active_->pin_book().is_stopped());
    const hotgraft_table *table = nullptr;
    InterfaceWish wish;
    wish.id = "steps/1";
    wish.version = 1U << 16;
    REQUIRE(candidate.generation->make_table(0, wish, &table).is_ok());
    record = swap_pinned(host, candidate, PinRule::kMove, 1, {{pin_slot, table}});
    CHECK_MESSAGE(record.is_published, record.failure.message());
    CHECK(pin_slot->held() == table);
    CHECK(host.replaced_->pin_book().remove(number));
}

TEST_CASE("where pins stay, what they are on is not quiesced") {
    StepsHost host(kShared);
    const auto other = std::make_shared<Slot>("other");
    const Candidate candidate = host.bring(kShared, "{}");
    std::uint64_t number = 0;
    REQUIRE(host.active_->pin_book().add("session 7", &number).is_ok());
    const SwapRecord record = swap_pinned(host, candidate, PinRule::kLeave, 0, {{other, nullptr}});
    CHECK_MESSAGE(record.is_published, record.failure.message());
    CHECK(names_of(record) == "leave pins,close gates,drain,quiesce,attach,start,publish");
    CHECK(host.replaced_->stage() == Stage::kHeld);
    const hotgraft_table *table = nullptr;
    InterfaceWish wish;
    wish.id = "steps/1";
    wish.version = 1U << 16;
    REQUIRE(host.replaced_->make_table(0, wish, &table).is_ok());
    const auto *const steps = HOTGRAFT_INTERFACE(StepsInterface, table);
    CHECK(steps->is_resting(table->self) == 0);
    CHECK(host.replaced_->pin_book().remove(number));
}

TEST_CASE("every addition of callers on both sides of many swaps is in the number") {
    const int swaps = kIsSanitized ? 20 : 60;
    StepsHost host(kShared);
    std::atomic<bool> stop{false};
    std::atomic<std::int64_t> added{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i) {
        callers.emplace_back([&] {
            std::int64_t own = 0;
            while (!stop.load()) {
                host.call(&StepsInterface::next);
                ++own;
            }
            added += own;
        });
    }
    for (int i = 0; i < swaps; ++i) {
        const SwapRecord record = host.swap(host.bring(kShared, "{}"));
        CHECK(record.gates_closed_ns == 0);
        CHECK_MESSAGE(record.is_published, record.failure.message());
        host.replaced_->mark_held();
        CHECK(Reaper::instance().retire(host.replaced_).is_ok());
    }
    stop = true;
    for (std::thread &caller : callers) {
        caller.join();
    }
    CHECK(host.call(&StepsInterface::value) == added.load());
    CHECK(Reaper::instance().wait_idle(scene::in_seconds(10)).is_ok());
}
