// Plans and states with pointers that must not be followed: whichever of their numbers is wrong, they are turned away.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "pointed_scene.hpp"

using namespace pointed_scene;

namespace {

struct Dice {
    std::uint64_t state = 0x9e3779b97f4a7c15;
    std::uint64_t below(std::uint64_t limit) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        return state % limit;
    }
};

// Of an operation, what a hostile plan may say.
void change(CopyOp &op, Dice &dice) {
    constexpr std::array<std::uint64_t, 14> kValues{
        0, 1, 2, 4, 8, 16, 17, 24, 1U << 30U, std::uint64_t{1} << 47U, 3, 40, 32, ~std::uint64_t{0}};
    std::uint64_t *const places[] = {&op.src,        &op.dst,  &op.count,     &op.src_stride,
                                     &op.dst_stride, &op.data, &op.data_bytes};
    *places[dice.below(7)] = kValues[dice.below(kValues.size())];
    op.kind = dice.below(4) == 0 ? static_cast<CopyKind>(dice.below(11)) : op.kind;
    op.source = dice.below(6) == 0 ? static_cast<Number>(dice.below(13)) : op.source;
    op.path = dice.below(20) == 0 ? static_cast<std::uint32_t>(dice.below(12)) : op.path;
}

void spoil(Sample &sample, Dice &dice) {
    void *const block = dice.below(2) == 0 ? static_cast<void *>(&sample.tree) : sample.blocks.front();
    static_cast<unsigned char *>(block)[dice.below(32)] = static_cast<unsigned char>(dice.below(256));
}

} // namespace

TEST_CASE("plans and states changed at random are refused, or stay inside their blocks") { // a sanitizer looks on
    Dice dice;
    int ran = 0;
    int refused = 0;
    for (int i = 0; i < 4000; ++i) {
        Sample sample;
        const bool spoils = dice.below(2) == 0;
        CopyPlan plan = wide_plan();
        CopyPlan walk_by = walk_plan();
        for (std::uint64_t left = spoils ? 0 : 1 + dice.below(2); left > 0; --left) {
            change(dice.below(2) == 0 ? plan.ops[dice.below(plan.ops.size())]
                                      : walk_by.ops[dice.below(walk_by.ops.size())],
                   dice);
        }
        std::shared_ptr<const CopyProgram> program;
        std::shared_ptr<const CopyProgram> walk;
        if (!CopyProgram::make(plan, &program).is_ok() || !CopyProgram::make(walk_by, &walk).is_ok()) {
            ++refused;
            continue;
        }
        for (std::uint64_t left = spoils ? 1 + dice.below(2) : 0; left > 0; --left) {
            spoil(sample, dice);
        }
        std::vector<void *> found;
        StateImage image;
        std::vector<ImageLink> links;
        if (find_pointed(*walk, &sample.tree, sizeof sample.tree, &found).is_ok() &&
            make_image(*walk, &sample.tree, sizeof sample.tree, 1 << 20, &image, &links).is_ok()) {
            std::vector<ImageLink> again;
            (void)links_of(*walk, image, &again).is_ok();
            ++ran;
        }
        (void)pointed_blocks(*walk, &sample.tree, sizeof sample.tree);
        if (plan.ops.size() == wide_plan().ops.size() && spoils && !found.empty()) {
            PointedRooms rooms; // as the window does: only what the walk let through is read
            WideTree made{};
            (void)run(*program, sample.tree, &made, rooms.maker(sample.grove.ledger)).is_ok();
        }
    }
    CHECK(ran > 500);
    CHECK(refused > 500);
}

TEST_CASE("a plan with pointers or cases that breaks a rule is turned away, whichever of its numbers is wrong") {
    using Change = std::function<void(CopyPlan &)>;
    constexpr std::uint64_t kHuge = ~std::uint64_t{0};
    const Change changes[] = {
        [](CopyPlan &it) { it.ops[1].src = 29; },
        [](CopyPlan &it) { it.ops[1].src = kHuge; },
        [](CopyPlan &it) { it.ops[1].dst = 9; },
        [](CopyPlan &it) { it.ops[1].count = 30; }, // where the count is
        [](CopyPlan &it) { it.ops[1].count = kHuge; },
        [](CopyPlan &it) { it.ops[1].source = Number::kF64; },
        [](CopyPlan &it) { it.ops[1].source = Number::kBool; },
        [](CopyPlan &it) { it.ops[1].source = Number::kOther; },
        [](CopyPlan &it) { it.ops[1].src_stride = 0; },
        [](CopyPlan &it) { it.ops[1].src_stride = 15; },
        [](CopyPlan &it) { it.ops[1].dst_stride = 0; },
        [](CopyPlan &it) { it.ops[1].dst_stride = 23; },
        [](CopyPlan &it) { it.ops[1].dst_stride = kHuge; },
        [](CopyPlan &it) { it.ops[1].data = 0; },
        [](CopyPlan &it) { it.ops[1].data = 3; },
        [](CopyPlan &it) { it.ops[1].data = kHuge; },
        [](CopyPlan &it) { it.ops[1].data_bytes = 9; }, // of the count's path
        [](CopyPlan &it) { it.ops[1].path = 9; },
        [](CopyPlan &it) { it.ops[4].count = 15; },
        [](CopyPlan &it) { it.ops[6].src = 29; }, // the tag
        [](CopyPlan &it) { it.ops[6].source = Number::kF32; },
        [](CopyPlan &it) { it.ops[6].dst = 15; },
        [](CopyPlan &it) { it.ops[6].count = 0; },
        [](CopyPlan &it) { it.ops[6].count = 8; },
        [](CopyPlan &it) { it.ops[6].count = kHuge; },
        [](CopyPlan &it) { it.ops[6].data = 0; },
        [](CopyPlan &it) { it.ops[6].data = 5; },
        [](CopyPlan &it) { it.ops[6].data = 7; },
        [](CopyPlan &it) { it.ops[7].kind = CopyKind::kLoop; },
        [](CopyPlan &it) { it.ops[7].src = 17; },
        [](CopyPlan &it) { it.ops[7].src_stride = 17; },
        [](CopyPlan &it) { it.ops[7].src_stride = kHuge; },
        [](CopyPlan &it) { it.ops[7].dst_stride = 8; },
        [](CopyPlan &it) { it.ops[7].count = 2; },
        [](CopyPlan &it) { it.ops[7].data = 2; },
        [](CopyPlan &it) { it.ops[11].data = 0; },
        [](CopyPlan &it) { it.ops.insert(it.ops.begin(), arm(0, 8, 8, 0, 1)); },
    };
    REQUIRE(program_of(wide_plan()) != nullptr);
    for (const Change &change : changes) {
        CopyPlan broken = wide_plan();
        change(broken);
        std::shared_ptr<const CopyProgram> program;
        const Status status = CopyProgram::make(broken, &program);
        CAPTURE(&change - changes);
        CHECK(status.code() == Code::kInvalid);
        CHECK(program == nullptr);
    }
}
