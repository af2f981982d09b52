#include "msgpack.hpp"

#include <cstring>
#include <type_traits>

namespace hotgraft::msgpack {

namespace {

// Big-endian is what the format has, little-endian the machine; the builtins are gcc's and clang's.
std::uint8_t swapped(std::uint8_t number) noexcept {
    return number;
}
std::uint16_t swapped(std::uint16_t number) noexcept {
    return __builtin_bswap16(number);
}
std::uint32_t swapped(std::uint32_t number) noexcept {
    return __builtin_bswap32(number);
}
std::uint64_t swapped(std::uint64_t number) noexcept {
    return __builtin_bswap64(number);
}

template <class Number> std::uint8_t *write_big(std::uint8_t *at, Number number) noexcept {
    number = swapped(number);
    std::memcpy(at, &number, sizeof number);
    return at + sizeof number;
}

template <class Number> Number read_big(const std::uint8_t *at) noexcept {
    std::make_unsigned_t<Number> number;
    std::memcpy(&number, at, sizeof number);
    return static_cast<Number>(swapped(number));
}

template <class Number> std::uint8_t *write_marked(std::uint8_t *at, std::uint8_t mark, Number number) noexcept {
    *at = mark;
    return write_big(at + 1, number);
}

// One value being read: what follows its first byte.
class Tail {
public:
    Tail(const std::uint8_t *at, const std::uint8_t *end, Value *out) noexcept : at_(at), end_(end), out_(out) {}

    template <class Number> Reading whole() noexcept {
        if (left() < sizeof(Number)) {
            return Reading::kTruncated;
        }
        const Number number = read_big<Number>(at_);
        // NOLINTNEXTLINE(bugprone-signed-char-misuse,cert-str34-c): of one byte too, the sign is meant
        out_->number = static_cast<std::int64_t>(number);
        // Only an unsigned number can have come out negative without being so.
        const bool is_large = static_cast<Number>(-1) > 0 && out_->number < 0;
        return done(is_large ? Kind::kU64 : Kind::kI64, sizeof number);
    }

    template <class Real, class Bits> Reading real() noexcept {
        if (left() < sizeof(Bits)) {
            return Reading::kTruncated;
        }
        const Bits bits = read_big<Bits>(at_);
        Real real;
        static_assert(sizeof real == sizeof bits);
        std::memcpy(&real, &bits, sizeof real);
        out_->real = static_cast<double>(real);
        return done(Kind::kF64, sizeof bits);
    }

    template <class Length> Reading sized(Kind kind) noexcept {
        if (left() < sizeof(Length)) {
            return Reading::kTruncated;
        }
        const auto len = static_cast<std::uint64_t>(read_big<Length>(at_));
        at_ += sizeof(Length);
        return kind == Kind::kMap || kind == Kind::kArray ? opened(kind, len) : run(kind, len);
    }

    Reading run(Kind kind, std::uint64_t len) noexcept {
        if (left() < len) {
            return Reading::kTruncated;
        }
        out_->data = at_;
        out_->len = len;
        return done(kind, len);
    }

    Reading opened(Kind kind, std::uint64_t len) noexcept {
        out_->len = len;
        return done(kind, 0);
    }

    Reading fixed(Kind kind, std::int64_t number) noexcept {
        out_->number = number;
        return done(kind, 0);
    }

private:
    [[nodiscard]] std::uint64_t left() const noexcept { return static_cast<std::uint64_t>(end_ - at_); }

    Reading done(Kind kind, std::uint64_t bytes) noexcept {
        out_->kind = kind;
        out_->end = at_ + bytes;
        return Reading::kOk;
    }

