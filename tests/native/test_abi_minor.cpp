// A host and plugins of other ABI minors. Compiled twice: as it is, and as a host of the next minor, whose tables have
// one member more at their ends (CMakeLists.txt makes its headers). The plugins are built with the released headers,
// or, the frozen ones, with none.
#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <hotgraft_core.h>

#include "generation_scene.hpp"

using namespace hotgraft;
using scene::contains;

namespace {

constexpr std::uint64_t kDeadlineNs = 20'000'000'000;
const std::string kOffers = "1." + std::to_string(HOTGRAFT_ABI_MINOR);

// A plugin that programs call, by the C API.
class Served {
public:
    explicit Served(const char *interface) {
        const std::string copies = (scene::folder() / "copies").string();
        const std::string name = "plugin" + std::to_string(scene::next_number()); // what is gone is counted by name
        REQUIRE(hotgraft_core_open(name.c_str(), copies.c_str(), &interface, 1, &plugin_, nullptr) == HOTGRAFT_CORE_OK);
        REQUIRE(hotgraft_core_import(plugin_, interface, &import_, nullptr) == HOTGRAFT_CORE_OK);
    }
    ~Served() { CHECK(hotgraft_core_close(plugin_, kDeadlineNs, nullptr) == HOTGRAFT_CORE_OK); }
    Served(const Served &) = delete;
    Served &operator=(const Served &) = delete;

    void load(const std::string &image) {
        hotgraft_error error{};
        error.struct_size = sizeof error;
        const hotgraft_core_code code =
            hotgraft_core_load(plugin_, image.c_str(), nullptr, kDeadlineNs, nullptr, &error);
        REQUIRE_MESSAGE(code == HOTGRAFT_CORE_OK, error.message);
    }
    void require(const char *id, const Served &provider, const char *interface) {
        REQUIRE(hotgraft_core_require(plugin_, id, provider.plugin_, interface, nullptr) == HOTGRAFT_CORE_OK);
    }
    // Call the function at `index` of the interface, of this type without its `self`.
    template <class Answer, class... Arguments> Answer call(std::size_t index, Arguments... arguments) {
        hotgraft_guard guard;
        const hotgraft_table *const table = hotgraft_enter(&import_, &guard);
        REQUIRE(table != nullptr);
        Answer (*function)(void *, Arguments...) = nullptr;
        std::memcpy(&function, reinterpret_cast<const char *>(table + 1) + 8 + 8 * index, sizeof function);
        const Answer answer = function(table->self, arguments...);
        hotgraft_leave(&guard);
        return answer;
    }
    // How many generations that were replaced have left memory; none may be stuck.
    [[nodiscard]] std::uint64_t gone() const {
        std::uint64_t proven = 0;
        std::uint64_t stuck = 0;
        CHECK(hotgraft_core_unloaded(plugin_, kDeadlineNs, &proven, &stuck, nullptr, 0) == HOTGRAFT_CORE_OK);
        CHECK(stuck == 0);
        return proven;
    }

private:
    hotgraft_core_plugin *plugin_ = nullptr;
    hotgraft_import import_ = HOTGRAFT_IMPORT("plugin", "*", 0);
};

// The frozen plugin with another layout of its block, so that its state is saved and restored.
std::string frozen_of_other_layout() {
    std::ifstream in(HOTGRAFT_PLUGINS_DIR "/frozen_v1.c");
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::string id = "7234017283807667201";
    for (std::size_t at = text.find(id); at != std::string::npos; at = text.find(id, at + id.size())) {
        text.replace(at, id.size(), "7234017283807667202");
    }
    const std::string source = (scene::folder() / "frozen_other.c").string();
    std::ofstream(source) << text;
    const std::string image = (scene::folder() / "frozen_other.so").string();
    REQUIRE(std::system(("cc -std=c11 -shared -fPIC -fvisibility=hidden " + source + " -o " + image).c_str()) == 0);
    return image;
}

// What the Python tests write: a descriptor, which says nothing that the core reads.
std::string with_descriptor() {
    std::ofstream(scene::folder() / "counter_descriptor.h")
        << "__attribute__((used, aligned(4), section(\".note.hotgraft\"))) static const struct {\n"
           "    unsigned name_bytes, text_bytes, type; char name[12]; unsigned char text[4];\n"
           "} counter_descriptor_note = {9, 4, 1, \"hotgraft\", \"{}  \"};\n"
           "#define counter_descriptor (counter_descriptor_note.text)\n";
    return "-I" + scene::folder().string();
}

std::string old_sizes(const std::string &flags) {
    return scene::build("old_sizes.c", flags);
}

// Why a host would not have it, after it was mapped.
std::string refusal_of(const std::string &image) {
    const std::shared_ptr<Generation> generation = scene::made(image);
    const Status status = generation->map();
    CHECK(status.code() == Code::kRefused);
    CHECK(scene::unload(generation).proven);
    return status.message();
}

} // namespace

TEST_CASE("the frozen plugin of ABI 1.0 is called, swapped with its state both ways, and leaves") {
    Served frozen("frozen/1");
    frozen.load(scene::build("frozen_v1.c"));
    CHECK(frozen.call<std::int64_t>(0) == 1);
    frozen.load(scene::build("frozen_v1.c", "-O2")); // hands its block over
    CHECK(frozen.call<std::int64_t>(0) == 2);
    frozen.load(frozen_of_other_layout()); // saves and restores
    CHECK(frozen.call<std::int64_t>(0) == 3);
    CHECK(frozen.gone() == 2);
}

