// The one place callers read an interface's table from: two words on a cache line of their own, and beside them what
// only the cold path and the control plane touch.
//
// A slot is open when both words are equal. `check` is the truth; `current` is a copy that the warm path reads first.
//
// Thread safety
//   Everything here may be called from any thread. store(), close() and reopen() are for GateSet and Guards only, which
//   take the fork lock around them and let one of them at a time touch a slot.
//
// Invariants
//   (1) Neither word is ever NULL. `current` is a table or kMarkCold, never kMarkGate or kMarkNone: two equal marks
//   would read as an
//       open slot (call.h compares the words and nothing else).
//   (2) `check` becomes the new table before `current` does: a thread that has seen the new table in `check` can never
//   be
//       handed the old one afterwards (tests/model).
//   (3) The sequence grows after every change of `check` that lets waiters go on; a waiter reads it before `check`, so
//   a
//       wake cannot be lost.
//   (4) A slot outlives every import and handle that points to it. Its owner never frees it while a caller may come.
#ifndef HOTGRAFT_CORE_SLOT_HPP
#define HOTGRAFT_CORE_SLOT_HPP

#include <atomic>
#include <cstdint>
#include <string>

#include <hotgraft/interface.h>

#include "gate_queue.hpp"
#include "wakers.hpp"

namespace hotgraft {

class GateBlock;

// Values below 16 are not tables.
inline const hotgraft_table *mark(std::uintptr_t value) noexcept {
    return reinterpret_cast<const hotgraft_table *>(value);
}
inline const hotgraft_table *const kMarkGate = mark(1); // in check: closed, a swap is under way
inline const hotgraft_table *const kMarkNone = mark(2); // in check: no table: not yet published, unbound, or closing
inline const hotgraft_table *const kMarkCold = mark(3); // in current: every call takes the cold branch
inline bool is_table(const hotgraft_table *word) noexcept {
    return reinterpret_cast<std::uintptr_t>(word) >= 16;
}

class alignas(64) Slot {
public:
    explicit Slot(std::string name);
    Slot(const Slot &) = delete;
    Slot &operator=(const Slot &) = delete;

    // For hotgraft_import.slot; a Slot's first member, so that the pointer leads back (from_words).
    [[nodiscard]] hotgraft_slot *words() noexcept { return &words_; }
    [[nodiscard]] static Slot &from_words(hotgraft_slot *words) noexcept { return *reinterpret_cast<Slot *>(words); }

    [[nodiscard]] const std::string &name() const noexcept { return name_; } // "gain/1"

    // The table of the generation that serves, also while the gate is closed; nullptr when there is none.
    [[nodiscard]] const hotgraft_table *held() const noexcept {
        return held_.load(std::memory_order_seq_cst); // pairs with store(), and with hold_behind_gate()
    }
    // That generation's number, 0 when there is none. Unlike held()->generation it may be read without owning the
    // table.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_relaxed); }
    // The same with the interface's version, of one table; version 0: it is being replaced this very moment.
    struct Served {
        std::uint64_t generation = 0;
        std::uint32_t version = 0; // major << 16 | minor
    };
    [[nodiscard]] Served served() const noexcept;
    // Bytes of the longest interface struct ever published here: what the next Table must be padded to at least.
    [[nodiscard]] std::uint32_t padded_bytes() const noexcept { return padded_bytes_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool is_gated() const noexcept { return check() == kMarkGate; }

    // Write 1 to `eventfd` once, when this slot opens next. False, with errno: no memory or no fd. See wakers.hpp for
    // what the caller must do between this and waiting.
    [[nodiscard]] bool notify_when_open(int eventfd) noexcept { return wakers_.add(eventfd); }

    // Who waits at its closed gate, and how many may.
    [[nodiscard]] GateQueue &queue() noexcept { return queue_; }
    [[nodiscard]] const GateQueue &queue() const noexcept { return queue_; }

    // --- for the guard part ---

    // The truth. seq_cst: pairs with the seq_cst store in store() and close(), for the cold path's announce-then-look.
    [[nodiscard]] const hotgraft_table *check() const noexcept {
        return __atomic_load_n(&words_.check, __ATOMIC_SEQ_CST);
    }
    // Hold and open on `next` (nullptr: no table). `warm` false keeps callers in the cold branch. wake() is to follow.
    void store(const hotgraft_table *next, bool warm) noexcept;
    // Close the gate for the swap that `block` describes; held() stays.
    void close(GateBlock *block) noexcept;
    // Hold another one than before, while the gate is closed.
    void hold_behind_gate(const hotgraft_table *table) noexcept;
    // Open on the held table again. wake() is to follow.
    void reopen(bool warm) noexcept;
    // Let waiters look again: apart from opening, so that a set's slots open close together.
    void wake() noexcept;

    [[nodiscard]] GateBlock *gate() const noexcept {
        return gate_.load(std::memory_order_acquire); // pairs with close()
    }
    // What a waiter reads before check().
    [[nodiscard]] std::uint32_t sequence() const noexcept {
        return sequence_.load(std::memory_order_acquire); // pairs with wake()
    }
    // Sleep until the sequence is no longer `seen`, a signal arrived, or for no reason at all.
    void wait(std::uint32_t seen) noexcept;
    // In a forked child: nobody waits any more. Elsewhere a count too high would only cost a wake.
    void reset_waiters() noexcept {
        waiters_.store(0, std::memory_order_relaxed);
        queue_.empty();
    }
    [[nodiscard]] std::uint32_t waiters() const noexcept { return waiters_.load(std::memory_order_relaxed); }

private:
    void set_words(const hotgraft_table *next, bool warm) noexcept;
    void note_served(const hotgraft_table *table) noexcept;

    hotgraft_slot words_;
    std::atomic<const hotgraft_table *> held_{nullptr};
    std::atomic<std::uint64_t> generation_{0};
    std::atomic<std::uint32_t> padded_bytes_{0};
    std::atomic<std::uint32_t> version_{0};
    std::atomic<GateBlock *> gate_{nullptr};
    // Waiters write these while callers of an open slot read the words above: a line of their own.
    alignas(64) std::atomic<std::uint32_t> sequence_{0};
    std::atomic<std::uint32_t> waiters_{0};
    GateQueue queue_;
    Wakers wakers_;
    std::string name_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_SLOT_HPP
