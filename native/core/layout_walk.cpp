#include "layout_walk.hpp"

#include <cstring>

#include "layout_check.hpp"

namespace hotgraft {

namespace {

bool is_signed_integer(Number number) noexcept {
    return number == Number::kI8 || number == Number::kI16 || number == Number::kI32 || number == Number::kI64;
}

} // namespace

PointerWalk::PointerWalk(const CopyProgram &program, bool is_strict)
    : plan_(program.plan()), is_strict_(is_strict), leads_on_(plan_.ops.size(), false) {
    std::vector<std::size_t> ends; // of the bodies that an operation lies in
    std::vector<std::size_t> around;
    for (std::size_t at = 0; at < plan_.ops.size(); ++at) {
        while (!ends.empty() && ends.back() == at) {
            ends.pop_back();
            around.pop_back();
        }
        const CopyOp &op = plan_.ops[at];
        if (op.kind == CopyKind::kPointed) {
            for (const std::size_t outer : around) {
                leads_on_[outer] = true;
            }
        }
        if (has_body(op.kind)) {
            ends.push_back(at + 1 + static_cast<std::size_t>(op.data));
            around.push_back(at);
        }
    }
}

Status PointerWalk::over(const void *block, std::uint64_t bytes, const Visit &visit) {
    if (bytes == 0 || bytes % plan_.old_bytes != 0) {
        return {Code::kRefused, "a block of " + std::to_string(bytes) + " bytes holds no whole number of states of " +
                                    std::to_string(plan_.old_bytes)};
    }
    visit_ = &visit;
    const auto *const begin = static_cast<const unsigned char *>(block);
    frames_.assign(1, {begin, 0, 0});
    for (std::uint64_t at = 0; at < bytes; at += plan_.old_bytes) {
        if (Status status = body(0, plan_.ops.size(), begin + at); !status.is_ok()) {
            return status;
        }
    }
    return {};
}

Status PointerWalk::body(std::size_t begin, std::size_t end, const unsigned char *base) {
    for (std::size_t at = begin; at < end; ++at) {
        if (leads_on_[at] || plan_.ops[at].kind == CopyKind::kPointed) {
            if (Status status = one(at, base); !status.is_ok()) {
                return status;
            }
        }
        at += has_body(plan_.ops[at].kind) ? static_cast<std::size_t>(plan_.ops[at].data) : 0;
    }
    return {};
}

Status PointerWalk::one(std::size_t at, const unsigned char *base) {
    const CopyOp &op = plan_.ops[at];
    if (op.kind == CopyKind::kPointed) {
        return pointer(at, base);
    }
    if (op.kind == CopyKind::kChoose) {
        return chosen(at, base);
    }
    const std::size_t end = at + 1 + static_cast<std::size_t>(op.data);
    for (std::uint64_t i = 0; i < op.count; ++i) {
        if (Status status = body(at + 1, end, base + op.src + i * op.src_stride); !status.is_ok()) {
            return status;
        }
    }
    return {};
}

Status PointerWalk::chosen(std::size_t at, const unsigned char *base) {
    const CopyOp &op = plan_.ops[at];
    const unsigned char *const tag = base + op.src;
    const std::size_t found = case_of(plan_.ops, at, integer_at(op.source, tag));
    if (found != at) {
        const CopyOp &arm = plan_.ops[found];
        return body(found + 1, found + 1 + static_cast<std::size_t>(arm.data), base + arm.src);
    }
    if (!is_strict_) {
        return {};
    }
    frames_.back().offset = static_cast<std::uint64_t>(tag - frames_.back().begin);
    return {Code::kRefused,
            field_by(at, op.path) + " holds " + value_text(op, tag) + ", and nothing in its union is alive by that"};
}

Status PointerWalk::pointer(std::size_t at, const unsigned char *base) {
    const CopyOp &op = plan_.ops[at];
    const std::size_t depth = frames_.size();
    FoundPointer found;
    found.op = at;
    found.in = frames_.back().number;
    found.offset = static_cast<std::uint64_t>(base + op.src - frames_.back().begin);
    std::memcpy(&found.value, base + op.src, sizeof found.value);
    found.count = integer_at(op.source, base + op.count);
    found.is_below_zero = is_signed_integer(op.source) && static_cast<std::int64_t>(found.count) < 0;
    found.element_bytes = op.src_stride;
    frames_.back().offset = found.offset;
    Elements elements;
    Status status = (*visit_)(found, &elements);
    if (!status.is_ok() || elements.begin == nullptr || !leads_on_[at]) {
        return status;
    }
    frames_.push_back({elements.begin, elements.number, 0});
    for (std::uint64_t i = 0; i < found.count && status.is_ok(); ++i) {
        status = body(at + 1, at + 1 + static_cast<std::size_t>(op.data), elements.begin + i * op.src_stride);
    }
    frames_.resize(depth);
    return status;
}

std::string PointerWalk::field_by(std::size_t op, std::uint32_t path) const {
    std::vector<std::uint64_t> offsets;
    for (const Frame &frame : frames_) {
        offsets.push_back(frame.offset);
    }
    offsets.front() %= plan_.old_bytes;
    return field_at(plan_, op, path, offsets);
}

std::string PointerWalk::field(const FoundPointer &found) const {
    return field_by(found.op, plan_.ops[found.op].path);
}

std::string PointerWalk::count_field(const FoundPointer &found) const {
    return field_by(found.op, static_cast<std::uint32_t>(plan_.ops[found.op].data_bytes));
}

} // namespace hotgraft
