#include "layout_check.hpp"

#include <utility>

namespace hotgraft {

namespace {

constexpr std::size_t kScalarBytesMax = 32; // a complex number of two f80
constexpr std::uint64_t kPointerBytes = sizeof(void *);
constexpr auto kNumbers = static_cast<std::uint8_t>(Number::kOther);

// One list of operations: those of the state itself, or of a loop's element.
struct Body {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::uint64_t readable = 0; // bytes
    std::uint64_t writable = 0;
    std::uint64_t written = 0;
    bool is_of_cases = false; // each writes all of it
};

bool is_integer(Number number) noexcept {
    return number < Number::kF32;
}

class PlanCheck {
public:
    explicit PlanCheck(const CopyPlan &plan) : plan_(plan) {}

    // Bodies are checked one after another, without recursion: how deep they go is the plan's to say, and it may lie.
    [[nodiscard]] Status all() {
        if (!is_size(plan_.old_bytes) || !is_size(plan_.new_bytes)) {
            return {Code::kInvalid, "states of " + std::to_string(plan_.old_bytes) + " and " +
                                        std::to_string(plan_.new_bytes) + " bytes"};
        }
        if (plan_.ops.size() > CopyProgram::kOpsMax) {
            return {Code::kInvalid, std::to_string(plan_.ops.size()) + " operations"};
        }
        open_.push_back({0, plan_.ops.size(), plan_.old_bytes, plan_.new_bytes, 0, false});
        for (std::size_t at = 0; !open_.empty();) {
            Body &body = open_.back();
            if (at == body.end) {
                if (body.written != body.writable) {
                    return wrong(at, "it ends after " + std::to_string(body.written) + " bytes were written, of " +
                                         std::to_string(body.writable));
                }
                open_.pop_back();
                continue;
            }
            if (const std::string reason = add(plan_.ops[at], body, at); !reason.empty()) {
                return wrong(at, reason);
            }
            ++at;
        }
        return {};
    }

private:
    // 1 up to what lets products of two checked sizes be compared before they are made.
    static bool is_size(std::uint64_t bytes) noexcept { return bytes != 0 && bytes <= CopyProgram::kStateBytesMax; }

    static Status wrong(std::size_t at, const std::string &reason) {
        return {Code::kInvalid, "operation " + std::to_string(at) + ": " + reason};
    }

    // count × size, or nothing: it is more than any state has.
    static bool multiply(std::uint64_t count, std::uint64_t size, std::uint64_t *product) noexcept {
        if (size != 0 && count > CopyProgram::kStateBytesMax / size) {
            return false;
        }
        *product = count * size;
        return true;
    }

    std::string add(const CopyOp &op, Body &body, std::size_t at) {
        std::uint64_t read_size = 0;
        std::uint64_t write_size = 0;
        if (const char *const reason = check_itself(op, &read_size, &write_size); reason != nullptr) {
            return reason;
        }
        if (body.is_of_cases != (op.kind == CopyKind::kCase)) {
            return "a case stands by itself, or something else among cases";
        }
        if (op.kind == CopyKind::kCase) {
            return add_case(op, body, at);
        }
        std::uint64_t read = 0;
        std::uint64_t written = 0;
        if (op.kind == CopyKind::kPointed) {
            read = written = kPointerBytes;
        } else if (op.kind == CopyKind::kChoose) {
            read = bytes_of(op.source);
            written = op.count;
        } else if (!multiply(op.count, read_size, &read) || !multiply(op.count, write_size, &written)) {
            return "it is larger than any state";
        }
        if (!is_inside(op.src, read, body) ||
            (op.kind == CopyKind::kPointed && !is_inside(op.count, bytes_of(op.source), body))) {
            return "it reads beyond the " + std::to_string(body.readable) + " bytes there are";
        }
        if (written != 0 && op.dst != body.written) {
            return "it writes at " + std::to_string(op.dst) + ", and what is before it ends at " +
                   std::to_string(body.written);
        }
        if (written > body.writable - body.written) {
            return "it writes beyond the " + std::to_string(body.writable) + " bytes there are";
        }
        body.written += written;
        const Body inner = body_of(op, body);
        return has_body(op.kind) ? enter(op, inner, body.end, at) : std::string();
    }

    static bool is_inside(std::uint64_t src, std::uint64_t bytes, const Body &body) noexcept {
        return bytes == 0 || (bytes <= body.readable && src <= body.readable - bytes);
    }

    static Body body_of(const CopyOp &op, const Body &parent) {
        Body inner;
        inner.readable = op.kind == CopyKind::kChoose ? parent.readable : op.src_stride;
        inner.writable = op.kind == CopyKind::kChoose ? op.count : op.dst_stride;
        inner.is_of_cases = op.kind == CopyKind::kChoose;
        return inner;
    }

