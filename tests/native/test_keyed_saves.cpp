// Plugins whose save does wrong: each is refused by what it did, whatever it answers, and keeps no memory.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "generation_scene.hpp"
#include "keyed_pair.hpp"

using namespace hotgraft;

TEST_CASE("what is nested and streamed crosses from one generation to another") {
    const std::string image = scene::build("nests_state.c");
    const std::shared_ptr<Generation> first = scene::created(image);
    const std::shared_ptr<Generation> second = scene::created(image);
    KeyedState saved;
    const Status status = first->save(0, &saved);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    const std::string bytes = bytes_of(saved);
    KeyedState copy;
    REQUIRE(copy.read(bytes.data(), bytes.size()).is_ok()); // as the probe is given it
    CHECK(bytes_of(copy) == bytes);
    CHECK(second->restore(0, 1, copy).is_ok());
    CHECK(second->stage() == Stage::kRestored);
    CHECK(scene::unload(first).proven);
    CHECK(scene::unload(second).proven);
}

TEST_CASE("M01: a save that fails, or does what it may not and says that all is well, fails by name") {
    constexpr std::uint64_t kCap = 4 << 20;
    const std::vector<std::pair<const char *, const char *>> cases = {
        {"-DFAILS", "answered -1 (failed): \"the tallies are locked\""},
        {"-DGARBAGE", "save put key \"blob\": the text is not UTF-8"},
        {"-DTWICE", "save put key \"tallies\" / \"blob\": this key was put before"},
        {"-DENDLESS", "would exceed the cap of 4194304"},
        {"-DHUGE", "a value has fewer than 4 GiB, got 10737418240 bytes"},
        {"-DUNCLOSED", "save put key \"tallies\": it was opened and never closed"},
    };
    for (const auto &one : cases) {
        const std::string flags = one.first;
        CAPTURE(flags);
        const std::shared_ptr<Generation> generation = scene::created(scene::build("nests_state.c", flags));
        KeyedState saved(kCap);
        const Status status = generation->save(0, &saved);
        CHECK(status.code() == Code::kPlugin);
        CHECK_MESSAGE(status.message().find(one.second) != std::string::npos, status.message());
        CHECK(saved.held_bytes() <= 4'096);
        CHECK(generation->stage() == Stage::kCreated);
        CHECK(scene::unload(generation).proven);
    }
}
