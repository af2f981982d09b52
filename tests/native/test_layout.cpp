// Copy programs: what is written where, what is refused, and how it is named.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "layout_plans.hpp"

namespace {

// What a plan means, an operation and an element at a time: copies, fills and loops.
void carry_out(const CopyPlan &plan, std::size_t begin, std::size_t end, const unsigned char *src, unsigned char *dst) {
    for (std::size_t at = begin; at < end; ++at) {
        const CopyOp &op = plan.ops[at];
        if (op.kind == CopyKind::kCopy) {
            std::memcpy(dst + op.dst, src + op.src, op.count);
        } else if (op.kind == CopyKind::kFill) {
            for (std::uint64_t i = 0; i < op.count; ++i) {
                dst[op.dst + i] = op.data_bytes == 0 ? 0 : plan.pool[op.data + i];
            }
        } else if (op.kind == CopyKind::kLoop) {
            for (std::uint64_t i = 0; i < op.count; ++i) {
                carry_out(plan, at + 1, at + 1 + op.data, src + op.src + i * op.src_stride,
                          dst + op.dst + i * op.dst_stride);
            }
            at += op.data;
        }
    }
}

// Run it on blocks that end where they end: a byte too far is seen by the address sanitizer, and by the guard bytes.
void compare(const CopyPlan &plan, std::uint64_t count) {
    const Bytes old_block = pattern(plan.old_bytes * count);
    Bytes wanted(plan.new_bytes * count);
    for (std::uint64_t i = 0; i < count; ++i) {
        carry_out(plan, 0, plan.ops.size(), old_block.data() + i * plan.old_bytes, wanted.data() + i * plan.new_bytes);
    }
    constexpr std::size_t kGuard = 64;
    for (const bool is_shuffled : {false, true}) { // as on each kind of processor, where this one can
        CAPTURE(is_shuffled);
        hotgraft::allow_shuffles(is_shuffled);
        Bytes made(kGuard + wanted.size() + kGuard, 0xA5);
        const Bytes exact(old_block);
        const Status status =
            program_of(plan)->run(exact.data(), exact.size(), made.data() + kGuard, wanted.size(), count);
        REQUIRE_MESSAGE(status.is_ok(), status.message());
        CHECK(std::equal(wanted.begin(), wanted.end(), made.begin() + kGuard));
        CHECK(Bytes(made.begin(), made.begin() + kGuard) == Bytes(kGuard, 0xA5));
        CHECK(Bytes(made.end() - kGuard, made.end()) == Bytes(kGuard, 0xA5));
        CHECK(exact == old_block);
    }
}

TEST_CASE("copies and fills of every size land where they belong, in any number of states") {
    for (std::uint64_t bytes = 1; bytes <= 300; ++bytes) {
        for (const std::uint64_t count : std::vector<std::uint64_t>{1, 2, 3, 40}) {
            compare(plan_of(bytes + 24, bytes + 29, {copy(9, 0, bytes), fill(bytes, 5), copy(0, bytes + 5, 24)}),
                    count);
            compare(plan_of(bytes, bytes, {copy(0, 0, bytes)}), count);
            compare(plan_of(3, bytes + 3, {copy(0, 0, 3), fill(3, bytes, 0, bytes)}, pattern(bytes)), count);
        }
    }
}

TEST_CASE("any number of fills between copies") {
    for (std::uint64_t fields = 2; fields <= 12; ++fields) {
        for (std::uint64_t fills = 0; fills < fields; ++fills) {
            std::vector<CopyOp> ops;
            std::uint64_t dst = 0;
            for (std::uint64_t i = 0; i < fields; ++i) {
                ops.push_back(copy(i * 12, dst, 12));
                dst += 12;
                if (i < fills) {
                    ops.push_back(fill(dst, 4, i, 4));
                    dst += 4;
                }
            }
            compare(plan_of(fields * 12, dst, ops, pattern(16)), 37);
        }
    }
}

TEST_CASE("a block of more than one tile is converted to its last byte") {
    compare(plan_of(40, 48, {copy(0, 0, 16), fill(16, 8), copy(16, 24, 24)}), 5'000);
    compare(plan_of(20'000, 20'008, {copy(0, 0, 9'000), fill(9'000, 8), copy(9'000, 9'008, 11'000)}), 7);
}

TEST_CASE("loops are the same along the array and along the block") {
    for (const std::uint64_t elements : std::vector<std::uint64_t>{1, 2, 5, 70, 900}) {
        for (const std::uint64_t count : std::vector<std::uint64_t>{1, 3, 60}) {
            const std::uint64_t old_bytes = 4 + elements * 20;
            const std::uint64_t new_bytes = elements * 27 + 8;
            compare(plan_of(old_bytes, new_bytes,
                            {fill(0, 4), loop(4, 4, elements, 20, 27, 4), copy(8, 0, 10), fill(10, 7), copy(0, 17, 8),
                             copy(18, 25, 2), copy(0, 4 + elements * 27, 4)}),
                    count);
        }
    }
}

TEST_CASE("loops inside loops, and elements that are written without being read") {
    compare(plan_of(96, 160,
                    {loop(0, 0, 4, 24, 32, 5), copy(0, 0, 6), loop(6, 6, 3, 6, 8, 2), copy(1, 0, 5), fill(5, 3),
                     fill(30, 2), loop(0, 128, 4, 0, 8, 1), fill(0, 8, 2, 8)},
                    pattern(16)),
            9);
}

TEST_CASE("numbers keep their value, and one that does not fit is named") {
    struct Case {
        Number source;
        Number target;
        std::int64_t fits;
        std::int64_t too_much;
        const char *sentence;
    };
    const Case cases[] = {
        {Number::kI32, Number::kI16, -32'768, 32'768, "field holds 32768, and i16 holds -32768 to 32767"},
        {Number::kI16, Number::kU8, 255, -1, "field holds -1, and u8 holds 0 to 255"},
        {Number::kU8, Number::kI8, 127, 128, "field holds 128, and i8 holds -128 to 127"},
        {Number::kI64, Number::kU64, 5, -5, "field holds -5, and u64 holds 0 to 18446744073709551615"},
        {Number::kU32, Number::kBool, 1, 2, "field holds 2, and bool holds 0 or 1"},
    };
    for (const Case &one : cases) {
        CAPTURE(one.sentence);
        const std::size_t from = hotgraft::bytes_of(one.source);
        const std::size_t into = hotgraft::bytes_of(one.target);
        for (const std::uint64_t count : std::vector<std::uint64_t>{1, 2, 33, 5'000}) {
            const auto program = program_of(plan_of(from, into, {convert(0, 0, 1, one.source, one.target)}));
            Bytes old_block(from * count);
            for (std::uint64_t i = 0; i < count; ++i) {
                std::memcpy(old_block.data() + i * from, &one.fits, from);
            }
            Bytes made(into * count);
            REQUIRE(program->run(old_block.data(), old_block.size(), made.data(), made.size(), count).is_ok());
            for (std::uint64_t i = 0; i < count; ++i) {
                REQUIRE(std::memcmp(made.data() + i * into, &one.fits, into) == 0);
            }
            std::memcpy(old_block.data() + (count - 1) * from, &one.too_much, from);
            CopyRefusal refusal;
            const Status status =
                program->run(old_block.data(), old_block.size(), made.data(), made.size(), count, &refusal);
            CHECK(status.code() == Code::kRefused);
            CHECK(status.message().rfind(one.sentence, 0) == 0);
            CHECK(refusal.element == count - 1);
            CHECK(refusal.offset == (count - 1) * from);
        }
    }
}

TEST_CASE("f64 goes to the nearest f32 in its range; infinity and nan stay what they are") {
    const auto program = program_of(plan_of(8, 4, {convert(0, 0, 1, Number::kF64, Number::kF32)}));
    const auto narrowed = [&](double value, float *made) {
        return program->run(&value, sizeof value, made, sizeof *made, 1);
    };
    float made = 0;
    REQUIRE(narrowed(0.1, &made).is_ok());
    CHECK(made == 0.1F);
    REQUIRE(narrowed(-std::numeric_limits<double>::infinity(), &made).is_ok());
    CHECK(made == -std::numeric_limits<float>::infinity());
    REQUIRE(narrowed(std::numeric_limits<double>::quiet_NaN(), &made).is_ok());
    CHECK(made != made);
    CHECK(narrowed(1e300, &made).message() == "field holds 1e+300, and f32 holds up to 3.4028235e+38");
}

TEST_CASE("what is refused is named with all its indices") {
    // struct { struct { i32 gain; i32 taps[3]; } bands[2][4]; } → i16
    const CopyPlan plan =
        plan_of(128, 64,
                {loop(0, 0, 2, 64, 32, 3), loop(0, 0, 4, 16, 8, 2), convert(0, 0, 1, Number::kI32, Number::kI16, 1),
                 convert(4, 2, 3, Number::kI32, Number::kI16, 2)},
                {}, {"", "bands[][].gain", "bands[][].taps[]"});
    std::vector<std::int32_t> old_block(32 * 3);
    Bytes made(64 * 3);
    const auto refused_at = [&](std::size_t index) {
        old_block.assign(old_block.size(), 0);
        old_block[index] = 70'000;
        CopyRefusal refusal;
        CHECK(program_of(plan)->run(old_block.data(), 128 * 3, made.data(), made.size(), 3, &refusal).code() ==
              Code::kRefused);
        CHECK(refusal.value == "70000");
        return std::to_string(refusal.element) + ": " + refusal.field;
    };
    CHECK(refused_at(0) == "0: bands[0][0].gain");
    CHECK(refused_at(32 + 16 + 12) == "1: bands[1][3].gain");
    CHECK(refused_at(64 + 16 + 4 + 3) == "2: bands[1][1].taps[2]");
}

TEST_CASE("what is cut off must be as it is by default, and its index begins where the new array ends") {
    const CopyPlan plan =
        plan_of(12, 4, {check(CopyKind::kExpect, 4, 4, Number::kI16, 2, 1), copy(0, 0, 4)}, {}, {"", "samples[2]"});
    std::int16_t samples[6] = {1, 2, 0, 0, 0, 0};
    std::int16_t made[2] = {};
    REQUIRE(program_of(plan)->run(samples, sizeof samples, made, sizeof made, 1).is_ok());
    CHECK(made[1] == 2);
    samples[4] = -9;
    CHECK(program_of(plan)->run(samples, sizeof samples, made, sizeof made, 1).message() ==
          "samples[4] holds -9, not its default, and has no place in the new layout");
}

TEST_CASE("texts that do not end, and constants that are gone, are refused") {
    const CopyPlan text = plan_of(8, 4, {check(CopyKind::kTerminated, 0, 4, Number::kI8, 0), copy(0, 0, 4)});
    Bytes made(4);
    CHECK(program_of(text)->run("abc\0xyz", 8, made.data(), 4, 1).is_ok());
    CHECK(program_of(text)->run("ab\"\x01\x65gh", 8, made.data(), 4, 1).message() ==
          "field holds a text that begins \"ab??\", and its buffer holds 3 bytes and the zero that ends it");
    CopyOp forbid = check(CopyKind::kForbid, 0, 2, Number::kU16, 0);
    forbid.data_bytes = 4;
    const CopyPlan constants = plan_of(4, 4, {forbid, copy(0, 0, 4)}, {7, 0, 9, 1});
    CHECK(program_of(constants)->run("\x07\x01\x09\x00", 4, made.data(), 4, 1).is_ok());
    CHECK(program_of(constants)->run("\x01\x00\x09\x01", 4, made.data(), 4, 1).message() ==
          "field holds 265, which is no constant of its enum any more");
}

TEST_CASE("blocks of another size, and blocks that overlap, are turned away before a byte is written") {
    const auto program = program_of(plan_of(16, 24, {copy(0, 0, 16), fill(16, 8)}));
    Bytes memory = pattern(400);
    const Bytes before = memory;
    for (const std::uint64_t count : {0ULL, 3ULL, 1ULL << 63, ~0ULL}) {
        CHECK(program->run(memory.data(), 64, memory.data() + 200, 96, count).code() == Code::kInvalid);
    }
    CHECK(program->run(memory.data(), 64, memory.data() + 200, 95, 4).code() == Code::kInvalid);
    CHECK(program->run(memory.data(), 64, memory.data() + 63, 96, 4).code() == Code::kInvalid);
    CHECK(program->run(memory.data() + 95, 64, memory.data(), 96, 4).code() == Code::kInvalid);
    CHECK(memory == before);
    CHECK(program->run(memory.data() + 96, 64, memory.data(), 96, 4).is_ok());
    CHECK(program->run(memory.data(), 0, memory.data(), 0, 0).is_ok());
}

} // namespace
