// The keys of one map that is being written: was this one there before?
//
// It holds where each key begins in the bytes written so far, 8 bytes a key, and no copy of any. As long as each key
// comes after the one before it, as those of an ordered map do, that is all there is to know; from the first that does
// not on, they are looked up in an open table.
#ifndef HOTGRAFT_CORE_KEY_SET_HPP
#define HOTGRAFT_CORE_KEY_SET_HPP

#include <cstdint>
#include <vector>

#include <hotgraft/state.h>

#include "byte_chunks.hpp"

namespace hotgraft {

// A number that differs for other bytes but by chance; `seed` keeps whoever chooses the bytes from choosing the chance.
[[nodiscard]] std::uint64_t hash_bytes(const std::uint8_t *data, std::uint64_t bytes, std::uint64_t seed) noexcept;

// Thread safety: one thread at a time.
class KeySet {
public:
    enum class Answer : std::uint8_t { kNew, kThere, kFull };

    // Begin the next map. What the last one needed is kept for it.
    void begin() noexcept;
    // The key that was written at `offset` of `written`, from `begin` to `end` there; two keys are the same if their
    // bytes are. Throws std::bad_alloc. kFull: no more places, with some 200 million keys out of order.
    [[nodiscard]] Answer add(const ByteChunks &written, std::uint64_t offset, const hotgraft_key &key,
                             const std::uint8_t *begin, const std::uint8_t *end);

private:
    [[nodiscard]] Answer look_up(const ByteChunks &written, std::uint64_t offset, const std::uint8_t *key,
                                 std::uint64_t bytes);
    [[nodiscard]] bool is_in_order(const hotgraft_key &key) const noexcept;
    void make_table(const ByteChunks &written);
    void grow();
    void place(std::uint64_t cell) noexcept;

    std::vector<std::uint64_t> ordered_; // offsets, while each key comes after the last
    hotgraft_key last_{};                // the last of them as it stands in what was written
    bool is_ordered_ = true;

    // A cell is the offset plus 1 in the low bits and of the key's hash what fits above; 0: free. Its place in the
    // table is the hash's low bits, so growing reads no key.
    std::vector<std::uint64_t> cells_;
    std::vector<std::uint64_t> next_; // what grow() fills, kept
    std::uint64_t used_ = 0;
    std::uint64_t mask_ = 0; // places - 1
    std::uint64_t seed_ = 0;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_KEY_SET_HPP
