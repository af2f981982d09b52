// Keyed state: what save puts is what restore gets, and what breaks a rule is refused by name.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "keyed_source.hpp"
#include "keyed_state.hpp"

using namespace hotgraft;

namespace {

bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

struct Put {
    KeyedState state;
    hotgraft_sink sink = state.sink();

    hotgraft_status operator()(const char *key, std::uint32_t type, const void *data, std::uint64_t len) {
        return sink.put(sink.ctx, key, type, data, len);
    }
};

} // namespace

TEST_CASE("values come back by key and in the order they were put, aligned and unchanged") {
    Put put;
    const std::int64_t number = -5;
    const double real = 2.5;
    CHECK(put("z", HOTGRAFT_VALUE_I64, &number, 8) == HOTGRAFT_OK);
    CHECK(put("a", HOTGRAFT_VALUE_F64, &real, 8) == HOTGRAFT_OK);
    CHECK(put("text", HOTGRAFT_VALUE_TEXT, "h\xC3\xA4", 3) == HOTGRAFT_OK);
    CHECK(put("empty", HOTGRAFT_VALUE_BYTES, nullptr, 0) == HOTGRAFT_OK);
    REQUIRE(put.state.finish().is_ok());

    KeyedSource reading(put.state);
    const hotgraft_source source = reading.source();
    const char *order[] = {"z", "a", "text", "empty"};
    for (std::uint64_t i = 0; i < 4; ++i) {
        CHECK(std::strcmp(source.key_at(source.ctx, i), order[i]) == 0);
    }
    CHECK(source.key_at(source.ctx, 4) == nullptr);
    std::uint32_t type = 0;
    const void *data = nullptr;
    std::uint64_t len = 0;
    REQUIRE(source.get(source.ctx, "z", 0, &type, &data, &len) == HOTGRAFT_OK);
    CHECK(type == HOTGRAFT_VALUE_I64);
    CHECK(std::memcmp(data, &number, 8) == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(data) % 16 == 0);
    REQUIRE(source.get(source.ctx, "text", HOTGRAFT_VALUE_TEXT, nullptr, &data, &len) == HOTGRAFT_OK);
    CHECK(std::string(static_cast<const char *>(data), len) == "h\xC3\xA4");
    CHECK(source.get(source.ctx, "text", HOTGRAFT_VALUE_I64, nullptr, &data, &len) == HOTGRAFT_E_INVALID);
    CHECK(source.get(source.ctx, "nothing", 0, nullptr, &data, &len) == HOTGRAFT_E_UNSUPPORTED);
    CHECK(source.get(source.ctx, nullptr, 0, nullptr, &data, &len) == HOTGRAFT_E_INVALID);
}

TEST_CASE("a key that breaks a rule is refused, named, and remembered though the plugin goes on") {
    const std::int64_t number = 1;
    const std::string longest(255, 'k');
    const std::string too_long(256, 'k');
    Put fits;
    CHECK(fits(longest.c_str(), HOTGRAFT_VALUE_I64, &number, 8) == HOTGRAFT_OK);

    struct Case {
        const char *key;
        std::uint32_t type;
        const void *data;
        std::uint64_t len;
        const char *says;
    };
    const Case cases[] = {
        {"", HOTGRAFT_VALUE_I64, &number, 8, "1 to 255 bytes"},
        {too_long.c_str(), HOTGRAFT_VALUE_I64, &number, 8, "1 to 255 bytes"},
        {nullptr, HOTGRAFT_VALUE_I64, &number, 8, "without a key"},
        {"k\xFFy", HOTGRAFT_VALUE_I64, &number, 8, "not UTF-8"},
        {"key", 12, &number, 8, "type 12"},
        {"key", HOTGRAFT_VALUE_MAP, nullptr, 0, "opened, not put"},
        {"key", 0, &number, 8, "type 0"},
        {"key", HOTGRAFT_VALUE_F64, &number, 4, "8 bytes, got 4"},
        {"key", HOTGRAFT_VALUE_BYTES, nullptr, 4, "no data"},
        {"key", HOTGRAFT_VALUE_TEXT, "\xC0", 1, "text is not UTF-8"},
        {"there", HOTGRAFT_VALUE_I64, &number, 8, "put before"},
    };
    for (const Case &one : cases) {
        Put put;
        REQUIRE(put("there", HOTGRAFT_VALUE_I64, &number, 8) == HOTGRAFT_OK);
        CHECK(put(one.key, one.type, one.data, one.len) == HOTGRAFT_E_INVALID);
        CHECK(put("after", HOTGRAFT_VALUE_I64, &number, 8) == HOTGRAFT_E_INVALID);
        const Status &refusal = put.state.first_refusal();
        CHECK(refusal.code() == Code::kInvalid);
        CHECK_MESSAGE(contains(refusal.message(), one.says), refusal.message());
        if (one.key != nullptr && one.key[0] == 't') {
            CHECK(contains(refusal.message(), "\"there\""));
        }
        CHECK(put.state.held_bytes() == 0); // nothing is kept, and nothing more is taken
    }
}

TEST_CASE("the cap holds for all values together, and a length that would overflow is refused") {
    const char bytes[90] = {};
    KeyedState fits(110);
    CHECK(fits.put("a", HOTGRAFT_VALUE_BYTES, bytes, 90) == HOTGRAFT_OK);
    CHECK(fits.put("d", HOTGRAFT_VALUE_BYTES, bytes, 8) == HOTGRAFT_OK);
    for (const std::uint64_t over : {std::uint64_t{10}, ~std::uint64_t{0}, ~std::uint64_t{0} >> 1}) {
        KeyedState state(110);
        CHECK(state.put("a", HOTGRAFT_VALUE_BYTES, bytes, 90) == HOTGRAFT_OK);
        CHECK(state.put("b", HOTGRAFT_VALUE_BYTES, bytes, over) == HOTGRAFT_E_INVALID);
        CHECK(contains(state.first_refusal().message(), over == 10 ? "cap of 110" : "4 GiB"));
        CHECK(contains(state.first_refusal().message(), "\"b\""));
    }
}