TEST_CASE("the frozen plugin of ABI 1.1 is called, swapped with what it saves nested, and leaves") {
    Served frozen("frozen/1");
    frozen.load(scene::build("frozen_v1_1.c"));
    CHECK(frozen.call<std::int64_t>(0) == 1);
    CHECK(frozen.call<std::int64_t>(0) == 2);
    frozen.load(scene::build("frozen_v1_1.c", "-O2"));
    double sum = 0.0;
    CHECK(frozen.call<std::int32_t>(1, static_cast<const double *>(nullptr), std::uint64_t{0}, &sum) == 0);
    CHECK(sum == 0.5);
    CHECK(frozen.call<std::int64_t>(0) == 3);
    CHECK(frozen.gone() == 1);
}

TEST_CASE("the frozen guard of protocol 1 calls through swaps of its provider") {
    const std::string flags = "-D_GNU_SOURCE -DCOUNTER_HANDOVER " + with_descriptor();
    Served counter("counter/1");
    Served caller("caller/1");
    counter.load(scene::build("host_counter.c", flags));
    caller.require("counter", counter, "counter/1");
    caller.load(scene::build("frozen_guard_v1.c", with_descriptor()));
    for (std::int64_t round = 1; round <= 3; ++round) {
        CHECK(caller.call<std::int64_t>(0, std::int64_t{5}) == 5 * round);
        counter.load(scene::build("host_counter.c", flags + " -DCOUNTER_BUILD=" + std::to_string(round + 1)));
        CHECK(counter.call<std::int64_t>(1) == round + 1);
    }
    CHECK(counter.gone() == 3);
}

TEST_CASE("every import of a plugin is found, however long this host's headers make one") {
    Served codec("plain/1");
    codec.load(scene::build("plain.c"));
    Served asks("plain/1");
    asks.require("codec", codec, "plain/1");
    asks.load(scene::build("imports_two.c"));
    CHECK(asks.call<std::int64_t>(0, std::int64_t{0}, std::int64_t{0}) > 0);   // bound
    CHECK(asks.call<std::int64_t>(0, std::int64_t{1}, std::int64_t{0}) == -1); // optional, and leads nowhere
}

TEST_CASE("C03: imports of two lengths are refused") {
    const std::string text = refusal_of(scene::build("imports_size_lies.c"));
    CHECK_MESSAGE(contains(text, "import 1: struct_size is 8, and 56 in import 0"), text);
}

TEST_CASE("C04: what needs a newer minor is refused with both numbers, what needs none is not") {
    for (unsigned minor = 1; minor <= HOTGRAFT_ABI_MINOR + 2; ++minor) {
        const std::string image = scene::build("abi_minor_newer.c", "-DMINOR=" + std::to_string(minor));
        if (minor <= HOTGRAFT_ABI_MINOR) {
            CHECK(scene::unload(scene::created(image)).proven);
        } else {
            const std::string text = refusal_of(image);
            CHECK_MESSAGE(contains(text, "built for ABI 1." + std::to_string(minor)), text);
            CHECK_MESSAGE(contains(text, "this host offers " + kOffers), text);
        }
    }
}

TEST_CASE("C04: a plugin is told the host's minor, and may decline") {
    for (const unsigned needed : {HOTGRAFT_ABI_MINOR, HOTGRAFT_ABI_MINOR + 1}) {
        const std::string image = scene::build("abi_minor_asks.c", "-DNEEDED=" + std::to_string(needed));
        if (needed <= HOTGRAFT_ABI_MINOR) {
            CHECK(scene::unload(scene::created(image)).proven);
        } else {
            const std::string text = refusal_of(image);
            CHECK_MESSAGE(contains(text, "cannot be served by a host of ABI " + kOffers), text);
        }
    }
}

TEST_CASE("a table is read as far as its plugin's headers went, and no further") {
    struct Length {
        const char *flags;
        std::int64_t calls; // after one call, a swap to the same and none more: which way the state went
    };
    const std::vector<Length> lengths = {
        {"", 101},               // as long as today: the block is handed over
        {"-DSTATE_BYTES=32", 1}, // save and restore, before there were take and surrender
        {"-DSTATE_BYTES=16", 0}, // before there was any function
        {"-DTABLE_BYTES=88", 0}, // before there was get_extension
    };
    for (const Length &length : lengths) {
        INFO(std::string(length.flags));
        Served plain("plain/1");
        plain.load(old_sizes(length.flags));
        CHECK(plain.call<std::int64_t>(0, std::int64_t{2}, std::int64_t{3}) == 5);
        plain.load(old_sizes(std::string(length.flags) + " -O2"));
        CHECK(plain.call<std::int64_t>(1) == length.calls);
        CHECK(plain.gone() == 1);
    }
}

TEST_CASE("C03, C05: a table that ends within a pair, or before what must be there, is refused and not read further") {
    const std::vector<std::pair<const char *, const char *>> cases = {
        {"-DSTATE_BYTES=40", "take and surrender are offered together"},
        {"-DSTATE_BYTES=24", "save and restore are offered together"},
        {"-DSTATE_BYTES=4", "schema is 0"},
        {"-DSTATE_BYTES=0", "struct_size lies"},
        {"-DHEALTH_BYTES=8", "check is NULL"},
        {"-DHEALTH_BYTES=2", "struct_size lies"},
        {"-DTABLE_BYTES=80", "struct_size is 80, at least 88 is needed"},
        {"-DTABLE_BYTES=40", "create is NULL"},
    };
    for (const auto &[flags, says] : cases) {
        const std::string text = refusal_of(old_sizes(flags));
        CHECK_MESSAGE(contains(text, says), text);
    }
}
