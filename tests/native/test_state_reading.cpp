// Looking at the state of a plugin that serves, and copying it: what is read, and that it serves on.
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "events_scene.hpp"
#include "keyed_source.hpp"
#include "state_copy.hpp"
#include "state_reading.hpp"
#include "steps_host.hpp"

using namespace hotgraft;

namespace {

RestWish wish_for(StepsHost &host, std::int64_t budget_ns) {
    const std::int64_t deadline_ns = monotonic_ns() + budget_ns;
    return {host.active_, {host.slot_}, "look", deadline_ns, deadline_ns};
}

Status look(StepsHost &host, std::int64_t budget_ns, std::vector<KeyedState> *saved) {
    std::int64_t pause_ns = 0;
    return read_state(wish_for(host, budget_ns), saved, &pause_ns);
}

std::int64_t number_in(const BlockCopy &copy) {
    std::int64_t number = 0;
    REQUIRE(copy.bytes.size() >= sizeof number);
    std::memcpy(&number, copy.bytes.data(), sizeof number);
    return number;
}

BlockCopy holding(std::uintptr_t word) {
    BlockCopy copy;
    copy.bytes.resize(24);
    copy.block_bytes = 24;
    std::memcpy(copy.bytes.data() + 8, &word, sizeof word);
    return copy;
}

} // namespace

TEST_CASE("the state of what serves can be looked at, and it serves on") {
    StepsHost host("-DSTEPS_SAVES");
    CHECK(host.call(&StepsInterface::next) == 1);
    CHECK(host.call(&StepsInterface::next) == 2);
    std::vector<KeyedState> saved;
    const Status status = look(host, kSecond, &saved);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    REQUIRE(saved.size() == 1);
    KeyedSource reading(saved[0]);
    const void *number = nullptr;
    std::uint64_t len = 0;
    REQUIRE(reading.get("number", HOTGRAFT_VALUE_I64, nullptr, &number, &len) == HOTGRAFT_OK);
    CHECK(*static_cast<const std::int64_t *>(number) == 2);
    CHECK(host.call(&StepsInterface::is_resting) == 0);
    CHECK(host.call(&StepsInterface::next) == 3);
    CHECK(host.active_->stage() == Stage::kActive);
}

TEST_CASE("an instance whose turn comes as the look is given up is not asked to come to rest, nor told of") {
    StepsHost host("-DSTEPS_SAVES");
    REQUIRE(host.active_->create_instance("other", "{}").is_ok());
    REQUIRE(host.active_->start(1).is_ok());
    scene::Event go_on;
    std::atomic<int> turns{0};
    std::vector<KeyedState> saved;
    Status status;
    {
        const scene::AtSeam seam([&](SeamPoint point) {
            if (point == SeamPoint::kRestsNext && turns++ == 1) {
                REQUIRE(go_on.wait());
            }
        });
        status = look(host, kSecond / 8, &saved);
        CHECK(turns == 2);
        go_on.set();
        while (ControlThread::abandoned_count() != 0) {
            std::this_thread::yield();
        }
    }
    CHECK(status.code() == Code::kAbandoned);
    CHECK_MESSAGE(status.message().find("holds still") == std::string::npos, status.message());
    for (const std::size_t index : {std::size_t{0}, std::size_t{1}}) {
        CAPTURE(index);
        InterfaceWish wish;
        wish.id = "steps/1";
        wish.version = 1U << 16;
        const void *functions = nullptr;
        void *self = nullptr;
        REQUIRE(host.active_->interface(index, wish, &functions, &self).is_ok());
        CHECK(static_cast<const StepsInterface *>(functions)->is_resting(self) == 0);
    }
    host.active_ = nullptr;
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
        CHECK(look(host, kSecond / 2, &saved).code() == cell.code);
        CHECK(saved.empty());
        CHECK(host.call(&StepsInterface::is_resting) == 0);
        CHECK(host.call(&StepsInterface::next) == 2);
    }
    StepsHost host("-DSTEPS_SAVES");
    std::uint64_t pin = 0;
    REQUIRE(host.active_->pin_book().add("session 7", &pin).is_ok());
    std::vector<KeyedState> saved;
    const Status pinned = look(host, kSecond, &saved);
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
    CHECK(look(host, kSecond / 2, &saved).code() == Code::kTimedOut);
    may_leave = true;
    caller.join();
    CHECK(host.call(&StepsInterface::next) == 1);
    CHECK(look(host, kSecond, &saved).is_ok());
}

