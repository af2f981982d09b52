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
#include "state_reading.hpp"
#include "swap.hpp"
#include "window.hpp"

using namespace hotgraft;

namespace {

struct StepsInterface {
    std::uint32_t struct_size;
    std::int64_t (*next)(void *);
    std::int64_t (*value)(void *);
    std::int64_t (*is_resting)(void *);
};

constexpr std::int64_t kSecond = 1'000'000'000;

std::filesystem::path work_folder() {
    static const std::filesystem::path folder = [] {
        char name[] = "/tmp/hotgraft-swap-XXXXXX";
        return std::filesystem::path(mkdtemp(name));
    }();
    return folder;
}

// Build steps.c with `flags`; each set of flags once.
std::string build(const std::string &flags) {
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

// A plugin "steps" with one instance, and what a host keeps of it.
class StepsHost {
public:
    explicit StepsHost(const std::string &flags = "", const std::string &config = "{}") {
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
        static std::uint64_t number = 0;
        CandidateWish wish;
        wish.staging = {build(flags), (work_folder() / "staged").string(), "steps", ++number};
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
        request.members.push_back({active_, candidate.generation, {move}, candidate.tables[0], true});
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

    std::shared_ptr<Slot> slot_ = std::make_shared<Slot>("steps/1");
    std::shared_ptr<Generation> active_;
    std::shared_ptr<Generation> replaced_;
    hotgraft_import import_{};
};

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

TEST_CASE("the state of what serves can be looked at, and it serves on") {
    StepsHost host("-DSTEPS_SAVES");
    CHECK(host.call(&StepsInterface::next) == 1);
    CHECK(host.call(&StepsInterface::next) == 2);
    std::vector<KeyedState> saved;
    const Status status = read_state(host.active_, {host.slot_}, monotonic_ns() + kSecond, &saved);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    REQUIRE(saved.size() == 1);
    const KeyedState::Value *const number = saved[0].find("number");
    REQUIRE(number != nullptr);
    CHECK(*static_cast<const std::int64_t *>(number->data) == 2);
    CHECK(host.call(&StepsInterface::is_resting) == 0);
    CHECK(host.call(&StepsInterface::next) == 3);
    CHECK(host.active_->stage() == Stage::kActive);
}

TEST_CASE("looking at the state fails without a change where save, quiesce or a pin says no") {
    struct Cell {
        const char *config;
        Code code;
    };
    for (const Cell &cell :
         {Cell{"{\"fail\": \"save\"}", Code::kPlugin}, Cell{"{\"fail\": \"quiesce\"}", Code::kPlugin},
          Cell{"{\"again\": \"quiesce\"}", Code::kTimedOut}}) {
        CAPTURE(cell.config);
        StepsHost host("-DSTEPS_SAVES", cell.config);
        host.call(&StepsInterface::next);
        std::vector<KeyedState> saved;
        CHECK(read_state(host.active_, {host.slot_}, monotonic_ns() + kSecond / 2, &saved).code() == cell.code);
        CHECK(saved.empty());
        CHECK(host.call(&StepsInterface::is_resting) == 0);
        CHECK(host.call(&StepsInterface::next) == 2);
    }
    StepsHost host("-DSTEPS_SAVES");
    std::uint64_t pin = 0;
    REQUIRE(host.active_->pin_book().add("session 7", &pin).is_ok());
    std::vector<KeyedState> saved;
    const Status pinned = read_state(host.active_, {host.slot_}, monotonic_ns() + kSecond, &saved);
    CHECK(pinned.code() == Code::kBusy);
    CHECK(pinned.message().find("session 7") != std::string::npos);
    CHECK(host.active_->pin_book().remove(pin));
    REQUIRE(host.active_->pin_book().add("session 8", &pin).is_ok());
    CHECK(host.active_->pin_book().remove(pin));
}

TEST_CASE("looking at the state waits for calls that are inside, and gives up at the deadline") {
    StepsHost host("-DSTEPS_SAVES");
    hotgraft_guard guard;
    std::atomic<bool> is_inside{false};
    std::atomic<bool> may_leave{false};
    std::thread caller([&] {
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
    std::vector<KeyedState> saved;
    CHECK(read_state(host.active_, {host.slot_}, monotonic_ns() + kSecond / 2, &saved).code() == Code::kTimedOut);
    may_leave = true;
    caller.join();
    CHECK(host.call(&StepsInterface::next) == 1);
    CHECK(read_state(host.active_, {host.slot_}, monotonic_ns() + kSecond, &saved).is_ok());
}

TEST_CASE("state that cannot be saved cannot be looked at") {
    StepsHost host;
    std::vector<KeyedState> saved;
    CHECK(read_state(host.active_, {host.slot_}, monotonic_ns() + kSecond, &saved).code() == Code::kRefused);
    CHECK(host.call(&StepsInterface::next) == 1);
}
