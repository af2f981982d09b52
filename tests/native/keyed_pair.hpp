// A sink and a source as plugins see them, with less to write.
#ifndef HOTGRAFT_TESTS_KEYED_PAIR_HPP
#define HOTGRAFT_TESTS_KEYED_PAIR_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keyed_source.hpp"
#include "keyed_state.hpp"

struct Key {
    hotgraft_key key;
    Key(const char *text) : key{text, std::char_traits<char>::length(text), 0} {}
    Key(const std::string &text) : key{text.data(), text.size(), 0} {}
    Key(int number) : key{nullptr, 0, number} {}
};

// `key`: nothing in an array.
struct Sink {
    hotgraft::KeyedState state;
    hotgraft_sink sink = state.sink();

    explicit Sink(std::uint64_t bytes_max = hotgraft::kStateBytesMax) : state(bytes_max) {}
    Sink(const Sink &) = delete;
    Sink &operator=(const Sink &) = delete;

    using Where = std::optional<Key>;
    hotgraft_status add(const Where &key, std::uint32_t type, const void *data, std::uint64_t len) {
        return sink.add(sink.ctx, key ? &key->key : nullptr, type, data, len);
    }
    hotgraft_status i64(const Where &key, std::int64_t number) { return add(key, HOTGRAFT_VALUE_I64, &number, 8); }
    hotgraft_status u64(const Where &key, std::uint64_t number) { return add(key, HOTGRAFT_VALUE_U64, &number, 8); }
    hotgraft_status f64(const Where &key, double number) { return add(key, HOTGRAFT_VALUE_F64, &number, 8); }
    hotgraft_status text(const Where &key, const std::string &text) {
        return add(key, HOTGRAFT_VALUE_TEXT, text.data(), text.size());
    }
    hotgraft_status bytes(const Where &key, const std::string &text) {
        return add(key, HOTGRAFT_VALUE_BYTES, text.data(), text.size());
    }
    hotgraft_status open(const Where &key, std::uint32_t type, std::uint64_t len = 0) {
        return sink.open(sink.ctx, key ? &key->key : nullptr, type, len);
    }
    hotgraft_status write(const std::string &piece) { return sink.write(sink.ctx, piece.data(), piece.size()); }
    hotgraft_status close() { return sink.close(sink.ctx); }
};

struct Source {
    hotgraft::KeyedSource reading;
    hotgraft_source source = reading.source();
    hotgraft_item item{};

    explicit Source(const hotgraft::KeyedState &state) : reading(state) { item.struct_size = sizeof item; }
    Source(const Source &) = delete;
    Source &operator=(const Source &) = delete;

    hotgraft_status next() { return source.next(source.ctx, &item); }
    hotgraft_status find(const Key &key) { return source.find(source.ctx, &key.key, &item); }
    hotgraft_status open() { return source.open(source.ctx); }
    hotgraft_status close() { return source.close(source.ctx); }
    hotgraft_status read(std::uint32_t type, void *numbers, std::uint64_t count) {
        return source.read(source.ctx, type, numbers, count);
    }
    [[nodiscard]] std::string text() const {
        return {static_cast<const char *>(item.data), static_cast<std::size_t>(item.len)};
    }
    [[nodiscard]] std::string key() const {
        return item.key.text == nullptr ? std::to_string(item.key.number)
                                        : std::string(item.key.text, static_cast<std::size_t>(item.key.len));
    }
};

inline std::string bytes_of(const hotgraft::KeyedState &state) {
    std::string bytes(static_cast<std::size_t>(state.bytes()), '\0');
    state.copy_to(bytes.data());
    return bytes;
}

#endif // HOTGRAFT_TESTS_KEYED_PAIR_HPP
