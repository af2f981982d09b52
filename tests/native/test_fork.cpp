// fork: the child calls on the tables that served, at whatever step of a swap it was made; the control plane is off
// there.
#include "guard_scene.hpp"

#include <cerrno>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include "membarrier.hpp"

using namespace scene;

namespace {

Guards &guards() {
    return Guards::instance();
}

// The exit code of `child` run in a forked process; -1 when it died or took more than 20 s.
int in_child(const std::function<int()> &child) {
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        _exit(child());
    }
    int status = 0;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct Pair {
    Pair() {
        REQUIRE(guards().publish_open(a, old_a.get()).is_ok());
        REQUIRE(guards().publish_open(b, old_b.get()).is_ok());
    }
    // Generations that a and b answer, as two digits.
    [[nodiscard]] int call() {
        int answers = 0;
        for (Slot *slot : {&a, &b}) {
            const hotgraft_import import = import_of(*slot);
            hotgraft_guard guard;
            const hotgraft_table *table = hotgraft_enter(&import, &guard);
            answers = answers * 10 +
                      (table == nullptr ? 0 : static_cast<int>(HOTGRAFT_INTERFACE(Answer, table)->answer(table->self)));
            if (table != nullptr) {
                hotgraft_leave(&guard);
            }
        }
        return answers;
    }
    Slot a{"a/1"};
    Slot b{"b/1"};
    Offer old_a{1};
    Offer old_b{1};
    Offer new_a{2};
    Offer new_b{2};
};

} // namespace

TEST_CASE("a child made before anything is published has the whole control plane, and none that is made later has") {
    REQUIRE(in_child([] {
                if (guards().is_forked_child()) {
                    return 1;
                }
                Pair pair; // its own
                GateSet gates({&pair.a});
                const bool is_replaced = gates.close().is_ok() && gates.drain(in_seconds(5)).is_ok() &&
                                         gates.publish({pair.new_a.get()}).is_ok();
                const int of_its_child = in_child([] { return guards().is_forked_child() ? 3 : 4; });
                return is_replaced && of_its_child == 3 ? pair.call() : 2;
            }) == 21);
    const Pair pair;
    CHECK(in_child([] { return guards().is_forked_child() ? 3 : 4; }) == 3);
}

TEST_CASE("a child made at each step of a swap calls on one side of it, and the parent's swap goes on") {
    Pair pair;
    GateSet gates({&pair.a, &pair.b});
    CHECK(in_child([&] { return pair.call(); }) == 11);
    REQUIRE(gates.close().is_ok());
    CHECK(in_child([&] { return pair.call(); }) == 11);
    REQUIRE(gates.drain(in_seconds(5)).is_ok());
    CHECK(in_child([&] { return pair.call(); }) == 11);
    gates.begin_transfer();
    CHECK(in_child([&] { return pair.call(); }) == 11); // this thread holds the fork lock itself
    REQUIRE(gates.publish({pair.new_a.get(), pair.new_b.get()}).is_ok());
    CHECK(in_child([&] { return pair.call(); }) == 22);
    REQUIRE(gates.close().is_ok());
    gates.reopen();
    CHECK(in_child([&] { return pair.call(); }) == 22);
}

TEST_CASE("in a child the control plane says that it is off, and nothing it refuses changes what serves") {
    Pair pair;
    GateSet gates({&pair.a});
    REQUIRE(gates.close().is_ok());
    CHECK(!guards().is_forked_child());
    CHECK(in_child([&] {
              const bool is_off = guards().is_forked_child() && gates.drain(in_seconds(1)).code() == Code::kForked &&
                                  gates.publish({pair.new_a.get()}).code() == Code::kForked &&
                                  GateSet({&pair.b}).close().code() == Code::kForked &&
                                  guards().publish_open(pair.b, pair.new_b.get()).code() == Code::kForked;
              gates.reopen();
              return is_off ? pair.call() : 0;
          }) == 11);
    REQUIRE(gates.drain(in_seconds(5)).is_ok());
    REQUIRE(gates.publish({pair.new_a.get()}).is_ok());
}

