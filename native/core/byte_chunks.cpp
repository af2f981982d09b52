#include "byte_chunks.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace hotgraft {

namespace {

constexpr std::uint64_t kChunkAlign = 16;
constexpr std::uint64_t kChunkBytesMin = 512; // most states are a few numbers
constexpr std::uint64_t kChunkBytesMax = std::uint64_t{1} << 20;

// The first place from `at` on behind which, after a head, something begins aligned.
std::uint64_t skipped_before(const std::uint8_t *at, std::uint64_t head_bytes) noexcept {
    return (kChunkAlign - (reinterpret_cast<std::uintptr_t>(at) + head_bytes) % kChunkAlign) % kChunkAlign;
}

} // namespace

void ByteChunks::Free::operator()(std::uint8_t *memory) const noexcept {
    std::free(memory);
}

// Aligned; nothing is left where there is no memory.
ByteChunks::Left ByteChunks::more_memory(std::uint64_t bytes) noexcept {
    if (bytes > UINT64_MAX / 2) {
        return {};
    }
    const std::uint64_t rounded = (bytes + kChunkAlign - 1) / kChunkAlign * kChunkAlign;
    std::unique_ptr<std::uint8_t, Free> memory(static_cast<std::uint8_t *>(std::aligned_alloc(kChunkAlign, rounded)));
    if (memory == nullptr) {
        return {};
    }
    const Left left{memory.get(), memory.get() + rounded};
    try {
        memory_.push_back(std::move(memory));
    } catch (const std::bad_alloc &) {
        return {};
    }
    held_bytes_ += rounded;
    return left;
}

std::uint8_t *ByteChunks::begin_chunk(Left left) noexcept {
    const std::uint64_t offset = bytes();
    try {
        chunks_.push_back({left.at, nullptr, offset});
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
    if (chunks_.size() > 1) {
        chunks_[chunks_.size() - 2].end = at_;
    }
    at_ = left.at;
    limit_ = left.limit;
    return at_;
}

std::uint8_t *ByteChunks::next_chunk(std::uint64_t bytes) noexcept {
    if (spare_.bytes() >= bytes) {
        return begin_chunk(std::exchange(spare_, {}));
    }
    const Left left = more_memory(std::max(bytes, std::clamp(held_bytes_, kChunkBytesMin, kChunkBytesMax)));
    return left.at == nullptr ? nullptr : begin_chunk(left);
}

std::uint8_t *ByteChunks::aligned_room(std::uint64_t head_bytes, std::uint64_t bytes) noexcept {
    if (bytes > UINT64_MAX / 4) {
        return nullptr;
    }
    const Left here{at_, limit_};
    for (const Left &left : {here, spare_}) {
        const std::uint64_t skipped = skipped_before(left.at, head_bytes);
        if (skipped + head_bytes + bytes <= left.bytes()) {
            if (left.at == spare_.at) {
                spare_ = {};
            }
            return begin_chunk({left.at + skipped, left.limit});
        }
    }
    // Memory of its own, and what is left of the other is for what comes after it.
    const std::uint64_t skipped = skipped_before(nullptr, head_bytes);
    const Left own = more_memory(skipped + head_bytes + bytes);
    if (own.at == nullptr) {
        return nullptr;
    }
    if (here.bytes() > spare_.bytes()) {
        spare_ = here;
    }
    return begin_chunk({own.at + skipped, own.limit});
}

ByteChunks::Chunk ByteChunks::chunk(std::size_t index) const noexcept {
    const Written &chunk = chunks_[index];
    return {chunk.begin, index + 1 == chunks_.size() ? at_ : chunk.end};
}

ByteChunks::Chunk ByteChunks::from(std::uint64_t offset) const noexcept {
    const auto after =
        std::upper_bound(chunks_.begin(), chunks_.end(), offset,
                         [](std::uint64_t wanted, const Written &chunk) { return wanted < chunk.offset; });
    const auto index = static_cast<std::size_t>(after - chunks_.begin()) - 1;
    return {chunks_[index].begin + (offset - chunks_[index].offset), chunk(index).end};
}

void ByteChunks::clear() noexcept {
    memory_.clear();
    chunks_.clear();
    at_ = limit_ = nullptr;
    spare_ = {};
    held_bytes_ = 0;
}

} // namespace hotgraft
