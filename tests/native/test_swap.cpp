// One plugin's swap at the level of the core: every step made to fail and made to hang, and what runs afterwards.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>

#include <hotgraft/call.h>

#include "control.hpp"
#include "guard.hpp"
#include "host_import.hpp"
#include "prepare.hpp"
#include "reclaim.hpp"
#include "steps_host.hpp"
#include "swap.hpp"
#include "window.hpp"

using namespace hotgraft;

namespace {

bool has_step(const SwapRecord &record, StepKind kind) {
    for (const StepRecord &step : record.steps) {
        if (step.kind == kind) {
            return true;
        }
    }
    return false;
}

} // namespace

TEST_CASE("state handed over keeps its number, and the new code counts on") {
    StepsHost host;
    CHECK(host.call(&StepsInterface::next) == 1);
    const SwapRecord record = host.swap(host.bring("-DSTEPS_STEP=10", "{}"));
    CHECK_MESSAGE(record.is_published, record.failure.message());
    CHECK(host.call(&StepsInterface::next) == 11);
    CHECK(record.gates_open_ns > record.gates_closed_ns);
    CHECK(host.replaced_->stage() == Stage::kHeld);
}

TEST_CASE("saved and restored state keeps its number") {
    StepsHost host("-DSTEPS_SAVES");
    CHECK(host.call(&StepsInterface::next) == 1);
    const SwapRecord record = host.swap(host.bring("-DSTEPS_SAVES -DSTEPS_STEP=10", "{}"));
    CHECK_MESSAGE(record.is_published, record.failure.message());
    CHECK(host.call(&StepsInterface::next) == 11);
}

TEST_CASE("a swap that would lose the state is refused before any gate closes") {
    StepsHost host;
    const Candidate other = host.bring("-DSTEPS_LAYOUT=12", "{}");
    StateWay way = StateWay::kNone;
    const Status status = choose_state_way(*host.active_, *other.generation, &way);
    CHECK(status.code() == Code::kRefused);
    CHECK(status.message().find("layouts or schemas of their state differ") != std::string::npos);
    drop_candidate(other);
}

TEST_CASE("a block of equal layout and another schema does not change hands") {
    StepsHost host;
    const Candidate other = host.bring("-DSTEPS_SCHEMA=2", "{}");
    StateWay way = StateWay::kNone;
    CHECK(choose_state_way(*host.active_, *other.generation, &way).code() == Code::kRefused);
    drop_candidate(other);
}

TEST_CASE("whatever step fails, the old generation serves with its state bit for bit") {
    struct Cell {
        const char *flags;
        const char *step;
        bool is_old;
    };
    for (const Cell &cell :
         {Cell{"", "quiesce", true}, Cell{"", "surrender", true}, Cell{"", "take", false}, Cell{"", "start", false},
          Cell{"-DSTEPS_SAVES", "save", true}, Cell{"-DSTEPS_SAVES", "restore", false}}) {
        CAPTURE(cell.step);
        const std::string config = std::string("{\"fail\": \"") + cell.step + "\"}";
        StepsHost host(cell.flags, cell.is_old ? config : "{}");
        for (int i = 0; i < 5; ++i) {
            host.call(&StepsInterface::next);
        }
        const Candidate candidate = host.bring(cell.flags, cell.is_old ? "{}" : config);
        const SwapRecord record = host.swap(candidate);
        CHECK_FALSE(record.is_published);
        CHECK(record.failure.code() == Code::kPlugin);
        CHECK(record.failure.message().find(std::string("told to fail in ") + cell.step) != std::string::npos);
        CHECK(record.after_undo.empty());
        CHECK(host.call(&StepsInterface::value) == 5);
        CHECK(host.call(&StepsInterface::is_resting) == 0);
        CHECK(host.active_->stage() == Stage::kActive);
        CHECK(host.call(&StepsInterface::next) == 6);
        drop_candidate(candidate);
    }
}

TEST_CASE("the control thread is up before a gate closes, so that no caller waits for it") {
    StepsHost host;
    const Candidate candidate = host.bring("", "{}");
    std::size_t threads = 0;
    set_step_hook(
        [](StepKind kind, void *ctx) {
            if (kind == StepKind::kCloseGates) {
                *static_cast<std::size_t *>(ctx) = ControlThread::thread_ids().size();
            }
            return StepSeam::kRun;
        },
        &threads);
    const SwapRecord record = host.swap(candidate);
    set_step_hook(nullptr, nullptr);
    CHECK(record.is_published);
    CHECK(threads == 1);
}

