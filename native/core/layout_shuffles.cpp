#include "layout_shuffles.hpp"

#include <algorithm>
#include <limits>

#include "layout_moves.hpp"

namespace hotgraft {

namespace {

constexpr std::size_t kNoByte = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kShuffledBytesMax = 16 * Shuffle::kBytes; // of more there are too many pieces

bool has_sign(Number number) noexcept {
    return number == Number::kI8 || number == Number::kI16 || number == Number::kI32 || number == Number::kI64;
}

bool is_integer_conversion(const CopyOp &op) noexcept {
    const auto target = static_cast<Number>(op.target);
    return op.kind == CopyKind::kConvert && op.source <= Number::kBool && target <= Number::kU64;
}

// Where one byte of a new state comes from, and what is asked of the number that it begins. Offsets are in the old
// state.
struct ByteSource {
    bool is_made = false;
    std::size_t from = kNoByte; // the byte itself
    std::size_t sign = kNoByte; // the byte whose sign it repeats
    unsigned char fill = 0;
    std::size_t dropped = 0; // what is dropped of the number, behind the last byte that is kept
    std::size_t dropped_bytes = 0;
    bool repeats = false;
    std::size_t positive = kNoByte; // the byte whose sign must be none

    // Pairs of bytes that its checks take.
    [[nodiscard]] std::size_t checks() const noexcept {
        return (dropped_bytes + 1) / 2 + (positive != kNoByte ? 1 : 0);
    }
};
using ByteSources = std::vector<ByteSource>; // by byte of the new state

void add_number(Number source, Number target, std::size_t src, ByteSource *number) noexcept {
    const std::size_t old_bytes = bytes_of(source);
    const std::size_t new_bytes = bytes_of(target);
    const std::size_t both = std::min(old_bytes, new_bytes);
    for (std::size_t k = 0; k < new_bytes; ++k) {
        number[k].is_made = true;
        number[k].from = k < old_bytes ? src + k : kNoByte;
        number[k].sign = k >= old_bytes && has_sign(source) ? src + old_bytes - 1 : kNoByte;
    }
    number->dropped = src + both;
    number->dropped_bytes = old_bytes - both;
    number->repeats = has_sign(source) && has_sign(target);
    const bool may_lose_sign =
        has_sign(source) ? !has_sign(target) && new_bytes >= old_bytes : has_sign(target) && new_bytes <= old_bytes;
    number->positive = may_lose_sign ? src + both - 1 : kNoByte;
}

void add_operation(const CopyOp &op, const PreparedOp &prepared, ByteSources *state) noexcept {
    const auto target = static_cast<Number>(op.target);
    for (std::size_t i = 0; i < prepared.count; ++i) {
        if (op.kind == CopyKind::kConvert) {
            add_number(op.source, target, prepared.src + i * bytes_of(op.source),
                       &(*state)[prepared.dst + i * bytes_of(target)]);
            continue;
        }
        ByteSource &byte = (*state)[prepared.dst + i];
        byte.is_made = true;
        byte.from = op.kind == CopyKind::kCopy ? prepared.src + i : kNoByte;
        byte.fill = op.kind == CopyKind::kFill && prepared.data_bytes != 0 ? prepared.data[i] : 0;
    }
}

// What bytes of a new state need of the old one.
struct Reach {
    std::size_t first = kNoByte;
    std::size_t end = 0;

    void take(std::size_t at) noexcept {
        if (at != kNoByte) {
            first = std::min(first, at);
            end = std::max(end, at + 1);
        }
    }
    void take(const ByteSource &byte) noexcept {
        for (const std::size_t at : {byte.from, byte.sign, byte.positive}) {
            take(at);
        }
        if (byte.dropped_bytes != 0) {
            take(byte.dropped - 1);
            take(byte.dropped + byte.dropped_bytes - 1);
        }
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return first == kNoByte ? 0 : end - first; }
};

class PieceInMaking {
public:
    PieceInMaking(std::size_t dst, const Reach &reach) noexcept : window_(reach.first == kNoByte ? 0 : reach.first) {
        made_.dst = dst;
        made_.src = window_;
    }

