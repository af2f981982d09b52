// Asking a generation that serves for its health: each answer, and what a check that hangs holds up (its own library)
// and what it does not (everything else).
#include "generation_plain.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "guard.hpp"
#include "health_check.hpp"
#include "reclaim.hpp"
#include "state_rest.hpp"

using namespace hotgraft;
using scene::contains;

namespace {

constexpr std::int64_t kShort = 100'000'000; // of a check that hangs: it is waited for in full
constexpr const char *kIsHung = "the check hangs";

// An instance that serves, and the file its checks wait for where its config says so.
class Checked {
public:
    explicit Checked(const std::string &config) {
        static int number = 0;
        file_ = (scene::folder() / ("until" + std::to_string(++number))).string();
        generation_ = scene::created(scene::build("unhealthy.c"), with_file(config));
        REQUIRE(generation_->start(0).is_ok());
        generation_->mark_active();
    }
    ~Checked() {
        open();
        if (generation_->stage() == Stage::kActive) {
            CHECK(retire().is_ok());
        }
        const Status idle = Reaper::instance().wait_idle(scene::in_seconds(20));
        CHECK_MESSAGE(idle.is_ok(), idle.message());
    }
    Checked(const Checked &) = delete;
    Checked &operator=(const Checked &) = delete;

    HealthAnswer ask(std::int64_t deadline_ns = scene::in_seconds(20), std::uint32_t depth = HOTGRAFT_HEALTH_QUICK) {
        HealthAnswer answer;
        const Status status = check_health(generation_, 0, depth, deadline_ns, &answer);
        REQUIRE_MESSAGE(status.is_ok(), status.message());
        return answer;
    }
    Health ask_briefly() { return ask(monotonic_ns() + kShort).health; }
    void open() const { std::ofstream(file_).put('x'); }
    [[nodiscard]] bool is_inside() const { return std::filesystem::exists(file_ + ".inside"); }
    [[nodiscard]] Status retire() const {
        generation_->mark_held();
        return Reaper::instance().retire(generation_);
    }
    [[nodiscard]] bool is_held() const {
        for (const Waiting &one : Reaper::instance().waiting()) {
            if (one.path == generation_->staged().path &&
                contains(one.sentence, "a health check that has not come back")) {
                return true;
            }
        }
        return false;
    }

    std::shared_ptr<Generation> generation_;

private:
    [[nodiscard]] std::string with_file(const std::string &config) const {
        return config == "{}" ? config : config.substr(0, config.size() - 1) + ", \"until\": \"" + file_ + "\"}";
    }