    const std::uint8_t *at_;
    const std::uint8_t *end_;
    Value *out_;
};

Reading read_marked(std::uint8_t mark, Tail tail) noexcept {
    switch (mark) {
    case 0xC0:
        return tail.fixed(Kind::kNil, 0);
    case 0xC2:
    case 0xC3:
        return tail.fixed(Kind::kBool, mark & 1);
    case 0xC4:
        return tail.sized<std::uint8_t>(Kind::kBytes);
    case 0xC5:
        return tail.sized<std::uint16_t>(Kind::kBytes);
    case 0xC6:
        return tail.sized<std::uint32_t>(Kind::kBytes);
    case 0xCA:
        return tail.real<float, std::uint32_t>();
    case 0xCB:
        return tail.real<double, std::uint64_t>();
    case 0xCC:
        return tail.whole<std::uint8_t>();
    case 0xCD:
        return tail.whole<std::uint16_t>();
    case 0xCE:
        return tail.whole<std::uint32_t>();
    case 0xCF:
        return tail.whole<std::uint64_t>();
    case 0xD0:
        return tail.whole<std::int8_t>();
    case 0xD1:
        return tail.whole<std::int16_t>();
    case 0xD2:
        return tail.whole<std::int32_t>();
    case 0xD3:
        return tail.whole<std::int64_t>();
    case 0xD9:
        return tail.sized<std::uint8_t>(Kind::kText);
    case 0xDA:
        return tail.sized<std::uint16_t>(Kind::kText);
    case 0xDB:
        return tail.sized<std::uint32_t>(Kind::kText);
    case 0xDC:
        return tail.sized<std::uint16_t>(Kind::kArray);
    case 0xDD:
        return tail.sized<std::uint32_t>(Kind::kArray);
    case 0xDE:
        return tail.sized<std::uint16_t>(Kind::kMap);
    case 0xDF:
        return tail.sized<std::uint32_t>(Kind::kMap);
    default:
        return Reading::kForeign; // ext and fixext, and 0xC1, which is never used
    }
}

} // namespace

std::uint8_t *write_u64(std::uint8_t *at, std::uint64_t number) noexcept {
    if (number <= 0x7F) {
        *at = static_cast<std::uint8_t>(number);
        return at + 1;
    }
    if (number <= 0xFF) {
        return write_marked(at, 0xCC, static_cast<std::uint8_t>(number));
    }
    if (number <= 0xFFFF) {
        return write_marked(at, 0xCD, static_cast<std::uint16_t>(number));
    }
    if (number <= 0xFFFF'FFFF) {
        return write_marked(at, 0xCE, static_cast<std::uint32_t>(number));
    }
    return write_marked(at, 0xCF, number);
}

std::uint8_t *write_i64(std::uint8_t *at, std::int64_t number) noexcept {
    const auto bits = static_cast<std::uint64_t>(number);
    if (number >= 0) {
        return write_u64(at, bits);
    }
    if (number >= -32) {
        *at = static_cast<std::uint8_t>(bits);
        return at + 1;
    }
    if (number >= INT8_MIN) {
        return write_marked(at, 0xD0, static_cast<std::uint8_t>(bits));
    }
    if (number >= INT16_MIN) {
        return write_marked(at, 0xD1, static_cast<std::uint16_t>(bits));
    }
    if (number >= INT32_MIN) {
        return write_marked(at, 0xD2, static_cast<std::uint32_t>(bits));
    }
    return write_marked(at, 0xD3, bits);
}

std::uint8_t *write_f64(std::uint8_t *at, double number) noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &number, sizeof bits);
    return write_marked(at, 0xCB, bits);
}

std::uint8_t *write_bool(std::uint8_t *at, bool is_true) noexcept {
    *at = is_true ? 0xC3 : 0xC2;
    return at + 1;
}

std::uint8_t *write_nil(std::uint8_t *at) noexcept {
    *at = 0xC0;
    return at + 1;
}

std::uint8_t *write_text_head(std::uint8_t *at, std::uint32_t bytes) noexcept {
    if (bytes < 32) {
        *at = static_cast<std::uint8_t>(0xA0 | bytes);
        return at + 1;
    }
    if (bytes <= 0xFF) {
        return write_marked(at, 0xD9, static_cast<std::uint8_t>(bytes));
    }
    if (bytes <= 0xFFFF) {
        return write_marked(at, 0xDA, static_cast<std::uint16_t>(bytes));
    }
    return write_marked(at, 0xDB, bytes);
}

std::uint8_t *write_bytes_head(std::uint8_t *at, std::uint32_t bytes) noexcept {
    if (bytes <= 0xFF) {
        return write_marked(at, 0xC4, static_cast<std::uint8_t>(bytes));
    }
    if (bytes <= 0xFFFF) {
        return write_marked(at, 0xC5, static_cast<std::uint16_t>(bytes));
    }
    return write_marked(at, 0xC6, bytes);
}

std::uint8_t *write_open_head(std::uint8_t *at, bool is_map, std::uint32_t count) noexcept {
    return write_marked(at, is_map ? 0xDF : 0xDD, count);
}

Reading read(const std::uint8_t *at, const std::uint8_t *end, Value *out) noexcept {
    if (at >= end) {
        return Reading::kTruncated;
    }
    *out = {};
    const std::uint8_t mark = *at;
    Tail tail(at + 1, end, out);
    if (mark <= 0x7F || mark >= 0xE0) {
        return tail.fixed(Kind::kI64, static_cast<std::int8_t>(mark));
    }
    if (mark <= 0x8F) {
        return tail.opened(Kind::kMap, mark & 0x0F);
    }
    if (mark <= 0x9F) {
        return tail.opened(Kind::kArray, mark & 0x0F);
    }
    if (mark <= 0xBF) {
        return tail.run(Kind::kText, mark & 0x1F);
    }
    return read_marked(mark, tail);
}

} // namespace hotgraft::msgpack
