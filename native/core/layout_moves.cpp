#include "layout_moves.hpp"

#include <algorithm>
#include <cstring>

namespace hotgraft {

Moves::Moves(const std::vector<CopyOp> &ops, const std::vector<PreparedOp> &prepared, std::size_t begin,
             std::size_t end, std::size_t src_bytes, std::size_t dst_bytes) noexcept
    : src_bytes_(src_bytes), dst_bytes_(dst_bytes) {
    if (src_bytes < kBytes || dst_bytes < kBytes) {
        return;
    }
    for (std::size_t at = begin; at < end; ++at) {
        if (is_move(ops[at].kind)) {
            ++together_;
            if (!add(ops[at], prepared[at])) {
                together_ = 0;
                break;
            }
        } else if (has_body(ops[at].kind)) {
            at += static_cast<std::size_t>(ops[at].data);
        }
    }
    if (together_ < 2) {
        count_ = 0;
        return;
    }
    std::size_t fills = 0;
    std::size_t fill_at = count_;
    for (std::size_t k = 0; k < count_; ++k) {
        fills += moves_[k].is_fill ? 1 : 0;
        fill_at = moves_[k].is_fill ? k : fill_at;
    }
    const bool are_few = count_ <= kFew && fills <= 1;
    kernel_ = are_few ? few_kernel_of<kFew, kFew>(count_, fill_at) : kernel_of<kMost>(count_);
}

bool Moves::add(const CopyOp &op, const PreparedOp &prepared) noexcept {
    if (op.count > (kMost - count_) * kBytes) {
        return false;
    }
    for (std::size_t done = 0; done < op.count; done += kBytes) {
        Move &move = moves_[count_++];
        move.src = prepared.src + done;
        move.dst = prepared.dst + done;
        move.is_fill = op.kind == CopyKind::kFill;
        if (move.is_fill) {
            move.src = 0;
            if (prepared.data_bytes != 0) {
                std::memcpy(move.fill.data(), prepared.data + done, std::min(kBytes, prepared.count - done));
            }
        }
    }
    return true;
}

void Moves::make(const Strip &strip) const noexcept {
    kernel_(moves_.data(), strip, strip.count - 1);
}

// How many there are is a constant, so that the inner loop is none and what it needs stays in registers.
template <std::size_t Count> void Moves::make_all(const Move *moves, const Strip &strip, std::size_t count) noexcept {
    std::array<const unsigned char *, Count> from;
    std::array<std::size_t, Count> step;
    std::array<std::size_t, Count> into;
    for (std::size_t k = 0; k < Count; ++k) {
        from[k] = moves[k].is_fill ? moves[k].fill.data() : strip.src + moves[k].src;
        step[k] = moves[k].is_fill ? 0 : strip.src_stride;
        into[k] = moves[k].dst;
    }
    unsigned char *dst = strip.dst;
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t k = 0; k < Count; ++k) {
            std::memcpy(dst + into[k], from[k], kBytes);
            from[k] += step[k];
        }
        dst += strip.dst_stride;
    }
}

// The usual edit. Which of them is the fill is a constant too (`Count`: none), so that it is one store, and copies need
// no pointer of their own.
template <std::size_t Count, std::size_t FillAt>
void Moves::make_few(const Move *moves, const Strip &strip, std::size_t count) noexcept {
    std::array<std::size_t, Count> from;
    std::array<std::size_t, Count> into;
    std::array<unsigned char, kBytes> fill{};
    for (std::size_t k = 0; k < Count; ++k) {
        from[k] = moves[k].src;
        into[k] = moves[k].dst;
        if (k == FillAt) {
            fill = moves[k].fill;
        }
    }
    const unsigned char *src = strip.src;
    unsigned char *dst = strip.dst;
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t k = 0; k < Count; ++k) {
            std::memcpy(dst + into[k], k == FillAt ? fill.data() : src + from[k], kBytes);
        }
        src += strip.src_stride;
        dst += strip.dst_stride;
    }
}

template <std::size_t Count, std::size_t FillAt>
Moves::Kernel Moves::few_kernel_of(std::size_t count, std::size_t fill_at) noexcept {
    if (count == Count && fill_at == FillAt) {
        return &make_few<Count, FillAt>;
    }
    if constexpr (FillAt > 0) {
        return few_kernel_of<Count, FillAt - 1>(count, fill_at);
    } else if constexpr (Count > 1) {
        return few_kernel_of<Count - 1, Count - 1>(count, fill_at);
    } else {
        return &make_all<1>;
    }
}

template <std::size_t Count> Moves::Kernel Moves::kernel_of(std::size_t count) noexcept {
    if constexpr (Count > 1) {
        return count == Count ? &make_all<Count> : kernel_of<Count - 1>(count);
    } else {
        return &make_all<1>;
    }
}

} // namespace hotgraft