TEST_CASE("a control function that never returns is given up at the deadline, and the old generation serves") {
    for (const char *step : {"take", "start"}) {
        CAPTURE(step);
        StepsHost host;
        host.call(&StepsInterface::next);
        const Candidate candidate = host.bring("", std::string("{\"hang\": \"") + step + "\"}");
        const SwapRecord record = host.swap(candidate, kSecond / 2);
        CHECK_FALSE(record.is_published);
        CHECK(record.failure.code() == Code::kAbandoned);
        // Which function it was stands with the step: the run began with another one.
        CHECK(record.failure.message().rfind("the plugin's function has not returned after ", 0) == 0);
        for (const std::string &one : record.after_undo) {
            CHECK(one.find("  ") == std::string::npos);
        }
        CHECK(candidate.generation->is_abandoned());
        CHECK(host.call(&StepsInterface::value) == 1);
        CHECK(host.call(&StepsInterface::is_resting) == 0);
        // A start that hangs keeps what it took before: that it was not asked to let go is written down.
        CHECK(record.after_undo.empty() == (std::string(step) == "take"));
    }
}

TEST_CASE("a plugin that stays busy in quiesce has the swap called off at the deadline") {
    StepsHost host("", "{\"again\": \"quiesce\"}");
    host.call(&StepsInterface::next);
    const Candidate candidate = host.bring("", "{}");
    const SwapRecord record = host.swap(candidate, kSecond / 2);
    CHECK(record.failure.code() == Code::kTimedOut);
    CHECK(has_step(record, StepKind::kResume));
    CHECK(host.call(&StepsInterface::next) == 2);
    drop_candidate(candidate);
}

TEST_CASE("an open pin has the swap called off at the deadline, and the report names it") {
    StepsHost host;
    std::uint64_t pin = 0;
    REQUIRE(host.active_->pin_book().add("session 7", &pin).is_ok());
    const Candidate candidate = host.bring("", "{}");
    const SwapRecord record = host.swap(candidate, kSecond / 20);
    CHECK(record.failure.code() == Code::kTimedOut);
    CHECK(record.failure.message().find("session 7") != std::string::npos);
    CHECK_FALSE(has_step(record, StepKind::kCloseGates));
    CHECK(host.active_->pin_book().remove(pin));
    std::uint64_t again = 0;
    CHECK(host.active_->pin_book().add("session 8", &again).is_ok());
    CHECK(host.active_->pin_book().remove(again));
    drop_candidate(candidate);
}

TEST_CASE("a call that never returns has the swap called off, and the report names its thread") {
    StepsHost host;
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
    const Candidate candidate = host.bring("", "{}");
    const SwapRecord record = host.swap(candidate, kSecond / 2);
    may_leave = true;
    caller.join();
    CHECK(record.failure.code() == Code::kTimedOut);
    CHECK(record.failure.message().find("thread") != std::string::npos);
    CHECK(host.call(&StepsInterface::next) == 1);
    drop_candidate(candidate);
}

TEST_CASE("retired generations leave memory for certain, and a recalled one cannot be retired") {
    StepsHost host;
    REQUIRE(host.swap(host.bring("-DSTEPS_STEP=10", "{}")).is_published);
    const std::uint64_t before = Reaper::instance().proven_count("steps");
    REQUIRE(Reaper::instance().retire(host.replaced_).is_ok());
    const Status idle = Reaper::instance().wait_idle(monotonic_ns() + 10 * kSecond);
    CHECK_MESSAGE(idle.is_ok(), idle.message());
    CHECK(Reaper::instance().proven_count("steps") > before);
    CHECK(Reaper::instance().retire(host.replaced_).code() == Code::kWrongStage);
}

TEST_CASE(
    "the window's list is what the state needs, and every step before publish has its undo or leaves nothing behind") {
    SwapRequest request;
    request.members.resize(1);
    request.members[0].instances.resize(1);
    request.members[0].slots.resize(1);
    CHECK(plan_window(request).size() == 2); // start, publish: no gate
    request.members[0].instances[0].way = StateWay::kHandOver;
    std::string names;
    for (const WindowStep &step : plan_window(request)) {
        names += std::string(step_name(step.kind)) + ",";
    }
    CHECK(names == "close gates,drain,quiesce,surrender,take,start,publish,");
    CHECK_FALSE(undo_of(StepKind::kPublish).has_value());
}
