// States that lead to blocks of their own: what of them is followed, what is refused, and what is left of it
// afterwards.
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "layout_plans.hpp"
#include "layout_pointed.hpp"

using namespace hotgraft;

namespace {

CopyOp pointed(std::uint64_t src, std::uint64_t dst, std::uint64_t count_at, Number count, std::uint64_t src_stride,
               std::uint64_t dst_stride, std::uint64_t body, std::uint32_t path = 0, std::uint64_t count_path = 0) {
    CopyOp op = loop(src, dst, count_at, src_stride, dst_stride, body);
    op.kind = CopyKind::kPointed;
    op.source = count;
    op.path = path;
    op.data_bytes = count_path;
    return op;
}

CopyOp choose(std::uint64_t tag_at, std::uint64_t dst, std::uint64_t bytes, Number tag, std::uint64_t rows,
              std::uint32_t path = 0) {
    CopyOp op = loop(tag_at, dst, bytes, 0, 0, rows);
    op.kind = CopyKind::kChoose;
    op.source = tag;
    op.path = path;
    return op;
}

CopyOp arm(std::uint64_t src, std::uint64_t src_bytes, std::uint64_t dst_bytes, std::uint64_t value,
           std::uint64_t body) {
    CopyOp op = loop(src, 0, 1, src_bytes, dst_bytes, body);
    op.kind = CopyKind::kCase;
    op.data_bytes = value;
    return op;
}

// What is written here by hand, a compiler of layouts would make.
struct Leaf {
    std::int16_t number;
};
struct WideLeaf {
    std::int64_t number;
};
struct Twig {
    std::uint16_t count;
    Leaf *leaves;
};
struct WideTwig {
    double weight;
    std::uint16_t count;
    WideLeaf *leaves;
};
struct Tree {
    std::int32_t count;
    std::int32_t kind; // -1: `twig` is the one, 2: `number`
    Twig *twigs;
    union {
        Twig twig;
        std::int64_t number;
    } either;
};
struct WideTree {
    Tree rest; // its pointers lead to wide ones
    std::int64_t more;
};

const std::vector<std::string> kPaths = {"",
                                         "twigs",
                                         "count",
                                         "twigs[].leaves",
                                         "twigs[].count",
                                         "twigs[].leaves[].number",
                                         "either.twig.leaves",
                                         "either.twig.count",
                                         "kind"};

CopyPlan walk_plan() {
    std::vector<CopyOp> ops = {
        copy(0, 0, 8),
        pointed(8, 8, 0, Number::kI32, sizeof(Twig), sizeof(Twig), 3, 1, 2),
        copy(0, 0, 8),
        pointed(8, 8, 0, Number::kU16, sizeof(Leaf), sizeof(Leaf), 1, 3, 4),
        copy(0, 0, 2),
        choose(4, 16, 16, Number::kI32, 6, 8),
        arm(16, 16, 16, ~std::uint64_t{0}, 3),
        copy(0, 0, 8),
        pointed(8, 8, 0, Number::kU16, sizeof(Leaf), sizeof(Leaf), 1, 6, 7),
        copy(0, 0, 2),
        arm(16, 16, 16, 2, 1),
        copy(0, 0, 16),
    };
    return plan_of(sizeof(Tree), sizeof(Tree), ops, {}, kPaths);
}

// To WideTree: leaves of 64 bits, twigs with a weight in front.
CopyPlan wide_plan() {
    std::vector<CopyOp> ops = {
        copy(0, 0, 8),
        pointed(8, 8, 0, Number::kI32, sizeof(Twig), sizeof(WideTwig), 4, 1, 2),
        fill(0, 8),
        copy(0, 8, 8),
        pointed(8, 16, 0, Number::kU16, sizeof(Leaf), sizeof(WideLeaf), 1, 3, 4),
        convert(0, 0, 1, Number::kI16, Number::kI64, 5),
        choose(4, 16, 16, Number::kI32, 6, 8),
        arm(16, 16, 16, ~std::uint64_t{0}, 3),
        copy(0, 0, 8),
        pointed(8, 8, 0, Number::kU16, sizeof(Leaf), sizeof(WideLeaf), 1, 6, 7),
        convert(0, 0, 1, Number::kI16, Number::kI64, 5),
        arm(16, 16, 16, 2, 1),
        copy(0, 0, 16),
        fill(32, 8),
    };
    return plan_of(sizeof(Tree), sizeof(WideTree), ops, {}, kPaths);
}

// Blocks of a ledger of its own; what is left in it at the end was leaked.
struct Grove {
    Ledger *ledger = Ledger::make();
    Grove() { REQUIRE(ledger != nullptr); }
    Grove(const Grove &) = delete;
    Grove &operator=(const Grove &) = delete;
    ~Grove() {
        CHECK(ledger->live_blocks() == 0);
        ledger->release();
    }

