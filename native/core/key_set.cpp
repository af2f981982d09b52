#include "key_set.hpp"

#include <algorithm>
#include <cstring>

#include "msgpack.hpp"

namespace hotgraft {

namespace {

constexpr unsigned kOffsetBits = 36; // of 64 GiB
constexpr std::uint64_t kOffsetMask = (std::uint64_t{1} << kOffsetBits) - 1;
constexpr std::uint64_t kPlacesMost = std::uint64_t{1}
                                      << (64 - kOffsetBits); // as the kept bits of a hash can tell apart
constexpr std::uint64_t kPlacesFirst = 16;
constexpr std::uint64_t kPlacesKept = 4096; // small maps follow one another by the million, large ones do not

__extension__ typedef unsigned __int128 Wide; // of gcc and clang; ISO C++ has none

std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class Number> std::uint64_t load_word(const std::uint8_t *at) noexcept {
    Number number;
    std::memcpy(&number, at, sizeof number);
    return number;
}

// A key's bytes say themselves where they end, so that these are all of the one that stands there.
bool stands_at(const ByteChunks &written, std::uint64_t offset, const std::uint8_t *key, std::uint64_t bytes) noexcept {
    const ByteChunks::Chunk there = written.from(offset);
    return bytes <= static_cast<std::uint64_t>(there.end - there.begin) && std::memcmp(there.begin, key, bytes) == 0;
}

} // namespace

// Multiply and fold, as wyhash does (https://github.com/wangyi-fudan/wyhash, public domain): the constants are its.
std::uint64_t hash_bytes(const std::uint8_t *data, std::uint64_t bytes, std::uint64_t seed) noexcept {
    constexpr std::uint64_t k0 = 0xA0761D6478BD642F;
    constexpr std::uint64_t k1 = 0xE7037ED1A0B428DB;
    std::uint64_t hash = seed ^ k0;
    std::uint64_t left = bytes;
    for (; left > 16; left -= 16, data += 16) {
        hash = fold(load_word<std::uint64_t>(data) ^ k1, load_word<std::uint64_t>(data + 8) ^ hash);
    }
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    if (left >= 8) {
        a = load_word<std::uint64_t>(data);
        b = load_word<std::uint64_t>(data + left - 8);
    } else if (left >= 4) {
        a = load_word<std::uint32_t>(data);
        b = load_word<std::uint32_t>(data + left - 4);
    } else if (left > 0) {
        a = std::uint64_t{data[0]} << 16 | std::uint64_t{data[left / 2]} << 8 | data[left - 1];
    }
    return fold(k1 ^ bytes, fold(a ^ k1, b ^ hash));
}

void KeySet::begin() noexcept {
    ordered_.clear();
    is_ordered_ = true;
}

// Of all that came in order so far, with room for as many again.
void KeySet::make_table(const ByteChunks &written) {
    std::uint64_t places = kPlacesFirst;
    while (places < 3 * ordered_.size() && places < kPlacesMost) {
        places *= 2;
    }
    if (cells_.size() < places) {
        cells_.resize(places);
    }
    std::fill_n(cells_.begin(), places, 0);
    mask_ = places - 1;
    used_ = ordered_.size();
    seed_ = reinterpret_cast<std::uintptr_t>(cells_.data()); // another in every process
    is_ordered_ = false;
    if (used_ > mask_ / 3 * 2) {
        return; // too many for any table: look_up() says so
    }
    for (const std::uint64_t offset : ordered_) {
        const ByteChunks::Chunk there = written.from(offset);
        msgpack::Value key;
        (void)msgpack::read(there.begin, there.end, &key);
        const auto bytes = static_cast<std::uint64_t>(key.end - there.begin);
        place(hash_bytes(there.begin, bytes, seed_) << kOffsetBits | (offset + 1));
    }
    if (used_ > kPlacesKept) {
        ordered_ = {};
    }
}

void KeySet::place(std::uint64_t cell) noexcept {
    std::uint64_t at = (cell >> kOffsetBits) & mask_;
    while (cells_[at] != 0) {
        at = (at + 1) & mask_;
    }
    cells_[at] = cell;
}

void KeySet::grow() {
    const std::uint64_t places = mask_ + 1;
    if (next_.size() < 2 * places) {
        next_.assign(2 * places, 0);
    } else {
        std::fill_n(next_.begin(), 2 * places, 0);
    }
    cells_.swap(next_);
    mask_ = 2 * places - 1;
    for (std::uint64_t i = 0; i < places; ++i) {
        if (next_[i] != 0) {
            place(next_[i]);
        }
    }
}

bool KeySet::is_in_order(const hotgraft_key &key) const noexcept {
    if (ordered_.empty()) {
        return true;
    }
    if (key.text == nullptr || last_.text == nullptr) {
        return key.text == last_.text && key.number > last_.number;
    }
    const int order = std::memcmp(key.text, last_.text, static_cast<std::size_t>(std::min(key.len, last_.len)));
    return order > 0 || (order == 0 && key.len > last_.len);
}

KeySet::Answer KeySet::add(const ByteChunks &written, std::uint64_t offset, const hotgraft_key &key,
                           const std::uint8_t *begin, const std::uint8_t *end) {
    if (is_ordered_) {
        if (is_in_order(key)) {
            ordered_.push_back(offset);
            const auto *const text = reinterpret_cast<const char *>(end - key.len); // the caller's own may go
            last_ = {key.text == nullptr ? nullptr : text, key.len, key.number};
            return Answer::kNew;
        }
        make_table(written);
    }
    return look_up(written, offset, begin, static_cast<std::uint64_t>(end - begin));
}

KeySet::Answer KeySet::look_up(const ByteChunks &written, std::uint64_t offset, const std::uint8_t *key,
                               std::uint64_t bytes) {
    if (used_ > mask_ / 3 * 2) {
        if (mask_ + 1 == kPlacesMost) {
            return Answer::kFull;
        }
        grow();
    }
    const std::uint64_t hash = hash_bytes(key, bytes, seed_) << kOffsetBits;
    std::uint64_t at = (hash >> kOffsetBits) & mask_;
    for (; cells_[at] != 0; at = (at + 1) & mask_) {
        const std::uint64_t cell = cells_[at];
        if ((cell & ~kOffsetMask) == hash && stands_at(written, (cell & kOffsetMask) - 1, key, bytes)) {
            return Answer::kThere;
        }
    }
    cells_[at] = hash | (offset + 1);
    ++used_;
    return Answer::kNew;
}

} // namespace hotgraft
