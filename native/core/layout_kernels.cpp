#include "layout_kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace hotgraft {

namespace {

constexpr std::size_t kSmallBytes = 64; // up to here a copy or fill is two moves of a constant size
constexpr std::array<unsigned char, kSmallBytes> kZeros{};

// --- copies and fills ---

// Moves of a constant size, which the compiler turns into single instructions; the second ends where the bytes end and
// may overlap the first.
template <std::size_t Block> const unsigned char *copy_small(const PreparedOp &op, const Strip &strip) noexcept {
    const unsigned char *__restrict src = strip.src + op.src;
    unsigned char *__restrict dst = strip.dst + op.dst;
    const std::size_t last = op.count - Block;
    if (last == 0) {
        for (std::size_t i = 0; i < strip.count; ++i) {
            std::memcpy(dst, src, Block);
            src += strip.src_stride;
            dst += strip.dst_stride;
        }
        return nullptr;
    }
    for (std::size_t i = 0; i < strip.count; ++i) {
        std::memcpy(dst, src, Block);
        std::memcpy(dst + last, src + last, Block);
        src += strip.src_stride;
        dst += strip.dst_stride;
    }
    return nullptr;
}

const unsigned char *copy_long(const PreparedOp &op, const Strip &strip) noexcept {
    const unsigned char *src = strip.src + op.src;
    unsigned char *dst = strip.dst + op.dst;
    for (std::size_t i = 0; i < strip.count; ++i) {
        std::memcpy(dst, src, op.count);
        src += strip.src_stride;
        dst += strip.dst_stride;
    }
    return nullptr;
}

template <CopyKernel Apart> const unsigned char *copy(const PreparedOp &op, const Strip &strip) noexcept {
    if (strip.src_stride == op.count && strip.dst_stride == op.count) {
        std::memcpy(strip.dst + op.dst, strip.src + op.src, strip.count * op.count);
        return nullptr;
    }
    return Apart(op, strip);
}

template <std::size_t Block> const unsigned char *fill_small(const PreparedOp &op, const Strip &strip) noexcept {
    unsigned char *__restrict dst = strip.dst + op.dst;
    const std::size_t last = op.count - Block;
    std::array<unsigned char, Block> head;
    std::array<unsigned char, Block> tail;
    std::memcpy(head.data(), op.data, Block);
    std::memcpy(tail.data(), op.data + last, Block);
    for (std::size_t i = 0; i < strip.count; ++i) {
        std::memcpy(dst, head.data(), Block);
        std::memcpy(dst + last, tail.data(), Block);
        dst += strip.dst_stride;
    }
    return nullptr;
}

const unsigned char *fill_long(const PreparedOp &op, const Strip &strip) noexcept {
    unsigned char *dst = strip.dst + op.dst;
    for (std::size_t i = 0; i < strip.count; ++i) {
        if (op.data_bytes == 0) {
            std::memset(dst, 0, op.count);
        } else {
            std::memcpy(dst, op.data, op.count);
        }
        dst += strip.dst_stride;
    }
    return nullptr;
}

CopyKernel copy_kernel(std::size_t bytes) noexcept {
    return bytes > kSmallBytes ? copy<copy_long>
           : bytes >= 32       ? copy<copy_small<32>>
           : bytes >= 16       ? copy<copy_small<16>>
           : bytes >= 8        ? copy<copy_small<8>>
           : bytes >= 4        ? copy<copy_small<4>>
           : bytes >= 2        ? copy<copy_small<2>>
                               : copy<copy_small<1>>;
}

CopyKernel fill_kernel(std::size_t bytes) noexcept {
    return bytes > kSmallBytes ? fill_long
           : bytes >= 32       ? fill_small<32>
           : bytes >= 16       ? fill_small<16>
           : bytes >= 8        ? fill_small<8>
           : bytes >= 4        ? fill_small<4>
           : bytes >= 2        ? fill_small<2>
                               : fill_small<1>;
}

// --- conversions ---

template <class T> T number_in(const unsigned char *at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

// A bool in memory is a byte that holds 0 or 1.
struct Truth {};
template <class T> using Stored = std::conditional_t<std::is_same_v<T, Truth>, std::uint8_t, T>;

template <class T> constexpr bool is_below_zero(T value) noexcept {
    if constexpr (std::is_signed_v<T>) {
        return value < 0;
    } else {
        return false;
    }
}

// Does `to`, which `from` was turned into, mean the same? f64 → f32 goes to the nearest, where there is one in range.
template <class From, class Into> constexpr bool is_same_value(Stored<From> from, Stored<Into> to) noexcept {
    if constexpr (std::is_same_v<Into, Truth>) {
        return from == 0 || from == 1;
    } else if constexpr (std::is_same_v<From, double>) {
        return std::fabs(to) <= std::numeric_limits<float>::max() ||
               !(std::fabs(from) <= std::numeric_limits<double>::max());
    } else {
        return static_cast<Stored<From>>(to) == from && is_below_zero(from) == is_below_zero(to);
    }
}

// Every value of From is one of Into, so that nothing has to be looked at.
template <class From, class Into> constexpr bool always_fits() noexcept {
    if constexpr (std::is_same_v<Into, Truth>) {
        return false;
    } else {
        using Source = std::numeric_limits<Stored<From>>;
        using Target = std::numeric_limits<Stored<Into>>;
        return Source::digits <= Target::digits && (Target::is_signed || !Source::is_signed) &&
               (!std::is_floating_point_v<Stored<From>> || sizeof(Stored<From>) <= sizeof(Stored<Into>));
    }
}

// `count` numbers that lie a step apart; with steps that are constants the compiler makes vectors of it.
template <class From, class Into>
inline bool convert_run(const unsigned char *__restrict src, unsigned char *__restrict dst, std::size_t count,
                        std::size_t src_step, std::size_t dst_step) noexcept {
    unsigned misfits = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const Stored<From> from = number_in<Stored<From>>(src + i * src_step);
        // Out of range it is implementation-defined, and refused below.
        const auto to = static_cast<Stored<Into>>(from); // NOLINT(bugprone-signed-char-misuse,cert-str34-c): a number
        if constexpr (!always_fits<From, Into>()) {
            misfits |= is_same_value<From, Into>(from, to) ? 0U : 1U;
        }
        std::memcpy(dst + i * dst_step, &to, sizeof to);
    }
    return misfits == 0;
}

template <class From, class Into> const unsigned char *find_misfit(const PreparedOp &op, const Strip &strip) noexcept {
    for (std::size_t i = 0; i < strip.count; ++i) {
        for (std::size_t j = 0; j < op.count; ++j) {
            const unsigned char *const at = strip.src + i * strip.src_stride + op.src + j * sizeof(Stored<From>);
            const Stored<From> from = number_in<Stored<From>>(at);
            if (!is_same_value<From, Into>(from, static_cast<Stored<Into>>(from))) {
                return at;
            }
        }
    }
    return nullptr;
}

// The longer way round is the inner loop: along the array, or along the strip.
template <class From, class Into> const unsigned char *convert(const PreparedOp &op, const Strip &strip) noexcept {
    constexpr std::size_t kFrom = sizeof(Stored<From>);
    constexpr std::size_t kInto = sizeof(Stored<Into>);
    const unsigned char *const src = strip.src + op.src;
    unsigned char *const dst = strip.dst + op.dst;
    bool is_fitting = true;
    if (strip.src_stride == op.count * kFrom && strip.dst_stride == op.count * kInto) {
        is_fitting = convert_run<From, Into>(src, dst, strip.count * op.count, kFrom, kInto);
    } else if (op.count >= strip.count) {
        for (std::size_t i = 0; i < strip.count; ++i) {
            is_fitting &=
                convert_run<From, Into>(src + i * strip.src_stride, dst + i * strip.dst_stride, op.count, kFrom, kInto);
        }
    } else {
        for (std::size_t j = 0; j < op.count; ++j) {
            is_fitting &= convert_run<From, Into>(src + j * kFrom, dst + j * kInto, strip.count, strip.src_stride,
                                                  strip.dst_stride);
        }
    }
    return is_fitting ? nullptr : find_misfit<From, Into>(op, strip);
}

template <class From> CopyKernel convert_kernel_from(Number target) noexcept {
    switch (target) {
    case Number::kI8:
        return convert<From, std::int8_t>;
    case Number::kU8:
        return convert<From, std::uint8_t>;
    case Number::kI16:
        return convert<From, std::int16_t>;
    case Number::kU16:
        return convert<From, std::uint16_t>;
    case Number::kI32:
        return convert<From, std::int32_t>;
    case Number::kU32:
        return convert<From, std::uint32_t>;
    case Number::kI64:
        return convert<From, std::int64_t>;
    case Number::kU64:
        return convert<From, std::uint64_t>;
    case Number::kBool:
        return convert<From, Truth>;
    default:
        return nullptr;
    }
}

CopyKernel convert_kernel(Number source, Number target) noexcept {
    switch (source) {
    case Number::kI8:
        return convert_kernel_from<std::int8_t>(target);
    case Number::kU8:
    case Number::kBool:
        return convert_kernel_from<std::uint8_t>(target);
    case Number::kI16:
        return convert_kernel_from<std::int16_t>(target);
    case Number::kU16:
        return convert_kernel_from<std::uint16_t>(target);
    case Number::kI32:
        return convert_kernel_from<std::int32_t>(target);
    case Number::kU32:
        return convert_kernel_from<std::uint32_t>(target);
    case Number::kI64:
        return convert_kernel_from<std::int64_t>(target);
    case Number::kU64:
        return convert_kernel_from<std::uint64_t>(target);
    case Number::kF32:
        return target == Number::kF64 ? convert<float, double> : nullptr;
    case Number::kF64:
        return target == Number::kF32 ? convert<double, float> : nullptr;
    default:
        return nullptr;
    }
}

// --- checks ---

// Numbers are compared as bytes: what is expected was written by a fill.
const unsigned char *expect(const PreparedOp &op, const Strip &strip) noexcept {
    for (std::size_t i = 0; i < strip.count; ++i) {
        const unsigned char *const begin = strip.src + i * strip.src_stride + op.src;
        for (std::size_t j = 0; j < op.count; ++j) {
            const unsigned char *const wanted = op.data_bytes == 0 ? kZeros.data() : op.data + j * op.size;
            if (std::memcmp(begin + j * op.size, wanted, op.size) != 0) {
                return begin + j * op.size;
            }
        }
    }
    return nullptr;
}

const unsigned char *end_in_time(const PreparedOp &op, const Strip &strip) noexcept {
    for (std::size_t i = 0; i < strip.count; ++i) {
        const unsigned char *const begin = strip.src + i * strip.src_stride + op.src;
        if (std::memchr(begin, 0, op.count) == nullptr) {
            return begin;
        }
    }
    return nullptr;
}

const unsigned char *forbid(const PreparedOp &op, const Strip &strip) noexcept {
    for (std::size_t i = 0; i < strip.count; ++i) {
        const unsigned char *const begin = strip.src + i * strip.src_stride + op.src;
        for (std::size_t at = 0; at < op.count * op.size; at += op.size) {
            for (std::size_t value = 0; value < op.data_bytes; value += op.size) {
                if (std::memcmp(begin + at, op.data + value, op.size) == 0) {
                    return begin + at;
                }
            }
        }
    }
    return nullptr;
}

} // namespace