    template <class T> T *make(std::size_t count) const {
        void *const block = Ledger::reallocate(ledger, nullptr, count * sizeof(T), 0);
        REQUIRE(block != nullptr);
        std::memset(block, 0, count * sizeof(T));
        return static_cast<T *>(block);
    }
};

// A tree of two twigs, with three leaves and none, in blocks with room for more; its twig leads to one leaf.
struct Sample {
    Grove grove;
    Tree tree{};
    std::vector<void *> blocks; // in the order of the walk

    Sample() {
        tree.count = 2;
        tree.kind = -1;
        tree.twigs = grove.make<Twig>(5);
        tree.twigs[0].count = 3;
        tree.twigs[0].leaves = grove.make<Leaf>(8);
        for (int i = 0; i < 3; ++i) {
            tree.twigs[0].leaves[i].number = static_cast<std::int16_t>(-1 - i);
        }
        tree.either.twig.count = 1;
        tree.either.twig.leaves = grove.make<Leaf>(1);
        tree.either.twig.leaves[0].number = 300;
        blocks = {tree.twigs, tree.twigs[0].leaves, tree.either.twig.leaves};
    }
    ~Sample() {
        for (void *const block : blocks) {
            Ledger::free_block(block);
        }
    }
    Sample(const Sample &) = delete;
    Sample &operator=(const Sample &) = delete;
};

Status run(const CopyProgram &program, const Tree &tree, WideTree *made, const BlockMaker &make,
           CopyRefusal *refusal = nullptr) {
    return program.run(&tree, sizeof tree, made, sizeof *made, 1, refusal, &make);
}

} // namespace

TEST_CASE("what pointers lead to is converted into blocks of its own, with room for as many elements") {
    const Sample sample;
    const Grove made_in;
    WideTree made{};
    PointedRooms rooms;
    const Status status = run(*program_of(wide_plan()), sample.tree, &made, rooms.maker(made_in.ledger));
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    const auto *const twigs = reinterpret_cast<const WideTwig *>(made.rest.twigs);
    CHECK(made.rest.count == 2);
    CHECK(Ledger::block_bytes(twigs) == 5 * sizeof(WideTwig));
    CHECK(twigs[0].count == 3);
    CHECK(twigs[0].leaves[2].number == -3);
    CHECK(twigs[0].leaves[3].number == 0);
    CHECK(Ledger::block_bytes(twigs[0].leaves) == 8 * sizeof(WideLeaf));
    CHECK(twigs[1].leaves == nullptr);
    CHECK(twigs[4].leaves == nullptr);
    CHECK(reinterpret_cast<const WideLeaf *>(made.rest.either.twig.leaves)->number == 300);
    CHECK(made_in.ledger->live_blocks() == 3);
    CHECK(sample.grove.ledger->live_blocks() == 3);
}

TEST_CASE("the arm that is alive is converted, by a tag below zero too; one that is none is refused") {
    Sample sample;
    const Grove made_in;
    PointedRooms rooms;
    const BlockMaker make = rooms.maker(made_in.ledger);
    WideTree made{};
    sample.tree.kind = 2;
    const std::int64_t number = 77;
    std::memcpy(&sample.tree.either, &number, sizeof number);
    REQUIRE(run(*program_of(wide_plan()), sample.tree, &made, make).is_ok());
    CHECK(made.rest.either.number == 77);
    sample.tree.kind = 5;
    CopyRefusal refusal;
    CHECK(run(*program_of(wide_plan()), sample.tree, &made, make, &refusal).code() == Code::kRefused);
    CHECK(refusal.field == "kind");
    CHECK(refusal.value == "5");
}

