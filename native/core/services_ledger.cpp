// The memory behind the host's realloc. A block carries a head in front of it, so that it can be freed by anybody,
// moved with its alignment, and billed to the generation that has it now.
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>

#include "crash_stack_posix.hpp"
#include "memory_posix.hpp"
#include "services.hpp"

namespace hotgraft {

namespace {

struct BlockHead {
    std::uint64_t mark; // kBlockMark or kLoanMark, xor the block's own address: a pointer that is not ours has neither
    Ledger *ledger;
    std::uint64_t bytes;
    std::uint32_t align : 31;
    std::uint32_t is_in_room : 1; // cut from a BlockRoom
    std::uint32_t before : 31;    // from the start of the allocation, or of the room, to the block
    std::uint32_t is_kept : 1;    // its memory is never given back
};
static_assert(sizeof(BlockHead) == 32, "a 16-aligned block follows its head without a gap");

constexpr std::uint64_t kBlockMark = 0x686f7467'72616674;
constexpr std::uint64_t kLoanMark = 0x6c6f616e'72616674;
constexpr std::uint64_t kKeptMark = 0x6b657074'72616674; // no block of anybody's any more, but still there
constexpr std::uint32_t kBits = 0x7fffffff;    // of a head's fields: kAlignMax and a head, and a BlockRoom, fit
constexpr std::uint64_t kRoomPageBytes = 4096; // the smallest there is
constexpr std::uint64_t kAlignMin = 16;
constexpr std::uint64_t kAlignMax = std::uint64_t{1} << 30;
constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 47;

BlockHead *head_of(void *block) noexcept {
    BlockHead *const head = static_cast<BlockHead *>(block) - 1;
    const std::uint64_t mark = head->mark ^ reinterpret_cast<std::uintptr_t>(block);
    return mark == kBlockMark || mark == kLoanMark ? head : nullptr;
}

bool is_on_loan(void *block) noexcept {
    return (static_cast<BlockHead *>(block) - 1)->mark == (kLoanMark ^ reinterpret_cast<std::uintptr_t>(block));
}

// malloc gives 16-aligned memory; what is wider gets room to be moved up in.
void *allocate(Ledger *ledger, std::uint64_t bytes, std::uint64_t align) noexcept {
    const std::uint64_t room = align <= kAlignMin ? sizeof(BlockHead) : sizeof(BlockHead) + align;
    auto *const start = static_cast<unsigned char *>(std::malloc(room + bytes));
    if (start == nullptr) {
        return nullptr;
    }
    std::uintptr_t address = reinterpret_cast<std::uintptr_t>(start) + sizeof(BlockHead);
    address = (address + align - 1) & ~(align - 1);
    const std::uint64_t before = address - reinterpret_cast<std::uintptr_t>(start);
    void *const block = start + before;
    *(static_cast<BlockHead *>(block) - 1) = {kBlockMark ^ address,
                                              ledger,
                                              bytes,
                                              static_cast<std::uint32_t>(align) & kBits,
                                              0,
                                              static_cast<std::uint32_t>(before) & kBits,
                                              0};
    return block;
}

// At the start of a room: who keeps it.
struct RoomHead {
    std::atomic<std::uint64_t> references;
};

void release_room(unsigned char *memory) noexcept {
    auto *const head = reinterpret_cast<RoomHead *>(memory);
    if (head->references.fetch_sub(1, std::memory_order_acq_rel) == 1) { // pairs with every other release
        head->~RoomHead();
        std::free(memory);
    }
}

void release_memory(void *block, BlockHead *head) noexcept {
    if (head->is_kept != 0) {
        head->mark = kKeptMark ^ reinterpret_cast<std::uintptr_t>(block);
        return;
    }
    head->mark = 0;
    unsigned char *const start = static_cast<unsigned char *>(block) - head->before;
    if (head->is_in_room != 0) {
        release_room(start);
    } else {
        std::free(start);
    }
}

// In place where the system can: only for blocks that directly follow their head.
void *resize(void *block, BlockHead *head, std::uint64_t bytes) noexcept {
    auto *const start = static_cast<unsigned char *>(std::realloc(head, sizeof(BlockHead) + bytes));
    if (start == nullptr) {
        return nullptr;
    }
    (void)block;
    void *const moved = start + sizeof(BlockHead);
    BlockHead *const next = static_cast<BlockHead *>(moved) - 1;
    next->mark = kBlockMark ^ reinterpret_cast<std::uintptr_t>(moved);
    next->bytes = bytes;
    return moved;
}

} // namespace

Ledger *Ledger::make() {
    return new (std::nothrow) Ledger();
}

void Ledger::acquire() noexcept {
    references_.fetch_add(1, std::memory_order_relaxed);
}

void Ledger::release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) { // pairs with every other release
        delete this;
    }
}

