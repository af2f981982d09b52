// What breaks a rule of a saved state, and where: the sentences of its refusals. Empty: nothing does.
#include <algorithm>
#include <cstring>

#include "generation_text.hpp"
#include "keyed_state.hpp"

namespace hotgraft {

namespace {

std::string shown_key(const hotgraft_key &key) {
    if (key.text == nullptr) {
        return std::to_string(key.number);
    }
    return '"' + valid_utf8({key.text, static_cast<std::size_t>(std::min(key.len, kStateKeyBytesMax + 1))}) + '"';
}

// A key as it stands in what was written.
std::string shown_key(const ByteChunks::Chunk &at) {
    msgpack::Value key;
    (void)msgpack::read(at.begin, at.end, &key);
    return shown_key({reinterpret_cast<const char *>(key.data), key.len, key.number});
}

} // namespace

std::string KeyedState::counted_bytes(std::uint64_t bytes) {
    return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

std::string KeyedState::fault_of_len(std::uint32_t type, std::uint64_t len) {
    switch (type) {
    case HOTGRAFT_VALUE_I64:
    case HOTGRAFT_VALUE_F64:
    case HOTGRAFT_VALUE_U64:
        return len == 8 ? "" : "a number has 8 bytes, got " + std::to_string(len);
    case HOTGRAFT_VALUE_BOOL:
        return len == 1 ? "" : "a truth value has 1 byte, got " + std::to_string(len);
    case HOTGRAFT_VALUE_NIL:
        return len == 0 ? "" : "nil has no bytes, got " + std::to_string(len);
    case HOTGRAFT_VALUE_I64S:
    case HOTGRAFT_VALUE_F64S:
        return len % 8 == 0 ? "" : "numbers have 8 bytes each, got " + std::to_string(len);
    case HOTGRAFT_VALUE_TEXT:
    case HOTGRAFT_VALUE_BYTES:
        return len <= UINT32_MAX ? "" : "a value has fewer than 4 GiB, got " + counted_bytes(len);
    case HOTGRAFT_VALUE_MAP:
    case HOTGRAFT_VALUE_ARRAY:
        return "a map or an array is opened, not put";
    default:
        return "value type " + std::to_string(type) + " is not known";
    }
}

std::string KeyedState::fault_of_value(std::uint32_t type, const void *data, std::uint64_t len) {
    std::string fault = fault_of_len(type, len);
    if (!fault.empty()) {
        return fault;
    }
    if (data == nullptr && len != 0) {
        return "no data, but " + counted_bytes(len);
    }
    if (type == HOTGRAFT_VALUE_BOOL && data != nullptr && *static_cast<const std::uint8_t *>(data) > 1) {
        return "a truth value is 0 or 1, got " + std::to_string(*static_cast<const std::uint8_t *>(data));
    }
    if (type == HOTGRAFT_VALUE_TEXT && !is_utf8({static_cast<const char *>(data), len})) {
        return "the text is not UTF-8";
    }
    return {};
}

std::string KeyedState::fault_of_place(const hotgraft_key *key) const {
    if (open_.back().form == Form::kBytes) {
        return "its bytes are open: " + std::to_string(open_.back().count) + " of " + counted_bytes(open_.back().len) +
               " are still to be written";
    }
    return open_.back().count == UINT32_MAX ? "there are 4,294,967,295 values before it, and no more fit"
                                            : fault_of_key(key);
}

std::string KeyedState::fault_of_key(const hotgraft_key *key) const {
    if (open_.back().form == Form::kArray) {
        return key == nullptr ? "" : "a key in an array";
    }
    if (key == nullptr) {
        return "without a key in a map";
    }
    const bool is_inner = open_.size() > 1;
    if (key->text == nullptr) {
        return is_inner ? "" : "a key at the top is text";
    }
    const std::uint64_t most = is_inner ? kStateInnerKeyBytesMax : kStateKeyBytesMax;
    const std::uint64_t least = is_inner ? 0 : 1;
    if (key->len < least || key->len > most) {
        return "a key has " + std::to_string(least) + " to " + std::to_string(most) + " bytes";
    }
    return is_utf8({key->text, key->len}) ? "" : "the key is not UTF-8";
}

std::string KeyedState::fault_of_size(std::uint64_t bytes) const {
    if (bytes <= bytes_max_ && written_.bytes() <= bytes_max_ - bytes) {
        return {};
    }
    return counted_bytes(bytes) + " more than " + std::to_string(written_.bytes()) + " would exceed the cap of " +
           std::to_string(bytes_max_);
}

std::string KeyedState::path_to(const hotgraft_key *key) const {
    std::string path;
    for (const Open &open : open_) {
        if (open.key_offset != 0) {
            path += (path.empty() ? "" : " / ") + shown_key(written_.from(open.key_offset - 1));
        } else if (&open != open_.data()) {
            path += (path.empty() ? "" : " / ") + std::to_string((&open - 1)->count - 1);
        }
    }
    return key == nullptr ? path : path + (path.empty() ? "" : " / ") + shown_key(*key);
}

} // namespace hotgraft
