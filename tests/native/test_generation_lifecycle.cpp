// The lifecycle table: every stage against every event.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "lifecycle.hpp"

using namespace hotgraft;

namespace {

// Written down by hand from DESIGN section 9: stage, then event → next stage.
const std::map<std::string, std::map<std::string, std::string>> kExpected = {
    {"seen", {{"stage", "staged"}, {"reject", "rejected"}}},
    {"staged", {{"inspect", "inspected"}, {"reject", "rejected"}}},
    {"inspected", {{"accept", "accepted"}, {"reject", "rejected"}}},
    {"accepted", {{"probe", "probed"}, {"map", "mapped"}, {"reject", "rejected"}, {"stick", "stuck"}}},
    {"probed", {{"map", "mapped"}, {"reject", "rejected"}, {"stick", "stuck"}}},
    {"mapped", {{"create", "created"}, {"fail", "failed"}, {"stick", "stuck"}}},
    {"created", {{"restore", "restored"}, {"start", "ready"}, {"fail", "failed"}, {"stick", "stuck"}}},
    {"restored", {{"start", "ready"}, {"fail", "failed"}, {"stick", "stuck"}}},
    {"ready", {{"try", "trial"}, {"publish", "active"}, {"fail", "failed"}, {"stick", "stuck"}}},
    {"trial", {{"publish", "active"}, {"fail", "failed"}, {"stick", "stuck"}}},
    {"active", {{"drain", "draining"}, {"replace", "held"}, {"fail", "failed"}, {"stick", "stuck"}}},
    {"draining", {{"reopen", "active"}, {"quiesce", "quiesced"}, {"stick", "stuck"}}},
    {"quiesced",
     {{"resume", "active"}, {"replace", "held"}, {"retire", "retired"}, {"fail", "failed"}, {"stick", "stuck"}}},
    {"held", {{"recall", "active"}, {"retire", "retired"}, {"stick", "stuck"}}},
    {"retired", {{"unload", "unloaded"}, {"stick", "stuck"}}},
    {"unloaded", {}},
    {"stuck", {{"unload", "unloaded"}}},
    {"rejected", {}},
    {"failed", {{"unload", "unloaded"}, {"stick", "stuck"}}},
};

Stage stage_at(std::size_t index) {
    return static_cast<Stage>(index);
}
Event event_at(std::size_t index) {
    return static_cast<Event>(index);
}

} // namespace

TEST_CASE("every stage answers every event as the design says, and nothing else") {
    CHECK(kExpected.size() == kStageCount);
    for (std::size_t s = 0; s < kStageCount; ++s) {
        const std::map<std::string, std::string> &row = kExpected.at(name_of(stage_at(s)));
        std::size_t met = 0;
        for (std::size_t e = 0; e < kEventCount; ++e) {
            const std::optional<Stage> next = next_stage(stage_at(s), event_at(e));
            const auto expected = row.find(name_of(event_at(e)));
            INFO(name_of(stage_at(s)), " + ", name_of(event_at(e)));
            CHECK(next.has_value() == (expected != row.end()));
            if (next && expected != row.end()) {
                CHECK(name_of(*next) == expected->second);
                ++met;
            }
        }
        CHECK(met == row.size());
    }
}

TEST_CASE("no pair stands in the table twice, names are unique, and every stage can be reached") {
    std::set<std::pair<Stage, Event>> pairs;
    std::set<Stage> reached = {Stage::kSeen};
    for (const Transition &transition : transitions()) {
        CHECK(pairs.insert({transition.from, transition.event}).second);
        reached.insert(transition.to);
    }
    CHECK(reached.size() == kStageCount);
    std::set<std::string> names;
    for (std::size_t s = 0; s < kStageCount; ++s) {
        CHECK(names.insert(name_of(stage_at(s))).second);
    }
    std::set<std::string> events;
    for (std::size_t e = 0; e < kEventCount; ++e) {
        CHECK(events.insert(name_of(event_at(e))).second);
    }
}

TEST_CASE("every stage after map leads out of memory or says stuck: nothing stays in between for ever") {
    for (std::size_t s = 0; s < kStageCount; ++s) {
        std::set<Stage> seen = {stage_at(s)};
        for (std::size_t before = 0; before != seen.size();) {
            before = seen.size();
            for (const Transition &transition : transitions()) {
                if (seen.count(transition.from) != 0) {
                    seen.insert(transition.to);
                }
            }
        }
        INFO(name_of(stage_at(s)));
        CHECK((seen.count(Stage::kUnloaded) != 0 || seen.count(Stage::kRejected) != 0));
    }
}
