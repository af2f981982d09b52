// The copies, fills and integer conversions of one state, or of an array's element, as shuffles: a piece of the new
// state of up to 64 bytes is gathered from the old one by one permutation of bytes, and stored at once.
//
// What a piece needs of the old state lies close together, because an edit of a layout leaves most of it in its order.
// Where it does not, where a state takes too many pieces, or where the processor has no such instruction, there are no
// shuffles, and moves and kernels do it (layout_moves.hpp, layout_kernels.hpp).
#ifndef HOTGRAFT_CORE_LAYOUT_SHUFFLES_HPP
#define HOTGRAFT_CORE_LAYOUT_SHUFFLES_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "layout_kernels.hpp"

namespace hotgraft {

// One piece. Its window is the bytes of the old state that it needs, an index one of them; a mask has a bit for each
// byte of a piece or window.
struct Shuffle {
    static constexpr std::size_t kBytes = 64;
    using Indexes = std::array<unsigned char, kBytes>;

    std::size_t src = 0; // where the window begins, and the piece
    std::size_t dst = 0;
    std::uint64_t read = 0;
    std::uint64_t written = 0;
    std::uint64_t copied = 0; // by `from`
    std::uint64_t signs = 0;  // by `sign`: bytes that repeat the sign of another; alike for the two bytes of a pair
    Indexes from{};
    Indexes sign{};
    Indexes fill{}; // the rest
    // What is asked of numbers that may not fit, a bit for each byte that is dropped of them: that it is zero, or,
    // where `repeats` has a bit, that it repeats the sign of the last byte that is kept. Where `positive` has a bit it
    // is that byte alone which is asked, and its sign must be none.
    std::uint64_t drops = 0;
    std::uint64_t repeats = 0;
    std::uint64_t positive = 0;
    Indexes dropped{};
    Indexes kept{};
};

// Makes all pieces of all elements of a strip. Of the first `loose` elements, what lies behind a piece may be touched
// up to 64 bytes from where it begins, for it is written afterwards. False: a number does not fit, and what was written
// is of no use.
using ShuffleKernel = bool (*)(const Shuffle *pieces, const Strip &strip, std::size_t loose) noexcept;

// Pieces of one state; nullptr: there are too many, or this processor has no permutation of bytes.
[[nodiscard]] ShuffleKernel shuffle_kernel(const std::vector<Shuffle> &pieces) noexcept;
// A seam for tests: plans that are made from now on are as on a processor without it, or not.
void allow_shuffles(bool are_allowed) noexcept;

// Thread safety: immutable once made.
//
// Invariants
//   (1) Pieces stand in the order of what they write. They read and write nothing outside of a strip, and where it is
//       not dense, or something else is in the body, no byte but those of their own operations.
class Shuffles {
public:
    Shuffles() noexcept = default;
    // Of operations [begin, end), which belong to one body; what is no copy, fill or conversion of integers is passed
    // over, body and all. None are made where one kernel by itself does as well.
    Shuffles(const std::vector<CopyOp> &ops, const std::vector<PreparedOp> &prepared, std::size_t begin,
             std::size_t end, std::size_t dst_bytes);

    [[nodiscard]] bool are_there() const noexcept { return kernel_ != nullptr; }
    // Is there nothing else in the body?
    [[nodiscard]] bool are_all() const noexcept { return are_all_; }
    // Is the operation one of those that are made so?
    [[nodiscard]] bool makes(std::size_t op) const noexcept { return made_[op - begin_]; }
    // False: a number does not fit.
    [[nodiscard]] bool make(const Strip &strip) const noexcept {
        return kernel_(pieces_.data(), strip, loose_in(strip));
    }

private:
    [[nodiscard]] std::size_t loose_in(const Strip &strip) const noexcept;

    std::size_t begin_ = 0;
    std::size_t dst_bytes_ = 0;
    bool are_all_ = true;
    std::vector<bool> made_;
    std::vector<Shuffle> pieces_;
    ShuffleKernel kernel_ = nullptr;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LAYOUT_SHUFFLES_HPP
