// Plans for copy programs, written by hand, and blocks to run them on.
#ifndef TESTS_NATIVE_LAYOUT_PLANS_HPP
#define TESTS_NATIVE_LAYOUT_PLANS_HPP

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "layout.hpp"

using hotgraft::Code;
using hotgraft::CopyKind;
using hotgraft::CopyOp;
using hotgraft::CopyPlan;
using hotgraft::CopyProgram;
using hotgraft::CopyRefusal;
using hotgraft::Number;
using hotgraft::Status;

using Bytes = std::vector<unsigned char>;

inline CopyOp copy(std::uint64_t src, std::uint64_t dst, std::uint64_t bytes) {
    CopyOp op;
    op.src = src;
    op.dst = dst;
    op.count = bytes;
    return op;
}

inline CopyOp fill(std::uint64_t dst, std::uint64_t bytes, std::uint64_t data = 0, std::uint64_t data_bytes = 0) {
    CopyOp op = copy(0, dst, bytes);
    op.kind = CopyKind::kFill;
    op.data = data;
    op.data_bytes = data_bytes;
    return op;
}

inline CopyOp convert(std::uint64_t src, std::uint64_t dst, std::uint64_t count, Number source, Number target,
                      std::uint32_t path = 0) {
    CopyOp op = copy(src, dst, count);
    op.kind = CopyKind::kConvert;
    op.source = source;
    op.target = static_cast<std::uint8_t>(target);
    op.path = path;
    return op;
}

inline CopyOp check(CopyKind kind, std::uint64_t src, std::uint64_t count, Number number, std::uint8_t bytes,
                    std::uint32_t path = 0) {
    CopyOp op = copy(src, 0, count);
    op.kind = kind;
    op.source = number;
    op.target = bytes;
    op.path = path;
    return op;
}

inline CopyOp loop(std::uint64_t src, std::uint64_t dst, std::uint64_t count, std::uint64_t src_stride,
                   std::uint64_t dst_stride, std::uint64_t body) {
    CopyOp op = copy(src, dst, count);
    op.kind = CopyKind::kLoop;
    op.src_stride = src_stride;
    op.dst_stride = dst_stride;
    op.data = body;
    return op;
}

inline CopyPlan plan_of(std::uint64_t old_bytes, std::uint64_t new_bytes, std::vector<CopyOp> ops, Bytes pool = {},
                        std::vector<std::string> paths = {"field"}) {
    CopyPlan plan;
    plan.old_bytes = old_bytes;
    plan.new_bytes = new_bytes;
    plan.ops = std::move(ops);
    plan.pool = std::move(pool);
    plan.paths = std::move(paths);
    return plan;
}

inline std::shared_ptr<const CopyProgram> program_of(const CopyPlan &plan) {
    std::shared_ptr<const CopyProgram> program;
    const Status status = CopyProgram::make(plan, &program);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    return program;
}

inline Bytes pattern(std::size_t bytes) {
    Bytes made(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
        made[i] = static_cast<unsigned char>(i * 7 + i / 251);
    }
    return made;
}

#endif // TESTS_NATIVE_LAYOUT_PLANS_HPP