    std::string file_;
};

// In a child of its own: what the thread of a check comes back to when nothing has kept its library.
void without_lease() {
    Checked checked("{\"hangs_from\": 1}");
    if (checked.ask_briefly() != Health::kHung || checked.generation_->leases().size() != 1) {
        return;
    }
    std::printf("%s\n", kIsHung);
    std::fflush(stdout);
    checked.generation_->remove_lease(checked.generation_->leases().front().number);
    (void)checked.retire();
    (void)scene::wait_until([] { return false; }, 20); // the signal ends it long before
}

// A moment at rest is asked for while a check is inside and within its deadline: what it answers, and how often the
// plugin saw two of its control functions at one time.
std::pair<Code, int> rest_beside_check(std::int64_t budget_ns) {
    Checked checked("{\"hangs_from\": 1}");
    const auto slot = std::make_shared<Slot>("plain/1");
    const hotgraft_table *table = nullptr;
    REQUIRE(checked.generation_->make_table(0, scene::plain_wish(), &table).is_ok());
    REQUIRE(Guards::instance().publish_open(*slot, table).is_ok());
    const int *const overlaps = scene::variable_of(*checked.generation_, "overlaps");
    std::thread asker([&] { (void)checked.ask(); });
    REQUIRE(scene::wait_until([&] { return checked.is_inside(); }));
    std::int64_t pause_ns = 0;
    const RestWish wish{checked.generation_, {slot}, "look", monotonic_ns() + budget_ns, scene::in_seconds(20)};
    const Status status = at_rest(
        wish, [](Generation &) { return Status(); }, &pause_ns);
    const int seen = *overlaps;
    checked.open();
    asker.join();
    REQUIRE(Guards::instance().publish_open(*slot, nullptr).is_ok());
    return {status.code(), seen};
}

std::string without_hold_off() {
    HealthChecks::set_hold_off_seam(true);
    const int seen = rest_beside_check(20 * scene::kSecond).second;
    HealthChecks::set_hold_off_seam(false);
    return seen == 0 ? std::string() : "quiesce ran while a check of the instance was inside";
}

// How this program ends as `--control NAME-in-child`, and what it said.
std::string end_of_child(const std::string &name) {
    int pipe_fds[2];
    REQUIRE(pipe(pipe_fds) == 0);
    const pid_t child = fork();
    if (child == 0) {
        ::dup2(pipe_fds[1], 1);
        ::execl("/proc/self/exe", "test_health", "--control", (name + "-in-child").c_str(), nullptr);
        _exit(127);
    }
    ::close(pipe_fds[1]);
    std::string said(64, '\0');
    const ssize_t count = ::read(pipe_fds[0], said.data(), said.size());
    ::close(pipe_fds[0]);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    const bool is_hung = count > 0 && contains(said, kIsHung);
    return is_hung && WIFSIGNALED(status) ? "it ended by signal " + std::to_string(WTERMSIG(status)) : std::string();
}

} // namespace

TEST_CASE("a plugin says of itself whether it is fit, looked at quickly and in full") {
    Checked checked("{}");
    const HealthAnswer quick = checked.ask();
    CHECK(quick.health == Health::kFit);
    CHECK(quick.sentence.empty());
    const HealthAnswer full = checked.ask(scene::in_seconds(20), HOTGRAFT_HEALTH_FULL);
    CHECK(full.health == Health::kUnfit);
    CHECK(full.sentence == "health of instance \"main\" answered -1 (failed): \"the model answers 3 of 8 questions\"");
    CHECK(checked.generation_->leases().empty());
}

TEST_CASE("I14: fit five times, then not") {
    Checked checked("{\"fails_after\": 5}");
    for (int look = 0; look < 5; ++look) {
        CHECK(checked.ask().health == Health::kFit);
    }
    CHECK(contains(checked.ask().sentence, "look 6 found a crack"));
}

TEST_CASE("a plugin without the extension is fit, and no thread is made for it") {
    const std::shared_ptr<Generation> generation = scene::created(scene::build("plain.c"));
    REQUIRE(generation->start(0).is_ok());
    generation->mark_active();
    HealthAnswer answer{Health::kHung, "left over"};
    REQUIRE(check_health(generation, 0, HOTGRAFT_HEALTH_QUICK, 0, &answer).is_ok()); // no deadline could be shorter
    CHECK(answer.health == Health::kFit);
    CHECK(answer.sentence.empty());
    generation->mark_held();
    REQUIRE(Reaper::instance().retire(generation).is_ok());
    CHECK(Reaper::instance().wait_idle(scene::in_seconds(20)).is_ok());
}

TEST_CASE("I13: a check that hangs is left alone, and no second one is begun") {
    Checked checked("{\"hangs_from\": 2}");
    CHECK(checked.ask().health == Health::kFit);
    const HealthAnswer hung = checked.ask(monotonic_ns() + kShort);
    CHECK(hung.health == Health::kHung);
    CHECK(contains(hung.sentence, "health has not returned after"));
    const HealthAnswer again = checked.ask(); // at once: within twenty seconds the file would have to appear
    CHECK(again.health == Health::kHung);
    CHECK(contains(again.sentence, "the check before this one has not come back"));
    CHECK(checked.generation_->stage() == Stage::kActive);
    CHECK_FALSE(checked.generation_->is_abandoned());
    CHECK(checked.generation_->leases().size() == 1);
}

