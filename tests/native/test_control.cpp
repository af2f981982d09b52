// The control thread: plugin code that does not return costs a thread, never the caller.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "generation_scene.hpp"

using namespace hotgraft;
using scene::contains;

namespace {

// What a hanging piece of work waits at.
struct Door {
    void pass() {
        std::unique_lock<std::mutex> lock(mutex);
        ++inside;
        changed.notify_all();
        changed.wait(lock, [this] { return is_open; });
        --inside;
        changed.notify_all();
    }
    void open() {
        const std::lock_guard<std::mutex> lock(mutex);
        is_open = true;
        changed.notify_all();
    }
    std::mutex mutex;
    std::condition_variable changed;
    bool is_open = false;
    int inside = 0;
};

std::int64_t soon() {
    return monotonic_ns() + 30'000'000;
}

} // namespace

TEST_CASE("work runs on one other thread, in order, and its answer comes back") {
    ControlThread control;
    CHECK(control.thread_id() == 0); // made lazily
    std::vector<std::thread::id> threads;
    for (int i = 0; i < 3; ++i) {
        const Status status = control.run(
            "work",
            [&] {
                threads.push_back(std::this_thread::get_id());
                return Status(Code::kPlugin, "answer " + std::to_string(i));
            },
            scene::in_seconds(10));
        CHECK(status.code() == Code::kPlugin);
        CHECK(status.message() == "answer " + std::to_string(i));
    }
    CHECK(threads[0] != std::this_thread::get_id());
    CHECK(threads[0] == threads[1]);
    CHECK(threads[1] == threads[2]);
    const std::vector<int> tids = ControlThread::thread_ids();
    CHECK(std::count(tids.begin(), tids.end(), control.thread_id()) == 1);
}

TEST_CASE("work over its deadline is left behind, named, and the next run has a new thread") {
    const auto door = std::make_shared<Door>();
    ControlThread control;
    const Status status = control.run(
        "create",
        [door] {
            door->pass();
            return Status();
        },
        soon());
    CHECK(status.code() == Code::kAbandoned);
    CHECK(contains(status.message(), "create has not returned"));
    CHECK(control.has_abandoned());
    CHECK(ControlThread::abandoned_count() == 1);
    CHECK(control
              .run(
                  "next", [] { return Status(); }, scene::in_seconds(10))
              .is_ok());
    door->open();
    CHECK(scene::wait_until([] { return ControlThread::abandoned_count() == 0; }));
}

TEST_CASE("work that was late before its thread came up says how long that was") {
    const auto door = std::make_shared<Door>();
    ControlThread control;
    const Status status = control.run(
        "create",
        [door] {
            door->pass();
            return Status();
        },
        0);
    CHECK(status.code() == Code::kAbandoned);
    CHECK(contains(status.message(), " ms"));
    door->open();
    CHECK(scene::wait_until([] { return ControlThread::abandoned_count() == 0; }));
}

TEST_CASE("what abandoned work captured lives until it returns") {
    const auto door = std::make_shared<Door>();
    auto captured = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = captured;
    {
        ControlThread control;
        CHECK(control
                  .run(
                      "save",
                      [door, captured] {
                          door->pass();
                          *captured = 2;
                          return Status();
                      },
                      soon())
                  .code() == Code::kAbandoned);
        captured.reset();
    }
    CHECK(!watch.expired());
    door->open();
    CHECK(scene::wait_until([&] { return watch.expired(); }));
    CHECK(scene::wait_until([] { return ControlThread::abandoned_count() == 0; }));
}

TEST_CASE("at most four are left behind, then nothing new is run until one comes back") {
    const auto door = std::make_shared<Door>();
    ControlThread control;
    const auto hang = [door] {
        door->pass();
        return Status();
    };
    for (std::size_t i = 0; i < kAbandonedMax; ++i) {
        CHECK(control.run("start", hang, soon()).code() == Code::kAbandoned);
    }
    CHECK(ControlThread::abandoned_count() == kAbandonedMax);
    bool has_run = false;
    const Status refused = control.run(
        "one more",
        [&] {
            has_run = true;
            return Status();
        },
        scene::in_seconds(10));
    CHECK(refused.code() == Code::kBusy);
    CHECK(contains(refused.message(), "4 control threads"));
    CHECK(!has_run);
    control.goes_back(); // who has given something away needs it again
    CHECK(control
              .run(
                  "give back", [] { return Status(); }, scene::in_seconds(10))
              .is_ok());
    door->open();
    CHECK(scene::wait_until([] { return ControlThread::abandoned_count() == 0; }));
    CHECK(control
              .run(
                  "again", [] { return Status(); }, scene::in_seconds(10))
              .is_ok());
}

TEST_CASE("an idle control thread ends with its object") {
    const std::size_t before = scene::count_of("/proc/self/task");
    {
        ControlThread control;
        CHECK(control
                  .run(
                      "work", [] { return Status(); }, scene::in_seconds(10))
                  .is_ok());
    }
    CHECK(scene::wait_until([&] { return scene::count_of("/proc/self/task") <= before; }));
    CHECK(ControlThread::thread_ids().empty());
}