std::size_t bytes_of(Number number) noexcept {
    constexpr std::array<std::size_t, 12> kBytes{1, 1, 2, 2, 4, 4, 8, 8, 1, 4, 8, 0};
    return kBytes.at(static_cast<std::size_t>(number));
}

std::uint64_t integer_at(Number number, const unsigned char *at) noexcept {
    switch (number) {
    case Number::kI8:
        return static_cast<std::uint64_t>(std::int64_t{number_in<std::int8_t>(at)});
    case Number::kI16:
        return static_cast<std::uint64_t>(std::int64_t{number_in<std::int16_t>(at)});
    case Number::kI32:
        return static_cast<std::uint64_t>(std::int64_t{number_in<std::int32_t>(at)});
    case Number::kU8:
        return number_in<std::uint8_t>(at);
    case Number::kU16:
        return number_in<std::uint16_t>(at);
    case Number::kU32:
        return number_in<std::uint32_t>(at);
    default:
        return number_in<std::uint64_t>(at);
    }
}

PreparedOp prepare_op(const CopyOp &op, const unsigned char *data) noexcept {
    PreparedOp prepared;
    prepared.src = op.src;
    prepared.dst = op.dst;
    prepared.count = op.count;
    prepared.data = op.data_bytes == 0 ? kZeros.data() : data;
    prepared.data_bytes = op.data_bytes;
    prepared.size = op.kind == CopyKind::kExpect ? op.target : bytes_of(op.source);
    switch (op.kind) {
    case CopyKind::kCopy:
        prepared.kernel = copy_kernel(op.count);
        break;
    case CopyKind::kConvert:
        prepared.kernel = convert_kernel(op.source, static_cast<Number>(op.target));
        break;
    case CopyKind::kFill:
        prepared.kernel = fill_kernel(op.count);
        break;
    case CopyKind::kExpect:
        prepared.kernel = expect;
        break;
    case CopyKind::kTerminated:
        prepared.kernel = end_in_time;
        break;
    case CopyKind::kForbid:
        prepared.kernel = forbid;
        break;
    case CopyKind::kLoop:
    case CopyKind::kPointed:
    case CopyKind::kChoose:
    case CopyKind::kCase:
        break;
    }
    return prepared;
}

} // namespace hotgraft
