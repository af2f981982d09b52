// Plans that must not run: whichever of their numbers is wrong, they are turned away before a byte is written.
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "layout_plans.hpp"

namespace {

TEST_CASE("a plan that breaks a rule is turned away, whichever of its numbers is wrong") {
    const std::vector<CopyOp> sound = {copy(0, 0, 8), loop(8, 8, 3, 8, 12, 2), copy(0, 0, 8), fill(8, 4),
                                       convert(32, 44, 2, Number::kI16, Number::kI32)};
    const CopyPlan plan = plan_of(36, 52, sound);
    REQUIRE(program_of(plan) != nullptr);
    using Change = std::function<void(CopyPlan &)>;
    constexpr std::uint64_t kHuge = ~std::uint64_t{0};
    const Change changes[] = {
        [](CopyPlan &it) { it.old_bytes = 0; },
        [](CopyPlan &it) { it.new_bytes = kHuge; },
        [](CopyPlan &it) { it.new_bytes = 53; },
        [](CopyPlan &it) { it.new_bytes = 51; },
        [](CopyPlan &it) { it.old_bytes = 35; },
        [](CopyPlan &it) { it.paths.clear(); },
        [](CopyPlan &it) { it.ops.clear(); },
        [](CopyPlan &it) { it.ops.resize(CopyProgram::kOpsMax + 1); },
        [](CopyPlan &it) { it.ops[0].src = 29; },
        [](CopyPlan &it) { it.ops[0].src = kHuge; },
        [](CopyPlan &it) { it.ops[0].dst = 1; },
        [](CopyPlan &it) { it.ops[0].count = 0; },
        [](CopyPlan &it) { it.ops[0].count = 9; },
        [](CopyPlan &it) { it.ops[0].count = kHuge; },
        [](CopyPlan &it) { it.ops[0].kind = static_cast<CopyKind>(10); },
        [](CopyPlan &it) { it.ops[0].kind = CopyKind::kPointed; },
        [](CopyPlan &it) { it.ops[0].kind = CopyKind::kChoose; },
        [](CopyPlan &it) { it.ops[0].kind = CopyKind::kCase; },
        [](CopyPlan &it) { it.ops[1].kind = CopyKind::kCase; },
        [](CopyPlan &it) { it.ops[0].source = static_cast<Number>(200); },
        [](CopyPlan &it) { it.ops[0].path = 1; },
        [](CopyPlan &it) { it.ops[0].data = 1; },
        [](CopyPlan &it) { it.ops[1].count = 4; },
        [](CopyPlan &it) { it.ops[1].count = kHuge; },
        [](CopyPlan &it) { it.ops[1].count = kHuge / 8 + 2; }, // times the stride it is 8
        [](CopyPlan &it) { it.ops[1].src_stride = 7; },
        [](CopyPlan &it) { it.ops[1].src_stride = kHuge; },
        [](CopyPlan &it) { it.ops[1].dst_stride = 11; },
        [](CopyPlan &it) { it.ops[1].dst_stride = 0; },
        [](CopyPlan &it) { it.ops[1].data = 0; },
        [](CopyPlan &it) { it.ops[1].data = 1; },
        [](CopyPlan &it) { it.ops[1].data = 3; },
        [](CopyPlan &it) { it.ops[1].data = 4; },
        [](CopyPlan &it) { it.ops[1].data = kHuge; },
        [](CopyPlan &it) { it.ops[2].src = 1; },
        [](CopyPlan &it) { it.ops[3].count = 5; },
        [](CopyPlan &it) { it.ops[3].data_bytes = 4; },
        [](CopyPlan &it) { it.ops[4].target = static_cast<std::uint8_t>(Number::kF32); },
        [](CopyPlan &it) { it.ops[4].target = static_cast<std::uint8_t>(Number::kOther); },
        [](CopyPlan &it) { it.ops[4].target = 99; },
        [](CopyPlan &it) { it.ops[4].count = 3; },
        [](CopyPlan &it) { it.ops[4].source = Number::kI64; },
        [](CopyPlan &it) { it.ops.pop_back(); },
        [](CopyPlan &it) { it.ops.push_back(fill(52, 1)); },
        [](CopyPlan &it) { it.ops.push_back(check(CopyKind::kExpect, 0, 1, Number::kOther, 0)); },
        [](CopyPlan &it) { it.ops.push_back(check(CopyKind::kExpect, 0, 1, Number::kOther, 200)); },
        [](CopyPlan &it) { it.ops.push_back(check(CopyKind::kExpect, 33, 1, Number::kI32, 4)); },
        [](CopyPlan &it) { it.ops.push_back(check(CopyKind::kTerminated, 36, 1, Number::kI8, 0)); },
        [](CopyPlan &it) { it.ops.push_back(check(CopyKind::kForbid, 0, 1, Number::kI32, 0)); },
        [](CopyPlan &it) { it.ops.push_back(check(CopyKind::kForbid, 0, 1, Number::kF32, 0)); },
        [](CopyPlan &it) { it.ops.push_back(loop(0, 52, 1ULL << 62, 0, 0, 1)), it.ops.push_back(fill(0, 1)); },
    };
    for (const Change &change : changes) {
        CopyPlan broken = plan;
        change(broken);
        std::shared_ptr<const CopyProgram> program;
        const Status status = CopyProgram::make(broken, &program);
        CAPTURE(&change - changes);
        CHECK(status.code() == Code::kInvalid);
        CHECK(program == nullptr);
    }
}

// A sequence that is the same every time (Marsaglia, "Xorshift RNGs", 2003).
struct Sequence {
    std::uint64_t state = 0x9E3779B97F4A7C15;
    std::uint64_t below(std::uint64_t end) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state % end;
    }
};

