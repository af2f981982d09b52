// The list of records and what a scan may conclude from one of them.
#include "record.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

#include "meter.hpp"

namespace hotgraft {

static_assert(sizeof(hotgraft_record) == 128, "two cache lines: guard protocol 1");
static_assert(offsetof(hotgraft_record, entry) == 8, "guard protocol 1");
static_assert(offsetof(ThreadRecord, hot) == 0, "the thread pointer's word leads to the whole record");
static_assert(offsetof(ThreadRecord, hot_counters) == sizeof(hotgraft_record), "guard protocol 2");

ThreadRecord::ThreadRecord() noexcept : hot_counters{Meters::head(), {}} {}

namespace {

const hotgraft_table *load_entry(const ThreadRecord &record, std::size_t index) noexcept {
    return __atomic_load_n(&record.hot.entry[index], __ATOMIC_SEQ_CST); // pairs with leave and the cold announcement
}

bool is_one_of(const hotgraft_table *entry, const hotgraft_table *const *tables, std::size_t count) noexcept {
    return entry != nullptr && std::find(tables, tables + count, entry) != tables + count;
}

// Most records hold nothing. Every entry is read (model rule M6), and only their sum is branched on: a scan of 64
// records takes a third of the time.
bool holds_nothing(const ThreadRecord &record) noexcept {
    std::uintptr_t sum = 0;
    for (std::size_t i = 0; i < HOTGRAFT_RECORD_ENTRIES; ++i) {
        sum |= reinterpret_cast<std::uintptr_t>(load_entry(record, i));
    }
    return sum == 0;
}

void push(std::atomic<ThreadRecord *> &head, ThreadRecord *record) noexcept {
    record->next_listed = head.load(std::memory_order_relaxed);
    while (!head.compare_exchange_weak(record->next_listed, record, std::memory_order_seq_cst, // pairs with first()
                                       std::memory_order_relaxed)) {
    }
}

} // namespace

ThreadRecord *RecordList::claim() noexcept {
    for (ThreadRecord *record = first(); record != nullptr; record = record->next_listed) {
        RecordState free = RecordState::kFree;
        if (record->state.compare_exchange_strong(free, RecordState::kOwned,
                                                  std::memory_order_acquire)) { // pairs with thread end
            return record;
        }
    }
    std::unique_ptr<ThreadRecord> made(new (std::nothrow) ThreadRecord); // listed for ever, so nobody owns it
    if (made != nullptr) {
        push(head_, made.get());
        count_.fetch_add(1, std::memory_order_relaxed);
    }
    return made.release();
}

bool holds_any(const ThreadRecord &record, const hotgraft_table *const *tables, std::size_t count) noexcept {
    if (holds_nothing(record)) {
        return false;
    }
    for (std::size_t i = 0; i < HOTGRAFT_RECORD_ENTRIES; ++i) {
        if (is_one_of(load_entry(record, i), tables, count)) {
            return true;
        }
    }
    return false;
}

bool is_inside(ThreadRecord &record, const hotgraft_table *const *tables, std::size_t count) noexcept {
    if (holds_nothing(record)) {
        return false;
    }
    bool is_jumped_over = false;
    for (std::size_t i = 0; i < HOTGRAFT_RECORD_ENTRIES; ++i) {
        if (!is_one_of(load_entry(record, i), tables, count)) {
            continue;
        }
        // A guard in force at i keeps depth above i, and depth is stored before the entry: one look at a lower depth
        // proves that at this moment no guard at i was in force. One taken later must be inside another (rule 2), and
        // that one is found on its own.
        if (__atomic_load_n(&record.hot.depth, __ATOMIC_SEQ_CST) > i) { // pairs with the announcement
            return true;
        }
        is_jumped_over = is_jumped_over || is_one_of(load_entry(record, i), tables, count);
    }
    if (is_jumped_over) {
        __atomic_store_n(&record.hot.limit, 0U, __ATOMIC_RELAXED); // a hint: the owner's next enter turns cold
    }
    return false;
}

std::uint32_t clear_jumped_over(ThreadRecord &record) noexcept {
    std::uint32_t found = 0;
    for (std::size_t i = record.hot.depth; i < HOTGRAFT_RECORD_ENTRIES; ++i) {
        if (__atomic_load_n(&record.hot.entry[i], __ATOMIC_RELAXED) != nullptr) {
            __atomic_store_n(&record.hot.entry[i], nullptr, __ATOMIC_RELEASE); // pairs with the scan
            ++found;
        }
    }
    // Before the look at what asked for the cold branch: pairs with Meters::tell_threads().
    __atomic_store_n(&record.hot.limit, std::uint32_t{HOTGRAFT_RECORD_ENTRIES}, __ATOMIC_SEQ_CST);
    return found;
}

void forget(ThreadRecord &record) noexcept {
    __atomic_store_n(&record.hot.depth, 0U, __ATOMIC_RELAXED);
    (void)clear_jumped_over(record); // at depth 0 that is every entry
    record.older = nullptr;
    record.root = nullptr;
    record.carries_out = 0;
    record.counters().repair();
    record.refusal = Refusal::kNothing;
    record.catches = nullptr;
    record.registered_by.store(0, std::memory_order_seq_cst); // pairs with who looks for threads that were not joined
    record.tid.store(0, std::memory_order_relaxed);
    record.state.store(RecordState::kFree, std::memory_order_release); // pairs with claim()
}

} // namespace hotgraft
