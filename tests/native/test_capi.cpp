// The C API against callers who break its rules: each gets a sentence, and what ran before still runs.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <string>

#include <hotgraft_core.h>

#include "generation_scene.hpp"

namespace {

hotgraft_error empty_error() {
    hotgraft_error error{};
    error.struct_size = sizeof error;
    return error;
}

bool says(const hotgraft_error &error, const char *what) {
    return std::strstr(error.message, what) != nullptr;
}

// A plugin that offers counter/1, with nothing loaded.
class Opened {
public:
    Opened() {
        static const char *const ids[] = {"counter/1"};
        const std::string copies = (scene::folder() / "copies").string();
        REQUIRE(hotgraft_core_open("counter", copies.c_str(), ids, 1, &plugin, nullptr) == HOTGRAFT_CORE_OK);
    }
    ~Opened() { CHECK(hotgraft_core_close(plugin, UINT64_MAX, nullptr) == HOTGRAFT_CORE_OK); }
    hotgraft_core_plugin *plugin = nullptr;
};

} // namespace

TEST_CASE("a report of a smaller struct than this API's is refused and not written past its end") {
    const Opened opened;
    hotgraft_core_report report{};
    hotgraft_error error = empty_error();
    report.struct_size = 8; // an author who forgot, or a header of another version
    report.generation = 77;
    CHECK(hotgraft_core_load(opened.plugin, "nothing.so", nullptr, 1000, &report, &error) == HOTGRAFT_CORE_INVALID);
    CHECK(says(error, "report->struct_size is 8"));
    CHECK(report.generation == 77);
}

TEST_CASE("an error that does not say its size is refused at the first call, not when something fails") {
    hotgraft_error error{};
    static const char *const ids[] = {"counter/1"};
    hotgraft_core_plugin *plugin = nullptr;
    CHECK(hotgraft_core_open("counter", "/nowhere", ids, 1, &plugin, &error) == HOTGRAFT_CORE_INVALID);
    CHECK(plugin == nullptr);
    CHECK(error.message[0] == '\0');
}

TEST_CASE("an argument that must be there is named when it is not") {
    const Opened opened;
    hotgraft_error error = empty_error();
    CHECK(hotgraft_core_load(nullptr, "a.so", nullptr, 1, nullptr, &error) == HOTGRAFT_CORE_INVALID);
    CHECK(says(error, "plugin is NULL"));
    error = empty_error();
    CHECK(hotgraft_core_load(opened.plugin, nullptr, nullptr, 1, nullptr, &error) == HOTGRAFT_CORE_INVALID);
    CHECK(says(error, "image is NULL"));
    error = empty_error();
    CHECK(hotgraft_core_import(opened.plugin, "counter/1", nullptr, &error) == HOTGRAFT_CORE_INVALID);
    CHECK(says(error, "import is NULL"));
}

TEST_CASE("an interface that was not opened is named, and those that were") {
    const Opened opened;
    hotgraft_import import = HOTGRAFT_IMPORT("meter", "^1", 0);
    hotgraft_error error = empty_error();
    CHECK(hotgraft_core_import(opened.plugin, "meter/1", &import, &error) == HOTGRAFT_CORE_INVALID);
    CHECK(says(error, "counter has no interface \"meter/1\"; it was opened with: counter/1"));
}

TEST_CASE("a meter of nothing reads nothing, and a smaller struct is refused") {
    const Opened opened;
    hotgraft_core_meter meter{};
    hotgraft_error error = empty_error();
    CHECK(hotgraft_core_read_meter(opened.plugin, &meter, &error) == HOTGRAFT_CORE_INVALID);
    CHECK(says(error, "meter->struct_size is 0"));
    meter.struct_size = sizeof meter;
    meter.calls = 7;
    CHECK(hotgraft_core_read_meter(opened.plugin, &meter, &error) == HOTGRAFT_CORE_OK);
    CHECK(meter.generation == 0);
    CHECK(meter.calls == 0);
    CHECK(meter.struct_size == sizeof meter);
}

TEST_CASE("a host built with the meter's first version is answered, and nothing behind its struct is touched") {
    const Opened opened;
    hotgraft_core_meter meter{};
    meter.struct_size = offsetof(hotgraft_core_meter, pushed_off);
    meter.calls = 7;
    meter.pushed_off = 7;
    CHECK(hotgraft_core_read_meter(opened.plugin, &meter, nullptr) == HOTGRAFT_CORE_OK);
    CHECK(meter.calls == 0);
    CHECK(meter.pushed_off == 7);
    CHECK(meter.struct_size == offsetof(hotgraft_core_meter, pushed_off));
}

TEST_CASE("more samples a second than a host can afford are refused") {
    hotgraft_error error = empty_error();
    CHECK(hotgraft_core_set_sampling(100'001, &error) == HOTGRAFT_CORE_INVALID);
    CHECK(says(error, "per_second is 100001: at most 100000"));
    CHECK(hotgraft_core_set_sampling(0, &error) == HOTGRAFT_CORE_OK);
}

TEST_CASE("waiting for ever is a wait that ends when there is nothing to wait for") {
    const Opened opened;
    std::uint64_t proven = 7;
    std::uint64_t stuck = 7;
    CHECK(hotgraft_core_unloaded(opened.plugin, UINT64_MAX, &proven, &stuck, nullptr, 0) == HOTGRAFT_CORE_OK);
    CHECK(proven == 0);
    CHECK(stuck == 0);
}

TEST_CASE("what is no image is refused, and says that nothing serves") {
    const Opened opened;
    const std::string path = (scene::folder() / "text.so").string();
    std::ofstream(path) << "no image";
    hotgraft_core_report report{};
    report.struct_size = sizeof report;
    hotgraft_error error = empty_error();
    CHECK(hotgraft_core_load(opened.plugin, path.c_str(), nullptr, 1'000'000'000, &report, &error) ==
          HOTGRAFT_CORE_MALFORMED);
    CHECK(says(error, path.c_str()));
    CHECK(report.generation == 0);
    CHECK(report.is_published == 0);
}
