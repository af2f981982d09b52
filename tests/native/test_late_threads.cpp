// Threads that were given up and come back after all, between what was asked of them and what follows from it: nothing
// they bring is lost or used twice, and nothing they were asked for happens to what serves on.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "at_step.hpp"
#include "events_scene.hpp"
#include "fallback.hpp"
#include "state_reading.hpp"
#include "steps_host.hpp"

using namespace hotgraft;

namespace {

SwapRecord swap(StepsHost &host, const Candidate &candidate) {
    return host.swap(candidate, kSecond / 4);
}

std::int64_t is_resting(Generation &generation, std::size_t index) {
    InterfaceWish wish;
    wish.id = "steps/1";
    wish.version = 1U << 16;
    const void *functions = nullptr;
    void *self = nullptr;
    REQUIRE(generation.interface(index, wish, &functions, &self).is_ok());
    return static_cast<const StepsInterface *>(functions)->is_resting(self);
}

// Every thread that was left behind has come back.
void await_late_threads() {
    const std::int64_t deadline_ns = monotonic_ns() + 20 * kSecond;
    while (ControlThread::abandoned_count() != 0 && monotonic_ns() < deadline_ns) {
        std::this_thread::yield();
    }
    CHECK(ControlThread::abandoned_count() == 0);
}

// Two instances as one set, of which the first is called.
SwapRequest request_of_two(StepsHost &host, const Candidate &candidate) {
    REQUIRE(candidate.generation->create_instance("other", "{}").is_ok());
    InstanceMove first{0, 0, StateWay::kHandOver};
    InstanceMove other{1, 1, StateWay::kHandOver};
    SwapRequest request;
    request.members.push_back(
        {host.active_, candidate.generation, {first, other}, candidate.tables[0], PinRule::kWait});
    request.deadline_ns = monotonic_ns() + kSecond / 4;
    request.undo_budget_ns = 30 * kSecond;
    return request;
}

} // namespace

TEST_CASE("a surrender that comes back as it is given up is asked for its state once, and that is found again") {
    StepsHost host;
    host.call(&StepsInterface::next);
    scene::Event go_on;
    {
        scene::Event is_there;
        const scene::AtSeam seam([&](SeamPoint point) {
            if (point == SeamPoint::kSurrendered && !is_there.is_set()) {
                is_there.set();
                REQUIRE(go_on.wait());
            }
        });
        const Candidate late = host.bring("", "{}");
        CHECK_FALSE(swap(host, late).is_published);
        REQUIRE(is_there.is_set());
        CHECK(host.slot_->held() == refusing_table());
        const Candidate hasty = host.bring("", "{}");
        const SwapRecord refused = swap(host, hasty);
        CHECK_FALSE(refused.is_published);
        CHECK_MESSAGE(refused.failure.message().find("has not come back from surrender") != std::string::npos,
                      refused.failure.message());
        go_on.set();
        await_late_threads();
        drop_candidate(late);
        drop_candidate(hasty);
    }
    const SwapRecord mended = host.swap(host.bring("-DSTEPS_STEP=10", "{}"));
    CHECK_MESSAGE(mended.is_published, mended.failure.message());
    CHECK(host.call(&StepsInterface::next) == 11);
    host.replaced_ = nullptr;
}

TEST_CASE("one that was left behind and has kept its state before the gates open is not called as it holds still") {
    StepsHost host("", "{\"fail\": \"surrender\"}");
    REQUIRE(host.active_->create_instance("other", "{}").is_ok());
    REQUIRE(host.active_->start(1).is_ok());
    scene::Event go_on;
    const Candidate candidate = host.bring("", "{}");
    {
        const scene::AtStep at([&](StepKind kind, std::uint64_t) {
            if (kind == StepKind::kSurrender) {
                REQUIRE(go_on.wait());
            } else if (kind == StepKind::kResume) { // of the other: that of the first is not asked for
                go_on.set();
                await_late_threads();
            }
        });
        CHECK_FALSE(run_swap(request_of_two(host, candidate)).is_published);
    }
    REQUIRE(go_on.is_set());
    drop_candidate(candidate);
    CHECK(is_resting(*host.active_, 0) == 1);
    CHECK(is_resting(*host.active_, 1) == 0);
    CHECK(host.slot_->held() == refusing_table());
    CHECK_MESSAGE(host.active_->out_of_service().find("has not resumed") != std::string::npos,
                  host.active_->out_of_service());
    Block block;
    CHECK(host.active_->surrender(0, &block).message().find("told to fail") != std::string::npos); // it has it
    host.active_ = nullptr;
}

