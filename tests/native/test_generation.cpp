// One generation: what may be wrong with a plugin's tables and its create, and what is left of it afterwards.
#include <doctest/doctest.h>

#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "generation_plain.hpp"
#include "guard.hpp"

using namespace hotgraft;
using scene::Belongings;
using scene::call;
using scene::contains;
using scene::plain_wish;
using scene::variable_of;

namespace {

struct LyingPlugin {
    const char *plugin;
    std::vector<std::string> says;
};

} // namespace

TEST_CASE("a plugin without a fault is mapped, created, called, and leaves without a trace") {
    std::thread([] {}).join(); // a sanitizer's own thread comes with the first one of the process
    const Belongings before;
    std::shared_ptr<Generation> generation = scene::made(scene::build("plain.c"));
    CHECK(generation->stage() == Stage::kInspected);
    CHECK(generation->descriptor() == "{\"name\": \"plain\"}");
    REQUIRE(generation->map().is_ok());
    CHECK(generation->stage() == Stage::kMapped);
    std::size_t left = 9;
    std::size_t right = 9;
    REQUIRE(generation->create_instance("left", "{}", &left).is_ok());
    REQUIRE(generation->create_instance("right", "{}", &right).is_ok());
    CHECK(left == 0);
    CHECK(right == 1);
    CHECK(generation->instance_name(1) == "right");
    CHECK(generation->stage() == Stage::kCreated);
    CHECK(generation->live_bytes() == 2 * 16);

    const hotgraft_table *table = nullptr;
    REQUIRE(generation->make_table(0, plain_wish(), &table).is_ok());
    CHECK(table->generation == generation->number());
    CHECK(table->version == 1u << 16);
    CHECK(call(table, 2, 3) == 5);
    CHECK(generation->tables() == std::vector<const hotgraft_table *>{table});
    REQUIRE(generation->start(0).is_ok());
    CHECK(generation->stage() == Stage::kCreated); // not all are started
    REQUIRE(generation->start(1).is_ok());
    CHECK(generation->stage() == Stage::kReady);

    const Proof proof = scene::unload(generation);
    CHECK_MESSAGE(proof.proven, proof.reason);
    CHECK(generation->stage() == Stage::kUnloaded);
    CHECK(generation->live_bytes() == 0);
    generation.reset();
    // A thread that was joined may still be listed for a moment.
    CHECK(scene::wait_until([&] { return Belongings().threads == before.threads; }));
    const Belongings after;
    CHECK(after.fds == before.fds);
    CHECK(after.files == before.files);
}

TEST_CASE("names of instances may be read while one more is created") {
    const std::shared_ptr<Generation> generation = scene::created(scene::build("plain.c"));
    std::atomic<bool> is_over{false};
    std::thread reader([&] { // as plugin.stats() does, beside load(instance=...): a sanitizer sees what it must not
        for (std::size_t seen = 0; !is_over;) {
            const std::vector<std::string> names = generation->instance_names();
            CHECK((names.size() >= seen && names.front() == "main"));
            seen = names.size();
        }
    });
    for (int i = 0; i < 200; ++i) {
        CHECK(generation->create_instance("one-more-" + std::to_string(i), "{}").is_ok());
    }
    is_over = true;
    reader.join();
    CHECK(generation->instance_names().size() == 201);
    CHECK(scene::unload(generation).proven);
}

TEST_CASE("C06: an image without a descriptor is refused before any of it runs, and its copy is deleted") {
    const Belongings before;
    std::shared_ptr<Generation> generation;
    const Status status = Generation::make(scene::wish_for(scene::build("descriptor_missing.c")), &generation);
    CHECK(status.code() == Code::kRefused);
    CHECK(contains(status.message(), "no descriptor"));
    CHECK(generation == nullptr);
    CHECK(Belongings().files == before.files);
}

