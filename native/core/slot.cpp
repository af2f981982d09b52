// The slot's two words and their order. Each store here is the swapper's half of a rule in tests/model.
#include "slot.hpp"

#include <cstring>
#include <type_traits>
#include <utility>

#include "futex.hpp"

namespace hotgraft {

static_assert(std::is_standard_layout_v<Slot>, "from_words() relies on words_ being first");
static_assert(sizeof(Slot) % 64 == 0, "no two slots share a line");

Slot::Slot(std::string name) : words_{kMarkCold, kMarkNone}, name_(std::move(name)) {}

void Slot::set_words(const hotgraft_table *next, bool warm) noexcept {
    const hotgraft_table *const truth = next != nullptr ? next : kMarkNone;
    const hotgraft_table *const hint = next != nullptr && warm ? next : kMarkCold; // invariant (1)
    __atomic_store_n(&words_.check, truth, __ATOMIC_SEQ_CST);  // pairs with check() and the acquire in hotgraft_enter
    __atomic_store_n(&words_.current, hint, __ATOMIC_RELEASE); // pairs with hotgraft_enter; after check: invariant (2)
}

void Slot::note_served(const hotgraft_table *table) noexcept {
    version_.store(0, std::memory_order_seq_cst); // until both are there: pairs with served()
    generation_.store(table != nullptr ? table->generation : 0, std::memory_order_seq_cst); // pairs with served()
    version_.store(table != nullptr ? table->version : 0, std::memory_order_seq_cst);       // pairs with served()
}

Slot::Served Slot::served() const noexcept {
    for (;;) {
        const std::uint64_t generation = generation_.load(std::memory_order_seq_cst); // pairs with note_served()
        const std::uint32_t version = version_.load(std::memory_order_seq_cst);       // pairs with note_served()
        if (generation_.load(std::memory_order_seq_cst) == generation) {              // pairs with note_served()
            return {generation, version};
        }
    }
}

void Slot::store(const hotgraft_table *next, bool warm) noexcept {
    held_.store(next, std::memory_order_release); // pairs with held()
    note_served(next);
    if (next != nullptr) {
        std::uint32_t offered = 0;
        std::memcpy(&offered, next + 1, sizeof offered); // the interface struct's own struct_size
        if (offered > padded_bytes()) {
            padded_bytes_.store(offered, std::memory_order_relaxed);
        }
    }
    set_words(next, warm);
}

void Slot::close(GateBlock *block) noexcept {
    gate_.store(block, std::memory_order_release); // pairs with gate()
    __atomic_store_n(&words_.check, kMarkGate,
                     __ATOMIC_SEQ_CST); // pairs with check(); the caller's barrier does the rest
}

void Slot::reopen(bool warm) noexcept {
    set_words(held(), warm);
}

void Slot::hold_behind_gate(const hotgraft_table *table) noexcept {
    held_.store(table, std::memory_order_seq_cst); // pairs with held(), where a thread that passes looks again
    note_served(table);
}

void Slot::wake() noexcept {
    // seq_cst: pairs with wait(). Either the waiter is counted here, or it finds the sequence moved and does not sleep.
    sequence_.fetch_add(1, std::memory_order_seq_cst);
    if (waiters_.load(std::memory_order_seq_cst) != 0) {
        futex_wake_all(sequence_);
    }
    wakers_.tell_all();
}

void Slot::wait(std::uint32_t seen) noexcept {
    waiters_.fetch_add(1, std::memory_order_seq_cst); // pairs with wake()
    futex_wait(sequence_, seen);
    waiters_.fetch_sub(1, std::memory_order_relaxed);
}

} // namespace hotgraft