TEST_CASE("a child made inside a call keeps that call's guard and forgets the guards of other threads") {
    Pair pair;
    Event entered;
    Event done;
    std::thread other([&] {
        const hotgraft_table *table = guards().enter(pair.b);
        entered.set();
        REQUIRE(done.wait());
        guards().leave(table);
    });
    REQUIRE(entered.wait());
    const hotgraft_table *mine = guards().enter(pair.a);
    CHECK(in_child([&] {
              const bool keeps = guards().holders({pair.old_a.get()}).size() == 1 &&
                                 guards().holders({pair.old_a.get()})[0].tid == thread_id();
              const bool forgets = guards().holders({pair.old_b.get()}).empty();
              guards().leave(mine);
              return keeps && forgets && !guards().calling_thread_holds_any() ? pair.call() : 0;
          }) == 11);
    guards().leave(mine);
    done.set();
    other.join();
}

TEST_CASE("fork waits while a swap moves state, and a child sees the whole of a set published or none of it") {
    Pair pair;
    GateSet gates({&pair.a, &pair.b});
    REQUIRE(gates.close().is_ok());
    REQUIRE(gates.drain(in_seconds(5)).is_ok());
    gates.begin_transfer();
    std::atomic<bool> is_forked{false};
    int answer = 0;
    Event begins;
    std::thread forker([&] {
        begins.set();
        answer = in_child([&] { return pair.call(); });
        is_forked = true;
    });
    REQUIRE(begins.wait());
    bool was_early = false;
    const AtSeam seam([&](SeamPoint point) { // half a set is published: the worst moment
        was_early = was_early || (point == SeamPoint::kBetweenSlots && is_forked);
        if (point == SeamPoint::kBetweenSlots) {
            for (int i = 0; i < 1000; ++i) {
                std::this_thread::yield(); // let it try
            }
        }
    });
    REQUIRE(gates.publish({pair.new_a.get(), pair.new_b.get()}).is_ok());
    forker.join();
    CHECK(!was_early);
    CHECK(answer == 22);
}

TEST_CASE("plugin code that forks on the swap's own control thread does not wait for that swap") {
    Pair pair;
    GateSet gates({&pair.a, &pair.b});
    REQUIRE(gates.close().is_ok());
    REQUIRE(gates.drain(in_seconds(5)).is_ok());
    gates.begin_transfer();
    int answer = 0;
    std::thread control([&] {
        const CarriesOut carries(gates.swap());
        answer = in_child([&] { return pair.call(); });
    });
    control.join();
    CHECK(answer == 11);
    REQUIRE(gates.publish({pair.new_a.get(), pair.new_b.get()}).is_ok());
    CHECK(pair.call() == 22);
}

TEST_CASE("children made while callers, swaps and threads come and go can always call") {
    Pair pair;
    std::vector<std::unique_ptr<Offer>> offers;
    std::atomic<bool> is_done{false};
    std::thread caller([&] {
        while (!is_done) {
            (void)pair.call();
        }
    });
    std::thread swapper([&] {
        for (std::uint64_t number = 3; !is_done; ++number) {
            const std::uint64_t answer = number % 9 + 1;
            offers.push_back(std::make_unique<Offer>(answer));
            offers.push_back(std::make_unique<Offer>(answer));
            GateSet gates({&pair.a, &pair.b});
            REQUIRE(gates.close().is_ok());
            REQUIRE(gates.drain(in_seconds(20)).is_ok());
            gates.begin_transfer();
            REQUIRE(gates.publish({offers[offers.size() - 2]->get(), offers.back()->get()}).is_ok());
        }
    });
    for (std::uint64_t i = 0; i < sized(60, 1000); ++i) {
        const int answer = in_child([&] { return pair.call(); });
        CAPTURE(answer);
        CHECK(answer > 0);
        CHECK(answer / 10 == answer % 10); // both slots on one side: no swap goes on in a child
    }
    is_done = true;
    caller.join();
    swapper.join();
}

TEST_CASE("a child inherits the registration for membarrier") {
    if (guards().has_membarrier()) {
        CHECK(in_child([] { return membarrier_all() ? 1 : 0; }) == 1);
    }
}

int main(int argc, char **argv) {
    return run(argc, argv, {});
}
