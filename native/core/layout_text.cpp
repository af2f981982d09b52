// The words for what a copy program refused: only a run that failed needs them.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>

#include "layout_check.hpp"

namespace hotgraft {

namespace {

constexpr std::size_t kTextShown = 32; // bytes

const char *name_of(Number number) noexcept {
    constexpr std::array<const char *, 12> kNames{"i8",  "u8",  "i16",  "u16", "i32", "u32",
                                                  "i64", "u64", "bool", "f32", "f64", "a number"};
    return kNames.at(static_cast<std::size_t>(number));
}

template <class T> T number_at(const unsigned char *value) noexcept {
    T number;
    std::memcpy(&number, value, sizeof number);
    return number;
}

// The shortest that reads back as the same number.
template <class Float> std::string float_text(Float number) {
    std::array<char, 64> text{};
    const std::to_chars_result end = std::to_chars(text.data(), text.data() + text.size(), number);
    return {text.data(), end.ptr};
}

std::string bytes_text(const unsigned char *value, std::size_t size) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text = "bytes ";
    for (std::size_t i = 0; i < size; ++i) {
        text += kDigits[value[i] >> 4U];
        text += kDigits[value[i] & 0xFU];
    }
    return text;
}

std::string number_text(Number number, const unsigned char *value, std::size_t size) {
    switch (number) {
    case Number::kI8:
        return std::to_string(number_at<std::int8_t>(value));
    case Number::kU8:
    case Number::kBool:
        return std::to_string(number_at<std::uint8_t>(value));
    case Number::kI16:
        return std::to_string(number_at<std::int16_t>(value));
    case Number::kU16:
        return std::to_string(number_at<std::uint16_t>(value));
    case Number::kI32:
        return std::to_string(number_at<std::int32_t>(value));
    case Number::kU32:
        return std::to_string(number_at<std::uint32_t>(value));
    case Number::kI64:
        return std::to_string(number_at<std::int64_t>(value));
    case Number::kU64:
        return std::to_string(number_at<std::uint64_t>(value));
    case Number::kF32:
        return float_text(number_at<float>(value));
    case Number::kF64:
        return float_text(number_at<double>(value));
    case Number::kOther:
        break;
    }
    return bytes_text(value, size);
}

std::string quoted(const unsigned char *text, std::size_t size) {
    std::string shown = "a text that begins \"";
    for (std::size_t i = 0; i < std::min(size, kTextShown); ++i) {
        shown += text[i] >= 0x20 && text[i] < 0x7f && text[i] != '"' ? static_cast<char>(text[i]) : '?';
    }
    return shown + "\"";
}

template <class T> std::string range_of() {
    using Limits = std::numeric_limits<T>;
    return std::to_string(Limits::min()) + " to " + std::to_string(Limits::max());
}

std::string range_text(Number number) {
    switch (number) {
    case Number::kI8:
        return range_of<std::int8_t>();
    case Number::kU8:
        return range_of<std::uint8_t>();
    case Number::kI16:
        return range_of<std::int16_t>();
    case Number::kU16:
        return range_of<std::uint16_t>();
    case Number::kI32:
        return range_of<std::int32_t>();
    case Number::kU32:
        return range_of<std::uint32_t>();
    case Number::kI64:
        return range_of<std::int64_t>();
    case Number::kU64:
        return range_of<std::uint64_t>();
    case Number::kBool:
        return "0 or 1";
    default:
        return "up to " + float_text(std::numeric_limits<float>::max());
    }
}

// The element of `loop` that `*offset` lies in; the offset then counts from that element's begin.
std::uint64_t step_into(const CopyOp &loop, std::uint64_t *offset) noexcept {
    const std::uint64_t inside = *offset - loop.src;
    *offset = inside % loop.src_stride;
    return inside / loop.src_stride;
}

// Put the next index into the next brackets of a path: "[]" begins at 0, "[4]" at 4.
void put_index(std::string *path, std::size_t *from, std::uint64_t index) {
    const std::size_t open = path->find('[', *from);
    if (open == std::string::npos) {
        return;
    }
    const std::size_t close = path->find(']', open);
    if (close == std::string::npos) {
        return;
    }
    for (std::size_t at = open + 1, scale = 0; at < close; ++at) {
        scale = scale * 10 + static_cast<std::size_t>((*path)[at] - '0');
        index += at + 1 == close ? scale : 0;
    }
    const std::string digits = std::to_string(index);
    path->replace(open + 1, close - open - 1, digits);
    *from = open + 1 + digits.size();
}

} // namespace

std::string field_at(const CopyPlan &plan, std::size_t op, std::uint32_t path_index,
                     const std::vector<std::uint64_t> &offsets) {
    std::string path = plan.paths[path_index];
    std::size_t from = 0;
    std::size_t block = 0;
    std::uint64_t offset = offsets.front();
    for (std::size_t at = 0; at < op; ++at) {
        const CopyOp &around = plan.ops[at];
        if (!has_body(around.kind)) {
            continue;
        }
        if (at + around.data < op) {
            at += around.data;
        } else if (around.kind == CopyKind::kLoop) {
            put_index(&path, &from, step_into(around, &offset));
        } else if (around.kind == CopyKind::kPointed) {
            offset = offsets[++block];
            put_index(&path, &from, offset / around.src_stride);
            offset %= around.src_stride;
        } else if (around.kind == CopyKind::kCase) {
            offset -= around.src;
        }
    }
    const CopyOp &refused = plan.ops[op];
    if (has_body(refused.kind)) {
        return path;
    }
    const std::size_t size = refused.kind == CopyKind::kExpect ? refused.target : bytes_of(refused.source);
    put_index(&path, &from, (offset - refused.src) / std::max<std::size_t>(size, 1));
    return path;
}

std::string value_text(const CopyOp &op, const unsigned char *value) {
    return op.kind == CopyKind::kTerminated ? quoted(value, op.count) : number_text(op.source, value, op.target);
}

std::string why_refused(const CopyOp &op) {
    switch (op.kind) {
    case CopyKind::kConvert: {
        const auto target = static_cast<Number>(op.target);
        return std::string("and ") + name_of(target) + " holds " + range_text(target);
    }
    case CopyKind::kTerminated:
        return "and its buffer holds " + std::to_string(op.count - 1) + " bytes and the zero that ends it";
    case CopyKind::kForbid:
        return "which is no constant of its enum any more";
    case CopyKind::kChoose:
        return "and nothing in its union is alive by that in the new layout";
    default:
        return "not its default, and has no place in the new layout";
    }
}

} // namespace hotgraft
