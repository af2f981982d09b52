// The blocks that the declared pointers of a state lead to: found, and each held against the host's books before
// anything is read through it; taken along as an image, whose pointers are numbers, and placed again.
//
// What is found is decided by a walk: a copy program from a layout to itself (core/layout_compile.py, compile_walk).
//
// An image is bytes that may have lain on a disk: it is believed nothing.
#ifndef HOTGRAFT_CORE_LAYOUT_POINTED_HPP
#define HOTGRAFT_CORE_LAYOUT_POINTED_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "layout.hpp"
#include "services.hpp"
#include "status.hpp"

namespace hotgraft {

// A state's own block first. Where a pointer was, 8 bytes hold the number of the block that it leads to, 0 for NULL.
using StateImage = std::vector<std::vector<unsigned char>>;

// Where in an image a pointer belongs.
struct ImageLink {
    std::uint64_t block = 0;
    std::uint64_t offset = 0; // bytes
    std::uint64_t target = 0; // number of the block that it leads to
};

// Every block that the states in `block` lead to, in the order of the walk. kRefused: a pointer leads to no block of
// the host's, or to one that something else leads to; a count is more than its block holds, or below zero; a tag says
// nothing. `found` is then as it was.
[[nodiscard]] Status find_pointed(const CopyProgram &walk, const void *block, std::uint64_t bytes,
                                  std::vector<void *> *found);
// The same for what is to be freed or billed: what is no block is passed over.
[[nodiscard]] std::vector<void *> pointed_blocks(const CopyProgram &walk, const void *block,
                                                 std::uint64_t bytes) noexcept;

// The image of a live state, and where its pointers are. At rest: nobody writes it meanwhile. kRefused as above, and
// where it has more than `bytes_max`. Elements beyond a count are zeros.
[[nodiscard]] Status make_image(const CopyProgram &walk, const void *block, std::uint64_t bytes,
                                std::uint64_t bytes_max, StateImage *image, std::vector<ImageLink> *links);

// Where an image's pointers belong. kRefused: a number is no block's, a block is led to twice or by nothing, a count is
// more than its block holds.
[[nodiscard]] Status links_of(const CopyProgram &walk, const StateImage &image, std::vector<ImageLink> *links);

// The blocks of an image as live ones of the host's realloc, billed to `ledger`, pointers in place.
class PlacedImage {
public:
    PlacedImage() noexcept = default;
    PlacedImage(const PlacedImage &) = delete;
    PlacedImage &operator=(const PlacedImage &) = delete;
    ~PlacedImage(); // frees what was not let go

    // kNoMemory; links outside of their blocks are kInvalid.
    [[nodiscard]] Status place(const StateImage &image, const std::vector<ImageLink> &links, Ledger *ledger);
    // The state's own first.
    [[nodiscard]] const std::vector<void *> &blocks() const noexcept { return blocks_; }
    void let_go() noexcept { blocks_.clear(); }

private:
    std::vector<void *> blocks_;
};

// Blocks for what a conversion leads to: billed to whom the new state is for, as aligned as the old ones and with room
// for as many elements. Frees those that nobody took.
//
// Thread safety: one conversion at a time.
class PointedRooms {
public:
    PointedRooms() noexcept = default;
    PointedRooms(const PointedRooms &) = delete;
    PointedRooms &operator=(const PointedRooms &) = delete;
    ~PointedRooms();

    // Before anybody waits: so many bytes take blocks of `blocks` and `bytes` when they have gone through `program`, or
    // more.
    [[nodiscard]] static std::uint64_t bytes_after(const CopyProgram &program, std::uint64_t blocks,
                                                   std::uint64_t bytes) noexcept;
    // Before anybody waits: room for blocks of these sizes, every page of it there. Without memory there is less of it.
    void expect(const std::vector<std::uint64_t> &sizes, Ledger *ledger) noexcept;
    // Where nobody knows: for as much as this takes, which was made for all that may have to go in.
    void expect_in(std::shared_ptr<BlockRoom> room) noexcept { room_ = std::move(room); }
    [[nodiscard]] BlockMaker maker(Ledger *ledger);
    // A block for the state itself, or nullptr: there is no room for it.
    [[nodiscard]] void *cut(std::uint64_t bytes, std::uint64_t align, Ledger *ledger) noexcept {
        return room_ == nullptr ? nullptr : room_->cut(ledger, bytes, align);
    }
    [[nodiscard]] const std::vector<void *> &made() const noexcept { return made_; }
    // What was made is somebody else's now.
    void let_go() noexcept { made_.clear(); }
    // What was made, freed.
    void drop() noexcept;
    // Others instead of what was made: they are freed with it.
    void hold(std::vector<void *> blocks) noexcept { made_ = std::move(blocks); }

private:
    [[nodiscard]] MadeBlock make(const unsigned char *old, std::uint64_t old_stride, std::uint64_t new_stride,
                                 Ledger *ledger);
    [[nodiscard]] void *take_room(std::uint64_t bytes, std::uint64_t align) noexcept;

    std::shared_ptr<BlockRoom> room_;
    std::vector<void *> rooms_; // nullptr: taken
    std::size_t next_room_ = 0;
    std::vector<void *> made_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LAYOUT_POINTED_HPP
