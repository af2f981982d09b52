// The copies and fills of one state, or of an array's element, as moves of 16 bytes that are made together: one way
// through the block instead of one for each operation, and no move of a size that is known only when it runs.
//
// A move writes 16 bytes where fewer may be wanted. What it writes beyond belongs to something that is written after
// it: moves stand in the order of what they write, elements follow each other, and what else an element holds
// (conversions, loops) is written when the moves are done. Only the last element has nothing behind it: it is left to
// the exact kernels.
#ifndef HOTGRAFT_CORE_LAYOUT_MOVES_HPP
#define HOTGRAFT_CORE_LAYOUT_MOVES_HPP

#include <array>
#include <cstddef>
#include <vector>

#include "layout_kernels.hpp"

namespace hotgraft {

// Is it a copy or a fill?
[[nodiscard]] constexpr bool is_move(CopyKind kind) noexcept {
    return kind == CopyKind::kCopy || kind == CopyKind::kFill;
}

// Invariants
//   (1) A move reads and writes less than one element beyond its own: both strides are kBytes at least.
//   (2) The strip is dense: its strides are the sizes of the elements themselves, so that what lies behind one is the
//       next.
class Moves {
public:
    static constexpr std::size_t kBytes = 16;
    static constexpr std::size_t kMost = 16;
    static constexpr std::size_t kFew = 8; // so many, with one fill at most, take half the instructions

    Moves() noexcept = default;
    // Of operations [begin, end), which belong to one body; the loops among them are passed over, body and all. None
    // are made where one kernel by itself does as well, or there would be too many.
    Moves(const std::vector<CopyOp> &ops, const std::vector<PreparedOp> &prepared, std::size_t begin, std::size_t end,
          std::size_t src_bytes, std::size_t dst_bytes) noexcept;

    // May they be made on this strip (2)?
    [[nodiscard]] bool suit(const Strip &strip) const noexcept {
        return count_ != 0 && strip.count > 1 && strip.src_stride == src_bytes_ && strip.dst_stride == dst_bytes_;
    }
    // Is there nothing else in a body of so many operations?
    [[nodiscard]] bool are_all_of(std::size_t ops) const noexcept { return count_ != 0 && together_ == ops; }
    // For all elements but the last.
    void make(const Strip &strip) const noexcept;

private:
    struct Move {
        std::size_t src = 0;
        std::size_t dst = 0;
        bool is_fill = false;
        std::array<unsigned char, kBytes> fill{};
    };
    using Kernel = void (*)(const Move *moves, const Strip &strip, std::size_t count) noexcept;

    template <std::size_t Count>
    static void make_all(const Move *moves, const Strip &strip, std::size_t count) noexcept;
    template <std::size_t Count> static Kernel kernel_of(std::size_t count) noexcept;
    template <std::size_t Count, std::size_t FillAt>
    static void make_few(const Move *moves, const Strip &strip, std::size_t count) noexcept;
    template <std::size_t Count, std::size_t FillAt>
    static Kernel few_kernel_of(std::size_t count, std::size_t fill_at) noexcept;
    [[nodiscard]] bool add(const CopyOp &op, const PreparedOp &prepared) noexcept;

    std::size_t src_bytes_ = 0;
    std::size_t dst_bytes_ = 0;
    std::size_t together_ = 0; // operations
    std::size_t count_ = 0;    // moves
    Kernel kernel_ = nullptr;
    std::array<Move, kMost> moves_{};
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LAYOUT_MOVES_HPP
