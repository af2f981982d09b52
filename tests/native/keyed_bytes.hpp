// What must hold of any bytes that are read as a saved state: for the tests and for libFuzzer.
#ifndef HOTGRAFT_TESTS_KEYED_BYTES_HPP
#define HOTGRAFT_TESTS_KEYED_BYTES_HPP

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "keyed_pair.hpp"

// Ends the program where a promise is broken.
inline void must_hold(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// Everything that a restore can look at, once.
inline std::uint64_t walk_values(Source &source) {
    std::uint64_t sum = 0;
    for (std::size_t depth = 0;;) {
        if (source.next() == HOTGRAFT_OK) {
            for (std::uint64_t i = 0; i < source.item.key.len; ++i) {
                sum += static_cast<unsigned char>(source.item.key.text[i]);
            }
            if (source.item.type == HOTGRAFT_VALUE_MAP || source.item.type == HOTGRAFT_VALUE_ARRAY) {
                must_hold(source.open() == HOTGRAFT_OK);
                ++depth;
            } else if (source.item.data != nullptr) {
                for (const char c : source.text()) {
                    sum += static_cast<unsigned char>(c);
                }
            }
        } else if (depth-- == 0) {
            return sum;
        } else {
            must_hold(source.close() == HOTGRAFT_OK);
        }
    }
}

// Read as a state: refused with a reason and nothing kept, or taken, walked through and the same when written again.
// Answers whether it was taken.
inline bool read_any(const void *data, std::size_t bytes) {
    hotgraft::KeyedState state(std::uint64_t{1} << 24);
    const hotgraft::Status status = state.read(data, bytes);
    if (!status.is_ok()) {
        must_hold(!status.message().empty() && state.held_bytes() == 0 && !state.first_refusal().is_ok());
        return false;
    }
    Source source(state);
    (void)walk_values(source);
    for (std::uint64_t i = 0;; ++i) {
        const char *const key = source.source.key_at(source.source.ctx, i);
        if (key == nullptr) {
            break;
        }
        const void *found = nullptr;
        std::uint64_t len = 0;
        const hotgraft_status got = source.source.get(source.source.ctx, key, 0, nullptr, &found, &len);
        // A key may hold a zero, which ends it for a plugin of 1.0.
        must_hold(got == HOTGRAFT_OK || got == HOTGRAFT_E_INVALID || got == HOTGRAFT_E_UNSUPPORTED);
    }
    const std::string written = bytes_of(state);
    hotgraft::KeyedState again(std::uint64_t{1} << 26);
    must_hold(again.read(written.data(), written.size()).is_ok() && bytes_of(again) == written);
    return true;
}

#endif // HOTGRAFT_TESTS_KEYED_BYTES_HPP