TEST_CASE("state that cannot be saved cannot be looked at") {
    StepsHost host;
    std::vector<KeyedState> saved;
    CHECK(look(host, kSecond, &saved).code() == Code::kRefused);
    CHECK(host.call(&StepsInterface::next) == 1);
}

TEST_CASE("a block is copied as it is, and is the plugin's again") {
    StepsHost host;
    CHECK(host.call(&StepsInterface::next) == 1);
    CHECK(host.call(&StepsInterface::next) == 2);
    std::vector<BlockCopy> copies;
    std::int64_t pause_ns = 0;
    const Status status = copy_blocks(wish_for(host, kSecond), 1 << 20, &copies, &pause_ns);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    REQUIRE(copies.size() == 1);
    CHECK(copies[0].bytes.size() == copies[0].block_bytes);
    CHECK(number_in(copies[0]) == 2);
    CHECK(copies[0].layout_id == 11);
    CHECK(pause_ns > 0);
    CHECK(host.call(&StepsInterface::is_resting) == 0);
    CHECK(host.call(&StepsInterface::next) == 3);
    CHECK(number_in(copies[0]) == 2);
}

TEST_CASE("a block that is too large is left out, with its size") {
    StepsHost host;
    std::vector<BlockCopy> copies;
    std::int64_t pause_ns = 0;
    REQUIRE(copy_blocks(wish_for(host, kSecond), 4, &copies, &pause_ns).is_ok());
    REQUIRE(copies.size() == 1);
    CHECK(copies[0].bytes.empty());
    CHECK(copies[0].block_bytes >= 8);
    CHECK(host.call(&StepsInterface::next) == 1);
}

TEST_CASE("copying fails without a change where surrender or quiesce says no, or nothing is handed over") {
    for (const char *const config : {"{\"fail\": \"surrender\"}", "{\"fail\": \"quiesce\"}"}) {
        CAPTURE(config);
        StepsHost host("", config);
        host.call(&StepsInterface::next);
        std::vector<BlockCopy> copies;
        std::int64_t pause_ns = 0;
        CHECK(copy_blocks(wish_for(host, kSecond), 1 << 20, &copies, &pause_ns).code() == Code::kPlugin);
        CHECK(copies.empty());
        CHECK(host.call(&StepsInterface::is_resting) == 0);
        CHECK(host.call(&StepsInterface::next) == 2);
    }
    StepsHost saves("-DSTEPS_SAVES");
    std::vector<BlockCopy> copies;
    std::int64_t pause_ns = 0;
    CHECK(copy_blocks(wish_for(saves, kSecond), 1 << 20, &copies, &pause_ns).code() == Code::kRefused);
}

TEST_CASE("M09: a word that leads into the library is found with its place, one that leads elsewhere apart from it") {
    StepsHost host;
    const Library &library = *host.active_->library();
    const std::vector<BlockPointer> into = find_pointers_into(library, holding(library.range().begin + 64), 4);
    REQUIRE(into.size() == 1);
    CHECK(into[0].offset == 8);
    CHECK(into[0].target.find("steps") != std::string::npos);
    CHECK(find_pointers_into(library, holding(library.range().end), 4).empty());

    BlockPointer found;
    const auto here = reinterpret_cast<std::uintptr_t>(&found);
    CHECK(find_pointer(holding(here), &found));
    CHECK(found.offset == 8);
    for (const std::uintptr_t number :
         {std::uintptr_t{0}, std::uintptr_t{42}, ~std::uintptr_t{0}, std::uintptr_t{1} << 47}) {
        CHECK_FALSE(find_pointer(holding(number), &found));
    }
}
