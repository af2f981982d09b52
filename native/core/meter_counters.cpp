#include "meter_counters.hpp"

#include "futex.hpp"

namespace hotgraft {

static_assert(offsetof(HotCounters, calls) == sizeof(hotgraft_counts), "hotgraft_counter(): guard protocol 2");

namespace {

std::int64_t load_word(const std::int64_t &word) noexcept {
    return __atomic_load_n(&word, __ATOMIC_ACQUIRE); // pairs with add_to()
}

// One instruction, as call.h's count: a handler's guard falls before or after it.
void add_to(std::int64_t &word, std::int64_t amount) noexcept {
#if defined(HOTGRAFT_FOR_THREAD_SANITIZER)
    __atomic_fetch_add(&word, amount, __ATOMIC_RELEASE); // pairs with count()
#else
    __asm__ volatile("addq %1, %0" : "+m"(word) : "r"(amount) : "cc", "memory"); // a release; pairs with count()
#endif
}

} // namespace

std::int64_t Counters::count(std::uint32_t meter) const noexcept {
    for (Backoff backoff;; backoff.pause()) {
        const std::uint32_t before = cold_.sequence.load(std::memory_order_acquire); // pairs with the end of move_to()
        const std::int64_t short_of = cold_.short_of[meter].load(std::memory_order_acquire); // pairs with move_to()
        const std::int64_t word = load_word(hot_.calls[meter]);
        // Acquire above: whoever saw something moved sees that the sequence was odd.
        if (before % 2 == 0 && cold_.sequence.load(std::memory_order_relaxed) == before) {
            return short_of + word;
        }
    }
}

bool Counters::move_to(std::uint32_t meter, std::int64_t word) noexcept {
    const std::uint32_t sequence = cold_.sequence.load(std::memory_order_relaxed);
    if (sequence % 2 != 0) {
        cold_.epoch = 0; // what was asked for is made up for at the next cold enter
        return false;
    }
    const std::int64_t short_of = cold_.short_of[meter].load(std::memory_order_relaxed);
    const std::int64_t before = load_word(hot_.calls[meter]);
    cold_.meter = meter;
    cold_.total = short_of + before;
    const std::int64_t by = word == kNotArmed ? short_of : word - before;
    if (by == 0) {
        return true;
    }
    cold_.sequence.store(sequence + 1, std::memory_order_relaxed);
    cold_.short_of[meter].store(short_of - by, std::memory_order_release); // after the odd sequence; pairs with count()
    add_to(hot_.calls[meter], by);
    cold_.sequence.store(sequence + 2, std::memory_order_release); // pairs with count()
    return true;
}

void Counters::repair() noexcept {
    const std::uint32_t sequence = cold_.sequence.load(std::memory_order_relaxed);
    if (sequence % 2 != 0) {
        cold_.short_of[cold_.meter].store(cold_.total - load_word(hot_.calls[cold_.meter]), std::memory_order_relaxed);
        cold_.sequence.store(sequence + 1, std::memory_order_relaxed);
    }
}

} // namespace hotgraft
