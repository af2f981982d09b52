// One reading of a saved state by a plugin's restore: where it is, what it has looked up, and what was copied for it.
//
// The values stay where they are and are pointed to. Two things are made for it alone: numbers and small values that
// get() promises aligned, and keys that key_at() promises terminated; both live until this object goes.
#ifndef HOTGRAFT_CORE_KEYED_SOURCE_HPP
#define HOTGRAFT_CORE_KEYED_SOURCE_HPP

#include <cstdint>
#include <vector>

#include <hotgraft/state.h>

#include "byte_chunks.hpp"
#include "keyed_state.hpp"
#include "msgpack.hpp"

namespace hotgraft {

// Thread safety
//   None: one thread at a time. Any number of them may read one state.
//
// Invariants
//   (1) `at_` is before a value (in a map: before its key) or at the end of what is open, unless shown_ is set.
//   (2) What a function answered HOTGRAFT_OK for does not move, whatever is called after it.
class KeyedSource {
public:
    // `state` is finished, without a refusal, and outlives this.
    explicit KeyedSource(const KeyedState &state);

    // What a plugin's source calls (abi state.h).
    hotgraft_status get(const char *key, std::uint32_t want, std::uint32_t *type, const void **data,
                        std::uint64_t *len);
    const char *key_at(std::uint64_t index);
    hotgraft_status next(hotgraft_item *item);
    hotgraft_status find(const hotgraft_key *key, hotgraft_item *item);
    hotgraft_status open();
    hotgraft_status read(std::uint32_t type, void *numbers, std::uint64_t count);
    hotgraft_status close();

    // A view for a plugin; it points here.
    [[nodiscard]] hotgraft_source source() noexcept;

private:
    struct Place {
        std::size_t chunk = 0;
        const std::uint8_t *at = nullptr;
        const std::uint8_t *end = nullptr; // of the chunk
    };
    struct Open {
        Place begin;
        std::uint64_t count = 0; // values in it
        std::uint64_t index = 0; // of the next
        bool is_map = true;
    };
    struct Named { // of the map at the top
        Place key;
        Place value;
        std::uint64_t hash = 0;
    };

    [[nodiscard]] msgpack::Value step(Place *place) const noexcept;
    void step_to(Place *place, msgpack::Value *value) const noexcept;
    [[nodiscard]] bool next_short(hotgraft_item *item) noexcept;
    void skip(Place *place, std::uint64_t values) const noexcept;
    void pass_shown() noexcept;
    void make_index();
    [[nodiscard]] const void *copied(const void *data, std::uint64_t bytes);
    void show(const msgpack::Value &key, const msgpack::Value &value, hotgraft_item *item) noexcept;

    const ByteChunks &written_;
    Place at_;
    std::vector<Open> open_; // the top first
    bool is_shown_ = false;  // a map or an array was shown and at_ is behind its head: it may be opened
    msgpack::Value shown_;
    std::vector<Named> named_;          // in the order they were put; made when it is first asked for
    std::vector<std::uint32_t> places_; // index into named_ plus 1, by hash
    ByteChunks copies_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_KEYED_SOURCE_HPP