TEST_CASE("one that is given up before it comes to rest does not come to rest any more") {
    StepsHost host;
    const Candidate candidate = host.bring("", "{}");
    scene::Event go_on;
    const scene::AtSeam seam([&](SeamPoint point) {
        if (point == SeamPoint::kTurnsAway) {
            REQUIRE(go_on.wait());
        }
    });
    CHECK_FALSE(swap(host, candidate).is_published);
    go_on.set();
    await_late_threads();
    drop_candidate(candidate);
    CHECK(is_resting(*host.active_, 0) == 0);
    CHECK(host.call(&StepsInterface::next) == 1);
    host.active_ = nullptr;
}

TEST_CASE("where one of a set hangs on the way back, those after it still have time for theirs") {
    StepsHost lost("", "{\"hang\": \"take\"}", "lost");
    StepsHost whole("", "{}", "whole");
    SwapRequest request;
    std::vector<Candidate> candidates;
    for (StepsHost *const host : {&whole, &lost}) { // newest first: what hangs is asked before the other
        const Candidate &candidate = candidates.emplace_back(host->bring("", "{\"fail\": \"start\"}"));
        const InstanceMove move{0, 0, StateWay::kHandOver};
        request.members.push_back({host->active_, candidate.generation, {move}, candidate.tables[0], PinRule::kWait});
    }
    request.deadline_ns = monotonic_ns() + 5 * kSecond;
    request.undo_budget_ns = kSecond / 2;
    const SwapRecord record = run_swap(request);
    CHECK_FALSE(record.is_published);
    CHECK(record.after_undo.size() == 2); // take and resume of what hangs
    CHECK(static_cast<std::int32_t>(lost.call(&StepsInterface::next)) == HOTGRAFT_E_UNAVAILABLE);
    CHECK(whole.call(&StepsInterface::next) == 1);
    for (const Candidate &candidate : candidates) {
        drop_candidate(candidate);
    }
    lost.active_ = nullptr; // it never leaves memory
}

TEST_CASE("however many threads are left behind, a state is still read and a library still leaves memory") {
    StepsHost host("-DSTEPS_SAVES");
    CHECK(host.call(&StepsInterface::next) == 1);
    const Candidate candidate = host.bring("-DSTEPS_SAVES", "{}");
    for (std::uint64_t i = ControlThread::abandoned_count(); i < kAbandonedMax; ++i) {
        CandidateWish wish;
        wish.staging = {build(""), (work_folder() / "staged").string(), "hanging", i + 1};
        wish.instances.push_back({"", "{\"hang\": \"create\"}", {}});
        wish.deadline_ns = monotonic_ns() + kSecond / 8;
        Candidate none;
        CHECK(prepare(wish, &none).code() == Code::kAbandoned);
    }
    Candidate none;
    CandidateWish refused;
    refused.staging = {build(""), (work_folder() / "staged").string(), "refused", 1};
    refused.deadline_ns = monotonic_ns() + kSecond;
    CHECK(prepare(refused, &none).code() == Code::kBusy);

    std::vector<KeyedState> saved;
    std::int64_t pause_ns = 0;
    const std::int64_t deadline_ns = monotonic_ns() + 5 * kSecond;
    const Status status = read_state({host.active_, {host.slot_}, "save", deadline_ns, deadline_ns}, &saved, &pause_ns);
    CHECK_MESSAGE(status.is_ok(), status.message());
    CHECK(saved.size() == 1);
    drop_candidate(candidate); // and both hosts leave memory as they end: ~StepsHost
}
