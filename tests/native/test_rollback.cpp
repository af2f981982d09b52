// A rollback at the level of the core: the held generation serves again, with the state gained since or without it.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

#include "reclaim.hpp"
#include "steps_host.hpp"
#include "swap.hpp"
#include "swap_slots.hpp"

using namespace hotgraft;

namespace {

const hotgraft_table *new_table(const std::shared_ptr<Generation> &generation, const Slot &slot, std::size_t index) {
    InterfaceWish wish;
    wish.id = "steps/1";
    wish.version = 1U << 16;
    wish.padded_bytes = slot.padded_bytes();
    const hotgraft_table *table = nullptr;
    const Status status = generation->make_table(index, wish, &table);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    return table;
}

SwapMember back_to_held(const StepsHost &host, StateWay way, std::size_t index = 0, bool resumes = true) {
    SwapMember member;
    member.old_generation = host.active_;
    member.next = host.replaced_;
    member.instances.push_back({0, index, way, resumes});
    member.slots.push_back({host.slot_, new_table(host.replaced_, *host.slot_, index)});
    member.pins = PinRule::kWait;
    member.is_recalled = true;
    return member;
}

SwapRecord roll_back(StepsHost &host, const SwapMember &member) {
    SwapRequest request;
    request.members.push_back(member);
    request.deadline_ns = monotonic_ns() + 5 * kSecond;
    request.undo_budget_ns = kSecond / 5;
    SwapRecord record = run_swap(request);
    if (record.is_published) {
        std::swap(host.active_, host.replaced_);
    }
    return record;
}

SwapRecord roll_back_both(StepsHost &first, const SwapMember &a, StepsHost &second, const SwapMember &b,
                          std::int64_t deadline_ns) {
    SwapRequest request;
    request.members = {a, b};
    request.deadline_ns = monotonic_ns() + deadline_ns;
    request.undo_budget_ns = kSecond / 5;
    SwapRecord record = run_swap(request);
    if (record.is_published) {
        std::swap(first.active_, first.replaced_);
        std::swap(second.active_, second.replaced_);
    }
    return record;
}

// A thread inside a plugin, until it is let out.
class Inside {
public:
    explicit Inside(StepsHost &host) {
        thread_ = std::thread([this, &host] {
            hotgraft_guard guard;
            if (hotgraft_enter(&host.import_, &guard) != nullptr) {
                is_inside_ = true;
                while (!may_leave_) {
                    std::this_thread::yield();
                }
                hotgraft_leave(&guard);
            }
        });
        while (!is_inside_) {
            std::this_thread::yield();
        }
    }
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;
    ~Inside() { leave(); }
    void leave() {
        may_leave_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
    }

private:
    std::atomic<bool> is_inside_{false};
    std::atomic<bool> may_leave_{false};
    std::thread thread_;
};

} // namespace

TEST_CASE("a rollback takes what the new generation gained back to the old one, which resumes") {
    StepsHost host;
    CHECK(host.call(&StepsInterface::next) == 1);
    REQUIRE(host.swap(host.bring("-DSTEPS_STEP=10", "{}")).is_published);
    CHECK(host.call(&StepsInterface::next) == 11);
    const SwapRecord record = roll_back(host, back_to_held(host, StateWay::kHandOver));
    CHECK_MESSAGE(record.is_published, record.failure.message());
    CHECK(host.call(&StepsInterface::next) == 12);
    CHECK(host.call(&StepsInterface::is_resting) == 0);
    CHECK(host.active_->stage() == Stage::kActive);
    CHECK(host.replaced_->stage() == Stage::kHeld);
    std::uint64_t pin = 0;
    CHECK(host.active_->pin_book().add("session 9", &pin).is_ok()); // it turned pins away when it was replaced
    CHECK(host.active_->pin_book().remove(pin));
}

TEST_CASE("saved state goes back into a fresh instance of the held generation") {
    StepsHost host("-DSTEPS_SAVES");
    CHECK(host.call(&StepsInterface::next) == 1);
    REQUIRE(host.swap(host.bring("-DSTEPS_SAVES -DSTEPS_STEP=10", "{}")).is_published);
    CHECK(host.call(&StepsInterface::next) == 11);
    std::size_t fresh = 0;
    REQUIRE(host.replaced_->create_instance("", "{}", &fresh).is_ok());
    CHECK(host.replaced_->stage() == Stage::kHeld);
    const SwapRecord record = roll_back(host, back_to_held(host, StateWay::kSaveRestore, fresh, false));
    CHECK_MESSAGE(record.is_published, record.failure.message());
    CHECK(host.call(&StepsInterface::next) == 12);
}