TEST_CASE("a plan that leads to other blocks runs only where some are made") {
    const Sample sample;
    WideTree made{};
    const auto program = program_of(wide_plan());
    CHECK(program->has_blocks());
    CHECK(program->run(&sample.tree, sizeof sample.tree, &made, sizeof made, 1).code() == Code::kInvalid);
    const BlockMaker none = [](const unsigned char *, std::uint64_t, std::uint64_t) { return MadeBlock(); };
    const Status status = run(*program, sample.tree, &made, none);
    CHECK(status.code() == Code::kNoMemory);
    CHECK(status.message() == "no memory for what twigs leads to");
}

TEST_CASE("a value in a block is refused by the way that leads there") {
    const Sample sample;
    CopyPlan narrow = wide_plan();
    narrow.ops[4].dst_stride = 1;
    narrow.ops[5] = convert(0, 0, 1, Number::kI16, Number::kU8, 5);
    const Grove made_in;
    PointedRooms rooms;
    WideTree made{};
    CopyRefusal refusal;
    const Status status = run(*program_of(narrow), sample.tree, &made, rooms.maker(made_in.ledger), &refusal);
    CHECK(status.code() == Code::kRefused);
    CHECK(refusal.field == "twigs[0].leaves[0].number");
    CHECK(refusal.value == "-1");
    CHECK(refusal.offset == offsetof(Tree, twigs));
    CHECK(made_in.ledger->live_blocks() != 0); // what was made goes with who made it
}

TEST_CASE("the walk finds every block once, and what is left out of an image is nothing") {
    const Sample sample;
    const auto walk = program_of(walk_plan());
    std::vector<void *> found;
    REQUIRE(find_pointed(*walk, &sample.tree, sizeof sample.tree, &found).is_ok());
    CHECK(found == sample.blocks);
    StateImage image;
    std::vector<ImageLink> links;
    REQUIRE(make_image(*walk, &sample.tree, sizeof sample.tree, 1 << 20, &image, &links).is_ok());
    CHECK(image.size() == 4);
    CHECK(links.size() == 3);
    std::vector<ImageLink> again;
    REQUIRE(links_of(*walk, image, &again).is_ok());
    const Grove placed_in;
    PlacedImage placed;
    REQUIRE(placed.place(image, again, placed_in.ledger).is_ok());
    const auto *const tree = static_cast<const Tree *>(placed.blocks().front());
    CHECK(tree->twigs[0].leaves[2].number == -3);
    CHECK(tree->either.twig.leaves[0].number == 300);
    CHECK(make_image(*walk, &sample.tree, sizeof sample.tree, 100, &image, &links).code() == Code::kRefused);
}

TEST_CASE("what a state says that is not so is refused before it is read through") {
    Leaf own[4] = {};
    Leaf *const own_leaf = own;
    const auto walk = program_of(walk_plan());
    using Spoil = std::function<void(Tree &)>;
    const std::vector<std::pair<std::string, Spoil>> rows = {
        {"count holds 6, and the block that twigs leads to has 80 bytes for elements of 16",
         [](Tree &it) { it.count = 6; }},
        {"count holds -1, and the block", [](Tree &it) { it.count = -1; }},
        {"count holds 2, and twigs is NULL", [](Tree &it) { it.twigs = nullptr; }},
        {"twigs[0].count holds 9, and the block that twigs[0].leaves leads to",
         [](Tree &it) { it.twigs[0].count = 9; }},
        {"twigs[1].leaves leads to 0x10, which is no block",
         [](Tree &it) { it.twigs[1].leaves = reinterpret_cast<Leaf *>(std::uintptr_t{0x10}); }},
        {"twigs[1].leaves leads to 0x7",
         [](Tree &it) { it.twigs[1].leaves = reinterpret_cast<Leaf *>(std::uintptr_t{7}); }},
        {"which is no block", [](Tree &it) { it.twigs[1].leaves = it.twigs[0].leaves + 8; }},
        {"which is no block", [own_leaf](Tree &it) { it.either.twig.leaves = own_leaf; }},
        {"which is no block", [](Tree &it) { std::memset(&it.twigs, 0xff, sizeof it.twigs); }},
        {"twigs[1].leaves and something else lead to the same block",
         [](Tree &it) { it.twigs[1].leaves = it.twigs[0].leaves; }},
        {"twigs[0].leaves and something else",
         [](Tree &it) { it.twigs[0].leaves = reinterpret_cast<Leaf *>(it.twigs); }},
        {"kind holds 3, and nothing in its union is alive by that", [](Tree &it) { it.kind = 3; }},
    };
    for (const std::pair<std::string, Spoil> &row : rows) {
        const std::string &sentence = row.first;
        CAPTURE(sentence);
        Sample sample;
        row.second(sample.tree);
        std::vector<void *> found;
        const Status status = find_pointed(*walk, &sample.tree, sizeof sample.tree, &found);
        CHECK(status.code() == Code::kRefused);
        CHECK_MESSAGE(status.message().find(sentence) != std::string::npos, status.message());
        CHECK(found.empty());
        (void)pointed_blocks(*walk, &sample.tree, sizeof sample.tree); // passes over it
    }
    const Sample sample;
    std::vector<void *> found;
    CHECK(find_pointed(*walk, &sample.tree, sizeof sample.tree - 1, &found).code() == Code::kRefused);
}

