// A saved state as MessagePack: the bytes that the format prescribes, and any bytes read back.
#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "keyed_bytes.hpp"

using namespace hotgraft;

namespace {

// "82 a1 61" as bytes.
std::string from_hex(const std::string &text) {
    std::string bytes;
    for (std::size_t at = 0; at < text.size(); at += 3) {
        bytes.push_back(static_cast<char>(std::stoi(text.substr(at, 2), nullptr, 16)));
    }
    return bytes;
}

std::string to_hex(const std::string &bytes) {
    constexpr const char *kDigits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += {kDigits[byte >> 4], kDigits[byte & 15], ' '};
    }
    return text.empty() ? text : text.substr(0, text.size() - 1);
}

std::string filled() {
    Sink sink;
    const double reals[] = {0.5, 1.5};
    REQUIRE(sink.i64("whole", -129) == HOTGRAFT_OK);
    REQUIRE(sink.f64("real", 2.5) == HOTGRAFT_OK);
    REQUIRE(sink.open("map", HOTGRAFT_VALUE_MAP) == HOTGRAFT_OK);
    REQUIRE(sink.text(70'000, "h\xC3\xA4") == HOTGRAFT_OK);
    REQUIRE(sink.open("inner", HOTGRAFT_VALUE_ARRAY) == HOTGRAFT_OK);
    REQUIRE(sink.bytes(std::nullopt, std::string(300, '\0')) == HOTGRAFT_OK);
    REQUIRE(sink.close() == HOTGRAFT_OK);
    REQUIRE(sink.close() == HOTGRAFT_OK);
    REQUIRE(sink.add("reals", HOTGRAFT_VALUE_F64S, reals, sizeof reals) == HOTGRAFT_OK);
    REQUIRE(sink.bytes("large", std::string(5'000, 'l')) == HOTGRAFT_OK);
    REQUIRE(sink.state.finish().is_ok());
    return bytes_of(sink.state);
}

} // namespace

TEST_CASE("each value has the bytes of the format, whole numbers the shortest") {
    struct Case {
        std::int64_t number;
        const char *bytes;
    };
    const Case cases[] = {
        {0, "00"},
        {127, "7f"},
        {128, "cc 80"},
        {255, "cc ff"},
        {256, "cd 01 00"},
        {65'535, "cd ff ff"},
        {65'536, "ce 00 01 00 00"},
        {4'294'967'295, "ce ff ff ff ff"},
        {4'294'967'296, "cf 00 00 00 01 00 00 00 00"},
        {INT64_MAX, "cf 7f ff ff ff ff ff ff ff"},
        {-1, "ff"},
        {-32, "e0"},
        {-33, "d0 df"},
        {-128, "d0 80"},
        {-129, "d1 ff 7f"},
        {-32'768, "d1 80 00"},
        {-32'769, "d2 ff ff 7f ff"},
        {INT32_MIN, "d2 80 00 00 00"},
        {std::int64_t{INT32_MIN} - 1, "d3 ff ff ff ff 7f ff ff ff"},
        {INT64_MIN, "d3 80 00 00 00 00 00 00 00"},
    };
    for (const Case &one : cases) {
        Sink sink;
        REQUIRE(sink.i64("k", one.number) == HOTGRAFT_OK);
        REQUIRE(sink.state.finish().is_ok());
        CHECK(to_hex(bytes_of(sink.state)) == std::string("df 00 00 00 01 a1 6b ") + one.bytes);
        Source source(sink.state);
        REQUIRE(source.next() == HOTGRAFT_OK);
        CHECK(source.item.number == one.number);
    }
    Sink sink;
    const std::uint8_t no = 0;
    REQUIRE(sink.f64("f", -0.0) == HOTGRAFT_OK);
    REQUIRE(sink.text("t", "abc") == HOTGRAFT_OK);
    REQUIRE(sink.bytes("b", "xy") == HOTGRAFT_OK);
    REQUIRE(sink.add("n", HOTGRAFT_VALUE_NIL, nullptr, 0) == HOTGRAFT_OK);
    REQUIRE(sink.add("o", HOTGRAFT_VALUE_BOOL, &no, 1) == HOTGRAFT_OK);
    REQUIRE(sink.u64("u", UINT64_MAX) == HOTGRAFT_OK);
    REQUIRE(sink.open("a", HOTGRAFT_VALUE_ARRAY) == HOTGRAFT_OK);
    REQUIRE(sink.close() == HOTGRAFT_OK);
    REQUIRE(sink.state.finish().is_ok());
    CHECK(to_hex(bytes_of(sink.state)) == "df 00 00 00 07 a1 66 cb 80 00 00 00 00 00 00 00 a1 74 a3 61 62 63 "
                                          "a1 62 c4 02 78 79 a1 6e c0 a1 6f c2 a1 75 cf ff ff ff ff ff ff ff ff "
                                          "a1 61 dd 00 00 00 00");
}

TEST_CASE("every form that the format has for a value is read, and written in the core's own") {
    struct Case {
        const char *given;
        const char *written;
    };
    const Case cases[] = {
        {"80", ""},
        {"81 a1 6b 05", "a1 6b 05"},
        {"de 00 01 a1 6b 05", "a1 6b 05"},
        {"81 d9 01 6b d3 00 00 00 00 00 00 00 05", "a1 6b 05"},
        {"81 da 00 01 6b d0 ff", "a1 6b ff"},
        {"81 db 00 00 00 01 6b ca 3f 80 00 00", "a1 6b cb 3f f0 00 00 00 00 00 00"}, // float32 widens exactly
        {"81 a1 6b 91 c3", "a1 6b dd 00 00 00 01 c3"},
        {"81 a1 6b dc 00 01 c5 00 01 78", "a1 6b dd 00 00 00 01 c4 01 78"},
        {"81 a1 6b 81 ff c6 00 00 00 00", "a1 6b df 00 00 00 01 ff c4 00"},
        {"81 a1 6b 81 d1 ff ff a0", "a1 6b df 00 00 00 01 ff a0"},
    };
    for (const Case &one : cases) {
        CAPTURE(one.given);
        const std::string given = from_hex(one.given);
        KeyedState state;
        const Status status = state.read(given.data(), given.size());
        REQUIRE_MESSAGE(status.is_ok(), status.message());
        const std::string count = *one.written == '\0' ? "df 00 00 00 00" : "df 00 00 00 01 ";
        CHECK(to_hex(bytes_of(state)) == count + one.written);
        CHECK(read_any(given.data(), given.size()));
    }
}

TEST_CASE("bytes that are no saved state are refused at the byte where they are not") {
    struct Case {
        const char *given;
        const char *says;
    };
    const std::string deep = "81 a1 6b" + [] {
        std::string text;
        for (int i = 0; i < 65; ++i) {
            text += " 91";
        }
        return text + " c0";
    }();
    const Case cases[] = {
        {"", "at byte 0: the bytes end"},
        {"90", "at byte 0: it is no map"},
        {"c0", "at byte 0: it is no map"},
        {"81", "at byte 1: the bytes end"},
        {"81 a1", "at byte 1: the bytes end"},
        {"81 a1 6b", "at byte 3: the bytes end"},
        {"80 00", "at byte 0: more bytes follow"},
        {"81 a1 6b c1", "at byte 3: a value of a type"},
        {"81 a1 6b d4 01 00", "at byte 3: a value of a type"},
        {"81 a1 6b c7 00 01", "at byte 3: a value of a type"},
        {"81 c0 00", "at byte 1: a key that is neither"},
        {"81 05 00", "a key at the top is text"},
        {"81 a1 6b 81 cf ff ff ff ff ff ff ff ff 00", "at byte 4: a key that is neither"},
        {"81 a0 00", "1 to 255 bytes"},
        {"82 a1 6b 01 a1 6b 02", "at byte 6: key \"k\": this key was put before"},
        {"82 a1 6b 01 d9 01 6b 02", "this key was put before"}, // the same key in another form
        {"81 a1 6b 82 05 01 d3 00 00 00 00 00 00 00 05 02", "\"k\" / 5: this key was put before"},
        {"81 a1 6b a1 ff", "at byte 3: key \"k\": the text is not UTF-8"},
        {"81 a1 ff 00", "not UTF-8"},
        {"81 a1 6b dd ff ff ff ff", "at byte 8: the bytes end"}, // no memory is taken for what is only said
        {"81 a1 6b c6 ff ff ff ff 00", "at byte 3: the bytes end"},
        {deep.c_str(), "64 maps and arrays deep"},
    };
    for (const Case &one : cases) {
        CAPTURE(one.given);
        const std::string given = from_hex(one.given);
        KeyedState state;
        const Status status = state.read(given.data(), given.size());
        CHECK(status.code() == Code::kRefused);
        CHECK_MESSAGE(status.message().find(one.says) != std::string::npos, status.message());
        CHECK_FALSE(read_any(given.data(), given.size()));
    }
}

TEST_CASE("a state is refused at every length short of its own, and survives every change of a byte") {
    const std::string bytes = filled();
    REQUIRE(read_any(bytes.data(), bytes.size()));
    for (std::size_t length = 0; length < bytes.size(); length += length < 600 ? 1 : 97) {
        const std::vector<char> cut(bytes.begin(),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(length)); // nothing after it
        CHECK_FALSE(read_any(cut.data(), cut.size()));
    }
    std::mt19937_64 random(6); // NOLINT(cert-msc51-cpp): the same every time
    std::size_t taken = 0;
    for (int i = 0; i < 2'000; ++i) {
        std::string changed = bytes.substr(0, 500);
        changed += bytes.substr(bytes.size() - 20);
        for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
            changed[random() % changed.size()] = static_cast<char>(random());
        }
        taken += static_cast<std::size_t>(read_any(changed.data(), changed.size()));
    }
    CHECK(taken < 2'000);
}

TEST_CASE("random bytes never do worse than to be refused") {
    std::mt19937_64 random(7); // NOLINT(cert-msc51-cpp): the same every time
    std::size_t taken = 0;
    for (int i = 0; i < 20'000; ++i) {
        // Mostly short forms, or the first byte that says "long" would end nearly all of them.
        std::vector<unsigned char> bytes(1 + random() % 40);
        for (unsigned char &byte : bytes) {
            byte = static_cast<unsigned char>(random() % 4 == 0 ? random() : 0xC0 * (random() % 2) + random() % 0x20);
        }
        bytes[0] = static_cast<unsigned char>(0x80 | random() % 4);
        bytes[bytes.size() > 1 ? 1 : 0] = bytes.size() > 1 ? 0xA1 : 0x80;
        taken += static_cast<std::size_t>(read_any(bytes.data(), bytes.size()));
    }
    CHECK(taken > 0); // some are states, by chance
}