TEST_CASE("C01 to C06: a table that lies is refused with every violation, and the library leaves again") {
    const std::vector<LyingPlugin> cases = {
        {"entry_missing.c", {"no symbol \"hotgraft_plugin_v1\""}},
        {"entry_is_data.c", {"is data, not a function"}},
        {"entry_answers_null.c", {"answered NULL", "1.1"}},
        {"abi_minor_newer.c", {"built for ABI 1.2", "offers 1.1"}},
        {"abi_major_newer.c", {"no symbol \"hotgraft_plugin_v1\""}},
        {"table_size_lies.c", {"struct_size lies"}},
        {"table_too_small.c", {"struct_size is 16"}},
        {"table_on_heap.c", {"does not lie in the plugin"}},
        {"pointers_lie.c", {"create points outside", "destroy points outside"}},
        {"imports_lie.c", {"imports do not lie"}},
        {"imports_const.c", {"imports are const"}},
        {"required_null.c", {"create is NULL", "destroy is NULL", "get_interface is NULL"}},
        {"descriptor_differs.c", {"descriptor is not the note"}},
        {"descriptor_changed_at_load.c", {"descriptor in memory differs"}},
        {"state_half.c", {"save and restore are offered together", "schema is 0"}},
    };
    for (const LyingPlugin &one : cases) {
        INFO(one.plugin);
        const Belongings before;
        std::shared_ptr<Generation> generation = scene::made(scene::build(one.plugin));
        const Status status = generation->map();
        CHECK(status.code() == Code::kRefused);
        CHECK(contains(status.message(), generation->label()));
        for (const std::string &part : one.says) {
            CHECK_MESSAGE(contains(status.message(), part), status.message());
        }
        CHECK(generation->create_instance("main", "{}").code() == Code::kWrongStage);
        if (generation->library() != nullptr) {
            const Proof proof = scene::unload(generation);
            CHECK_MESSAGE(proof.proven, proof.reason);
        } else {
            CHECK(generation->reject().is_ok());
        }
        CHECK(Belongings().files == before.files);
    }
}

TEST_CASE("C03, C05: an interface struct that lies is refused, by byte and name") {
    const std::vector<LyingPlugin> cases = {
        {"interface_null.c", {"plain/1", "byte 16 is NULL"}},
        {"interface_size_lies.c", {"plain/1", "struct_size is 16777216"}},
    };
    for (const LyingPlugin &one : cases) {
        const std::shared_ptr<Generation> generation = scene::created(scene::build(one.plugin));
        const hotgraft_table *table = nullptr;
        const Status status = generation->make_table(0, plain_wish(), &table);
        CHECK(status.code() == Code::kRefused);
        for (const std::string &part : one.says) {
            CHECK_MESSAGE(contains(status.message(), part), status.message());
        }
        CHECK(table == nullptr);
        CHECK(scene::unload(generation).proven);
    }
    const std::shared_ptr<Generation> plain = scene::created(scene::build("plain.c"));
    InterfaceWish wish = plain_wish();
    wish.declared_bytes = 32; // a descriptor that promises one function more
    const hotgraft_table *table = nullptr;
    Status status = plain->make_table(0, wish, &table);
    CHECK(contains(status.message(), "the descriptor promises 32"));
    wish.id = "reverb/2";
    status = plain->make_table(0, wish, &table);
    CHECK(contains(status.message(), "does not offer \"reverb/2\""));
    CHECK(plain->make_table(7, plain_wish(), &table).code() == Code::kInvalid);
    CHECK(scene::unload(plain).proven);
}

TEST_CASE("I07: the error of create is quoted with its status, domain and code, and the generation failed") {
    std::shared_ptr<Generation> generation = scene::made(scene::build("create_fails.c"));
    REQUIRE(generation->map().is_ok());
    const Status status = generation->create_instance("main", "{}");
    CHECK(status.code() == Code::kPlugin);
    CHECK(contains(status.message(), generation->label()));
    CHECK(contains(status.message(),
                   "create of instance \"main\" answered -1 (failed): \"no such table: gains\" (zlib -3)"));
    CHECK(generation->stage() == Stage::kFailed);
    CHECK(scene::unload(generation).proven);
}

TEST_CASE("I08: no instance with OK is an error of the plugin") {
    std::shared_ptr<Generation> generation = scene::made(scene::build("create_gives_nothing.c"));
    REQUIRE(generation->map().is_ok());
    const Status status = generation->create_instance("main", "{}");
    CHECK(status.code() == Code::kPlugin);
    CHECK(contains(status.message(), "answered 0 (ok) and no instance"));
    CHECK(generation->stage() == Stage::kFailed);
    CHECK(scene::unload(generation).proven);
}

