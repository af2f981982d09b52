// MessagePack, as much of it as a saved state is made of: int, float64, str, bin, map, array, nil, bool.
//
// One value's head at a time, from and to memory that the caller names; who walks maps and arrays keeps count himself.
// Written: whole numbers and lengths in their shortest form, so that equal keys are equal bytes; maps and arrays with a
// count of four bytes, so that it can be set when they end. Read: every form that the format has for these types, and
// float32, which widens exactly. https://github.com/msgpack/msgpack/blob/master/spec.md
#ifndef HOTGRAFT_CORE_MSGPACK_HPP
#define HOTGRAFT_CORE_MSGPACK_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hotgraft::msgpack {

inline constexpr std::uint64_t kHeadBytesMax = 9;  // of any value; of numbers, that is all there is
inline constexpr std::uint64_t kOpenHeadBytes = 5; // of a map or an array as it is written here

enum class Kind : std::uint8_t {
    kNil,
    kBool,
    kI64,
    kU64, // a whole number that no int64_t holds
    kF64,
    kText,
    kBytes,
    kMap,
    kArray,
};

// Each returns the place behind what it wrote: at most kHeadBytesMax bytes.
std::uint8_t *write_i64(std::uint8_t *at, std::int64_t number) noexcept;
std::uint8_t *write_u64(std::uint8_t *at, std::uint64_t number) noexcept;
std::uint8_t *write_f64(std::uint8_t *at, double number) noexcept;
std::uint8_t *write_bool(std::uint8_t *at, bool is_true) noexcept;
std::uint8_t *write_nil(std::uint8_t *at) noexcept;
std::uint8_t *write_text_head(std::uint8_t *at, std::uint32_t bytes) noexcept;
std::uint8_t *write_bytes_head(std::uint8_t *at, std::uint32_t bytes) noexcept;
std::uint8_t *write_open_head(std::uint8_t *at, bool is_map, std::uint32_t count) noexcept;

struct Value {
    Kind kind = Kind::kNil;
    std::int64_t number = 0;            // kI64, kBool; kU64: the same bits
    double real = 0.0;                  // kF64
    std::uint64_t len = 0;              // kText, kBytes: bytes; kMap: pairs; kArray: values
    const std::uint8_t *data = nullptr; // kText, kBytes: in place
    const std::uint8_t *end = nullptr;  // behind the value; of a map or an array, behind its head
};

enum class Reading : std::uint8_t { kOk, kTruncated, kForeign /* a type that no saved state has */ };

// Reads no byte at or past `end`, whatever the bytes say.
[[nodiscard]] Reading read(const std::uint8_t *at, const std::uint8_t *end, Value *out) noexcept;

// An entry of a map as most are: a text of up to 31 bytes, then a float64.
struct ShortEntry {
    const std::uint8_t *text = nullptr;
    std::uint64_t len = 0;
    double real = 0.0;
    const std::uint8_t *end = nullptr; // behind the number
};

// False: it is another one, or lies near `end`; read() reads it.
[[nodiscard]] inline bool read_short_entry(const std::uint8_t *at, const std::uint8_t *end, ShortEntry *out) noexcept {
    constexpr std::ptrdiff_t kBytesMax = 1 + 31 + 9;
    if (end - at < kBytesMax || (*at & 0xE0) != 0xA0) {
        return false;
    }
    out->len = *at & 0x1F;
    out->text = at + 1;
    const std::uint8_t *const number = out->text + out->len;
    if (*number != 0xCB) {
        return false;
    }
    std::uint64_t bits = 0;
    std::memcpy(&bits, number + 1, sizeof bits);
    bits = __builtin_bswap64(bits);
    std::memcpy(&out->real, &bits, sizeof bits);
    out->end = number + 9;
    return true;
}

} // namespace hotgraft::msgpack

#endif // HOTGRAFT_CORE_MSGPACK_HPP
