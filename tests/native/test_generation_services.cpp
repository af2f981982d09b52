// One generation at work: its errors in words, its imports, services, state, stages and pins, and where fds run out.
#include <doctest/doctest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <vector>

#include "generation_plain.hpp"
#include "guard.hpp"
#include "keyed_source.hpp"

using namespace hotgraft;
using scene::call;
using scene::contains;
using scene::plain_wish;

TEST_CASE("an error text that is not terminated, not UTF-8 and of many lines is quoted as one valid line") {
    std::shared_ptr<Generation> generation = scene::made(scene::build("error_unreadable.c"));
    REQUIRE(generation->map().is_ok());
    const Status status = generation->create_instance("main", "{}");
    CHECK(status.code() == Code::kPlugin);
    CHECK(contains(status.message(), "answered -77 (failed): \"bad line\xEF\xBF\xBD"));
    CHECK(contains(status.message(), "(errno 2)"));
    CHECK(status.message().find('\n') == std::string::npos);
    CHECK(scene::unload(generation).proven);
}

TEST_CASE("imports are bound before create; each that is missing is named; an optional one answers no table") {
    Slot codec("codec/1");
    std::shared_ptr<Generation> generation = scene::made(scene::build("imports_two.c"));
    REQUIRE(generation->map().is_ok());
    const std::vector<ImportNeed> needs = generation->imports();
    REQUIRE(needs.size() == 2);
    CHECK(needs[0].id == "codec");
    CHECK(needs[0].range == "^1.2");
    CHECK(!needs[0].is_optional);
    CHECK(needs[1].is_optional);
    const Status missing = generation->create_instance("main", "{}");
    CHECK(missing.code() == Code::kInvalid);
    CHECK(contains(missing.message(), "\"codec ^1.2\""));
    CHECK(!contains(missing.message(), "cache"));
    CHECK(generation->bind_import("unknown", &codec).code() == Code::kInvalid);
    REQUIRE(generation->bind_import("codec", nullptr).is_ok()); // to nobody, until ...
    REQUIRE(generation->bind_import("codec", &codec).is_ok());  // ... once more
    CHECK(generation->bind_import("codec", &codec).code() == Code::kInvalid);
    CHECK(generation->bind_import("codec", nullptr).code() == Code::kInvalid);
    REQUIRE(generation->create_instance("main", "{}").is_ok());

    const std::shared_ptr<Generation> provider = scene::created(scene::build("plain.c"));
    const hotgraft_table *provided = nullptr;
    REQUIRE(provider->make_table(0, plain_wish(), &provided).is_ok());
    REQUIRE(Guards::instance().publish_open(codec, provided).is_ok());
    const hotgraft_table *table = nullptr;
    REQUIRE(generation->make_table(0, plain_wish(), &table).is_ok());
    CHECK(call(table, 0, 0) == static_cast<std::int64_t>(provider->number()));
    CHECK(call(table, 1, 0) == -1);
    REQUIRE(Guards::instance().publish_open(codec, nullptr).is_ok());
    CHECK(call(table, 0, 0) == -1);
    CHECK(scene::unload(generation).proven);
    CHECK(scene::unload(provider).proven);
}

TEST_CASE("a plugin reaches its services: log with its names, leases, memory on its bill") {
    const std::shared_ptr<Generation> generation = scene::created(scene::build("says_things.c"));
    const hotgraft_table *table = nullptr;
    REQUIRE(generation->make_table(0, plain_wish(), &table).is_ok());
    std::vector<LogLine> lines;
    LogRing::instance().drain(&lines);
    lines.clear();
    call(table, 0, 0);
    REQUIRE(LogRing::instance().drain(&lines) == 1);
    CHECK(lines[0].text == "over there");
    CHECK(lines[0].instance == "main");
    CHECK(lines[0].generation == generation->number());
    const std::int64_t lease = call(table, 1, 0);
    REQUIRE(generation->leases().size() == 1);
    CHECK(generation->leases()[0].why == "call-back registered");
    call(table, 2, lease);
    CHECK(generation->leases().empty());
    const std::uint64_t before = generation->live_bytes();
    const std::int64_t block = call(table, 3, 1000);
    CHECK(generation->live_bytes() == before + 1000);
    call(table, 4, block);
    CHECK(generation->live_bytes() == before);
    CHECK(scene::unload(generation).proven);
}

TEST_CASE("state crosses by save and restore, and by hand over with its bill") {
    const std::string image = scene::build("moves_state.c");
    const std::shared_ptr<Generation> first = scene::created(image);
    const std::shared_ptr<Generation> second = scene::created(image);
    CHECK(first->state_schema() == 1);
    CHECK(first->layout_id() == 7);
    CHECK(first->can_save());
    CHECK(first->can_restore());
    CHECK(first->can_hand_over());
    KeyedState saved;
    REQUIRE(first->save(0, &saved).is_ok());
    KeyedSource reading(saved);
    CHECK(reading.key_at(0) == std::string("calls"));
    const Status wrong = second->restore(0, 2, saved);
    CHECK(wrong.code() == Code::kPlugin);
    CHECK(contains(wrong.message(), "-4 (state version): \"only schema 1\""));
    CHECK(second->stage() == Stage::kCreated);
    REQUIRE(second->restore(0, 1, saved).is_ok());
    CHECK(second->stage() == Stage::kRestored);

    Block block;
    REQUIRE(first->surrender(0, &block).is_ok());
    CHECK(block.bytes == 8);
    CHECK(block.layout_id == 7);
    const std::uint64_t before = second->live_bytes();
    REQUIRE(second->take(0, block).is_ok());
    CHECK(second->live_bytes() == before + 8);
    Block back;
    REQUIRE(second->surrender(0, &back).is_ok());
    CHECK(back.data == block.data); // the same address, no byte copied
    Ledger::free_block(back.data);
    CHECK(scene::unload(first).proven);
    CHECK(scene::unload(second).proven);
}