TEST_CASE("a rollback that fails at any step leaves the new generation serving, and can be tried again") {
    for (const StepKind failing : {StepKind::kCloseGates, StepKind::kDrain, StepKind::kQuiesce, StepKind::kSurrender,
                                   StepKind::kTake, StepKind::kStart, StepKind::kPublish}) {
        CAPTURE(step_name(failing));
        StepsHost host;
        host.call(&StepsInterface::next);
        REQUIRE(host.swap(host.bring("-DSTEPS_STEP=10", "{}")).is_published);
        static StepKind at;
        at = failing;
        set_step_hook([](StepKind kind, void *) { return kind == at ? StepSeam::kFail : StepSeam::kRun; }, nullptr);
        const SwapRecord record = roll_back(host, back_to_held(host, StateWay::kHandOver));
        set_step_hook(nullptr, nullptr);
        CHECK_FALSE(record.is_published);
        CHECK(record.after_undo.empty());
        CHECK(host.replaced_->stage() == Stage::kHeld);
        CHECK(host.active_->stage() == Stage::kActive);
        CHECK(host.call(&StepsInterface::next) == 11);
        CHECK(roll_back(host, back_to_held(host, StateWay::kHandOver)).is_published);
        CHECK(host.call(&StepsInterface::next) == 12);
    }
}

TEST_CASE("what was retired first is not recalled, and what serves serves on") {
    StepsHost host;
    REQUIRE(host.swap(host.bring("-DSTEPS_STEP=10", "{}")).is_published);
    const SwapMember member = back_to_held(host, StateWay::kHandOver);
    REQUIRE(Reaper::instance().retire(host.replaced_).is_ok());
    const SwapRecord record = roll_back(host, member);
    CHECK(record.failure.code() == Code::kWrongStage);
    CHECK(record.steps.empty());
    CHECK(host.call(&StepsInterface::next) == 10);
    CHECK(Reaper::instance().wait_idle(monotonic_ns() + 10 * kSecond).is_ok());
}

TEST_CASE("a generation that does not come to rest is left with its callers, and leaves memory when they have") {
    StepsHost host("-DSTEPS_SAVES");
    host.call(&StepsInterface::next);
    REQUIRE(host.swap(host.bring("-DSTEPS_SAVES -DSTEPS_STEP=10", "{}")).is_published);
    host.call(&StepsInterface::next);
    std::atomic<bool> is_inside{false};
    std::atomic<bool> may_leave{false};
    std::thread caller([&] {
        hotgraft_guard guard;
        REQUIRE(hotgraft_enter(&host.import_, &guard) != nullptr);
        is_inside = true;
        while (!may_leave) {
            std::this_thread::yield();
        }
        hotgraft_leave(&guard);
    });
    while (!is_inside) {
        std::this_thread::yield();
    }
    SwapMember member = back_to_held(host, StateWay::kNone);
    member.leaves_undrained = true;
    const SwapRecord record = roll_back(host, member);
    CHECK_MESSAGE(record.is_published, record.failure.message());
    CHECK(host.call(&StepsInterface::next) == 2); // the block kept since publish: what was gained since is lost
    REQUIRE(Reaper::instance().retire(host.replaced_).is_ok());
    CHECK(Reaper::instance().wait_idle(monotonic_ns() + kSecond / 5).code() == Code::kTimedOut);
    may_leave = true;
    caller.join();
    CHECK(Reaper::instance().wait_idle(monotonic_ns() + 10 * kSecond).is_ok());
    CHECK(host.replaced_->stage() == Stage::kUnloaded);
}