void Ledger::bill(std::uint64_t bytes) noexcept {
    acquire();
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    blocks_.fetch_add(1, std::memory_order_relaxed);
}

void Ledger::unbill(std::uint64_t bytes) noexcept {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    blocks_.fetch_sub(1, std::memory_order_relaxed);
    release();
}

void Ledger::free_block(void *pointer) noexcept {
    BlockHead *const head = pointer == nullptr ? nullptr : head_of(pointer);
    if (head == nullptr) {
        return; // not ours: freeing it would be worse than keeping it
    }
    Ledger *const ledger = head->ledger;
    const std::uint64_t bytes = head->bytes;
    release_memory(pointer, head);
    ledger->unbill(bytes);
}

std::uint64_t Ledger::block_bytes(const void *pointer) noexcept {
    const BlockHead *const head = pointer == nullptr ? nullptr : head_of(const_cast<void *>(pointer));
    return head == nullptr ? 0 : head->bytes;
}

std::uint64_t Ledger::block_align(const void *pointer) noexcept {
    const BlockHead *const head = pointer == nullptr ? nullptr : head_of(const_cast<void *>(pointer));
    return head == nullptr ? 0 : head->align;
}

bool Ledger::lend(void *pointer) noexcept {
    BlockHead *const head = pointer == nullptr ? nullptr : head_of(pointer);
    if (head == nullptr || is_on_loan(pointer)) {
        return false;
    }
    head->mark ^= kBlockMark ^ kLoanMark;
    return true;
}

void Ledger::settle(void *pointer) noexcept {
    if (pointer != nullptr && head_of(pointer) != nullptr && is_on_loan(pointer)) {
        head_of(pointer)->mark ^= kBlockMark ^ kLoanMark;
    }
}

void Ledger::keep(void *pointer) noexcept {
    if (BlockHead *const head = pointer == nullptr ? nullptr : head_of(pointer); head != nullptr) {
        head->is_kept = 1;
    }
}

void Ledger::lend(const std::vector<void *> &pointers) noexcept {
    for (void *const pointer : pointers) {
        (void)lend(pointer);
    }
}

void Ledger::settle(const std::vector<void *> &pointers) noexcept {
    for (void *const pointer : pointers) {
        settle(pointer);
    }
}

namespace {

// What is read may be a block that was freed: that is what is to be found out, and no fault of this read.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) void read_claimed(std::uintptr_t first,
                                                                                 BlockHead *head) noexcept {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): likewise a number that is only claimed to be an address
    const auto *const from = reinterpret_cast<const volatile std::uint64_t *>(first);
    std::uint64_t words[sizeof(BlockHead) / sizeof(std::uint64_t)];
    for (std::size_t i = 0; i < std::size(words); ++i) {
        words[i] = from[i];
    }
    std::memcpy(head, words, sizeof words);
}

} // namespace

BlockFinder::BlockFinder() noexcept
    : can_ask_([this] {
          std::uintptr_t page = 0;
          return read_own_memory(reinterpret_cast<std::uintptr_t>(&seen_page_), &page, sizeof page) == sizeof page;
      }()) {}

std::uint64_t BlockFinder::block_bytes(std::uintptr_t address) noexcept {
    constexpr std::uintptr_t kHeadPageBytes = 4096;
    if (address % kAlignMin != 0 || address < sizeof(BlockHead)) {
        return 0;
    }
    const std::uintptr_t first = address - sizeof(BlockHead);
    const std::uintptr_t page = first / kHeadPageBytes;
    const bool is_seen = page == seen_page_ && (address - 1) / kHeadPageBytes == page;
    BlockHead head{};
    if (is_seen || !can_ask_) {
        read_claimed(first, &head);
    } else if (read_own_memory(first, &head, sizeof head) != sizeof head) {
        return 0;
    }
    seen_page_ = page;
    const std::uint64_t mark = head.mark ^ address;
    return mark == kBlockMark || mark == kLoanMark ? head.bytes : 0;
}