TEST_CASE("I09: half done, then an error: no fd, thread, file or byte is left, over a hundred attempts") {
    const std::string image = scene::build("create_fails_half.c");
    const auto attempt = [&] {
        std::shared_ptr<Generation> generation = scene::made(image);
        REQUIRE(generation->map().is_ok());
        const Status status = generation->create_instance("main", "{}");
        CHECK(status.code() == Code::kPlugin);
        CHECK(contains(status.message(), "half done"));
        CHECK(generation->live_bytes() == 0);
        CHECK(scene::unload(generation).proven);
    };
    attempt(); // first use of threads, of a ring, of a folder
    const Belongings before;
    for (int i = 0; i < 100; ++i) {
        attempt();
    }
    CHECK(scene::wait_until([&] { return Belongings().threads == before.threads; }));
    const Belongings after;
    CHECK(after.fds == before.fds);
    CHECK(after.files == before.files);
}

TEST_CASE("I09: bytes of the host that a failed create kept are told") {
    std::shared_ptr<Generation> generation = scene::made(scene::build("create_fails_half.c", "-DLEAKS"));
    REQUIRE(generation->map().is_ok());
    const Status status = generation->create_instance("main", "{}");
    CHECK(contains(status.message(), "kept 8192 bytes"));
    CHECK(generation->live_bytes() == 8192);
    void *address = nullptr;
    REQUIRE(generation->library()->symbol("kept", &address).is_ok());
    void *const kept = *static_cast<void **>(address);
    CHECK(scene::unload(generation).proven);
    Ledger::free_block(kept); // nobody else knows of it any more
    CHECK(generation->live_bytes() == 0);
}

TEST_CASE("I10: create over its deadline is abandoned; nothing it can reach is freed, and it is never closed") {
    std::shared_ptr<Generation> generation = scene::made(scene::build("hangs.c", "-DHANGS_IN_CREATE"));
    ControlThread control;
    REQUIRE(control
                .run(
                    "map", [generation] { return generation->map(); }, scene::in_seconds(10))
                .is_ok());
    int *const let_go = variable_of(*generation, "let_go");
    const Status status = control.run(
        "create", [generation] { return generation->create_instance("main", "{}"); }, monotonic_ns() + 50'000'000);
    CHECK(status.code() == Code::kAbandoned);
    CHECK(contains(status.message(), "create has not returned"));
    generation->mark_abandoned("create");
    CHECK(generation->stage() == Stage::kStuck);
    const Proof proof = Unload(generation).run(control, scene::in_seconds(5));
    CHECK(!proof.proven);
    CHECK(contains(proof.reason, "abandoned in create"));
    const std::weak_ptr<Generation> watch = generation;
    generation.reset();
    CHECK(!watch.expired()); // kept for good, for the thread that is still inside
    __atomic_store_n(let_go, 1, __ATOMIC_RELEASE);
    CHECK(scene::wait_until([] { return ControlThread::abandoned_count() == 0; }));
    CHECK(!watch.expired());
    CHECK(watch.lock()->stage() == Stage::kStuck);
}

TEST_CASE("destroy that hangs leaves the library mapped and says where its thread is") {
    const std::shared_ptr<Generation> generation = scene::created(scene::build("hangs.c", "-DHANGS_IN_DESTROY"));
    int *const let_go = variable_of(*generation, "let_go");
    generation->mark_failed();
    ControlThread control;
    const Proof proof = Unload(generation).run(control, monotonic_ns() + 50'000'000);
    CHECK(!proof.proven);
    CHECK(contains(proof.reason, "abandoned in destroy"));
    CHECK(generation->stage() == Stage::kStuck);
    CHECK(generation->is_abandoned());
    __atomic_store_n(let_go, 1, __ATOMIC_RELEASE);
    CHECK(scene::wait_until([] { return ControlThread::abandoned_count() == 0; }));
}

TEST_CASE("an instance that never holds still is not destroyed; once it does, it leaves") {
    const std::shared_ptr<Generation> generation = scene::created(scene::build("never_quiet.c"));
    REQUIRE(generation->start(0).is_ok());
    int *const destroyed = variable_of(*generation, "destroyed");
    const auto let_rest = scene::function_of<void (*)()>(*generation->library(), "let_rest");
    generation->mark_failed();
    ControlThread control;
    Proof proof = Unload(generation).run(control, monotonic_ns() + 20'000'000);
    CHECK(!proof.proven);
    CHECK(*destroyed == 0);
    if (generation->is_abandoned()) {
        MESSAGE("the control thread was slower than its deadline: left behind instead");
        return;
    }
    CHECK(contains(proof.reason, "quiesce still answered \"again\""));
    let_rest();
    proof = Unload(generation).run(control, scene::in_seconds(5));
    CHECK_MESSAGE(proof.proven, proof.reason);
}
