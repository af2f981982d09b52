// A saved state as MessagePack bytes that go elsewhere, and taken from bytes that come from anywhere.
#include <algorithm>
#include <cstring>
#include <vector>

#include "keyed_state.hpp"

namespace hotgraft {

void KeyedState::copy_to(void *out) const noexcept {
    auto *at = static_cast<std::uint8_t *>(out);
    for (std::size_t i = 0; i < written_.count(); ++i) {
        const ByteChunks::Chunk chunk = written_.chunk(i);
        const auto bytes = static_cast<std::size_t>(chunk.end - chunk.begin);
        if (bytes != 0) {
            std::memcpy(at, chunk.begin, bytes);
        }
        at += bytes;
    }
}

namespace {

// Puts what it reads, so that every rule of what is put holds for what is read. Maps and arrays inside one another are
// a list here, no recursion: KeyedState says how deep they may be.
class BytesReader {
public:
    BytesReader(const void *data, std::uint64_t bytes, KeyedState *out)
        : begin_(static_cast<const std::uint8_t *>(data)), end_(begin_ + bytes), at_(begin_), out_(out) {}

    // Whatever is wrong, with the byte where it is.
    Status run() {
        msgpack::Value top;
        if (Status status = next(&top); !status.is_ok()) {
            return status;
        }
        if (top.kind != msgpack::Kind::kMap) {
            return fault("it is no map");
        }
        inside_.push_back({top.len, true});
        while (!inside_.empty()) {
            Status status = inside_.back().left == 0 ? leave() : value();
            if (!status.is_ok()) {
                return status;
            }
        }
        return at_ == end_ ? Status() : fault("more bytes follow the map");
    }

    [[nodiscard]] std::uint64_t offset() const noexcept { return static_cast<std::uint64_t>(from_ - begin_); }

private:
    struct Inside {
        std::uint64_t left;
        bool is_map;
    };

    [[nodiscard]] Status fault(const char *what) const {
        return {Code::kRefused, "at byte " + std::to_string(offset()) + ": " + what};
    }

    Status next(msgpack::Value *value) {
        from_ = at_;
        switch (msgpack::read(at_, end_, value)) {
        case msgpack::Reading::kTruncated:
            return fault("the bytes end within a value");
        case msgpack::Reading::kForeign:
            return fault("a value of a type that no saved state has");
        case msgpack::Reading::kOk:
            at_ = value->end;
        }
        return {};
    }

    Status leave() {
        inside_.pop_back();
        return inside_.empty() ? Status() : answer(out_->close());
    }

    [[nodiscard]] Status answer(hotgraft_status status) const {
        return status == HOTGRAFT_OK ? Status() : fault(out_->first_refusal().message().c_str());
    }

    Status value() {
        hotgraft_key key{};
        const bool has_key = inside_.back().is_map;
        --inside_.back().left;
        msgpack::Value value;
        if (has_key) {
            if (Status status = next(&value); !status.is_ok()) {
                return status;
            }
            if (value.kind != msgpack::Kind::kText && value.kind != msgpack::Kind::kI64) {
                return fault("a key that is neither text nor a whole number");
            }
            key = {reinterpret_cast<const char *>(value.data), value.len, value.number};
        }
        if (Status status = next(&value); !status.is_ok()) {
            return status;
        }
        return put(has_key ? &key : nullptr, value);
    }

    Status put(const hotgraft_key *key, const msgpack::Value &value) {
        switch (value.kind) {
        case msgpack::Kind::kNil:
            return answer(out_->add(key, HOTGRAFT_VALUE_NIL, nullptr, 0));
        case msgpack::Kind::kBool: {
            const std::uint8_t is_true = value.number != 0;
            return answer(out_->add(key, HOTGRAFT_VALUE_BOOL, &is_true, 1));
        }
        case msgpack::Kind::kI64:
            return answer(out_->add(key, HOTGRAFT_VALUE_I64, &value.number, 8));
        case msgpack::Kind::kU64:
            return answer(out_->add(key, HOTGRAFT_VALUE_U64, &value.number, 8));
        case msgpack::Kind::kF64:
            return answer(out_->add(key, HOTGRAFT_VALUE_F64, &value.real, 8));
        case msgpack::Kind::kText:
            return answer(out_->add(key, HOTGRAFT_VALUE_TEXT, value.data, value.len));
        case msgpack::Kind::kBytes:
            return answer(out_->add(key, HOTGRAFT_VALUE_BYTES, value.data, value.len));
        case msgpack::Kind::kMap:
        case msgpack::Kind::kArray:
            break;
        }
        const bool is_map = value.kind == msgpack::Kind::kMap;
        inside_.push_back({value.len, is_map});
        return answer(out_->open(key, is_map ? HOTGRAFT_VALUE_MAP : HOTGRAFT_VALUE_ARRAY, 0));
    }

    const std::uint8_t *begin_;
    const std::uint8_t *end_;
    const std::uint8_t *at_;
    const std::uint8_t *from_ = begin_; // of what is being read: for messages
    KeyedState *out_;
    std::vector<Inside> inside_;
};

} // namespace

Status KeyedState::read(const void *data, std::uint64_t bytes) {
    tried_ = "";
    BytesReader reader(data, bytes, this);
    const Status status = or_no_memory([&] { return reader.run(); });
    if (!status.is_ok()) {
        const bool is_memory = first_refusal_.code() == Code::kNoMemory || status.code() == Code::kNoMemory;
        const Code code = is_memory ? Code::kNoMemory : Code::kRefused;
        first_refusal_ = {};
        (void)refuse(code, "saved bytes, " + status.message());
        return first_refusal_;
    }
    return finish();
}

} // namespace hotgraft