void Ledger::hand_over(void *pointer, Ledger *next) noexcept {
    BlockHead *const head = pointer == nullptr ? nullptr : head_of(pointer);
    if (head != nullptr && next != nullptr && head->ledger != next) {
        Ledger *const before = head->ledger;
        next->bill(head->bytes);
        head->ledger = next;
        before->unbill(head->bytes);
    }
}

void *Ledger::reallocate(Ledger *ledger, void *pointer, std::uint64_t bytes, std::uint64_t align) noexcept {
    if (pointer != nullptr && is_on_loan(pointer)) {
        return nullptr;
    }
    if (bytes == 0) {
        free_block(pointer);
        return nullptr;
    }
    const std::uint64_t wanted = align == 0 || align < kAlignMin ? kAlignMin : align;
    if ((align & (align - 1)) != 0 || wanted > kAlignMax || bytes > kBytesMax) {
        return nullptr;
    }
    if (pointer == nullptr) {
        void *const block = ledger == nullptr ? nullptr : allocate(ledger, bytes, wanted);
        if (block != nullptr) {
            ledger->bill(bytes);
        }
        return block;
    }
    BlockHead *const head = head_of(pointer);
    if (head == nullptr) {
        return nullptr;
    }
    Ledger *const owner = head->ledger;
    const std::uint64_t bytes_before = head->bytes;
    void *next = nullptr;
    if (wanted <= kAlignMin && head->align <= kAlignMin && head->is_kept == 0 && head->is_in_room == 0) {
        next = resize(pointer, head, bytes);
    } else {
        next = allocate(owner, bytes, wanted > head->align ? wanted : head->align);
        if (next != nullptr) {
            std::memcpy(next, pointer, bytes < bytes_before ? bytes : bytes_before);
            release_memory(pointer, head);
        }
    }
    if (next != nullptr) {
        owner->bytes_.fetch_add(bytes - bytes_before, std::memory_order_relaxed); // wraps where it shrinks
    }
    return next;
}

void BlockRoom::make(std::uint64_t bytes) noexcept {
    if (memory_ != nullptr || bytes > kBytesMax) {
        return;
    }
    memory_ = static_cast<unsigned char *>(std::malloc(bytes + sizeof(RoomHead)));
    if (memory_ != nullptr) {
        // Not memset with zeros: compilers make calloc of the two, which touches nothing.
        for (std::uint64_t at = 0; at < bytes; at += kRoomPageBytes) {
            *const_cast<volatile unsigned char *>(memory_ + at) = 0;
        }
        *const_cast<volatile unsigned char *>(memory_ + bytes + sizeof(RoomHead) - 1) = 0;
        new (memory_) RoomHead{{1}};
        bytes_ = bytes + sizeof(RoomHead);
        used_ = sizeof(RoomHead);
    }
}

BlockRoom::~BlockRoom() {
    if (memory_ != nullptr) {
        give_back_pages(memory_ + used_, bytes_ - used_);
        release_room(memory_);
    }
}

std::uint64_t BlockRoom::bytes_for(std::uint64_t blocks, std::uint64_t bytes) noexcept {
    constexpr std::uint64_t kLost = 64; // to the alignment that most blocks have, at most
    return bytes > kBytesMax || blocks > kBytesMax ? kBytesMax + 1 : bytes + blocks * (sizeof(BlockHead) + kLost);
}

void *BlockRoom::cut(Ledger *ledger, std::uint64_t bytes, std::uint64_t align) noexcept {
    const std::uint64_t wanted = align < kAlignMin ? kAlignMin : align;
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(memory_);
    const std::uintptr_t address = (begin + used_ + sizeof(BlockHead) + wanted - 1) & ~(wanted - 1);
    const std::uint64_t before = address - begin;
    if (memory_ == nullptr || ledger == nullptr || bytes > bytes_ || before > bytes_ - bytes) {
        return nullptr;
    }
    void *const block = memory_ + before;
    *(static_cast<BlockHead *>(block) - 1) = {kBlockMark ^ address,
                                              ledger,
                                              bytes,
                                              static_cast<std::uint32_t>(wanted) & kBits,
                                              1,
                                              static_cast<std::uint32_t>(before) & kBits,
                                              0};
    used_ = before + bytes;
    reinterpret_cast<RoomHead *>(memory_)->references.fetch_add(1, std::memory_order_relaxed);
    ledger->bill(bytes);
    return block;
}

} // namespace hotgraft
