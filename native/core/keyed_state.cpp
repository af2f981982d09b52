#include "keyed_state.hpp"

#include <cstdlib>
#include <cstring>
#include <exception>
#include <utility>

#include "generation_text.hpp"

namespace hotgraft {

namespace {

constexpr std::size_t kValueAlign = 16;

std::string shown(const char *key) {
    std::string text = valid_utf8({key, ::strnlen(key, kStateKeyBytesMax + 1)});
    return '"' + text + '"';
}

bool is_fixed_size(std::uint32_t type) noexcept {
    return type == HOTGRAFT_VALUE_I64 || type == HOTGRAFT_VALUE_F64;
}

// Nothing may be thrown into a plugin, and no message is needed where memory ran out.
hotgraft_status put_value(void *ctx, const char *key, std::uint32_t type, const void *data,
                          std::uint64_t len) noexcept {
    try {
        const Status status = static_cast<KeyedState *>(ctx)->put(key, type, data, len);
        return status.is_ok() ? HOTGRAFT_OK : status.code() == Code::kNoMemory ? HOTGRAFT_E_NOMEM : HOTGRAFT_E_INVALID;
    } catch (const std::exception &) {
        static_cast<KeyedState *>(ctx)->refuse_for_memory();
        return HOTGRAFT_E_NOMEM;
    }
}

hotgraft_status get_value(void *ctx, const char *key, std::uint32_t want, std::uint32_t *type, const void **data,
                          std::uint64_t *len) noexcept {
    try {
        if (key == nullptr || data == nullptr || len == nullptr) {
            return HOTGRAFT_E_INVALID;
        }
        const KeyedState::Value *const value = static_cast<const KeyedState *>(ctx)->find(key);
        if (value == nullptr) {
            return HOTGRAFT_E_UNSUPPORTED;
        }
        if (want != 0 && want != value->type) {
            return HOTGRAFT_E_INVALID;
        }
        if (type != nullptr) {
            *type = value->type;
        }
        *data = value->data;
        *len = value->bytes;
        return HOTGRAFT_OK;
    } catch (const std::exception &) {
        return HOTGRAFT_E_NOMEM;
    }
}

const char *key_at(void *ctx, std::uint64_t index) noexcept {
    const std::vector<KeyedState::Value> &values = static_cast<const KeyedState *>(ctx)->values();
    return index < values.size() ? values[index].key.c_str() : nullptr;
}

} // namespace

void KeyedState::FreeBlock::operator()(void *block) const noexcept {
    std::free(block);
}

Status KeyedState::check(const char *key, std::uint32_t type, const void *data, std::uint64_t bytes) const {
    if (key == nullptr) {
        return {Code::kInvalid, "save put a value without a key"};
    }
    const std::size_t key_bytes = ::strnlen(key, kStateKeyBytesMax + 1);
    const std::string what = "save put key " + shown(key) + ": ";
    if (key_bytes == 0 || key_bytes > kStateKeyBytesMax) {
        return {Code::kInvalid, what + "a key has 1 to " + std::to_string(kStateKeyBytesMax) + " bytes"};
    }
    if (!is_utf8({key, key_bytes})) {
        return {Code::kInvalid, what + "the key is not UTF-8"};
    }
    if (index_.count(key) != 0) {
        return {Code::kInvalid, what + "this key was put before"};
    }
    if (type < HOTGRAFT_VALUE_I64 || type > HOTGRAFT_VALUE_BYTES) {
        return {Code::kInvalid, what + "value type " + std::to_string(type) + " is not known"};
    }
    if (is_fixed_size(type) && bytes != 8) {
        return {Code::kInvalid, what + "a number has 8 bytes, got " + std::to_string(bytes)};
    }
    if (data == nullptr && bytes != 0) {
        return {Code::kInvalid, what + "no data, but " + std::to_string(bytes) + " bytes"};
    }
    if (bytes > bytes_max_ || bytes_ + key_bytes > bytes_max_ - bytes) {
        return {Code::kInvalid, what + std::to_string(bytes) + " bytes more than " + std::to_string(bytes_) +
                                    " would exceed the cap of " + std::to_string(bytes_max_)};
    }
    if (type == HOTGRAFT_VALUE_TEXT && !is_utf8({static_cast<const char *>(data), bytes})) {
        return {Code::kInvalid, what + "the text is not UTF-8"};
    }
    return {};
}

Status KeyedState::put(const char *key, std::uint32_t type, const void *data, std::uint64_t bytes) {
    Status status = check(key, type, data, bytes);
    if (status.is_ok()) {
        const std::uint64_t room = (bytes / kValueAlign + 1) * kValueAlign;
        std::unique_ptr<void, FreeBlock> block(std::aligned_alloc(kValueAlign, room));
        if (block == nullptr) {
            status = {Code::kNoMemory,
                      "save put key " + shown(key) + ": no memory for " + std::to_string(bytes) + " bytes"};
        } else {
            if (bytes != 0) {
                std::memcpy(block.get(), data, bytes);
            }
            const Value value{key, type, block.get(), bytes};
            blocks_.push_back(std::move(block)); // first: where the next two find no memory, nothing points to it yet
            values_.push_back(value);
            index_.emplace(value.key, values_.size() - 1);
            bytes_ += bytes + value.key.size();
        }
    }
    if (!status.is_ok() && first_refusal_.is_ok()) {
        first_refusal_ = status;
    }
    return status;
}

void KeyedState::refuse_for_memory() noexcept {
    if (first_refusal_.is_ok()) {
        first_refusal_ = {Code::kNoMemory, "no memory left"}; // short: it needs none itself
    }
}

const KeyedState::Value *KeyedState::find(std::string_view key) const {
    const auto found = index_.find(std::string(key));
    return found == index_.end() ? nullptr : &values_[found->second];
}

hotgraft_sink KeyedState::sink() noexcept {
    hotgraft_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = this;
    sink.put = put_value;
    return sink;
}

hotgraft_source KeyedState::source() const noexcept {
    hotgraft_source source{};
    source.struct_size = sizeof source;
    source.ctx = const_cast<KeyedState *>(this); // get and key_at change nothing
    source.get = get_value;
    source.key_at = key_at;
    return source;
}

} // namespace hotgraft