TEST_CASE("a save that swallows a refusal, and a block that is not the host's, are found") {
    std::shared_ptr<Generation> generation = scene::created(scene::build("moves_state.c", "-DDOUBLE_KEY"));
    KeyedState saved;
    Status status = generation->save(0, &saved);
    CHECK(status.code() == Code::kPlugin);
    CHECK(contains(status.message(), "\"calls\""));
    CHECK(scene::unload(generation).proven);
    generation = scene::created(scene::build("moves_state.c", "-DOWN_BLOCK"));
    Block block;
    status = generation->surrender(0, &block);
    CHECK(status.code() == Code::kPlugin);
    CHECK(contains(status.message(), "not a block of the host's"));
    CHECK(block.data == nullptr);
    CHECK(scene::unload(generation).proven);
}

TEST_CASE("the stage follows a life: ready, active, quiesced, active again, held, retired, unloaded") {
    const std::shared_ptr<Generation> generation = scene::created(scene::build("plain.c"));
    CHECK(generation->advance(Event::kPublish).code() == Code::kWrongStage);
    CHECK(generation->advance(Event::kMap).code() == Code::kWrongStage);
    REQUIRE(generation->start(0).is_ok());
    generation->mark_active();
    CHECK(generation->stage() == Stage::kActive);
    bool is_again = true;
    REQUIRE(generation->quiesce(0, scene::in_seconds(1), &is_again).is_ok());
    CHECK(!is_again);
    CHECK(generation->stage() == Stage::kQuiesced);
    REQUIRE(generation->resume(0).is_ok());
    CHECK(generation->stage() == Stage::kActive);
    generation->mark_held();
    CHECK(generation->stage() == Stage::kHeld);
    generation->mark_active(); // rollback
    CHECK(generation->stage() == Stage::kActive);
    generation->mark_held();
    REQUIRE(generation->advance(Event::kRetire).is_ok());
    CHECK(generation->advance(Event::kRecall).code() == Code::kWrongStage); // one compare-and-swap won
    generation->mark_active();
    CHECK(generation->stage() == Stage::kRetired);
    ControlThread control;
    CHECK(Unload(generation).run(control, scene::in_seconds(5)).proven);
    CHECK(generation->stage() == Stage::kUnloaded);
}

TEST_CASE("pins are named with their age, and a count seen at zero after stop stays zero") {
    const std::shared_ptr<Generation> generation = scene::created(scene::build("plain.c"));
    std::uint64_t pin = 0;
    REQUIRE(generation->pin_book().add("session 7", &pin).is_ok());
    CHECK(generation->pins() == 1);
    CHECK(contains(generation->pin_holders(), "session 7 for 0."));
    generation->stop_pins();
    std::uint64_t other = 0;
    CHECK(generation->pin_book().add("late", &other).code() == Code::kBusy);
    CHECK(generation->pin_book().remove(pin));
    CHECK(!generation->pin_book().remove(pin));
    CHECK(generation->pins() == 0);
    generation->allow_pins();
    CHECK(generation->pin_book().add("later", &other).is_ok());
    CHECK(other != pin);
    CHECK(generation->pin_book().remove(other));
    CHECK(scene::unload(generation).proven);
}

TEST_CASE("R03: with no fds left each step of a load is refused, and the next attempt works") {
    const std::string image = scene::build("plain.c");
    CHECK(scene::unload(scene::created(image)).proven);
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    std::shared_ptr<Generation> generation = scene::made(image);
    const int next = ::dup(0);
    ::close(next);
    rlimit none = limit;
    none.rlim_cur = static_cast<rlim_t>(next);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const Status mapped = generation->map();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(!mapped.is_ok());
    CHECK(generation->stage() == Stage::kAccepted);
    CHECK_MESSAGE((contains(mapped.message(), "fds") || contains(mapped.message(), "open files")), mapped.message());
    CHECK(generation->map().is_ok());
    CHECK(scene::unload(generation).proven);
}

TEST_CASE("a generation that is dropped while mapped leaves everything its code may still use") {
    // An interpreter that ends drops its objects in any order.
    std::shared_ptr<Generation> generation = scene::created(scene::build("says_things.c"));
    const hotgraft_table *table = nullptr;
    REQUIRE(generation->make_table(0, plain_wish(), &table).is_ok());
    const std::string path = generation->staged().path;
    generation.reset();
    CHECK(call(table, 0, 0) == 0); // still mapped, still logs
    CHECK(std::filesystem::exists(path));
}
