// What a save of ABI 1.1 nests is what a restore walks through; what breaks a rule ends the save, and says where.
#include <doctest/doctest.h>

#include <malloc.h>

#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "keyed_pair.hpp"

using namespace hotgraft;

namespace {

constexpr std::uint32_t kMap = HOTGRAFT_VALUE_MAP;
constexpr std::uint32_t kArray = HOTGRAFT_VALUE_ARRAY;
constexpr std::uint32_t kBytes = HOTGRAFT_VALUE_BYTES;
constexpr auto kNone = std::nullopt;

void fill(Sink &sink) {
    const double reals[] = {0.5, -1e300};
    const std::int64_t wholes[] = {1, -1, INT64_MIN, INT64_MAX};
    const std::uint8_t yes = 1;
    REQUIRE(sink.i64("first", -7) == HOTGRAFT_OK);
    REQUIRE(sink.open("bands", kArray) == HOTGRAFT_OK);
    for (int band = 0; band < 2; ++band) {
        REQUIRE(sink.open(kNone, kMap) == HOTGRAFT_OK);
        REQUIRE(sink.f64("gain", band + 0.25) == HOTGRAFT_OK);
        REQUIRE(sink.text(-3 + band, "name") == HOTGRAFT_OK);
        REQUIRE(sink.open("", kArray) == HOTGRAFT_OK);
        REQUIRE(sink.close() == HOTGRAFT_OK);
        REQUIRE(sink.close() == HOTGRAFT_OK);
    }
    REQUIRE(sink.add(kNone, HOTGRAFT_VALUE_NIL, nullptr, 0) == HOTGRAFT_OK);
    REQUIRE(sink.close() == HOTGRAFT_OK);
    REQUIRE(sink.add("reals", HOTGRAFT_VALUE_F64S, reals, sizeof reals) == HOTGRAFT_OK);
    REQUIRE(sink.add("wholes", HOTGRAFT_VALUE_I64S, wholes, sizeof wholes) == HOTGRAFT_OK);
    REQUIRE(sink.u64("large", UINT64_MAX) == HOTGRAFT_OK);
    REQUIRE(sink.u64("small", 5) == HOTGRAFT_OK);
    REQUIRE(sink.add("yes", HOTGRAFT_VALUE_BOOL, &yes, 1) == HOTGRAFT_OK);
    REQUIRE(sink.open("blob", kBytes, 5'000) == HOTGRAFT_OK);
    REQUIRE(sink.write(std::string(1'000, 'a')) == HOTGRAFT_OK);
    REQUIRE(sink.write("") == HOTGRAFT_OK);
    REQUIRE(sink.write(std::string(4'000, 'b')) == HOTGRAFT_OK);
    REQUIRE(sink.close() == HOTGRAFT_OK);
    REQUIRE(sink.i64("last", 8) == HOTGRAFT_OK);
    REQUIRE(sink.state.finish().is_ok());
}

} // namespace

TEST_CASE("what is nested comes back one after another, by key and by place") {
    Sink sink;
    fill(sink);
    Source source(sink.state);
    REQUIRE(source.next() == HOTGRAFT_OK);
    CHECK(source.key() == "first");
    CHECK(source.item.number == -7);
    REQUIRE(source.next() == HOTGRAFT_OK);
    CHECK(source.item.type == kArray);
    CHECK(source.item.len == 3);
    CHECK(source.item.data == nullptr);
    REQUIRE(source.open() == HOTGRAFT_OK);
    for (int band = 0; band < 2; ++band) {
        REQUIRE(source.next() == HOTGRAFT_OK);
        CHECK(source.item.key.text == nullptr);
        REQUIRE(source.open() == HOTGRAFT_OK);
        REQUIRE(source.find("gain") == HOTGRAFT_OK);
        CHECK(source.item.real == band + 0.25);
        REQUIRE(source.find(-3 + band) == HOTGRAFT_OK);
        CHECK(source.text() == "name");
        CHECK(source.find(7) == HOTGRAFT_E_UNSUPPORTED); // nothing has moved:
        REQUIRE(source.next() == HOTGRAFT_OK);
        CHECK(source.key().empty());
        CHECK(source.next() == HOTGRAFT_E_UNSUPPORTED);
        REQUIRE(source.find("gain") == HOTGRAFT_OK); // and round to the beginning
        REQUIRE(source.close() == HOTGRAFT_OK);      // past what was not read
    }
    REQUIRE(source.next() == HOTGRAFT_OK);
    CHECK(source.item.type == HOTGRAFT_VALUE_NIL);
    CHECK(source.next() == HOTGRAFT_E_UNSUPPORTED);
    REQUIRE(source.close() == HOTGRAFT_OK);
    std::vector<std::string> rest;
    while (source.next() == HOTGRAFT_OK) { // past maps and arrays that are not opened
        rest.push_back(source.key());
    }
    CHECK(rest == std::vector<std::string>{"reals", "wholes", "large", "small", "yes", "blob", "last"});
}

TEST_CASE("numbers come back many at a time, as the type that holds them, and no further than there are") {
    Sink sink;
    fill(sink);
    Source source(sink.state);
    double reals[2] = {};
    REQUIRE(source.find("reals") == HOTGRAFT_OK);
    REQUIRE(source.open() == HOTGRAFT_OK);
    CHECK(source.read(HOTGRAFT_VALUE_F64, reals, 3) == HOTGRAFT_E_INVALID);
    CHECK(source.read(HOTGRAFT_VALUE_I64, reals, 1) == HOTGRAFT_E_INVALID);
    CHECK(source.read(HOTGRAFT_VALUE_F64S, reals, 1) == HOTGRAFT_E_INVALID);
    CHECK(source.read(HOTGRAFT_VALUE_F64, nullptr, 1) == HOTGRAFT_E_INVALID);
    REQUIRE(source.read(HOTGRAFT_VALUE_F64, reals, 1) == HOTGRAFT_OK); // in pieces
    REQUIRE(source.read(HOTGRAFT_VALUE_F64, reals + 1, 1) == HOTGRAFT_OK);
    CHECK(reals[0] == 0.5);
    CHECK(reals[1] == -1e300);
    CHECK(source.read(HOTGRAFT_VALUE_F64, reals, 0) == HOTGRAFT_OK);
    REQUIRE(source.close() == HOTGRAFT_OK);

    std::int64_t wholes[4] = {};
    REQUIRE(source.find("wholes") == HOTGRAFT_OK);
    REQUIRE(source.open() == HOTGRAFT_OK);
    CHECK(source.read(HOTGRAFT_VALUE_U64, wholes, 4) == HOTGRAFT_E_INVALID); // two are negative, and nothing has moved
    REQUIRE(source.read(HOTGRAFT_VALUE_I64, wholes, 4) == HOTGRAFT_OK);
    CHECK(std::vector<std::int64_t>(wholes, wholes + 4) == std::vector<std::int64_t>{1, -1, INT64_MIN, INT64_MAX});
    REQUIRE(source.close() == HOTGRAFT_OK);

    REQUIRE(source.find("large") == HOTGRAFT_OK);
    CHECK(source.item.type == HOTGRAFT_VALUE_U64);
    CHECK(static_cast<std::uint64_t>(source.item.number) == UINT64_MAX);
    REQUIRE(source.find("small") == HOTGRAFT_OK);
    CHECK(source.item.type == HOTGRAFT_VALUE_I64);
    REQUIRE(source.find("yes") == HOTGRAFT_OK);
    CHECK(source.item.type == HOTGRAFT_VALUE_BOOL);
    CHECK(source.item.number == 1);
}

TEST_CASE("a restore of ABI 1.0 gets what is at the top, aligned, and neither a map nor an array") {
    Sink sink;
    fill(sink);
    Source source(sink.state);
    const void *data = nullptr;
    std::uint64_t len = 0;
    std::uint32_t type = 0;
    const auto get = [&](const char *key, std::uint32_t want) {
        return source.source.get(source.source.ctx, key, want, &type, &data, &len);
    };
    for (const char *const key : {"bands", "reals"}) {
        CHECK(get(key, 0) == HOTGRAFT_E_INVALID);
    }
    CHECK(type == 0);
    REQUIRE(get("blob", kBytes) == HOTGRAFT_OK);
    CHECK(len == 5'000);
    CHECK(reinterpret_cast<std::uintptr_t>(data) % 16 == 0);
    CHECK(get("large", HOTGRAFT_VALUE_I64) == HOTGRAFT_E_INVALID);
    REQUIRE(get("large", HOTGRAFT_VALUE_U64) == HOTGRAFT_OK);
    REQUIRE(get("small", HOTGRAFT_VALUE_U64) == HOTGRAFT_OK);
    CHECK(type == HOTGRAFT_VALUE_I64);
    REQUIRE(get("yes", HOTGRAFT_VALUE_BOOL) == HOTGRAFT_OK);
    CHECK(len == 1);
    CHECK(*static_cast<const std::uint8_t *>(data) == 1);
    std::vector<std::string> keys;
    while (const char *const key = source.source.key_at(source.source.ctx, keys.size())) {
        keys.emplace_back(key);
    }
    CHECK(keys ==
          std::vector<std::string>{"first", "bands", "reals", "wholes", "large", "small", "yes", "blob", "last"});
}

TEST_CASE("the source answers what is out of order, and stays where it is") {
    Sink sink;
    fill(sink);
    Source source(sink.state);
    CHECK(source.open() == HOTGRAFT_E_INVALID);
    CHECK(source.close() == HOTGRAFT_E_INVALID);
    CHECK(source.read(HOTGRAFT_VALUE_F64, nullptr, 0) == HOTGRAFT_E_INVALID);
    CHECK(source.source.find(source.source.ctx, nullptr, &source.item) == HOTGRAFT_E_INVALID);
    CHECK(source.source.next(source.source.ctx, nullptr) == HOTGRAFT_E_INVALID);
    source.item.struct_size = 56;
    CHECK(source.next() == HOTGRAFT_E_INVALID);
    source.item.struct_size = sizeof source.item;
    REQUIRE(source.next() == HOTGRAFT_OK);
    CHECK(source.open() == HOTGRAFT_E_INVALID); // it is a number
    REQUIRE(source.find("reals") == HOTGRAFT_OK);
    REQUIRE(source.open() == HOTGRAFT_OK);
    CHECK(source.open() == HOTGRAFT_E_INVALID);
    CHECK(source.find("gain") == HOTGRAFT_E_INVALID); // in an array
    REQUIRE(source.next() == HOTGRAFT_OK);
    CHECK(source.item.real == 0.5);
}

TEST_CASE("what breaks a rule of nesting ends the save: refused by name and place, nothing kept, nothing more taken") {
    struct Fault {
        const char *says;
        std::function<void(Sink &)> put;
    };
    const std::string longest(65'536, 'k');
    const std::vector<Fault> faults = {
        {"key \"bands\" / \"a\": this key was put before",
         [](Sink &it) { it.open("bands", kMap), it.i64("a", 1), it.i64("b", 1), it.i64("a", 1); }},
        {"key \"bands\" / 7: this key was put before",
         [](Sink &it) { it.open("bands", kMap), it.i64(9, 1), it.i64(7, 1), it.i64(7, 1); }},
        {"key \"bands\" / 1 / \"x\": this key", // of the second map of an array
         [](Sink &it) {
             it.open("bands", kArray), it.open(kNone, kMap), it.i64("x", 1), it.close(), it.open(kNone, kMap);
             it.i64("x", 1), it.open("x", kMap);
         }},
        {"without a key in a map", [](Sink &it) { it.open("bands", kMap), it.i64(kNone, 1); }},
        {"without a key in a map", [](Sink &it) { it.open(kNone, kArray); }},
        {"a key in an array", [](Sink &it) { it.open("bands", kArray), it.i64("a", 1); }},
        {"a key in an array", [](Sink &it) { it.open("bands", kArray), it.open(3, kMap); }},
        {"a key at the top is text", [](Sink &it) { it.i64(3, 1); }},
        {"0 to 65535 bytes", [&](Sink &it) { it.open("bands", kMap), it.i64(longest, 1); }},
        {"not UTF-8", [](Sink &it) { it.open("bands", kMap), it.i64("\xFF", 1); }},
        {"key \"bands\": it was opened and never closed", [](Sink &it) { it.open("bands", kMap); }},
        {"close, and nothing is open", [](Sink &it) { it.close(); }},
        {"close, and nothing is open", [](Sink &it) { it.open("bands", kMap), it.close(), it.close(); }},
        {"not value type 1", [](Sink &it) { it.open("bands", HOTGRAFT_VALUE_I64); }},
        {"opened with len 0, got 3", [](Sink &it) { it.open("bands", kArray, 3); }},
        {"opened, not put", [](Sink &it) { it.add("bands", kMap, nullptr, 0); }},
        {"a piece of bytes, and none are open", [](Sink &it) { it.write("a"); }},
        {"2 bytes where 1 of 3 bytes are", [](Sink &it) { it.open("b", kBytes, 3), it.write("ab"), it.write("cd"); }},
        {"1 of 3 bytes were never written", [](Sink &it) { it.open("b", kBytes, 3), it.write("ab"), it.close(); }},
        {"1 of 3 bytes are still to be", [](Sink &it) { it.open("b", kBytes, 3), it.write("ab"), it.i64("c", 1); }},
        {"never closed", [](Sink &it) { it.open("b", kBytes, 0); }},
        {"0 or 1, got 2", [](Sink &it) { it.add("b", HOTGRAFT_VALUE_BOOL, "\2", 1); }},
        {"has 1 byte, got 4", [](Sink &it) { it.add("b", HOTGRAFT_VALUE_BOOL, "\1\1\1\1", 4); }},
        {"nil has no bytes", [](Sink &it) { it.add("b", HOTGRAFT_VALUE_NIL, "", 1); }},
        {"8 bytes each, got 12", [](Sink &it) { it.add("b", HOTGRAFT_VALUE_F64S, "", 12); }},
        {"no data, but 8 bytes", [](Sink &it) { it.add("b", HOTGRAFT_VALUE_F64S, nullptr, 8); }},
        {"more than 64 maps and arrays deep",
         [](Sink &it) {
             it.open("deep", kArray);
             for (int i = 0; i < 64; ++i) {
                 it.open(kNone, kArray);
             }
         }},
        {"after it had returned", [](Sink &it) { it.i64("a", 1), it.state.finish(), it.i64("b", 1); }},
    };
    for (const Fault &fault : faults) {
        CAPTURE(fault.says);
        Sink sink;
        REQUIRE(sink.text("there", "before") == HOTGRAFT_OK);
        fault.put(sink);
        const Status &refusal = sink.state.finish();
        CHECK(refusal.code() == Code::kInvalid);
        CHECK_MESSAGE(refusal.message().find(fault.says) != std::string::npos, refusal.message());
        CHECK(sink.state.held_bytes() == 0);
        const std::string first = refusal.message();
        CHECK(sink.i64("more", 1) == HOTGRAFT_E_INVALID);
        CHECK(sink.open("more", kMap) == HOTGRAFT_E_INVALID);
        CHECK(sink.write("a") == HOTGRAFT_E_INVALID);
        CHECK(sink.close() == HOTGRAFT_E_INVALID);
        CHECK(sink.state.finish().message() == first);
        CHECK(sink.state.held_bytes() == 0);
    }
}

TEST_CASE("64 maps and arrays inside one another are not too deep") {
    Sink sink;
    REQUIRE(sink.open("deep", kArray) == HOTGRAFT_OK);
    for (int i = 1; i < 64; ++i) {
        REQUIRE(sink.open(kNone, kArray) == HOTGRAFT_OK);
    }
    for (int i = 0; i < 64; ++i) {
        REQUIRE(sink.close() == HOTGRAFT_OK);
    }
    REQUIRE(sink.state.finish().is_ok());
    Source source(sink.state);
    REQUIRE(source.next() == HOTGRAFT_OK);
    for (int i = 1; i < 64; ++i) {
        REQUIRE(source.open() == HOTGRAFT_OK);
        REQUIRE(source.next() == HOTGRAFT_OK);
    }
    CHECK(source.item.len == 0);
}

TEST_CASE("a key twice is found among keys in order, out of order, and in the map after a large one") {
    for (const int step : {1, 7'919}) { // the second leads through all of them in no order
        Sink sink;
        REQUIRE(sink.open("large", kMap) == HOTGRAFT_OK);
        for (int i = 0; i < 5'000; ++i) {
            REQUIRE(sink.i64(std::to_string(i * step % 5'000 + 10'000), i) == HOTGRAFT_OK);
        }
        REQUIRE(sink.close() == HOTGRAFT_OK);
        REQUIRE(sink.open("small", kMap) == HOTGRAFT_OK);
        REQUIRE(sink.i64("10001", 0) == HOTGRAFT_OK); // one of the large map's
        REQUIRE(sink.i64("10000", 0) == HOTGRAFT_OK);
        REQUIRE(sink.i64(10'001, 0) == HOTGRAFT_OK); // a number is not its text
        CHECK(sink.i64("10001", 0) == HOTGRAFT_E_INVALID);

        Sink again;
        REQUIRE(again.open("large", kMap) == HOTGRAFT_OK);
        for (int i = 0; i < 5'000; ++i) {
            REQUIRE(again.i64(std::to_string(i * step % 5'000 + 10'000), i) == HOTGRAFT_OK);
        }
        CHECK(again.i64("12345", 0) == HOTGRAFT_E_INVALID);
    }
}

TEST_CASE("a state beyond the cap is refused before memory is taken for it, whichever way it comes") {
    constexpr std::uint64_t kCap = 1 << 20;
    const std::string piece(1 << 16, 'p');
    const std::vector<double> numbers(1 << 18);
    const std::vector<std::function<hotgraft_status(Sink &, int)>> ways = {
        [&](Sink &it, int i) { return it.bytes(std::to_string(i), piece); },
        [](Sink &it, int i) { return it.open(std::to_string(i), kBytes, std::uint64_t{10} << 30); },
        [](Sink &it, int i) { return it.open(std::to_string(i), kBytes, std::uint64_t{3} << 30); },
        [](Sink &it, int i) { return it.bytes(std::to_string(i), std::string(300'000, 'l')); },
        [&](Sink &it, int i) {
            return it.add(std::to_string(i), HOTGRAFT_VALUE_F64S, numbers.data(), numbers.size() * 8);
        },
        [](Sink &it, int i) {
            const std::vector<std::int64_t> large(100'000, INT64_MAX);
            return it.add(std::to_string(i), HOTGRAFT_VALUE_I64S, large.data(), large.size() * 8);
        },
        [](Sink &it, int i) { return it.i64(std::to_string(i), 1); },
        [](Sink &it, int i) { return it.open(std::to_string(i), kArray) == 0 ? it.close() : HOTGRAFT_E_INVALID; },
    };
    for (const auto &way : ways) {
        Sink sink(kCap);
        std::uint64_t most = 0;
        int i = 0;
        while (way(sink, i) == HOTGRAFT_OK && i < 1'000'000) {
            ++i;
            most = std::max(most, sink.state.held_bytes());
        }
        CAPTURE(sink.state.first_refusal().message());
        CHECK(sink.state.first_refusal().code() == Code::kInvalid);
        CHECK(most <= 2 * kCap + (1 << 20));
        CHECK(sink.state.held_bytes() == 0);
    }
}

TEST_CASE("bytes in pieces are held once, where they are read: no copy on either way") {
    constexpr std::uint64_t kBlob = std::uint64_t{100} << 20;
    const std::string piece(1 << 20, 'x');
    const auto in_use = [] {
        const struct mallinfo2 info = mallinfo2();
        return info.uordblks + info.hblkhd;
    };
    const std::size_t before = in_use();
    Sink sink;
    REQUIRE(sink.open("blob", kBytes, kBlob) == HOTGRAFT_OK);
    std::size_t most = in_use();
    for (std::uint64_t written = 0; written < kBlob; written += piece.size()) {
        REQUIRE(sink.write(piece) == HOTGRAFT_OK);
        most = std::max(most, in_use());
    }
    REQUIRE(sink.close() == HOTGRAFT_OK);
    REQUIRE(sink.state.finish().is_ok());
    Source source(sink.state);
    REQUIRE(source.find("blob") == HOTGRAFT_OK);
    const void *data = nullptr;
    std::uint64_t len = 0;
    REQUIRE(source.source.get(source.source.ctx, "blob", kBytes, nullptr, &data, &len) == HOTGRAFT_OK);
    most = std::max(most, in_use());
    if (most != 0) { // a sanitizer's allocator keeps no such books
        CHECK(most >= kBlob);
        const std::string copy = bytes_of(sink.state);
        CHECK(in_use() - before >= 2 * kBlob); // a copy would have been seen
    }
    CHECK(static_cast<double>(most - before) <= 1.001 * static_cast<double>(kBlob));
    CHECK(source.item.data == data);
    CHECK(source.item.len == kBlob);
    CHECK(reinterpret_cast<std::uintptr_t>(data) % 16 == 0);
}

TEST_CASE("many values of any size take little more memory than their bytes, and the large ones lie aligned") {
    for (const std::size_t size : {std::size_t{100}, std::size_t{4'096}, std::size_t{5'000}, std::size_t{300'000}}) {
        CAPTURE(size);
        Sink sink;
        const std::string value(size, 'v');
        const auto count = static_cast<int>(std::min<std::size_t>(30'000'000 / size, 5'000));
        for (int i = 0; i < count; ++i) {
            REQUIRE(sink.bytes("k" + std::to_string(i), value) == HOTGRAFT_OK);
            REQUIRE(sink.i64("n" + std::to_string(i), i) == HOTGRAFT_OK);
        }
        REQUIRE(sink.state.finish().is_ok());
        CHECK(static_cast<double>(sink.state.held_bytes()) <=
              1.25 * static_cast<double>(sink.state.bytes()) + (1 << 20));
        Source source(sink.state);
        int seen = 0;
        while (source.next() == HOTGRAFT_OK) {
            if (source.item.type == kBytes) {
                CHECK((size < 4'096 || reinterpret_cast<std::uintptr_t>(source.item.data) % 16 == 0));
                REQUIRE(source.text() == value);
            } else {
                REQUIRE(source.item.number == seen / 2);
            }
            ++seen;
        }
        CHECK(seen == 2 * count);
    }
}
