#include "layout_pointed.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>

#include "layout_walk.hpp"

namespace hotgraft {

namespace {

constexpr std::uint64_t kNumberBytes = sizeof(void *);
constexpr std::uint64_t kImageAlign = 64; // as wide as any that its layout may ask for

struct LivePointer {
    FoundPointer found;
    const unsigned char *block = nullptr;
    std::uint64_t block_bytes = 0;
    std::uint64_t number = 0; // of the block: 1, 2, 3…
};
using EachPointer = std::function<Status(const LivePointer &)>;

std::string address_text(std::uint64_t address) {
    char text[32];
    (void)std::snprintf(text, sizeof text, "%#llx", static_cast<unsigned long long>(address));
    return text;
}

// Why so many elements do not lie in a block of so many bytes; empty: they do.
std::string why_not_counted(const PointerWalk &walk, const FoundPointer &found, std::uint64_t block_bytes) {
    const bool is_null = found.value == 0;
    if (is_null ? found.count == 0 : !found.is_below_zero && found.count <= block_bytes / found.element_bytes) {
        return "";
    }
    const std::string count =
        walk.count_field(found) + " holds " +
        (found.is_below_zero ? std::to_string(static_cast<std::int64_t>(found.count)) : std::to_string(found.count));
    return is_null ? count + ", and " + walk.field(found) + " is NULL"
                   : count + ", and the block that " + walk.field(found) + " leads to has " +
                         std::to_string(block_bytes) + " bytes for elements of " + std::to_string(found.element_bytes);
}

// The live blocks of states, each once.
class LiveBlocks {
public:
    LiveBlocks(const CopyProgram &walk, const void *block, std::uint64_t bytes, bool is_strict)
        : walk_(walk, is_strict), block_(block), bytes_(bytes), is_strict_(is_strict) {}

    [[nodiscard]] Status over(const EachPointer &each) {
        met_ = {reinterpret_cast<std::uintptr_t>(block_)};
        return walk_.over(block_, bytes_, [&](const FoundPointer &found, Elements *elements) {
            LivePointer live{found, nullptr, 0, 0};
            Status status = look_at(&live);
            if (!status.is_ok() || live.block == nullptr) {
                return is_strict_ ? status : Status();
            }
            live.number = ++numbers_;
            *elements = {live.block, live.number};
            return each(live);
        });
    }

private:
    [[nodiscard]] Status look_at(LivePointer *live) {
        const FoundPointer &found = live->found;
        if (found.value != 0 && met_.count(found.value) != 0) {
            return {Code::kRefused, walk_.field(found) + " and something else lead to the same block"};
        }
        live->block_bytes = found.value == 0 ? 0 : finder_.block_bytes(found.value);
        if (found.value != 0 && live->block_bytes == 0) {
            return {Code::kRefused, walk_.field(found) + " leads to " + address_text(found.value) +
                                        ", which is no block of the host's realloc"};
        }
        if (std::string reason = why_not_counted(walk_, found, live->block_bytes); !reason.empty()) {
            return {Code::kRefused, std::move(reason)};
        }
        if (found.value != 0) {
            met_.insert(found.value);
            // NOLINTNEXTLINE(performance-no-int-to-ptr): what a state's bytes claim is a number until it was looked at
            live->block = reinterpret_cast<const unsigned char *>(found.value);
        }
        return {};
    }

