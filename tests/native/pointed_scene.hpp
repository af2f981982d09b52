// A tree whose twigs and leaves lie in blocks of their own: its plans, written by hand, and samples of it.
#ifndef TESTS_NATIVE_POINTED_SCENE_HPP
#define TESTS_NATIVE_POINTED_SCENE_HPP

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "layout_plans.hpp"
#include "layout_pointed.hpp"

namespace pointed_scene {

using namespace hotgraft;

inline CopyOp pointed(std::uint64_t src, std::uint64_t dst, std::uint64_t count_at, Number count,
                      std::uint64_t src_stride, std::uint64_t dst_stride, std::uint64_t body, std::uint32_t path = 0,
                      std::uint64_t count_path = 0) {
    CopyOp op = loop(src, dst, count_at, src_stride, dst_stride, body);
    op.kind = CopyKind::kPointed;
    op.source = count;
    op.path = path;
    op.data_bytes = count_path;
    return op;
}

inline CopyOp choose(std::uint64_t tag_at, std::uint64_t dst, std::uint64_t bytes, Number tag, std::uint64_t rows,
                     std::uint32_t path = 0) {
    CopyOp op = loop(tag_at, dst, bytes, 0, 0, rows);
    op.kind = CopyKind::kChoose;
    op.source = tag;
    op.path = path;
    return op;
}

inline CopyOp arm(std::uint64_t src, std::uint64_t src_bytes, std::uint64_t dst_bytes, std::uint64_t value,
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

inline const std::vector<std::string> kPaths = {"",
                                                "twigs",
                                                "count",
                                                "twigs[].leaves",
                                                "twigs[].count",
                                                "twigs[].leaves[].number",
                                                "either.twig.leaves",
                                                "either.twig.count",
                                                "kind"};

inline CopyPlan walk_plan() {
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
inline CopyPlan wide_plan() {
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

inline Status run(const CopyProgram &program, const Tree &tree, WideTree *made, const BlockMaker &make,
                  CopyRefusal *refusal = nullptr) {
    return program.run(&tree, sizeof tree, made, sizeof *made, 1, refusal, &make);
}

} // namespace pointed_scene

#endif // TESTS_NATIVE_POINTED_SCENE_HPP
