// What it costs to convert a block of states to another layout, beside copying it. A line per sample, nanoseconds per
// state: memcpy of the old block, its conversion, and both again; source and targets are in memory and warm.
//
//     convert time STATES SAMPLES OLD_BYTES NEW_BYTES ROW...    ROW: an operation of the plan, its numbers, with commas
//     convert count STATES ROUNDS OLD_BYTES NEW_BYTES ROW...    run_convert() ROUNDS times, for callgrind to count
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core.hpp"
#include "layout.hpp"

namespace {

struct Blocks {
    std::shared_ptr<const hotgraft::CopyProgram> program;
    std::uint64_t states = 0;
    std::vector<unsigned char> from;
    std::vector<unsigned char> copied;
    std::vector<unsigned char> converted;
};

hotgraft::CopyOp op_of(const char *row) {
    std::uint64_t numbers[11] = {};
    for (std::uint64_t &number : numbers) {
        char *end = nullptr;
        number = std::strtoull(row, &end, 10);
        if (end == row) {
            fail("a row of a plan has 11 numbers");
        }
        row = *end == ',' ? end + 1 : end;
    }
    hotgraft::CopyOp op;
    op.kind = static_cast<hotgraft::CopyKind>(numbers[0]);
    op.path = 0; // nothing is refused here, so nothing is named
    op.src = numbers[2];
    op.dst = numbers[3];
    op.count = numbers[4];
    op.src_stride = numbers[5];
    op.dst_stride = numbers[6];
    op.source = static_cast<hotgraft::Number>(numbers[7]);
    op.target = static_cast<std::uint8_t>(numbers[8]);
    op.data = numbers[9];
    op.data_bytes = numbers[10];
    return op;
}

double ns_per_state(const Blocks &blocks, std::int64_t began_ns) {
    return static_cast<double>(now_ns() - began_ns) / static_cast<double>(blocks.states);
}

double time_copy(void *subject) {
    Blocks &blocks = *static_cast<Blocks *>(subject);
    const std::int64_t began_ns = now_ns();
    std::memcpy(blocks.copied.data(), blocks.from.data(), blocks.from.size());
    __asm__ volatile("" ::"r"(blocks.copied.data()) : "memory");
    return ns_per_state(blocks, began_ns);
}

hotgraft::Status convert(Blocks &blocks) {
    return blocks.program->run(blocks.from.data(), blocks.from.size(), blocks.converted.data(), blocks.converted.size(),
                               blocks.states);
}

double time_convert(void *subject) {
    Blocks &blocks = *static_cast<Blocks *>(subject);
    const std::int64_t began_ns = now_ns();
    const hotgraft::Status status = convert(blocks);
    const double ns = ns_per_state(blocks, began_ns);
    check(status);
    return ns;
}

} // namespace

extern "C" __attribute__((noinline)) void run_convert(void *subject, std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
        check(convert(*static_cast<Blocks *>(subject)));
    }
}

int main(int count, char **arguments) {
    if (count < 7) {
        fail("usage: convert time|count STATES SAMPLES|ROUNDS OLD_BYTES NEW_BYTES ROW...");
    }
    hotgraft::CopyPlan plan;
    plan.old_bytes = std::strtoull(arguments[4], nullptr, 10);
    plan.new_bytes = std::strtoull(arguments[5], nullptr, 10);
    plan.paths = {""};
    for (int i = 6; i < count; ++i) {
        plan.ops.push_back(op_of(arguments[i]));
    }
    Blocks blocks;
    blocks.states = std::strtoull(arguments[2], nullptr, 10);
    blocks.from.resize(plan.old_bytes * blocks.states);
    blocks.copied.resize(plan.old_bytes * blocks.states);
    blocks.converted.resize(plan.new_bytes * blocks.states);
    check(hotgraft::CopyProgram::make(std::move(plan), &blocks.program));
    const long rounds = std::strtol(arguments[3], nullptr, 10);
    if (std::strcmp(arguments[1], "count") == 0) {
        run_convert(&blocks, static_cast<std::uint64_t>(rounds));
        return 0;
    }
    (void)time_copy(&blocks);
    (void)time_convert(&blocks);
    take_turns(time_copy, time_convert, &blocks, rounds);
    return 0;
}
