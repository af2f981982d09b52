// Bytes that grow at their end and never move: a list of chunks, so that growing neither copies what is there nor holds
// it twice. Several chunks may lie in one block of memory, with a few bytes unused between them.
#ifndef HOTGRAFT_CORE_BYTE_CHUNKS_HPP
#define HOTGRAFT_CORE_BYTE_CHUNKS_HPP

#include <cstdint>
#include <memory>
#include <vector>

namespace hotgraft {

// Thread safety
//   None: one thread at a time. const functions change nothing.
//
// Invariants
//   (1) A byte that was written stays where it is until clear().
//   (2) What one room() gave lies in one chunk; read one after another, the chunks are all the bytes.
class ByteChunks {
public:
    struct Chunk {
        const std::uint8_t *begin = nullptr;
        const std::uint8_t *end = nullptr; // behind what was written
    };

    // Where `bytes` more may be written in one piece; nullptr: no memory. Nothing is written until advance().
    [[nodiscard]] std::uint8_t *room(std::uint64_t bytes) noexcept {
        return bytes <= static_cast<std::uint64_t>(limit_ - at_) ? at_ : next_chunk(bytes);
    }
    // Room for a head and what belongs to it, which begins aligned to 16 and lies in one chunk with it.
    [[nodiscard]] std::uint8_t *aligned_room(std::uint64_t head_bytes, std::uint64_t bytes) noexcept;
    // Up to `end` of the room that was given last, something has been written.
    void advance(std::uint8_t *end) noexcept { at_ = end; }

    [[nodiscard]] std::uint64_t bytes() const noexcept {
        return chunks_.empty() ? 0 : chunks_.back().offset + static_cast<std::uint64_t>(at_ - chunks_.back().begin);
    }
    // From the byte at `offset` of all to the end of its chunk.
    [[nodiscard]] Chunk from(std::uint64_t offset) const noexcept;
    [[nodiscard]] std::size_t count() const noexcept { return chunks_.size(); }
    [[nodiscard]] Chunk chunk(std::size_t index) const noexcept;
    // Of all memory that is held, written or not.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept { return held_bytes_; }
    void clear() noexcept;

private:
    struct Free {
        void operator()(std::uint8_t *memory) const noexcept;
    };
    struct Written {
        std::uint8_t *begin;
        std::uint8_t *end; // once another chunk follows
        std::uint64_t offset;
    };
    struct Left { // memory that nothing was written to
        std::uint8_t *at = nullptr;
        std::uint8_t *limit = nullptr;
        [[nodiscard]] std::uint64_t bytes() const noexcept { return static_cast<std::uint64_t>(limit - at); }
    };
    std::uint8_t *next_chunk(std::uint64_t bytes) noexcept;
    [[nodiscard]] Left more_memory(std::uint64_t bytes) noexcept;
    std::uint8_t *begin_chunk(Left left) noexcept;

    std::vector<std::unique_ptr<std::uint8_t, Free>> memory_;
    std::vector<Written> chunks_;
    std::uint8_t *at_ = nullptr;    // of the last chunk
    std::uint8_t *limit_ = nullptr; // of its memory
    Left spare_;                    // at the end of earlier memory
    std::uint64_t held_bytes_ = 0;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_BYTE_CHUNKS_HPP
