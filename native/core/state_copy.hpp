// A copy of the blocks that the instances of a generation would hand over, for a probe; and whether the bytes can mean
// anything in another process.
#ifndef HOTGRAFT_CORE_STATE_COPY_HPP
#define HOTGRAFT_CORE_STATE_COPY_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "layout_pointed.hpp"
#include "state_rest.hpp"

namespace hotgraft {

// A word of a block that is the address of something.
struct BlockPointer {
    std::uint64_t offset = 0; // in the block, bytes
    std::string target;       // "step+0x12" in the library itself; empty: other memory of this process
    std::uint64_t block = 0;  // of those that the state leads to, by number; 0: its own
};

struct BlockCopy {
    std::vector<unsigned char> bytes;
    std::uint64_t block_bytes = 0; // above bytes.size(): it was too large, and was not copied
    std::uint64_t layout_id = 0;
    StateImage image; // made by a walk: what the block leads to. Where a pointer was, there is its number, from 1
    std::vector<ImageLink> links;
};

// Surrender, copy, take again, of each instance, while callers wait; blocks of together more than bytes_max are left
// out. The memory for them is made before the gates close. kRefused: it offers no hand over; the rest as at_rest()
// says.
[[nodiscard]] Status copy_blocks(const RestWish &wish, std::uint64_t bytes_max, std::vector<BlockCopy> *copies,
                                 std::int64_t *pause_ns);

// The same with what the blocks lead to, by the walk of their layout. What lies is kRefused by its field.
[[nodiscard]] Status copy_images(const RestWish &wish, std::shared_ptr<const CopyProgram> walk, std::uint64_t bytes_max,
                                 std::vector<BlockCopy> *copies, std::int64_t *pause_ns);

// Words at aligned places of a copy that lead into `library`, at most `most`. A number that happens to be such an
// address counts as one: among 2^64 numbers that is rarer than a fault of the memory.
[[nodiscard]] std::vector<BlockPointer> find_pointers_into(const Library &library, const BlockCopy &copy,
                                                           std::size_t most);
[[nodiscard]] std::vector<BlockPointer> find_pointers_into(const Library &library, const unsigned char *block,
                                                           std::uint64_t bytes, std::size_t most);

// The first word that leads to memory of this process, where it points into a block's own copy or anywhere else: in
// another process it would lead nowhere. False: none.
[[nodiscard]] bool find_pointer(const BlockCopy &copy, BlockPointer *found);
[[nodiscard]] bool find_pointer(const unsigned char *block, std::uint64_t bytes, BlockPointer *found);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_STATE_COPY_HPP