    // Of all cases one is done: together they write what each of them writes.
    std::string add_case(const CopyOp &op, Body &body, std::size_t at) {
        if (op.src_stride > body.readable || op.src > body.readable - op.src_stride || op.dst_stride != body.writable) {
            return "a case of another size than its union";
        }
        body.written = body.writable;
        return enter(op, body_of(op, body), body.end, at);
    }

    // The parent's body may be moved from here on: `open_` grows.
    std::string enter(const CopyOp &op, Body inner, std::size_t parent_end, std::size_t at) {
        if (op.data == 0 || op.data > parent_end - at - 1) {
            return "its body ends outside of what it is part of";
        }
        if (open_.size() > CopyProgram::kNestingMax) {
            return "loops inside loops go too deep";
        }
        inner.begin = at + 1;
        inner.end = at + 1 + static_cast<std::size_t>(op.data);
        open_.push_back(inner);
        return {};
    }

    // How many bytes it reads and writes, for each of `count`.
    const char *check_itself(const CopyOp &op, std::uint64_t *read, std::uint64_t *written) const {
        if (op.kind > CopyKind::kCase || op.source > Number::kOther || op.path >= plan_.paths.size()) {
            return "its kind, number or path is none";
        }
        if (op.kind == CopyKind::kPointed) {
            return check_pointed(op);
        }
        if (op.count == 0) {
            return "it does nothing";
        }
        if (op.kind == CopyKind::kChoose || op.kind == CopyKind::kCase) {
            return check_union(op);
        }
        if (op.kind == CopyKind::kLoop) {
            *read = op.src_stride;
            *written = op.dst_stride;
            return nullptr;
        }
        if (op.data > plan_.pool.size() || op.data_bytes > plan_.pool.size() - op.data) {
            return "its data lies outside of the plan's";
        }
        return check_leaf(op, read, written);
    }

    // Its `count` is a place: what it reads there, add() looks at.
    const char *check_pointed(const CopyOp &op) const {
        if (!is_integer(op.source) || op.source == Number::kBool || op.data_bytes >= plan_.paths.size()) {
            return "its count is none";
        }
        return !is_size(op.src_stride) || !is_size(op.dst_stride) ? "its elements have no size" : nullptr;
    }

    static const char *check_union(const CopyOp &op) {
        if (op.kind == CopyKind::kChoose) {
            return !is_integer(op.source) || op.source == Number::kBool || !is_size(op.count) ? "its tag is none"
                                                                                              : nullptr;
        }
        return op.count != 1 || !is_size(op.src_stride) || !is_size(op.dst_stride) ? "its union has no size" : nullptr;
    }

    static const char *check_leaf(const CopyOp &op, std::uint64_t *read, std::uint64_t *written) {
        std::uint64_t data_bytes = 0;
        switch (op.kind) {
        case CopyKind::kCopy:
            *read = *written = 1;
            return nullptr;
        case CopyKind::kTerminated:
            *read = 1;
            return nullptr;
        case CopyKind::kConvert:
            if (op.target >= kNumbers || prepare_op(op, nullptr).kernel == nullptr) {
                return "there is no such conversion";
            }
            *read = bytes_of(op.source);
            *written = bytes_of(static_cast<Number>(op.target));
            return nullptr;
        case CopyKind::kFill:
            *written = 1;
            return op.data_bytes != 0 && op.data_bytes != op.count ? "its data has another size" : nullptr;
        case CopyKind::kExpect:
            *read = op.target;
            if (op.target == 0 || op.target > kScalarBytesMax || !multiply(op.count, op.target, &data_bytes)) {
                return "there is no such number";
            }
            return op.data_bytes != 0 && op.data_bytes != data_bytes ? "its data has another size" : nullptr;
        case CopyKind::kForbid:
            *read = bytes_of(op.source);
            return !is_integer(op.source) || op.data_bytes == 0 || op.data_bytes % *read != 0 ? "its values are none"
                                                                                              : nullptr;
        default:
            break;
        }
        return nullptr;
    }

    const CopyPlan &plan_;
    std::vector<Body> open_; // from the state itself to the innermost loop
};

} // namespace

std::size_t case_of(const std::vector<CopyOp> &ops, std::size_t choose, std::uint64_t tag) noexcept {
    const std::size_t end = choose + 1 + static_cast<std::size_t>(ops[choose].data);
    for (std::size_t at = choose + 1; at < end; at += 1 + static_cast<std::size_t>(ops[at].data)) {
        if (ops[at].data_bytes == tag) {
            return at;
        }
    }
    return choose;
}

Status check_plan(const CopyPlan &plan) {
    return PlanCheck(plan).all();
}

} // namespace hotgraft
