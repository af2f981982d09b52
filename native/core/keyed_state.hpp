// Keyed state: the values a plugin's save puts under keys, kept in memory in the order they were put, and given back to
// restore. It is the middle of the third way across (abi state.h); writing it to bytes is another file's business.
#ifndef HOTGRAFT_CORE_KEYED_STATE_HPP
#define HOTGRAFT_CORE_KEYED_STATE_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <hotgraft/state.h>

#include "status.hpp"

namespace hotgraft {

inline constexpr std::uint64_t kStateBytesMax = std::uint64_t{1} << 30;
inline constexpr std::size_t kStateKeyBytesMax = 255;

// Thread safety
//   None: one thread at a time. get() and key_at() change nothing.
//
// Invariants
//   (1) Keys are valid UTF-8 of 1 to 255 bytes, each once.
//   (2) Values are aligned to 16 and never move.
//   (3) What was refused is not kept, and the first refusal is remembered: a plugin that swallows it is found out.
class KeyedState {
public:
    explicit KeyedState(std::uint64_t bytes_max = kStateBytesMax) : bytes_max_(bytes_max) {}

    struct Value {
        std::string key;
        std::uint32_t type = 0; // HOTGRAFT_VALUE_*
        const void *data = nullptr;
        std::uint64_t bytes = 0;
    };

    // Copy one value in. kInvalid names the key and the rule it breaks; kNoMemory.
    [[nodiscard]] Status put(const char *key, std::uint32_t type, const void *data, std::uint64_t bytes);
    // put() found no memory, not even for saying so: invariant (3) holds all the same.
    void refuse_for_memory() noexcept;
    [[nodiscard]] const Value *find(std::string_view key) const;
    [[nodiscard]] const std::vector<Value> &values() const noexcept { return values_; } // in the order they were put
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }               // of all keys and values
    [[nodiscard]] const Status &first_refusal() const noexcept { return first_refusal_; }

    // Views for a plugin; they point here.
    [[nodiscard]] hotgraft_sink sink() noexcept;
    [[nodiscard]] hotgraft_source source() const noexcept;

private:
    struct FreeBlock {
        void operator()(void *block) const noexcept;
    };
    Status check(const char *key, std::uint32_t type, const void *data, std::uint64_t bytes) const;

    std::uint64_t bytes_max_;
    std::uint64_t bytes_ = 0;
    std::vector<Value> values_;
    std::vector<std::unique_ptr<void, FreeBlock>> blocks_;
    std::unordered_map<std::string, std::size_t> index_;
    Status first_refusal_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_KEYED_STATE_HPP
