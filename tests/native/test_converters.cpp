// Converters in the window: they work on a copy, so whatever they do the old block is what it was; and what they made
// is the host's memory until the candidate has it.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <utility>

#include "control.hpp"
#include "converters.hpp"
#include "steps_host.hpp"
#include "swap.hpp"

using namespace hotgraft;

namespace {

constexpr const char *kOld = "-DSTEPS_LAYOUT=11";
constexpr const char *kNew = "-DSTEPS_LAYOUT=12 -DSTEPS_STEP=10";
constexpr std::uint64_t kBytes = sizeof(std::int64_t);

std::shared_ptr<StateConverters> by(std::function<Status(LooseState, LooseState *)> work) {
    auto made = std::make_shared<StateConverters>();
    made->from_block = true;
    made->to_block = true;
    made->to_schema = 2;
    made->run = [work = std::move(work)](LooseState from, std::int64_t, std::uint64_t, LooseState *to) {
        return work(std::move(from), to);
    };
    return made;
}

// Counts in thousandths from now on; and scribbles over what it was given, which is its own.
Status thousandfold(LooseState from, LooseState *to) {
    std::int64_t number = 0;
    std::memcpy(&number, from.blocks[0].data(), kBytes);
    number *= 1000;
    std::memset(from.blocks[0].data(), 0xFF, from.blocks[0].size());
    to->blocks.assign(1, std::vector<unsigned char>(kBytes));
    std::memcpy(to->blocks[0].data(), &number, kBytes);
    return {};
}

SwapRecord run(StepsHost &host, const Candidate &candidate, std::shared_ptr<StateConverters> converters) {
    InstanceMove move;
    move.way = StateWay::kConverters;
    move.converters = std::move(converters);
    SwapRequest request;
    request.members.push_back({host.active_, candidate.generation, {move}, candidate.tables[0], PinRule::kWait});
    request.deadline_ns = monotonic_ns() + 5 * kSecond;
    request.undo_budget_ns = kSecond / 5;
    SwapRecord record = run_swap(request);
    if (record.is_published) {
        host.replaced_ = host.active_;
        host.active_ = candidate.generation;
    }
    return record;
}

StepKind failing = StepKind::kPublish;
StepSeam fail_there(StepKind kind, void *) {
    return kind == failing ? StepSeam::kFail : StepSeam::kRun;
}

} // namespace

TEST_CASE("what converters make of a copy is the candidate's, and the old generation keeps its own block") {
    StepsHost host(kOld);
    CHECK(host.call(&StepsInterface::next) == 1);
    const SwapRecord record = run(host, host.bring(kNew, "{}"), by(thousandfold));
    REQUIRE_MESSAGE(record.is_published, record.failure.message());
    CHECK(host.call(&StepsInterface::next) == 1010);
    CHECK(host.active_->live_bytes() == kBytes);
    CHECK(host.replaced_->live_bytes() == kBytes);
}

TEST_CASE("a swap with converters that fails at any step leaves the old block as it was, and nothing of the new one") {
    for (const StepKind step : {StepKind::kCloseGates, StepKind::kDrain, StepKind::kQuiesce, StepKind::kSurrender,
                                StepKind::kRunConverters, StepKind::kTake, StepKind::kStart, StepKind::kPublish}) {
        CAPTURE(step_name(step));
        StepsHost host(kOld);
        host.call(&StepsInterface::next);
        const Candidate candidate = host.bring(kNew, "{}");
        failing = step;
        set_step_hook(fail_there, nullptr);
        const SwapRecord record = run(host, candidate, by(thousandfold));
        set_step_hook(nullptr, nullptr);
        CHECK_FALSE(record.is_published);
        CHECK(record.after_undo.empty());
        CHECK(candidate.generation->live_bytes() <= kBytes);
        CHECK(host.active_->live_bytes() == kBytes);
        CHECK(host.call(&StepsInterface::next) == 2);
    }
}

TEST_CASE("M06, M07: converters that refuse, or do not return, have the swap called off with their words") {
    const std::pair<Code, const char *> answers[] = {
        {Code::kRefused, "converter 1→2: no"},
        {Code::kTimedOut, "converter 1→2 has not returned"},
        {Code::kAbandoned, "converter 1→2 is left behind"},
        {Code::kNoMemory, "no memory"},
    };
    for (const std::pair<Code, const char *> &answer : answers) { // a structured binding is none to capture
        const Code code = answer.first;
        const char *const words = answer.second;
        CAPTURE(words);
        StepsHost host(kOld);
        host.call(&StepsInterface::next);
        const SwapRecord record = run(host, host.bring(kNew, "{}"),
                                      by([code, words](LooseState, LooseState *) { return Status(code, words); }));
        CHECK_FALSE(record.is_published);
        CHECK(record.failure.code() == code);
        CHECK(record.failure.message() == words);
        CHECK(record.after_undo.empty());
        CHECK(host.active_->live_bytes() == kBytes);
        CHECK(host.call(&StepsInterface::next) == 2);
    }
}

TEST_CASE("a plan with converters has the steps of its two ends, and no other") {
    for (const bool from_block : {false, true}) {
        for (const bool to_block : {false, true}) {
            auto converters = by(thousandfold);
            converters->from_block = from_block;
            converters->to_block = to_block;
            InstanceMove move;
            move.way = StateWay::kConverters;
            move.converters = converters;
            SwapRequest request;
            request.members.emplace_back();
            request.members.back().instances.push_back(move);
            std::string names;
            for (const WindowStep &step : plan_window(request)) {
                names += std::string(step_name(step.kind)) + ", ";
            }
            const std::string out = from_block ? "surrender, " : "save, ";
            const std::string in = to_block ? "take, " : "restore, ";
            CHECK(names == "close gates, drain, quiesce, " + out + "run converters, " + in + "start, publish, ");
        }
    }
}
