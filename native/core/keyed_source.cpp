#include "keyed_source.hpp"

#include <cstring>
#include <exception>
#include <new>

namespace hotgraft {

namespace {

// Of the first hotgraft_item there was: what is written into a plugin's.
constexpr std::uint32_t kItemBytes = offsetof(hotgraft_item, len) + sizeof(hotgraft_item::len);

constexpr std::uint32_t kItemTypes[] = {
    HOTGRAFT_VALUE_NIL,  HOTGRAFT_VALUE_BOOL,  HOTGRAFT_VALUE_I64, HOTGRAFT_VALUE_U64,   HOTGRAFT_VALUE_F64,
    HOTGRAFT_VALUE_TEXT, HOTGRAFT_VALUE_BYTES, HOTGRAFT_VALUE_MAP, HOTGRAFT_VALUE_ARRAY,
};

std::uint32_t item_type(const msgpack::Value &value) noexcept {
    return kItemTypes[static_cast<std::size_t>(value.kind)];
}

bool is_opened(const msgpack::Value &value) noexcept {
    return value.kind == msgpack::Kind::kMap || value.kind == msgpack::Kind::kArray;
}

bool is_key(const msgpack::Value &there, const hotgraft_key &key) noexcept {
    if (key.text == nullptr) {
        return there.kind == msgpack::Kind::kI64 && there.number == key.number;
    }
    return there.kind == msgpack::Kind::kText && there.len == key.len &&
           std::memcmp(there.data, key.text, static_cast<std::size_t>(key.len)) == 0;
}

// A whole number that was put as one type may be asked for as the other where both hold it.
bool is_of(std::uint32_t want, const msgpack::Value &value) noexcept {
    if (want == HOTGRAFT_VALUE_U64 && value.kind == msgpack::Kind::kI64) {
        return value.number >= 0;
    }
    return want == item_type(value);
}

// Nothing may be thrown into a plugin.
template <class Work> hotgraft_status answered(void *ctx, const Work &work) noexcept {
    try {
        return work(*static_cast<KeyedSource *>(ctx));
    } catch (const std::exception &) {
        return HOTGRAFT_E_NOMEM;
    }
}

} // namespace

KeyedSource::KeyedSource(const KeyedState &state) : written_(state.written()) {
    const ByteChunks::Chunk first = written_.count() == 0 ? ByteChunks::Chunk() : written_.chunk(0);
    at_.at = first.begin;
    at_.end = first.end;
    const msgpack::Value top = at_.at == nullptr ? msgpack::Value() : step(&at_);
    open_.push_back({at_, top.len});
}

// The value at `place`, which goes behind it, or behind the head of a map or an array. There is one.
void KeyedSource::step_to(Place *place, msgpack::Value *value) const noexcept {
    while (place->at == place->end) {
        const ByteChunks::Chunk chunk = written_.chunk(++place->chunk);
        place->at = chunk.begin;
        place->end = chunk.end;
    }
    (void)msgpack::read(place->at, place->end, value);
    place->at = value->end;
}

msgpack::Value KeyedSource::step(Place *place) const noexcept {
    msgpack::Value value;
    step_to(place, &value);
    return value;
}

// Past so many values, and all that is in them.
void KeyedSource::skip(Place *place, std::uint64_t values) const noexcept {
    for (; values != 0; --values) {
        const msgpack::Value value = step(place);
        if (is_opened(value)) {
            values += value.kind == msgpack::Kind::kMap ? 2 * value.len : value.len;
        }
    }
}

void KeyedSource::pass_shown() noexcept {
    if (is_shown_) {
        skip(&at_, shown_.kind == msgpack::Kind::kMap ? 2 * shown_.len : shown_.len);
        is_shown_ = false;
    }
}

void KeyedSource::show(const msgpack::Value &key, const msgpack::Value &value, hotgraft_item *item) noexcept {
    item->type = item_type(value);
    item->key = {reinterpret_cast<const char *>(key.data), key.len, key.number};
    item->number = value.number;
    item->real = value.real;
    item->data = value.data;
    item->len = value.len;
    is_shown_ = is_opened(value);
    if (is_shown_) {
        shown_ = value;
    }
    ++open_.back().index;
}

// What is most of a large map costs a quarter of the rest.
bool KeyedSource::next_short(hotgraft_item *item) noexcept {
    msgpack::ShortEntry entry;
    if (!msgpack::read_short_entry(at_.at, at_.end, &entry)) {
        return false;
    }
    item->type = HOTGRAFT_VALUE_F64;
    item->key = {reinterpret_cast<const char *>(entry.text), entry.len, 0};
    item->number = 0;
    item->real = entry.real;
    item->data = nullptr;
    item->len = 0;
    at_.at = entry.end;
    ++open_.back().index;
    return true;
}

hotgraft_status KeyedSource::next(hotgraft_item *item) {
    if (item == nullptr || item->struct_size < kItemBytes) {
        return HOTGRAFT_E_INVALID;
    }
    if (open_.back().index == open_.back().count) {
        return HOTGRAFT_E_UNSUPPORTED;
    }
    pass_shown();
    if (open_.back().is_map && next_short(item)) {
        return HOTGRAFT_OK;
    }
    msgpack::Value key;
    msgpack::Value value;
    if (open_.back().is_map) {
        step_to(&at_, &key);
    }
    step_to(&at_, &value);
    show(key, value, item);
    return HOTGRAFT_OK;
}

hotgraft_status KeyedSource::find(const hotgraft_key *key, hotgraft_item *item) {
    if (key == nullptr || item == nullptr || item->struct_size < kItemBytes || !open_.back().is_map) {
        return HOTGRAFT_E_INVALID;
    }
    Place at = at_;
    if (is_shown_) {
        skip(&at, shown_.kind == msgpack::Kind::kMap ? 2 * shown_.len : shown_.len);
    }
    std::uint64_t index = open_.back().index;
    for (std::uint64_t looked = 0; looked < open_.back().count; ++looked, ++index) {
        if (index == open_.back().count) {
            at = open_.back().begin;
            index = 0;
        }
        const msgpack::Value there = step(&at);
        if (is_key(there, *key)) {
            open_.back().index = index;
            const msgpack::Value value = step(&at);
            at_ = at;
            show(there, value, item);
            return HOTGRAFT_OK;
        }
        skip(&at, 1);
    }
    return HOTGRAFT_E_UNSUPPORTED;
}

hotgraft_status KeyedSource::open() {
    if (!is_shown_) {
        return HOTGRAFT_E_INVALID;
    }
    open_.push_back({at_, shown_.len, 0, shown_.kind == msgpack::Kind::kMap});
    is_shown_ = false;
    return HOTGRAFT_OK;
}

hotgraft_status KeyedSource::read(std::uint32_t type, void *numbers, std::uint64_t count) {
    Open &open = open_.back();
    const bool is_number = type == HOTGRAFT_VALUE_I64 || type == HOTGRAFT_VALUE_U64 || type == HOTGRAFT_VALUE_F64;
    if (open.is_map || !is_number || count > open.count - open.index || (numbers == nullptr && count != 0)) {
        return HOTGRAFT_E_INVALID;
    }
    pass_shown();
    Place at = at_;
    auto *out = static_cast<char *>(numbers);
    for (std::uint64_t i = 0; i < count; ++i, out += 8) {
        const msgpack::Value value = step(&at);
        if (!is_of(type, value)) {
            return HOTGRAFT_E_INVALID;
        }
        if (type == HOTGRAFT_VALUE_F64) {
            std::memcpy(out, &value.real, 8);
        } else {
            std::memcpy(out, &value.number, 8);
        }
    }
    at_ = at;
    open.index += count;
    return HOTGRAFT_OK;
}

hotgraft_status KeyedSource::close() {
    if (open_.size() == 1) {
        return HOTGRAFT_E_INVALID;
    }
    pass_shown();
    const Open &open = open_.back();
    skip(&at_, (open.is_map ? 2 : 1) * (open.count - open.index));
    open_.pop_back();
    return HOTGRAFT_OK;
}

// --- of ABI 1.0: by key, at the top ---

void KeyedSource::make_index() {
    if (!places_.empty()) {
        return;
    }
    std::vector<Named> named;
    std::size_t places = 16;
    while (places < 2 * open_[0].count) {
        places *= 2;
    }
    places_.reserve(places);
    named.reserve(static_cast<std::size_t>(open_[0].count));
    Place at = open_[0].begin;
    for (std::uint64_t i = 0; i < open_[0].count; ++i) {
        Named one;
        one.key = at;
        const msgpack::Value key = step(&at);
        one.value = at;
        one.hash = hash_bytes(key.data, key.len, reinterpret_cast<std::uintptr_t>(this));
        named.push_back(one);
        skip(&at, 1);
    }
    named_ = std::move(named);
    places_.resize(places);
    for (std::size_t i = 0; i < named_.size(); ++i) {
        std::size_t place = named_[i].hash & (places - 1);
        while (places_[place] != 0) {
            place = (place + 1) & (places - 1);
        }
        places_[place] = static_cast<std::uint32_t>(i + 1);
    }
}

const void *KeyedSource::copied(const void *data, std::uint64_t bytes) {
    std::uint8_t *const copy = copies_.aligned_room(0, bytes + 1);
    if (copy == nullptr) {
        throw std::bad_alloc();
    }
    if (bytes != 0) {
        std::memcpy(copy, data, static_cast<std::size_t>(bytes));
    }
    copies_.advance(copy + bytes + 1);
    return copy;
}

hotgraft_status KeyedSource::get(const char *key, std::uint32_t want, std::uint32_t *type, const void **data,
                                 std::uint64_t *len) {
    if (key == nullptr || data == nullptr || len == nullptr) {
        return HOTGRAFT_E_INVALID;
    }
    make_index();
    const hotgraft_key wanted{key, ::strnlen(key, kStateKeyBytesMax + 1), 0};
    const auto *const bytes = reinterpret_cast<const std::uint8_t *>(key);
    const std::uint64_t hash = hash_bytes(bytes, wanted.len, reinterpret_cast<std::uintptr_t>(this));
    for (std::size_t place = hash & (places_.size() - 1); places_[place] != 0;
         place = (place + 1) & (places_.size() - 1)) {
        const Named &named = named_[places_[place] - 1];
        Place at = named.key;
        if (named.hash != hash || !is_key(step(&at), wanted)) {
            continue;
        }
        at = named.value;
        const msgpack::Value value = step(&at);
        if (is_opened(value) || (want != 0 && !is_of(want, value))) {
            return HOTGRAFT_E_INVALID;
        }
        switch (value.kind) {
        case msgpack::Kind::kText:
        case msgpack::Kind::kBytes:
            *data = reinterpret_cast<std::uintptr_t>(value.data) % 16 == 0 ? value.data : copied(value.data, value.len);
            *len = value.len;
            break;
        case msgpack::Kind::kF64:
            *data = copied(&value.real, 8);
            *len = 8;
            break;
        default: // the first byte of a truth value is all of it
            *data = copied(&value.number, 8);
            *len = value.kind == msgpack::Kind::kNil ? 0 : value.kind == msgpack::Kind::kBool ? 1 : 8;
        }
        if (type != nullptr) {
            *type = item_type(value);
        }
        return HOTGRAFT_OK;
    }
    return HOTGRAFT_E_UNSUPPORTED;
}

const char *KeyedSource::key_at(std::uint64_t index) {
    make_index();
    if (index >= named_.size()) {
        return nullptr;
    }
    Place at = named_[static_cast<std::size_t>(index)].key;
    const msgpack::Value key = step(&at);
    std::uint8_t *const copy = copies_.room(key.len + 1);
    if (copy == nullptr) {
        return nullptr;
    }
    std::memcpy(copy, key.data, static_cast<std::size_t>(key.len));
    copy[key.len] = 0;
    copies_.advance(copy + key.len + 1);
    return reinterpret_cast<const char *>(copy);
}

hotgraft_source KeyedSource::source() noexcept {
    hotgraft_source source{};
    source.struct_size = sizeof source;
    source.ctx = this;
    source.get = [](void *ctx, const char *key, std::uint32_t want, std::uint32_t *type, const void **data,
                    std::uint64_t *len) noexcept {
        return answered(ctx, [&](KeyedSource &it) { return it.get(key, want, type, data, len); });
    };
    source.key_at = [](void *ctx, std::uint64_t index) noexcept -> const char * {
        try {
            return static_cast<KeyedSource *>(ctx)->key_at(index);
        } catch (const std::exception &) {
            return nullptr;
        }
    };
    source.next = [](void *ctx, hotgraft_item *item) noexcept {
        return answered(ctx, [&](KeyedSource &it) { return it.next(item); });
    };
    source.find = [](void *ctx, const hotgraft_key *key, hotgraft_item *item) noexcept {
        return answered(ctx, [&](KeyedSource &it) { return it.find(key, item); });
    };
    source.open = [](void *ctx) noexcept { return answered(ctx, [](KeyedSource &it) { return it.open(); }); };
    source.read = [](void *ctx, std::uint32_t type, void *numbers, std::uint64_t count) noexcept {
        return answered(ctx, [&](KeyedSource &it) { return it.read(type, numbers, count); });
    };
    source.close = [](void *ctx) noexcept { return answered(ctx, [](KeyedSource &it) { return it.close(); }); };
    return source;
}

} // namespace hotgraft
