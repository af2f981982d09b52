// A plugin "steps" (tests/plugins/steps.c) with one instance, and what a host keeps of it.
#ifndef HOTGRAFT_TESTS_STEPS_HOST_HPP
#define HOTGRAFT_TESTS_STEPS_HOST_HPP

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include <hotgraft/call.h>

#include "control.hpp"
#include "guard.hpp"
#include "host_import.hpp"
#include "prepare.hpp"
#include "reclaim.hpp"
#include "swap.hpp"

using namespace hotgraft;

struct StepsInterface {
    std::uint32_t struct_size;
    std::int64_t (*next)(void *);
    std::int64_t (*value)(void *);
    std::int64_t (*is_resting)(void *);
};

inline constexpr std::int64_t kSecond = 1'000'000'000;

inline std::filesystem::path work_folder() {
    static const std::filesystem::path folder = [] {
        char name[] = "/tmp/hotgraft-swap-XXXXXX";
        return std::filesystem::path(mkdtemp(name));
    }();
    return folder;
}

// Build steps.c with `flags`; each set of flags once.
inline std::string build(const std::string &flags) {
    static std::map<std::string, std::string> built;
    std::string &path = built[flags];
    if (path.empty()) {
        path = (work_folder() / ("steps" + std::to_string(built.size()) + ".so")).string();
        const std::string command = "cc -std=c11 -O1 -shared -fPIC -fvisibility=hidden -I" HOTGRAFT_ABI_DIR " " +
                                    flags + " " HOTGRAFT_PLUGINS_DIR "/steps.c -o " + path;
        REQUIRE(std::system(command.c_str()) == 0);
    }
    return path;
}

class StepsHost {
public:
    explicit StepsHost(const std::string &flags = "", const std::string &config = "{}", std::string plugin = "steps")
        : plugin_(std::move(plugin)) {
        fill_host_import(*slot_, &import_);
        Candidate candidate = bring(flags, config);
        REQUIRE(candidate.generation->start(0).is_ok());
        REQUIRE(Guards::instance().publish_open(*slot_, candidate.tables[0][0].next).is_ok());
        candidate.generation->mark_active();
        active_ = candidate.generation;
    }

    ~StepsHost() {
        CHECK(Guards::instance().publish_open(*slot_, nullptr).is_ok());
        for (const std::shared_ptr<Generation> &generation : {active_, replaced_}) {
            if (generation != nullptr && generation->stage() != Stage::kUnloaded) {
                generation->mark_held();
                CHECK(Reaper::instance().retire(generation).is_ok());
            }
        }
        const Status idle = Reaper::instance().wait_idle(monotonic_ns() + 10 * kSecond);
        CHECK_MESSAGE(idle.is_ok(), idle.message());
    }
    StepsHost(const StepsHost &) = delete;
    StepsHost &operator=(const StepsHost &) = delete;

    Candidate bring(const std::string &flags, const std::string &config) {
        static std::map<std::string, std::uint64_t> numbers; // each plugin's begin at 1, as a host's do
        CandidateWish wish;
        wish.staging = {build(flags), (work_folder() / "staged").string(), plugin_, ++numbers[plugin_]};
        InterfaceWish interface;
        interface.id = "steps/1";
        interface.version = 1U << 16;
        wish.instances.push_back({"", config, {{slot_, interface}}});
        wish.deadline_ns = monotonic_ns() + 5 * kSecond;
        Candidate candidate;
        const Status status = prepare(wish, &candidate);
        REQUIRE_MESSAGE(status.is_ok(), status.message());
        return candidate;
    }

    SwapRecord swap(const Candidate &candidate, std::int64_t budget_ns = 5 * kSecond) {
        InstanceMove move;
        const Status status = choose_state_way(*active_, *candidate.generation, &move.way);
        REQUIRE_MESSAGE(status.is_ok(), status.message());
        SwapRequest request;
        request.members.push_back({active_, candidate.generation, {move}, candidate.tables[0], PinRule::kWait});
        request.deadline_ns = monotonic_ns() + budget_ns;
        request.undo_budget_ns = kSecond / 5;
        SwapRecord record = run_swap(request);
        if (record.is_published) {
            replaced_ = active_;
            active_ = candidate.generation;
        }
        return record;
    }

    std::int64_t call(std::int64_t (*StepsInterface::*function)(void *)) {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(&import_, &guard);
        REQUIRE(table != nullptr);
        const std::int64_t answer = (HOTGRAFT_INTERFACE(StepsInterface, table)->*function)(table->self);
        hotgraft_leave(&guard);
        return answer;
    }

    const std::string plugin_;
    std::shared_ptr<Slot> slot_ = std::make_shared<Slot>("steps/1");
    std::shared_ptr<Generation> active_;
    std::shared_ptr<Generation> replaced_;
    hotgraft_import import_{};
};

#endif // HOTGRAFT_TESTS_STEPS_HOST_HPP
