// States that lead to blocks of their own: what of them is followed, what is refused, and what is left of it
// afterwards.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pointed_scene.hpp"

using namespace pointed_scene;

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