    void add(std::size_t at, const ByteSource &byte) noexcept {
        const std::size_t i = at - made_.dst;
        made_.written |= bit(byte.is_made, i);
        made_.fill[i] = byte.fill;
        index(byte.from, i, &made_.copied, &made_.from);
        if (byte.sign != kNoByte) {
            made_.signs |= bit(true, i);
            put_pair(&made_.sign, i, byte.sign); // the other one, if it has a sign, has the same: it is of one number
        }
        for (std::size_t k = 0; k < byte.dropped_bytes; k += 2, checks_ += 2) {
            for (std::size_t half = 0; half < 2; ++half) { // the last may be there twice
                index(byte.dropped + std::min(k + half, byte.dropped_bytes - 1), checks_ + half, &made_.drops,
                      &made_.dropped);
                made_.repeats |= bit(byte.repeats, checks_ + half);
            }
            put_pair(&made_.kept, checks_, byte.dropped - 1);
        }
        if (byte.positive != kNoByte) {
            made_.positive |= bit(true, checks_);
            put_pair(&made_.kept, checks_, byte.positive);
            checks_ += 2;
        }
    }

    [[nodiscard]] const Shuffle &made() const noexcept { return made_; }

private:
    static std::uint64_t bit(bool is_set, std::size_t at) noexcept { return std::uint64_t{is_set} << at; }
    unsigned char index_of(std::size_t source) noexcept {
        made_.read |= bit(true, source - window_);
        return static_cast<unsigned char>(source - window_);
    }
    void put_pair(Shuffle::Indexes *indexes, std::size_t at, std::size_t source) noexcept {
        (*indexes)[at & ~std::size_t{1}] = index_of(source);
        (*indexes)[at | 1] = index_of(source);
    }
    void index(std::size_t source, std::size_t at, std::uint64_t *mask, Shuffle::Indexes *indexes) noexcept {
        if (source != kNoByte) {
            *mask |= bit(true, at);
            (*indexes)[at] = index_of(source);
        }
    }

    std::size_t window_;
    std::size_t checks_ = 0;
    Shuffle made_;
};

// From `begin` on, as many bytes as go into one piece; none: not even the first does.
std::size_t piece_end(const ByteSources &state, std::size_t begin, Reach *reach) noexcept {
    std::size_t checks = 0;
    std::size_t end = begin;
    for (; end < state.size() && end - begin < Shuffle::kBytes; ++end) {
        Reach wider = *reach;
        wider.take(state[end]);
        checks += state[end].checks();
        if (wider.bytes() > Shuffle::kBytes || checks > Shuffle::kBytes / 2) {
            break;
        }
        *reach = wider;
    }
    return end;
}

} // namespace

Shuffles::Shuffles(const std::vector<CopyOp> &ops, const std::vector<PreparedOp> &prepared, std::size_t begin,
                   std::size_t end, std::size_t dst_bytes)
    : begin_(begin), dst_bytes_(dst_bytes) {
    if (dst_bytes > kShuffledBytesMax) {
        return;
    }
    ByteSources state(dst_bytes);
    std::size_t together = 0;
    made_.assign(end - begin, false);
    for (std::size_t at = begin; at < end; ++at) {
        const bool is_made = is_move(ops[at].kind) || is_integer_conversion(ops[at]);
        if (is_made) {
            add_operation(ops[at], prepared[at], &state);
        }
        made_[at - begin] = is_made;
        are_all_ = are_all_ && is_made;
        together += is_made ? 1 : 0;
        at += has_body(ops[at].kind) ? static_cast<std::size_t>(ops[at].data) : 0;
    }
    for (std::size_t at = 0; together > 1 && at < dst_bytes;) {
        Reach reach;
        const std::size_t first = at;
        const std::size_t next = piece_end(state, first, &reach);
        if (next == first) {
            return;
        }
        PieceInMaking piece(first, reach);
        for (; at < next; ++at) {
            piece.add(at, state[at]);
        }
        if (piece.made().written != 0) {
            pieces_.push_back(piece.made());
        }
    }
    kernel_ = together > 1 ? shuffle_kernel(pieces_) : nullptr;
}

// All but the last, behind which there may be nothing.
std::size_t Shuffles::loose_in(const Strip &strip) const noexcept {
    if (!are_all_ || strip.dst_stride != dst_bytes_ || strip.src_stride == 0) {
        return 0;
    }
    std::size_t last = 0;
    for (const Shuffle &piece : pieces_) {
        last = std::max(last, (piece.src + Shuffle::kBytes - 1) / strip.src_stride + 1);
        last = std::max(last, (piece.dst + Shuffle::kBytes - 1) / strip.dst_stride + 1);
    }
    return strip.count - std::min(strip.count, last);
}

} // namespace hotgraft
