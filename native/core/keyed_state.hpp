// Keyed state: what a plugin's save puts, as MessagePack, from the first put to the last restore. It is the middle of
// the third way across (abi state.h); the same bytes are what a snapshot, a converter and the probe are given.
//
// One map of what was put at the top, keys in the order they were put. How it is read is keyed_source.hpp's business.
#ifndef HOTGRAFT_CORE_KEYED_STATE_HPP
#define HOTGRAFT_CORE_KEYED_STATE_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <hotgraft/state.h>

#include "byte_chunks.hpp"
#include "key_set.hpp"
#include "msgpack.hpp"
#include "status.hpp"

namespace hotgraft {

inline constexpr std::uint64_t kStateBytesMax = std::uint64_t{1} << 30;
inline constexpr std::uint64_t kStateKeyBytesMax = 255; // at the top, where key_at hands them out
inline constexpr std::uint64_t kStateInnerKeyBytesMax = 65'535;
inline constexpr std::size_t kStateDepthMax = 64;            // maps and arrays inside one another, the top left out
inline constexpr std::uint64_t kStateAlignedBytesMin = 4096; // text and bytes from this size on lie aligned to 16

// Thread safety
//   None: one thread at a time. const functions change nothing.
//
// Invariants
//   (1) The keys of a map are valid UTF-8 or whole numbers, each once; text is valid UTF-8.
//   (2) What was written never moves; a text or bytes lie in one piece.
//   (3) The first refusal is remembered and ends it: nothing is kept and nothing more is taken, so that a plugin that
//       swallows it is found out, and cannot fill memory meanwhile.
//   (4) Memory is bytes_max at most, and 8 to 40 bytes a key that KeySet holds until the save has returned.
class KeyedState {
public:
    explicit KeyedState(std::uint64_t bytes_max = kStateBytesMax) : bytes_max_(bytes_max) {}

    // What a plugin's sink calls (abi state.h); for a key that is not text, or in an array, see add().
    hotgraft_status put(const char *key, std::uint32_t type, const void *data, std::uint64_t len) noexcept;
    hotgraft_status add(const hotgraft_key *key, std::uint32_t type, const void *data, std::uint64_t len) noexcept;
    hotgraft_status open(const hotgraft_key *key, std::uint32_t type, std::uint64_t len) noexcept;
    hotgraft_status write(const void *data, std::uint64_t len) noexcept;
    hotgraft_status close() noexcept;

    // It is not save that puts: for messages.
    void is_put_by_converter() noexcept { tried_ = "it put "; }
    // Save has returned: whatever is put from here on is refused. Answers the first refusal.
    const Status &finish() noexcept;
    // In place of all of these: take what MessagePack bytes hold, from wherever they come. kRefused: at which byte they
    // are none of a saved state, and why; kNoMemory.
    [[nodiscard]] Status read(const void *data, std::uint64_t bytes);

    [[nodiscard]] const Status &first_refusal() const noexcept { return first_refusal_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return written_.bytes(); } // once finished
    void copy_to(void *out) const noexcept;                                         // bytes() of them
    [[nodiscard]] const ByteChunks &written() const noexcept { return written_; }
    [[nodiscard]] std::uint64_t held_bytes() const noexcept { return written_.held_bytes(); }

    // A view for a plugin; it points here.
    [[nodiscard]] hotgraft_sink sink() noexcept;

private:
    enum class Form : std::uint8_t { kMap, kArray, kBytes };
    struct Open {
        Form form = Form::kMap;
        std::uint8_t *at = nullptr;   // a map's or array's head; where the next of the bytes goes
        std::uint64_t count = 0;      // values so far; of bytes, those that are missing
        std::uint64_t len = 0;        // of bytes
        std::uint64_t key_offset = 0; // of its own key, plus 1; 0: none
    };

    template <class Work> hotgraft_status guarded(const hotgraft_key *key, const Work &work) noexcept;
    void begin();
    [[nodiscard]] bool is_plainly_sound(const hotgraft_key *key, std::uint32_t type, const void *data,
                                        std::uint64_t len) const noexcept;
    // What breaks a rule; empty: nothing does.
    [[nodiscard]] static std::string fault_of_len(std::uint32_t type, std::uint64_t len);
    [[nodiscard]] static std::string fault_of_value(std::uint32_t type, const void *data, std::uint64_t len);
    [[nodiscard]] static std::string counted_bytes(std::uint64_t bytes);
    [[nodiscard]] std::string fault_of_place(const hotgraft_key *key) const;
    [[nodiscard]] std::string fault_of_key(const hotgraft_key *key) const;
    [[nodiscard]] std::string fault_of_size(std::uint64_t bytes) const;
    [[nodiscard]] std::uint8_t *write_key(const hotgraft_key *key, std::uint8_t *at, std::string *fault);
    [[nodiscard]] std::string add_value(const hotgraft_key *key, std::uint32_t type, const void *data,
                                        std::uint64_t len);
    [[nodiscard]] std::string add_large(const hotgraft_key *key, std::uint32_t type, const void *data,
                                        std::uint64_t len);
    [[nodiscard]] std::string add_run(const hotgraft_key *key, std::uint32_t type, const void *data,
                                      std::uint64_t count);
    [[nodiscard]] std::string open_value(const hotgraft_key *key, std::uint32_t type, std::uint64_t len);
    [[nodiscard]] std::string open_bytes(const hotgraft_key *key, std::uint64_t len);
    [[nodiscard]] std::string path_to(const hotgraft_key *key) const;
    hotgraft_status refuse(Code code, std::string message) noexcept;
    void refuse_for_memory() noexcept;

    std::uint64_t bytes_max_;
    ByteChunks written_;
    std::vector<Open> open_;   // the top first
    std::vector<KeySet> keys_; // by depth
    bool is_finished_ = false;
    const char *tried_ = "save put "; // for messages
    Status first_refusal_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_KEYED_STATE_HPP