TEST_CASE("checks that hang count towards nothing that refuses a swap") {
    std::vector<std::unique_ptr<Checked>> hanging;
    for (std::size_t i = 0; i < kAbandonedMax + 1; ++i) {
        hanging.push_back(std::make_unique<Checked>("{\"hangs_from\": 1}"));
        CHECK(hanging.back()->ask_briefly() == Health::kHung);
    }
    CHECK(ControlThread::abandoned_count() == 0);
    ControlThread control;
    CHECK(control
              .run(
                  "work", [] { return Status(); }, scene::in_seconds(20))
              .is_ok());
}

TEST_CASE("a check that comes back late gives its lease up, and the next one is asked") {
    Checked checked("{\"hangs_from\": 1}");
    CHECK(checked.ask_briefly() == Health::kHung);
    checked.open(); // from now on a check that hangs is back at once
    CHECK(scene::wait_until([&] { return checked.ask().health == Health::kFit; }));
    CHECK(checked.generation_->leases().empty());
}

TEST_CASE("I13: a library is not unmapped under a check that hangs, and is proven gone once it has come back") {
    const std::uint64_t before = Reaper::instance().proven_count("plain");
    Checked checked("{\"hangs_from\": 1}");
    CHECK(checked.ask_briefly() == Health::kHung);
    REQUIRE(checked.retire().is_ok());
    CHECK(scene::wait_until([&] { return checked.is_held() && checked.is_inside(); }));
    CHECK(Reaper::instance().proven_count("plain") == before);
    checked.open();
    const Status idle = Reaper::instance().wait_idle(scene::in_seconds(20));
    CHECK_MESSAGE(idle.is_ok(), idle.message());
    CHECK(Reaper::instance().proven_count("plain") == before + 1);
    CHECK(checked.generation_->stage() == Stage::kUnloaded);
}

TEST_CASE("a window waits for a check until the check's own deadline, and none begins inside it") {
    Checked checked("{\"hangs_from\": 1}");
    Health answer = Health::kFit;
    const std::int64_t deadline_ns = scene::in_seconds(2);
    std::thread asker([&] { answer = checked.ask(deadline_ns).health; });
    CHECK(scene::wait_until([&] { return checked.is_inside(); }));
    {
        const ChecksHeldOff too_short({checked.generation_}, monotonic_ns() + kShort);
        CHECK(too_short.status().code() == Code::kTimedOut);
        CHECK(contains(too_short.status().message(), "its health check was still under way"));
    }
    {
        const ChecksHeldOff held_off({checked.generation_}, scene::in_seconds(20));
        CHECK(held_off.status().is_ok());
        CHECK(monotonic_ns() >= deadline_ns);
        CHECK(checked.ask().health == Health::kHung); // the one before it is what is in the way, not the window
    }
    asker.join();
    CHECK(answer == Health::kHung);
}

TEST_CASE("a check that comes back lets the window go on, and waits for it to end") {
    Checked checked("{\"hangs_from\": 1}");
    std::thread asker([&] { CHECK(checked.ask().health == Health::kFit); });
    CHECK(scene::wait_until([&] { return checked.is_inside(); }));
    checked.open();
    const std::int64_t until_ns = scene::in_seconds(10);
    {
        const ChecksHeldOff held_off({checked.generation_}, until_ns);
        CHECK(held_off.status().is_ok());
        CHECK(monotonic_ns() < until_ns);
        const HealthAnswer inside = checked.ask();
        CHECK(inside.health == Health::kNotAsked);
        CHECK(inside.sentence == "a swap of it goes on");
    }
    asker.join();
    CHECK(checked.ask().health == Health::kFit);
}

TEST_CASE("a check and quiesce of one instance never run at one time") {
    const auto [code, overlaps] = rest_beside_check(kShort);
    CHECK(code == Code::kTimedOut);
    CHECK(overlaps == 0);
}

