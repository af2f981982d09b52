#include "keyed_state.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "generation_text.hpp"

namespace hotgraft {

namespace {

constexpr std::uint64_t kNumbersAtOnce = 1024; // of a run: what is written between two looks at the cap

bool is_run(std::uint32_t type) noexcept {
    return type == HOTGRAFT_VALUE_I64S || type == HOTGRAFT_VALUE_F64S;
}

bool is_text_or_bytes(std::uint32_t type) noexcept {
    return type == HOTGRAFT_VALUE_TEXT || type == HOTGRAFT_VALUE_BYTES;
}

// What a value takes at least: all of it but for a run of whole numbers.
std::uint64_t least_bytes(std::uint32_t type, std::uint64_t len) noexcept {
    if (is_text_or_bytes(type)) {
        return 1 + len;
    }
    return !is_run(type) ? 1 : msgpack::kOpenHeadBytes + (type == HOTGRAFT_VALUE_F64S ? len / 8 * 9 : len / 8);
}

template <class Number> Number number_at(const void *data) noexcept {
    Number number;
    std::memcpy(&number, data, sizeof number);
    return number;
}

std::uint8_t *write_payload_head(std::uint8_t *at, std::uint32_t type, std::uint64_t len) noexcept {
    const auto bytes = static_cast<std::uint32_t>(len);
    return type == HOTGRAFT_VALUE_TEXT ? msgpack::write_text_head(at, bytes) : msgpack::write_bytes_head(at, bytes);
}

std::uint8_t *write_payload(std::uint8_t *at, std::uint32_t type, const void *data, std::uint64_t len) noexcept {
    at = write_payload_head(at, type, len);
    if (len != 0) {
        std::memcpy(at, data, len);
    }
    return at + len;
}

std::uint8_t *write_value(std::uint8_t *at, std::uint32_t type, const void *data, std::uint64_t len) noexcept {
    switch (type) {
    case HOTGRAFT_VALUE_I64:
        return msgpack::write_i64(at, number_at<std::int64_t>(data));
    case HOTGRAFT_VALUE_U64:
        return msgpack::write_u64(at, number_at<std::uint64_t>(data));
    case HOTGRAFT_VALUE_F64:
        return msgpack::write_f64(at, number_at<double>(data));
    case HOTGRAFT_VALUE_BOOL:
        return msgpack::write_bool(at, number_at<std::uint8_t>(data) != 0);
    case HOTGRAFT_VALUE_NIL:
        return msgpack::write_nil(at);
    default:
        return write_payload(at, type, data, len);
    }
}

std::uint8_t *room_or_throw(ByteChunks *written, std::uint64_t bytes) {
    std::uint8_t *const at = written->room(bytes);
    return at != nullptr ? at : throw std::bad_alloc();
}

// Where text or bytes of that type go with their head, so that they themselves are aligned if they are large.
std::uint8_t *payload_room_in(ByteChunks *written, std::uint32_t type, std::uint64_t len) {
    std::uint8_t head[msgpack::kHeadBytesMax];
    const std::uint8_t *const end = write_payload_head(head, type, len);
    const auto head_bytes = static_cast<std::uint64_t>(end - head);
    if (len < kStateAlignedBytesMin) {
        return room_or_throw(written, head_bytes + len);
    }
    std::uint8_t *const at = written->aligned_room(head_bytes, len);
    return at != nullptr ? at : throw std::bad_alloc();
}

std::uint64_t key_bytes_least(const hotgraft_key *key) noexcept {
    return key == nullptr ? 0 : 1 + (key->text == nullptr ? 0 : key->len);
}

std::uint64_t key_bytes_most(const hotgraft_key *key) noexcept {
    return key == nullptr ? 0 : msgpack::kHeadBytesMax + (key->text == nullptr ? 0 : key->len);
}

} // namespace

hotgraft_status KeyedState::refuse(Code code, std::string message) noexcept {
    if (first_refusal_.is_ok()) {
        first_refusal_ = {code, std::move(message)};
        written_.clear();
        keys_.clear();
        open_.clear();
    }
    return first_refusal_.code() == Code::kNoMemory ? HOTGRAFT_E_NOMEM : HOTGRAFT_E_INVALID;
}

void KeyedState::refuse_for_memory() noexcept {
    (void)refuse(Code::kNoMemory, "no memory left"); // short: it needs none itself
}

// Nothing may be thrown into a plugin.
template <class Work> hotgraft_status KeyedState::guarded(const hotgraft_key *key, const Work &work) noexcept {
    try {
        if (first_refusal_.is_ok() && is_finished_) {
            return refuse(Code::kInvalid, tried_ + std::string("a value after it had returned"));
        }
        if (!first_refusal_.is_ok()) {
            return refuse(first_refusal_.code(), {});
        }
        begin();
        const std::string fault = work();
        if (fault.empty()) {
            return HOTGRAFT_OK;
        }
        const std::string path = path_to(key);
        return refuse(Code::kInvalid, tried_ + (path.empty() ? "a value" : "key " + path) + ": " + fault);
    } catch (const std::exception &) {
        refuse_for_memory();
        return HOTGRAFT_E_NOMEM;
    }
}

// --- what is put ---

void KeyedState::begin() {
    if (open_.empty()) {
        std::uint8_t *const at = room_or_throw(&written_, msgpack::kOpenHeadBytes);
        keys_.resize(1);
        keys_[0].begin();
        open_.push_back({Form::kMap, at});
        written_.advance(msgpack::write_open_head(at, true, 0));
    }
}

// `at`: where it is to stand, at the end of what is written. Answers the place behind it.
std::uint8_t *KeyedState::write_key(const hotgraft_key *key, std::uint8_t *at, std::string *fault) {
    if (key == nullptr) {
        return at;
    }
    std::uint8_t *end = nullptr;
    if (key->text == nullptr) {
        end = msgpack::write_i64(at, key->number);
    } else {
        end = msgpack::write_text_head(at, static_cast<std::uint32_t>(key->len));
        std::memcpy(end, key->text, key->len);
        end += key->len;
    }
    switch (keys_[open_.size() - 1].add(written_, written_.bytes(), *key, at, end)) {
    case KeySet::Answer::kNew:
        break;
    case KeySet::Answer::kThere:
        *fault = "this key was put before";
        break;
    case KeySet::Answer::kFull:
        *fault = "too many keys in one map";
        break;
    }
    return end;
}

// Of a number in a map or an array: does it break no rule? Asked first because most values are, and to say why a rule
// is broken takes longer than to put a value.
bool KeyedState::is_plainly_sound(const hotgraft_key *key, std::uint32_t type, const void *data,
                                  std::uint64_t len) const noexcept {
    const Open &open = open_.back();
    if ((type != HOTGRAFT_VALUE_I64 && type != HOTGRAFT_VALUE_F64 && type != HOTGRAFT_VALUE_U64) || len != 8 ||
        data == nullptr || open.count == UINT32_MAX ||
        written_.bytes() + 2 * msgpack::kHeadBytesMax + kStateKeyBytesMax > bytes_max_) {
        return false;
    }
    if (key == nullptr) {
        return open.form == Form::kArray;
    }
    if (key->text == nullptr) {
        return open.form == Form::kMap && open_.size() > 1;
    }
    return open.form == Form::kMap && key->len >= 1 && key->len <= kStateKeyBytesMax && is_utf8({key->text, key->len});
}

std::string KeyedState::add_value(const hotgraft_key *key, std::uint32_t type, const void *data, std::uint64_t len) {
    std::string fault;
    if (!is_plainly_sound(key, type, data, len)) {
        fault = fault_of_place(key);
        if (fault.empty()) {
            fault = fault_of_value(type, data, len);
        }
        if (fault.empty()) {
            fault = fault_of_size(key_bytes_least(key) + least_bytes(type, len));
        }
        if (!fault.empty()) {
            return fault;
        }
    }
    if (is_run(type)) {
        fault = add_run(key, type, data, len / 8);
    } else if (is_text_or_bytes(type) && len >= kStateAlignedBytesMin) {
        fault = add_large(key, type, data, len);
    } else {
        std::uint8_t *const at = room_or_throw(&written_, key_bytes_most(key) + msgpack::kHeadBytesMax + len);
        written_.advance(write_value(write_key(key, at, &fault), type, data, len));
    }
    if (fault.empty()) {
        ++open_.back().count;
    }
    return fault;
}

std::string KeyedState::add_large(const hotgraft_key *key, std::uint32_t type, const void *data, std::uint64_t len) {
    std::string fault;
    written_.advance(write_key(key, room_or_throw(&written_, key_bytes_most(key)), &fault));
    if (fault.empty()) {
        std::uint8_t *const at = payload_room_in(&written_, type, len);
        written_.advance(write_payload(at, type, data, len));
    }
    return fault;
}

std::string KeyedState::add_run(const hotgraft_key *key, std::uint32_t type, const void *data, std::uint64_t count) {
    if (count > UINT32_MAX) {
        return "an array has fewer than 4,294,967,296 values";
    }
    std::string fault;
    std::uint8_t *at = write_key(key, room_or_throw(&written_, key_bytes_most(key) + msgpack::kOpenHeadBytes), &fault);
    written_.advance(msgpack::write_open_head(at, false, static_cast<std::uint32_t>(count)));
    const auto *from = static_cast<const std::uint8_t *>(data);
    for (std::uint64_t left = count; left != 0 && fault.empty();) {
        const std::uint64_t now = std::min(left, kNumbersAtOnce);
        at = room_or_throw(&written_, now * msgpack::kHeadBytesMax);
        for (std::uint64_t i = 0; i < now; ++i, from += 8) {
            at = type == HOTGRAFT_VALUE_F64S ? msgpack::write_f64(at, number_at<double>(from))
                                             : msgpack::write_i64(at, number_at<std::int64_t>(from));
        }
        written_.advance(at);
        left -= now;
        fault = fault_of_size(left);
    }
    return fault;
}

std::string KeyedState::open_value(const hotgraft_key *key, std::uint32_t type, std::uint64_t len) {
    std::string fault = fault_of_place(key);
    if (!fault.empty()) {
        return fault;
    }
    if (type == HOTGRAFT_VALUE_BYTES) {
        return open_bytes(key, len);
    }
    if (type != HOTGRAFT_VALUE_MAP && type != HOTGRAFT_VALUE_ARRAY) {
        return "what is opened is a map, an array or bytes, not value type " + std::to_string(type);
    }
    if (len != 0) {
        return "a map or an array is opened with len 0, got " + std::to_string(len);
    }
    if (open_.size() > kStateDepthMax) {
        return "it is more than " + std::to_string(kStateDepthMax) + " maps and arrays deep";
    }
    fault = fault_of_size(key_bytes_least(key) + msgpack::kOpenHeadBytes);
    if (!fault.empty()) {
        return fault;
    }
    const std::uint64_t key_offset = key == nullptr ? 0 : written_.bytes() + 1;
    std::uint8_t *const from = room_or_throw(&written_, key_bytes_most(key) + msgpack::kOpenHeadBytes);
    std::uint8_t *const at = write_key(key, from, &fault);
    if (!fault.empty()) {
        return fault;
    }
    const bool is_map = type == HOTGRAFT_VALUE_MAP;
    if (is_map) {
        if (keys_.size() <= open_.size()) {
            keys_.resize(open_.size() + 1);
        }
        keys_[open_.size()].begin();
    }
    ++open_.back().count;
    open_.push_back({is_map ? Form::kMap : Form::kArray, at, 0, 0, key_offset});
    written_.advance(msgpack::write_open_head(at, is_map, 0));
    return {};
}

std::string KeyedState::open_bytes(const hotgraft_key *key, std::uint64_t len) {
    std::string fault = fault_of_len(HOTGRAFT_VALUE_BYTES, len);
    if (fault.empty()) {
        fault = fault_of_size(key_bytes_least(key) + least_bytes(HOTGRAFT_VALUE_BYTES, len));
    }
    if (!fault.empty()) {
        return fault;
    }
    const std::uint64_t key_offset = key == nullptr ? 0 : written_.bytes() + 1;
    written_.advance(write_key(key, room_or_throw(&written_, key_bytes_most(key)), &fault));
    if (!fault.empty()) {
        return fault;
    }
    std::uint8_t *const at = payload_room_in(&written_, HOTGRAFT_VALUE_BYTES, len);
    ++open_.back().count;
    open_.push_back({Form::kBytes, write_payload_head(at, HOTGRAFT_VALUE_BYTES, len), len, len, key_offset});
    written_.advance(open_.back().at);
    return {};
}

hotgraft_status KeyedState::add(const hotgraft_key *key, std::uint32_t type, const void *data,
                                std::uint64_t len) noexcept {
    return guarded(key, [&] { return add_value(key, type, data, len); });
}

hotgraft_status KeyedState::put(const char *key, std::uint32_t type, const void *data, std::uint64_t len) noexcept {
    if (key == nullptr) {
        return add(nullptr, type, data, len);
    }
    const hotgraft_key named{key, ::strnlen(key, kStateInnerKeyBytesMax + 1), 0};
    return add(&named, type, data, len);
}

hotgraft_status KeyedState::open(const hotgraft_key *key, std::uint32_t type, std::uint64_t len) noexcept {
    return guarded(key, [&] { return open_value(key, type, len); });
}

hotgraft_status KeyedState::write(const void *data, std::uint64_t len) noexcept {
    return guarded(nullptr, [&]() -> std::string {
        Open &open = open_.back();
        if (open.form != Form::kBytes) {
            return "a piece of bytes, and none are open";
        }
        if (len > open.count) {
            return counted_bytes(len) + " where " + std::to_string(open.count) + " of " + counted_bytes(open.len) +
                   " are still to be written";
        }
        if (len != 0) {
            if (data == nullptr) {
                return "no data, but " + counted_bytes(len);
            }
            std::memcpy(open.at, data, len);
            open.at += len;
            open.count -= len;
            written_.advance(open.at);
        }
        return {};
    });
}

hotgraft_status KeyedState::close() noexcept {
    return guarded(nullptr, [&]() -> std::string {
        const Open &open = open_.back();
        if (open_.size() == 1) {
            return "close, and nothing is open";
        }
        if (open.form != Form::kBytes) {
            (void)msgpack::write_open_head(open.at, open.form == Form::kMap, static_cast<std::uint32_t>(open.count));
        } else if (open.count != 0) {
            return std::to_string(open.count) + " of " + counted_bytes(open.len) + " were never written";
        }
        open_.pop_back();
        return {};
    });
}

const Status &KeyedState::finish() noexcept {
    if (!is_finished_ && first_refusal_.is_ok()) {
        (void)guarded(nullptr, [&]() -> std::string {
            if (open_.size() != 1) {
                return "it was opened and never closed";
            }
            (void)msgpack::write_open_head(open_[0].at, true, static_cast<std::uint32_t>(open_[0].count));
            keys_.clear();
            return {};
        });
    }
    is_finished_ = true;
    return first_refusal_;
}

} // namespace hotgraft
