// The reaper's order of looks: pins, barrier, records, pins again. Against the real reaper and a real library.
#include "generation_scene.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "guard.hpp"
#include "reclaim.hpp"

using namespace hotgraft;

namespace {

struct Plain {
    std::uint32_t struct_size;
    std::int64_t (*add)(void *, std::int64_t, std::int64_t);
};

// A generation that was replaced, and somebody who takes a pin on it between the reaper's look at the records and its
// second look at pins.
class LatePin {
public:
    explicit LatePin(bool skips_second_look) : generation_(scene::created(scene::build("plain.c"))) {
        InterfaceWish wish;
        wish.id = "plain/1";
        wish.version = 1U << 16;
        wish.declared_bytes = 24;
        REQUIRE(generation_->make_table(0, wish, &table_).is_ok());
        REQUIRE(generation_->start(0).is_ok());
        generation_->mark_active();
        generation_->mark_held();
        Reaper::instance().set_second_look_seam([](void *self) { static_cast<LatePin *>(self)->pin(); }, this,
                                                skips_second_look);
        REQUIRE(Reaper::instance().retire(generation_).is_ok());
    }
    ~LatePin() { Reaper::instance().set_second_look_seam(nullptr, nullptr, false); }
    LatePin(const LatePin &) = delete;
    LatePin &operator=(const LatePin &) = delete;

    // What a call through the pin does, tried in a forked child: its exit code, or minus the signal that ended it.
    [[nodiscard]] int call() const {
        const pid_t child = fork();
        if (child == 0) {
            _exit(static_cast<int>(HOTGRAFT_INTERFACE(Plain, table_)->add(table_->self, 2, 3)));
        }
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    void end() { REQUIRE(generation_->pin_book().remove(number_)); }

    std::shared_ptr<Generation> generation_;

private:
    // On the reaper's thread, once: whoever looks at the number has seen the reaper come back from here.
    void pin() {
        if (number_ == 0) {
            REQUIRE(generation_->pin_book().add("late session", &number_).is_ok());
        }
    }

    const hotgraft_table *table_ = nullptr;
    std::uint64_t number_ = 0;
};

bool is_seen_pinned() {
    for (const Waiting &one : Reaper::instance().waiting()) {
        if (scene::contains(one.sentence, "late session")) {
            return true;
        }
    }
    return false;
}

std::string without_second_look() {
    const LatePin late(true);
    REQUIRE(Reaper::instance().wait_idle(scene::in_seconds(20)).is_ok());
    REQUIRE(late.generation_->pins() == 1);
    const int ended = late.call();
    return ended == 5 ? std::string() : "a pinned call ended by signal " + std::to_string(-ended);
}

} // namespace

TEST_CASE("a pin taken between the reaper's two looks keeps the library until it ends") {
    const std::uint64_t before = Reaper::instance().proven_count("plain");
    LatePin late(false);
    CHECK(scene::wait_until(is_seen_pinned));
    CHECK(Reaper::instance().proven_count("plain") == before);
    CHECK(late.call() == 5);
    late.end();
    CHECK(Reaper::instance().wait_idle(scene::in_seconds(20)).is_ok());
    CHECK(Reaper::instance().proven_count("plain") == before + 1);
}

TEST_CASE("a thread that is born, calls, and never rests is told from one inside by the record it takes") {
    Slot other{"other/1"}; // nothing serves there: a call through it takes a record and is answered at once
    std::atomic<bool> is_looking{false};
    std::atomic<bool> is_over{false};
    const std::shared_ptr<Generation> generation = scene::created(scene::build("plain.c"));
    const std::uint64_t before = Reaper::instance().proven_count("plain");
    std::thread hot([&] {
        is_looking = true;
        for (const std::int64_t until = monotonic_ns() + 200'000'000; monotonic_ns() < until;) {
        }
        CHECK(Guards::instance().try_enter(other) == nullptr);
        while (!is_over) {
        }
    });
    CHECK(scene::wait_until([&] { return is_looking.load(); }));
    generation->mark_failed();
    REQUIRE(Reaper::instance().retire(generation).is_ok());
    const Status status = Reaper::instance().wait_idle(scene::in_seconds(20)); // while it runs on
    is_over = true;
    hot.join();
    CHECK_MESSAGE(status.is_ok(), status.message());
    CHECK(Reaper::instance().proven_count("plain") == before + 1);
}

TEST_CASE("a thread of the program that never rests makes an unload wait, and leaves it undecided") {
    std::atomic<bool> is_over{false};
    const std::shared_ptr<Generation> generation = scene::created(scene::build("plain.c"));
    const std::uint64_t before = Reaper::instance().proven_count("plain");
    std::thread busy([&] {
        while (!is_over) {
        }
    });
    generation->mark_failed();
    REQUIRE(Reaper::instance().retire(generation).is_ok());
    CHECK(scene::wait_until([] {
        const std::vector<Waiting> waiting = Reaper::instance().waiting();
        return waiting.size() == 1 && scene::contains(waiting.front().sentence, "has not rested");
    }));
    CHECK(Reaper::instance().stuck().empty());
    is_over = true;
    busy.join();
    CHECK(Reaper::instance().wait_idle(scene::in_seconds(20)).is_ok());
    CHECK(Reaper::instance().proven_count("plain") == before + 1);
}

int main(int argc, char **argv) {
    doctest::Context context(argc, argv);
    if (argc == 3 && std::strcmp(argv[1], "--control") == 0) {
        context.setAsDefaultForAssertsOutOfTestCases();
        const std::string seen = without_second_look();
        std::printf("control %s: %s%s\n", argv[2], seen.empty() ? "NOT seen" : "seen: ", seen.c_str());
        return seen.empty() ? 1 : 0;
    }
    return context.run();
}