    PointerWalk walk_;
    const void *block_;
    std::uint64_t bytes_;
    bool is_strict_;
    BlockFinder finder_;
    std::unordered_set<std::uint64_t> met_;
    std::uint64_t numbers_ = 0;
};

void put_number(std::vector<unsigned char> &block, std::uint64_t offset, std::uint64_t number) noexcept {
    std::memcpy(block.data() + offset, &number, sizeof number);
}

void free_all(std::vector<void *> &blocks) noexcept {
    for (void *const block : blocks) {
        Ledger::free_block(block);
    }
    blocks.clear();
}

} // namespace

Status find_pointed(const CopyProgram &walk, const void *block, std::uint64_t bytes, std::vector<void *> *found) {
    std::vector<void *> blocks;
    Status status = LiveBlocks(walk, block, bytes, true).over([&](const LivePointer &live) {
        blocks.push_back(const_cast<unsigned char *>(live.block));
        return Status();
    });
    if (status.is_ok()) {
        *found = std::move(blocks);
    }
    return status;
}

std::vector<void *> pointed_blocks(const CopyProgram &walk, const void *block, std::uint64_t bytes) noexcept {
    std::vector<void *> blocks;
    (void)or_no_memory([&] {
        return LiveBlocks(walk, block, bytes, false).over([&](const LivePointer &live) {
            blocks.push_back(const_cast<unsigned char *>(live.block));
            return Status();
        });
    });
    return blocks;
}

Status make_image(const CopyProgram &walk, const void *block, std::uint64_t bytes, std::uint64_t bytes_max,
                  StateImage *image, std::vector<ImageLink> *links) {
    const auto too_large = [&] {
        return Status(Code::kRefused, "it has more than " + std::to_string(bytes_max) + " bytes");
    };
    if (bytes > bytes_max) {
        return too_large();
    }
    const auto *const begin = static_cast<const unsigned char *>(block);
    StateImage blocks{{begin, begin + bytes}};
    std::vector<ImageLink> found;
    std::uint64_t left = bytes_max - bytes;
    Status status = LiveBlocks(walk, block, bytes, true).over([&](const LivePointer &live) {
        if (live.block_bytes > left) {
            return too_large();
        }
        left -= live.block_bytes;
        std::vector<unsigned char> &copy = blocks.emplace_back(live.block_bytes, static_cast<unsigned char>(0));
        std::memcpy(copy.data(), live.block, live.found.count * live.found.element_bytes);
        found.push_back({live.found.in, live.found.offset, live.number});
        return Status();
    });
    if (!status.is_ok()) {
        return status;
    }
    for (const ImageLink &link : found) {
        put_number(blocks[link.block], link.offset, link.target);
    }
    *image = std::move(blocks);
    *links = std::move(found);
    return {};
}

Status links_of(const CopyProgram &walk, const StateImage &image, std::vector<ImageLink> *links) {
    if (image.empty()) {
        return {Code::kRefused, "an image of no block"};
    }
    PointerWalk pointers(walk, true);
    std::vector<bool> met(image.size(), false);
    std::vector<ImageLink> found_links;
    Status status =
        pointers.over(image.front().data(), image.front().size(), [&](const FoundPointer &found, Elements *elements) {
            const std::uint64_t number = found.value;
            if (number >= image.size() || (number != 0 && met[number])) {
                const std::string why = number < image.size()
                                            ? ", and so does another field"
                                            : ", and " + std::to_string(image.size() - 1) + " are there";
                return Status(Code::kRefused,
                              pointers.field(found) + " leads to block " + std::to_string(number) + why);
            }
            if (std::string reason = why_not_counted(pointers, found, image[number].size()); !reason.empty()) {
                return Status(Code::kRefused, std::move(reason));
            }
            if (number != 0) {
                met[number] = true;
                found_links.push_back({found.in, found.offset, number});
                *elements = {image[number].data(), number};
            }
            return Status();
        });
    if (status.is_ok() && found_links.size() + 1 != image.size()) {
        status = {Code::kRefused, "nothing leads to " + std::to_string(image.size() - 1 - found_links.size()) +
                                      " of its " + std::to_string(image.size() - 1) + " blocks"};
    }
    if (status.is_ok()) {
        *links = std::move(found_links);
    }
    return status;
}

PlacedImage::~PlacedImage() {
    free_all(blocks_);
}

Status PlacedImage::place(const StateImage &image, const std::vector<ImageLink> &links, Ledger *ledger) {
    free_all(blocks_);
    blocks_.reserve(image.size());
    for (const std::vector<unsigned char> &bytes : image) {
        void *const block = Ledger::reallocate(ledger, nullptr, bytes.size(), kImageAlign);
        if (block == nullptr) {
            return {Code::kNoMemory, "no memory for " + std::to_string(bytes.size()) + " bytes of state"};
        }
        blocks_.push_back(block);
        std::memcpy(block, bytes.data(), bytes.size());
    }
    for (const ImageLink &link : links) {
        if (link.block >= image.size() || link.target >= image.size() || image[link.block].size() < kNumberBytes ||
            link.offset > image[link.block].size() - kNumberBytes) {
            return {Code::kInvalid, "a pointer at byte " + std::to_string(link.offset) + " of block " +
                                        std::to_string(link.block) + " to block " + std::to_string(link.target)};
        }
        std::memcpy(static_cast<unsigned char *>(blocks_[link.block]) + link.offset, &blocks_[link.target],
                    sizeof(void *));
    }
    return {};
}

PointedRooms::~PointedRooms() {
    free_all(rooms_);
    free_all(made_);
}

void PointedRooms::expect(const std::vector<std::uint64_t> &sizes, Ledger *ledger) noexcept {
    (void)or_no_memory([&] {
        rooms_.reserve(sizes.size());
        for (const std::uint64_t bytes : sizes) {
            void *const room = Ledger::reallocate(ledger, nullptr, bytes, kImageAlign);
            if (room == nullptr) {
                break;
            }
            std::memset(room, 0, bytes);
            rooms_.push_back(room);
        }
        return Status();
    });
}

// As if all of them grew as much as those that grow most.
std::uint64_t PointedRooms::bytes_after(const CopyProgram &program, std::uint64_t blocks,
                                        std::uint64_t bytes) noexcept {
    std::uint64_t grown = 0;
    std::uint64_t rest = 0; // of a block that holds no whole element one is made all the same
    const auto grow = [&](std::uint64_t old_stride, std::uint64_t new_stride) {
        const std::uint64_t whole = bytes / old_stride + 1;
        grown = std::max(grown, whole > BlockRoom::kBytesMax / new_stride ? BlockRoom::kBytesMax : whole * new_stride);
        rest = std::max(rest, new_stride);
    };
    grow(program.old_bytes(), program.new_bytes());
    for (const CopyOp &op : program.plan().ops) {
        if (op.kind == CopyKind::kPointed) {
            grow(op.src_stride, op.dst_stride);
        }
    }
    const bool is_too_much = rest > BlockRoom::kBytesMax / (blocks + 1);
    return BlockRoom::bytes_for(blocks, is_too_much ? BlockRoom::kBytesMax + 1 : grown + blocks * rest);
}

BlockMaker PointedRooms::maker(Ledger *ledger) {
    return [this, ledger](const unsigned char *old, std::uint64_t old_stride, std::uint64_t new_stride) {
        MadeBlock made;
        (void)or_no_memory([&] {
            made = make(old, old_stride, new_stride, ledger);
            return Status();
        });
        return made;
    };
}

MadeBlock PointedRooms::make(const unsigned char *old, std::uint64_t old_stride, std::uint64_t new_stride,
                             Ledger *ledger) {
    const std::uint64_t elements = std::max<std::uint64_t>(Ledger::block_bytes(old) / old_stride, 1);
    if (elements > CopyProgram::kStateBytesMax / new_stride) {
        return {};
    }
    const std::uint64_t bytes = elements * new_stride;
    const std::uint64_t align = Ledger::block_align(old);
    void *&made = made_.emplace_back(nullptr); // first: what is made is never without an owner
    made = take_room(bytes, align);
    made = made != nullptr ? made : cut(bytes, align, ledger);
    made = made != nullptr ? made : Ledger::reallocate(ledger, nullptr, bytes, align);
    return {static_cast<unsigned char *>(made), bytes};
}

// They are asked for in the order in which they were expected, unless something changed since.
void *PointedRooms::take_room(std::uint64_t bytes, std::uint64_t align) noexcept {
    if (next_room_ == rooms_.size() || Ledger::block_bytes(rooms_[next_room_]) != bytes ||
        Ledger::block_align(rooms_[next_room_]) < align) {
        return nullptr;
    }
    return std::exchange(rooms_[next_room_++], nullptr);
}

void PointedRooms::drop() noexcept {
    free_all(made_);
}

} // namespace hotgraft