TEST_CASE("what is late goes on only where nobody holds it off, and is waited for then") {
    Checked checked("{}");
    const std::shared_ptr<Generation> generation = checked.generation_;
    const auto may_ask = std::make_shared<std::atomic<bool>>(false);
    const auto may_end = std::make_shared<std::atomic<bool>>(false);
    const auto goes_on = std::make_shared<std::atomic<int>>(-1);
    const auto begin = [&] {
        *may_ask = *may_end = false;
        *goes_on = -1;
        HealthAnswer answer;
        const Status status = ask_serving(
            {generation, 0, "look", "a health check that has not come back"},
            [=] {
                (void)scene::wait_until([&] { return may_ask->load(); });
                *goes_on = generation->health_checks().go_on(0, scene::in_seconds(20)) ? 1 : 0;
                (void)scene::wait_until([&] { return may_end->load(); });
                return Status();
            },
            monotonic_ns() + kShort / 10, &answer);
        CHECK(status.is_ok());
        CHECK(answer.health == Health::kHung);
    };
    const auto asked = [&] {
        *may_ask = true;
        return scene::wait_until([&] { return *goes_on != -1; });
    };
    begin();
    {
        const ChecksHeldOff held({generation}, scene::in_seconds(20));
        CHECK(held.status().is_ok()); // nobody waits for what is late
        CHECK(asked());
        CHECK(*goes_on == 0);
    }
    *may_end = true;
    CHECK(scene::wait_until([&] { return checked.ask().health == Health::kFit; }));
    begin();
    CHECK(asked());
    CHECK(*goes_on == 1);
    CHECK(ChecksHeldOff({generation}, monotonic_ns() + kShort / 10).status().code() == Code::kTimedOut);
    *may_end = true;
    CHECK(ChecksHeldOff({generation}, scene::in_seconds(20)).status().is_ok());
    CHECK(scene::wait_until([&] { return checked.ask().health == Health::kFit; }));
}

TEST_CASE("what does not serve is not asked") {
    Checked checked("{}");
    checked.generation_->mark_held();
    const HealthAnswer held = checked.ask();
    CHECK(held.health == Health::kNotAsked);
    CHECK(held.sentence == "it is held");
    CHECK(checked.generation_->leases().empty());
    checked.generation_->mark_active();
    CHECK(checked.ask().health == Health::kFit);
    HealthAnswer answer;
    CHECK(check_health(checked.generation_, 7, HOTGRAFT_HEALTH_QUICK, scene::in_seconds(20), &answer).code() ==
          Code::kInvalid);
}

TEST_CASE("too many checks that hang are told of, and no thread more is left behind") {
    std::vector<std::unique_ptr<Checked>> hanging;
    for (std::size_t i = 0; i < kHungChecksMax; ++i) {
        hanging.push_back(std::make_unique<Checked>("{\"hangs_from\": 1}"));
        CHECK(hanging.back()->ask(monotonic_ns() + kShort / 10).health == Health::kHung);
    }
    Checked one_more("{}");
    CHECK(one_more.ask().health == Health::kNotAsked);
    hanging.clear(); // opens them, and waits until they are gone
    CHECK(one_more.ask().health == Health::kFit);
}

TEST_CASE("a forked child checks nothing") {
    Checked checked("{}");
    const pid_t child = fork();
    if (child == 0) {
        HealthAnswer answer;
        const Status status =
            check_health(checked.generation_, 0, HOTGRAFT_HEALTH_QUICK, scene::in_seconds(20), &answer);
        _exit(status.code() == Code::kForked ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv) {
    doctest::Context context(argc, argv);
    if (argc == 3 && std::strcmp(argv[1], "--control") == 0) {
        context.setAsDefaultForAssertsOutOfTestCases();
        if (std::strcmp(argv[2], "no_lease-in-child") == 0) {
            without_lease();
            return 0;
        }
        const bool is_in_child = std::strcmp(argv[2], "no_lease") == 0;
        const std::string seen = is_in_child ? end_of_child(argv[2]) : without_hold_off();
        std::printf("control %s: %s%s\n", argv[2], seen.empty() ? "NOT seen" : "seen: ", seen.c_str());
        return seen.empty() ? 1 : 0;
    }
    return context.run();
}