TEST_CASE("the slot of an interface that the held generation does not have holds no table afterwards") {
    StepsHost host;
    REQUIRE(host.swap(host.bring("-DSTEPS_STEP=10", "{}")).is_published);
    const auto extra = std::make_shared<Slot>("extra/1");
    REQUIRE(Guards::instance().publish_open(*extra, new_table(host.active_, *extra, 0)).is_ok());
    SwapMember member = back_to_held(host, StateWay::kHandOver);
    member.emptied.push_back(extra);
    CHECK(roll_back(host, member).is_published);
    CHECK(extra->held() == nullptr);
    CHECK(host.call(&StepsInterface::next) == 1);
}

TEST_CASE("where a drain of a set fails, the members are known in which calls are, and all serve on") {
    StepsHost first("-DSTEPS_SAVES");
    StepsHost second("-DSTEPS_SAVES");
    for (StepsHost *const host : {&first, &second}) {
        REQUIRE(host->swap(host->bring("-DSTEPS_SAVES -DSTEPS_STEP=10", "{}")).is_published);
    }
    const Inside inside(second);
    const SwapRecord record = roll_back_both(first, back_to_held(first, StateWay::kHandOver), second,
                                             back_to_held(second, StateWay::kHandOver), kSecond / 10);
    CHECK(record.failure.code() == Code::kTimedOut);
    CHECK(record.inside == std::vector<std::size_t>{1});
    for (const StepsHost *const host : {&first, &second}) {
        CHECK(host->active_->stage() == Stage::kActive);
        CHECK(host->replaced_->stage() == Stage::kHeld);
    }
    CHECK(first.call(&StepsInterface::next) == 10);
}

TEST_CASE("one of a set is left with its callers while the others are drained and lose nothing") {
    StepsHost first;
    StepsHost second("-DSTEPS_SAVES");
    first.call(&StepsInterface::next);
    second.call(&StepsInterface::next);
    REQUIRE(first.swap(first.bring("-DSTEPS_STEP=10", "{}")).is_published);
    REQUIRE(second.swap(second.bring("-DSTEPS_SAVES -DSTEPS_STEP=10", "{}")).is_published);
    first.call(&StepsInterface::next);
    second.call(&StepsInterface::next);
    Inside inside(second);
    SwapMember left = back_to_held(second, StateWay::kNone);
    left.leaves_undrained = true;
    const SwapRecord record =
        roll_back_both(first, back_to_held(first, StateWay::kHandOver), second, left, 5 * kSecond);
    CHECK_MESSAGE(record.is_published, record.failure.message());
    CHECK(first.call(&StepsInterface::next) == 12);
    CHECK(second.call(&StepsInterface::next) == 2);
    inside.leave();
}

TEST_CASE("the one that is left is not drained, and the others are") {
    StepsHost first;
    StepsHost second("-DSTEPS_SAVES");
    REQUIRE(first.swap(first.bring("-DSTEPS_STEP=10", "{}")).is_published);
    REQUIRE(second.swap(second.bring("-DSTEPS_SAVES -DSTEPS_STEP=10", "{}")).is_published);
    SwapMember left = back_to_held(second, StateWay::kNone);
    left.leaves_undrained = true;
    const Inside inside(first);
    const SwapRecord record =
        roll_back_both(first, back_to_held(first, StateWay::kHandOver), second, left, kSecond / 10);
    CHECK(record.failure.code() == Code::kTimedOut);
    CHECK(record.inside == std::vector<std::size_t>{0});
}

TEST_CASE("one that does not come to rest is drained with the others and not quiesced") {
    StepsHost first("-DSTEPS_SAVES");
    StepsHost second("-DSTEPS_SAVES");
    for (StepsHost *const host : {&first, &second}) {
        REQUIRE(host->swap(host->bring("-DSTEPS_SAVES -DSTEPS_STEP=10", "{}")).is_published);
    }
    SwapRequest request;
    request.members = {back_to_held(first, StateWay::kNone), back_to_held(second, StateWay::kNone)};
    request.members[0].leaves_unquiesced = true;
    std::vector<std::size_t> quiesced;
    bool is_drained = false;
    for (const WindowStep &step : plan_window(request)) {
        is_drained = is_drained || step.kind == StepKind::kDrain;
        if (step.kind == StepKind::kQuiesce) {
            quiesced.push_back(step.member);
        }
    }
    CHECK(is_drained);
    CHECK(quiesced == std::vector<std::size_t>{1});
    CHECK(old_tables_of(request).size() == first.active_->tables().size() + second.active_->tables().size());
}
