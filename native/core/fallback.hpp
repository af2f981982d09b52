// What answers in the place of a plugin that has no usable generation: a table in its slot whose functions are the
// host's own, so that callers in C and in Python get their answer without entering the plugin.
//
// Each function either answers a constant, or says that nothing usable is there (HOTGRAFT_E_UNAVAILABLE). A constant is
// given by one stub for any signature: every function of an interface takes `self` first, which leads to the answers,
// and a struct of an integer and a double comes back in rax and xmm0 at once, so that whichever register the caller
// reads holds its answer (System V ABI, AMD64 supplement, 3.2.3). What a stub cannot do is fill a buffer.
//
// Thread safety
//   Any thread. publish_fallback() of one slot: one at a time, by whoever has the plugin's turn.
//
// Invariants
//   (1) A fallback's table is one more table of the slot: new for each publish, never changed, and freed only when the
//       slot no longer holds it and a barrier and a scan have shown that no record does.
//   (2) `self` of a fallback lies in a pool of its own, so that one compare tells it from every plugin's: nothing is
//       read through it.
#ifndef HOTGRAFT_CORE_FALLBACK_HPP
#define HOTGRAFT_CORE_FALLBACK_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "slot.hpp"
#include "status.hpp"

namespace hotgraft {

// In the registers a result may come back in. A float is the low half of `number`.
struct FallbackAnswer {
    std::int64_t word = 0;
    double number = 0;
};

// One function that answers; all others say HOTGRAFT_E_UNAVAILABLE.
struct AnsweredFunction {
    std::uint32_t offset = 0; // of its pointer in the interface struct
    FallbackAnswer answer;
};

// Functions of one interface that a fallback can answer.
inline constexpr std::size_t kMostAnswers = 256;

// Let a fallback answer in `slot` from now on; nobody who is inside the plugin is waited for. `interface_bytes`: of the
// interface struct. kInvalid: an offset that is none, or too many answers. kNoMemory: also when too many slots have
// fallbacks. kBusy, kForked: as Guards::publish_open.
[[nodiscard]] Status publish_fallback(const std::shared_ptr<Slot> &slot, std::uint32_t interface_bytes,
                                      std::uint32_t version, const std::vector<AnsweredFunction> &answers);

// One for all slots, made at its first use and never freed: every function answers HOTGRAFT_E_UNAVAILABLE, up to the
// longest interface there may be. It is nobody's, so that no drain waits for who holds it. nullptr: no memory, the
// first time.
[[nodiscard]] const hotgraft_table *refusing_table() noexcept;

// Does `self` belong to a fallback?
[[nodiscard]] bool is_fallback(const void *self) noexcept;

// Fallbacks whose tables are not freed yet; frees those that nobody holds.
[[nodiscard]] std::size_t count_fallbacks();

} // namespace hotgraft

#endif // HOTGRAFT_CORE_FALLBACK_HPP
