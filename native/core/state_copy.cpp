#include "state_copy.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "crash_stack_posix.hpp"

namespace hotgraft {

namespace {

// Addresses that a program on x86-64 Linux can have: from vm.mmap_min_addr's usual value to the end of its half.
constexpr std::uintptr_t kAddressMin = 0x10000;
constexpr std::uintptr_t kAddressEnd = std::uintptr_t{1} << 47;
constexpr std::uintptr_t kBlockPageBytes = 4096;
constexpr std::size_t kPagesAsked = 4096; // a block of so many likely addresses is taken to hold some

// One buffer for all, touched before the gates close: the copy then meets no page that is not there.
struct Copying {
    std::vector<unsigned char> buffer;
    std::size_t used = 0;
    std::vector<BlockCopy> copies;
    std::vector<std::size_t> begins;
};

Status copy_block(Generation &generation, std::size_t index, Copying &copying) {
    Block block;
    if (Status status = generation.surrender(index, &block); !status.is_ok()) {
        return status;
    }
    BlockCopy &copy = copying.copies[index];
    copy.block_bytes = block.bytes;
    copy.layout_id = block.layout_id;
    copying.begins[index] = copying.buffer.size();
    if (block.bytes <= copying.buffer.size() - copying.used) {
        copying.begins[index] = copying.used;
        std::memcpy(copying.buffer.data() + copying.used, block.data, block.bytes);
        copying.used += block.bytes;
    }
    return generation.give_back(index, block);
}

// It is given back whatever came of the copy.
Status copy_image(Generation &generation, std::size_t index, const std::shared_ptr<const CopyProgram> &walk,
                  std::uint64_t *left, BlockCopy *copy) {
    Block block;
    if (Status status = generation.surrender(index, &block); !status.is_ok()) {
        return status;
    }
    copy->layout_id = block.layout_id;
    copy->block_bytes = block.bytes;
    std::vector<void *> pointed;
    const Status copied = or_no_memory([&]() -> Status {
        if (Status status = find_pointed(*walk, block.data, block.bytes, &pointed); !status.is_ok()) {
            return status;
        }
        for (const void *const one : pointed) {
            copy->block_bytes += Ledger::block_bytes(one);
        }
        if (copy->block_bytes > *left) {
            return {}; // too large: left out
        }
        *left -= copy->block_bytes;
        return make_image(*walk, block.data, block.bytes, copy->block_bytes, &copy->image, &copy->links);
    });
    Status taken = generation.give_back(index, block, walk, pointed);
    return copied.is_ok() ? taken : copied;
}

std::uintptr_t word_at(const unsigned char *block, std::size_t offset) noexcept {
    std::uintptr_t word = 0;
    std::memcpy(&word, block + offset, sizeof word);
    return word;
}

} // namespace

Status copy_blocks(const RestWish &wish, std::uint64_t bytes_max, std::vector<BlockCopy> *copies,
                   std::int64_t *pause_ns) {
    if (!wish.generation->can_hand_over()) {
        return {Code::kRefused, "it offers no hand over"};
    }
    const auto copying = std::make_shared<Copying>();
    copying->buffer.resize(std::min(wish.generation->live_bytes(), bytes_max)); // its blocks are among those
    copying->copies.resize(wish.generation->instance_count());
    copying->begins.resize(wish.generation->instance_count());
    Status status = at_rest(
        wish,
        [copying](Generation &generation) {
            for (std::size_t index = 0; index < copying->copies.size(); ++index) {
                if (is_rest_given_up(index)) {
                    return Status(Code::kAbandoned, "given up");
                }
                if (Status one = copy_block(generation, index, *copying); !one.is_ok()) {
                    return one;
                }
            }
            return Status();
        },
        pause_ns);
    if (!status.is_ok()) {
        return status;
    }
    for (std::size_t index = 0; index < copying->copies.size(); ++index) {
        BlockCopy &copy = copying->copies[index];
        const auto begin = copying->buffer.begin() + static_cast<std::ptrdiff_t>(copying->begins[index]);
        if (copying->begins[index] + copy.block_bytes <= copying->buffer.size()) {
            copy.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(copy.block_bytes));
        }
    }
    *copies = std::move(copying->copies);
    return {};
}

Status copy_images(const RestWish &wish, std::shared_ptr<const CopyProgram> walk, std::uint64_t bytes_max,
                   std::vector<BlockCopy> *copies, std::int64_t *pause_ns) {
    if (!wish.generation->can_hand_over()) {
        return {Code::kRefused, "it offers no hand over"};
    }
    const auto made = std::make_shared<std::vector<BlockCopy>>(wish.generation->instance_count());
    Status status = at_rest(
        wish,
        [made, bytes_max, walk = std::move(walk)](Generation &generation) {
            std::uint64_t left = bytes_max;
            for (std::size_t index = 0; index < made->size(); ++index) {
                if (is_rest_given_up(index)) {
                    return Status(Code::kAbandoned, "given up");
                }
                if (Status one = copy_image(generation, index, walk, &left, &(*made)[index]); !one.is_ok()) {
                    return one;
                }
            }
            return Status();
        },
        pause_ns);
    if (status.is_ok()) {
        for (BlockCopy &copy : *made) {
            if (!copy.image.empty()) {
                copy.bytes = std::move(copy.image.front());
                copy.image.erase(copy.image.begin());
            }
        }
        *copies = std::move(*made);
    }
    return status;
}

std::vector<BlockPointer> find_pointers_into(const Library &library, const BlockCopy &copy, std::size_t most) {
    return find_pointers_into(library, copy.bytes.data(), copy.bytes.size(), most);
}

std::vector<BlockPointer> find_pointers_into(const Library &library, const unsigned char *block, std::uint64_t bytes,
                                             std::size_t most) {
    std::vector<BlockPointer> found;
    for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= bytes; at += sizeof(std::uintptr_t)) {
        const std::uintptr_t word = word_at(block, at);
        if (library.range().contains(word)) {
            found.push_back({at, library.name_of(word)});
            if (found.size() == most) {
                break;
            }
        }
    }
    return found;
}

bool find_pointer(const BlockCopy &copy, BlockPointer *found) {
    return find_pointer(copy.bytes.data(), copy.bytes.size(), found);
}

bool find_pointer(const unsigned char *block, std::uint64_t bytes, BlockPointer *found) {
    std::vector<std::pair<std::uintptr_t, std::uint64_t>> pages; // page, offset of the word
    for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= bytes; at += sizeof(std::uintptr_t)) {
        const std::uintptr_t word = word_at(block, at);
        if (word >= kAddressMin && word < kAddressEnd) {
            pages.emplace_back(word & ~(kBlockPageBytes - 1), at);
        }
    }
    std::sort(pages.begin(), pages.end());
    const auto is_same_page = [](const auto &a, const auto &b) { return a.first == b.first; };
    pages.erase(std::unique(pages.begin(), pages.end(), is_same_page), pages.end());
    for (const auto &[page, offset] : pages) {
        char byte = 0;
        if (pages.size() > kPagesAsked || read_own_memory(page, &byte, 1) == 1) {
            *found = {offset, ""};
            return true;
        }
    }
    return false;
}

} // namespace hotgraft
