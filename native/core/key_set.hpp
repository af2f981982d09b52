// The keys of one map that is being written: was this one there before?
//
// It holds where each key begins in the bytes written so far, and no copy of any: 8 bytes a key and the free places of
// an open table.
#ifndef HOTGRAFT_CORE_KEY_SET_HPP
#define HOTGRAFT_CORE_KEY_SET_HPP

#include <cstdint>
#include <vector>

#include "byte_chunks.hpp"

namespace hotgraft {

// A number that differs for other bytes but by chance; `seed` keeps whoever chooses the bytes from choosing the chance.
[[nodiscard]] std::uint64_t hash_bytes(const std::uint8_t *data, std::uint64_t bytes, std::uint64_t seed) noexcept;

// Thread safety: one thread at a time.
class KeySet {
public:
    enum class Answer : std::uint8_t { kNew, kThere, kFull };

    // Begin the next map. What the last one needed is kept for it.
    void begin();
    // The key that was written at `offset` of `written`, of so many bytes as it stands there; two keys are the same if
    // their bytes are. Throws std::bad_alloc, and is then as before. kFull: no more places, with some 200 million keys.
    [[nodiscard]] Answer add(const ByteChunks &written, std::uint64_t offset, const std::uint8_t *key,
                             std::uint64_t bytes);

private:
    void grow();
    void place(std::uint64_t cell) noexcept;

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