TEST_CASE("a plan changed at random is turned away, or stays inside its blocks") { // the address sanitizer looks on
    const std::uint64_t values[] = {0, 1, 2, 3, 4, 5, 6, 8, 12, 24, 44, 1ULL << 32, 1ULL << 47, 1ULL << 63, ~0ULL};
    CopyOp forbid = check(CopyKind::kForbid, 32, 2, Number::kI16, 0);
    forbid.data_bytes = 4;
    const CopyPlan sound =
        plan_of(36, 52,
                {forbid, check(CopyKind::kExpect, 0, 2, Number::kI32, 4),
                 check(CopyKind::kTerminated, 8, 8, Number::kI8, 0), copy(0, 0, 8), loop(8, 8, 3, 8, 12, 2),
                 copy(0, 0, 8), fill(8, 4, 4, 4), convert(32, 44, 2, Number::kI16, Number::kI32)},
                Bytes(16, 9));
    REQUIRE(program_of(sound) != nullptr);
    Sequence random;
    int ran = 0;
    for (int i = 0; i < 20'000; ++i) {
        CopyPlan plan = sound;
        for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
            CopyOp &op = plan.ops[random.below(plan.ops.size())];
            std::uint64_t *const places[] = {&op.src,        &op.dst,  &op.count,     &op.src_stride,
                                             &op.dst_stride, &op.data, &op.data_bytes};
            *places[random.below(7)] = values[random.below(15)];
            op.kind = random.below(4) == 0 ? static_cast<CopyKind>(random.below(11)) : op.kind;
            op.source = random.below(4) == 0 ? static_cast<Number>(random.below(13)) : op.source;
            op.target = random.below(4) == 0 ? static_cast<std::uint8_t>(random.below(40)) : op.target;
        }
        std::shared_ptr<const CopyProgram> program;
        if (CopyProgram::make(plan, &program).is_ok()) {
            const Bytes old_block = i % 2 == 0 ? Bytes(36 * 3) : pattern(36 * 3);
            Bytes made(52 * 3);
            (void)program->run(old_block.data(), old_block.size(), made.data(), made.size(), 3).is_ok();
            ++ran;
        }
    }
    CHECK(ran > 500);
}

TEST_CASE("loops inside loops end somewhere") {
    std::vector<CopyOp> deep;
    for (std::size_t left = CopyProgram::kNestingMax + 1; left > 0; --left) {
        deep.push_back(loop(0, 0, 1, 1, 1, left));
    }
    deep.push_back(copy(0, 0, 1));
    std::shared_ptr<const CopyProgram> program;
    CHECK(CopyProgram::make(plan_of(1, 1, deep), &program).message().find("too deep") != std::string::npos);
    deep.erase(deep.begin());
    CHECK(CopyProgram::make(plan_of(1, 1, deep), &program).is_ok());
}

} // namespace
