// Telling those who import what a swap replaces, at the level of the core: who is told, in which order, and what a hang
// costs. What the notices say is tests/unit/test_notify.py's.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "notify.hpp"

using namespace hotgraft;

namespace {

// A consumer's side without a library: what it was told, in order.
struct Heard {
    static std::vector<std::string> all;

    static void add(const char *kind, const hotgraft_change *change) {
        all.push_back(std::string(kind) + " " + change->import + " " + std::to_string(change->from_generation) + ">" +
                      std::to_string(change->to_generation) +
                      ((change->flags & HOTGRAFT_CHANGE_ROLLBACK) != 0 ? "!" : ""));
    }
    static void prepare(hotgraft_instance *, const hotgraft_change *change) noexcept { add("prepare", change); }
    static void changed(hotgraft_instance *, const hotgraft_change *change) noexcept { add("changed", change); }
    static void called_off(hotgraft_instance *, const hotgraft_change *change) noexcept { add("called off", change); }
};
std::vector<std::string> Heard::all;

constexpr NotifyFunctions kAll = {Heard::prepare, Heard::changed, Heard::called_off};

struct Served {
    alignas(64) hotgraft_table head{};
    std::uint32_t struct_size[2] = {8, 0};
};

// A slot that is published in as a swap does it.
struct Provider {
    Slot slot{"codec/1"};
    std::vector<std::unique_ptr<Served>> tables;

    void serve(std::uint64_t generation, std::uint32_t version = 1U << 16) {
        tables.push_back(std::make_unique<Served>());
        tables.back()->head = {sizeof(hotgraft_table), version, generation, nullptr, 0, 0};
        slot.store(&tables.back()->head, true);
    }
    [[nodiscard]] std::vector<Notices::Coming> coming(std::uint64_t generation, bool is_rollback = false) const {
        return {{&slot, generation, 1U << 16, is_rollback}};
    }
};

std::vector<std::string> heard() {
    return std::exchange(Heard::all, {});
}

using Lines = std::vector<std::string>;

// While it is inside, the swap is over.
struct Meanwhile {
    static void prepare(hotgraft_instance *, const hotgraft_change *change) noexcept {
        Heard::add("prepare", change);
        published->serve(2);
        CHECK_FALSE(told->owe(published->coming(2))); // owed, but not for the caller to tell
        CHECK_FALSE(told->wants(published->coming(3)));
        std::thread([] { told->tell(); }).join(); // and who tells all the same finds it busy
        CHECK(Heard::all.size() == 1);
    }
    static inline Provider *published = nullptr;
    static inline Notices *told = nullptr;
};

} // namespace

TEST_CASE("prepare is followed by exactly one of changed and called off") {
    Provider codec;
    codec.serve(1);
    Notices notices(kAll, 1);
    notices.know("codec", codec.slot);
    CHECK(notices.wants(codec.coming(2)));
    notices.prepare(codec.coming(2));
    CHECK(heard() == Lines{"prepare codec 1>2"});
    codec.serve(2);
    CHECK(notices.owe(codec.coming(2)));
    notices.tell();
    CHECK(heard() == Lines{"changed codec 1>2"});
    CHECK_FALSE(notices.owe(codec.coming(2)));

    notices.prepare(codec.coming(3));
    CHECK(notices.owe(codec.coming(3)));
    notices.tell();
    CHECK(heard() == Lines{"prepare codec 2>3", "called off codec 2>2"});
    CHECK_FALSE(notices.owe(codec.coming(3)));
}

TEST_CASE("what is published again although something later served is a rollback") {
    Provider codec;
    codec.serve(2);
    Notices notices(kAll, 1);
    notices.know("codec", codec.slot);
    notices.prepare(codec.coming(1, true));
    codec.serve(1);
    CHECK(notices.owe(codec.coming(1)));
    notices.tell();
    CHECK(heard() == Lines{"prepare codec 2>1!", "changed codec 2>1!"});
}

TEST_CASE("a provider's end is a change to nothing, and no rollback") {
    Provider codec;
    codec.serve(2);
    Notices notices(kAll, 1);
    notices.know("codec", codec.slot);
    codec.slot.store(nullptr, true);
    CHECK(notices.owe(codec.coming(0)));
    notices.tell();
    CHECK(heard() == Lines{"changed codec 2>0"});
}

TEST_CASE("one swap's end says nothing of another that is still under way") {
    Provider codec;
    Provider cache;
    codec.serve(1);
    cache.serve(1);
    Notices notices(kAll, 2);
    notices.know("codec", codec.slot);
    notices.know("cache", cache.slot);
    notices.prepare(codec.coming(2));
    notices.prepare(cache.coming(2));
    heard();
    CHECK(notices.owe(cache.coming(2)));
    notices.tell();
    CHECK(heard() == Lines{"called off cache 1>1"});
    CHECK_FALSE(notices.owe_missed());
    codec.serve(2);
    CHECK(notices.owe(codec.coming(2)));
    notices.tell();
    CHECK(heard() == Lines{"changed codec 1>2"});
}

TEST_CASE("what could not be told is owed, and two changes are told as one") {
    Provider codec;
    codec.serve(1);
    Notices notices(kAll, 1);
    notices.know("codec", codec.slot);
    notices.prepare(codec.coming(2));
    heard();
    notices.defer(codec.coming(2)); // it was being replaced itself when this swap was over, and nothing had changed
    CHECK(notices.owe_missed());
    notices.tell();
    CHECK(heard() == Lines{"called off codec 1>1"});
    codec.serve(2);
    codec.serve(3);
    CHECK(notices.owe_missed());
    notices.tell();
    CHECK(heard() == Lines{"changed codec 1>3"});
}

TEST_CASE("who comes while the instance is inside leaves what is owed to the thread that is") {
    Provider codec;
    codec.serve(1);
    Notices busy({Meanwhile::prepare, Heard::changed, Heard::called_off}, 1);
    busy.know("codec", codec.slot);
    Meanwhile::published = &codec;
    Meanwhile::told = &busy;
    busy.prepare(codec.coming(2));
    CHECK(heard() == Lines{"prepare codec 1>2", "changed codec 1>2"});
}

TEST_CASE("who was late leaves the rest where somebody else has the instance by then, and it is still owed") {
    Provider codec;
    codec.serve(1);
    Notices busy({Meanwhile::prepare, Heard::changed, Heard::called_off}, 1);
    busy.know("codec", codec.slot);
    Meanwhile::published = &codec;
    Meanwhile::told = &busy;
    int asked = 0;
    busy.prepare(codec.coming(2), [&asked] { return asked++ == 0; });
    CHECK(heard() == Lines{"prepare codec 1>2"});
    CHECK(asked == 2);
    CHECK(busy.owe_missed());
    busy.tell();
    CHECK(heard() == Lines{"changed codec 1>2"});
}

TEST_CASE("what a plugin does not offer is not told") {
    Provider codec;
    codec.serve(1);
    Notices notices({nullptr, Heard::changed, nullptr}, 1);
    notices.know("codec", codec.slot);
    notices.prepare(codec.coming(2));
    CHECK(notices.owe(codec.coming(2)));
    notices.tell(); // called off
    CHECK(heard().empty());
    notices.prepare(codec.coming(2));
    codec.serve(2);
    CHECK(notices.owe(codec.coming(2)));
    notices.tell();
    CHECK(heard() == Lines{"changed codec 1>2"});
}