TEST_CASE("a block that was freed is no block any more") {
    Sample sample;
    Ledger::free_block(sample.tree.either.twig.leaves);
    sample.blocks.pop_back();
    std::vector<void *> found;
    const Status status = find_pointed(*program_of(walk_plan()), &sample.tree, sizeof sample.tree, &found);
    CHECK(status.message().find("either.twig.leaves leads to") == 0);
}

TEST_CASE("an image that lies is refused") {
    const Sample sample;
    const auto walk = program_of(walk_plan());
    StateImage sound;
    std::vector<ImageLink> links;
    REQUIRE(make_image(*walk, &sample.tree, sizeof sample.tree, 1 << 20, &sound, &links).is_ok());
    const auto put = [](std::vector<unsigned char> &block, std::size_t at, std::uint64_t number) {
        std::memcpy(block.data() + at, &number, sizeof number);
    };
    using Spoil = std::function<void(StateImage &)>;
    const std::vector<std::pair<std::string, Spoil>> rows = {
        {"an image of no block", [](StateImage &it) { it.clear(); }},
        {"holds no whole number of states", [](StateImage &it) { it.front().pop_back(); }},
        {"twigs leads to block 9, and 3 are there", [&](StateImage &it) { put(it[0], 8, 9); }},
        {"twigs leads to block 18446744073709551615", [&](StateImage &it) { put(it[0], 8, ~std::uint64_t{0}); }},
        {"count holds 2, and twigs is NULL", [&](StateImage &it) { put(it[0], 8, 0); }},
        {"either.twig.leaves leads to block 1, and so does another field", [&](StateImage &it) { put(it[0], 24, 1); }},
        {"has 40 bytes for elements of 16",
         [](StateImage &it) {
             it[1].resize(40);
             it[0][0] = 3;
         }},
        {"nothing leads to 1 of its 4 blocks", [](StateImage &it) { it.emplace_back(8); }},
    };
    for (const std::pair<std::string, Spoil> &row : rows) {
        const std::string &sentence = row.first;
        CAPTURE(sentence);
        StateImage image = sound;
        row.second(image);
        const Status status = links_of(*walk, image, &links);
        CHECK(status.code() == Code::kRefused);
        CHECK_MESSAGE(status.message().find(sentence) != std::string::npos, status.message());
    }
    const Grove placed_in;
    PlacedImage placed;
    for (const ImageLink &link :
         {ImageLink{9, 0, 1}, ImageLink{0, 40, 1}, ImageLink{0, ~std::uint64_t{0}, 1}, {0, 0, 9}}) {
        CHECK(placed.place(sound, {link}, placed_in.ledger).code() == Code::kInvalid);
    }
}

TEST_CASE("room that was made before is used where it is as large as what is asked for") {
    const Sample sample;
    const Grove made_in;
    const auto program = program_of(wide_plan());
    for (const bool is_known : {true, false}) {
        PointedRooms rooms;
        rooms.expect(is_known ? std::vector<std::uint64_t>{5 * sizeof(WideTwig), 8 * sizeof(WideLeaf), sizeof(WideLeaf)}
                              : std::vector<std::uint64_t>{1, 8 * sizeof(WideLeaf)},
                     made_in.ledger);
        const std::uint64_t before = made_in.ledger->live_blocks();
        WideTree made{};
        REQUIRE(run(*program, sample.tree, &made, rooms.maker(made_in.ledger)).is_ok());
        CHECK(made_in.ledger->live_blocks() == (is_known ? before : before + 3));
        rooms.drop();
        CHECK(made_in.ledger->live_blocks() == before - (is_known ? 3 : 0));
    }
}

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
