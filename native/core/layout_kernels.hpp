// The inner loops of a copy program: one operation, carried out on a strip of elements.
#ifndef HOTGRAFT_CORE_LAYOUT_KERNELS_HPP
#define HOTGRAFT_CORE_LAYOUT_KERNELS_HPP

#include <cstddef>
#include <cstdint>

namespace hotgraft {

// The numbers are those of core/layout_plan.py.
enum class CopyKind : std::uint8_t {
    kCopy = 0,       // `count` bytes as they are
    kConvert = 1,    // `count` numbers side by side, source → target
    kFill = 2,       // `count` bytes that are the same for all: data, or zeros
    kExpect = 3,     // refuse unless `count` numbers of `target` bytes are data, or zeros
    kTerminated = 4, // refuse a text that does not end within `count` bytes
    kForbid = 5,     // refuse `count` integers where one is among data
    kLoop = 6,       // the next `data` operations, `count` times
    kPointed = 7,    // the next `data`, for each element of the block that a pointer leads to; a new one is made
    kChoose = 8,     // that one of the cases among the next `data` whose value the tag has
    kCase = 9,       // the next `data`: only inside a kChoose
};

// Are the operations behind it its own?
[[nodiscard]] constexpr bool has_body(CopyKind kind) noexcept {
    return kind >= CopyKind::kLoop;
}

enum class Number : std::uint8_t { kI8, kU8, kI16, kU16, kI32, kU32, kI64, kU64, kBool, kF32, kF64, kOther };

// Bytes of a number; 0 for kOther.
[[nodiscard]] std::size_t bytes_of(Number number) noexcept;
// An integer, its sign extended to 64 bits.
[[nodiscard]] std::uint64_t integer_at(Number number, const unsigned char *at) noexcept;

struct CopyOp {
    CopyKind kind = CopyKind::kCopy;
    Number source = Number::kI8;
    std::uint8_t target = 0; // a Number; of kExpect, the bytes of one
    std::uint32_t path = 0;
    std::uint64_t src = 0; // of kChoose, where its tag is
    std::uint64_t dst = 0;
    std::uint64_t count = 0;      // of kPointed, where the count is; of kChoose, the bytes of the new union
    std::uint64_t src_stride = 0; // of a loop and of kPointed; of kCase, the bytes of the union
    std::uint64_t dst_stride = 0;
    std::uint64_t data = 0;       // where in the pool; where it has a body, how many operations that is
    std::uint64_t data_bytes = 0; // of kPointed, the count's path; of kCase, the value, its sign extended to 64 bits
};

// The same operation on `count` elements; src and dst are where the first of them lie.
struct Strip {
    const unsigned char *src;
    unsigned char *dst;
    std::size_t count;
    std::size_t src_stride;
    std::size_t dst_stride;
};

struct PreparedOp;

// Answers the value that is refused, or nullptr.
using CopyKernel = const unsigned char *(*)(const PreparedOp &op, const Strip &strip) noexcept;

struct PreparedOp {
    CopyKernel kernel = nullptr; // of a loop, none
    std::size_t src = 0;
    std::size_t dst = 0;
    std::size_t count = 0;
    const unsigned char *data = nullptr; // zeros, where the operation has none
    std::size_t data_bytes = 0;
    std::size_t size = 0; // of one number
    std::size_t body = 0; // of a loop, which
};

// Of an operation that was checked and is no loop; nullptr: there is no such conversion. `data` is its own, or nullptr.
[[nodiscard]] PreparedOp prepare_op(const CopyOp &op, const unsigned char *data) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LAYOUT_KERNELS_HPP
