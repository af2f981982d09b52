// The part of a call between enter and leave, for functions that return a scalar.
#ifndef HOTGRAFT_BINDINGS_CALL_GUARDED_HPP
#define HOTGRAFT_BINDINGS_CALL_GUARDED_HPP

#include <cstring>

#include <hotgraft/call.h>

#include "call_result.hpp"
#include "meter.hpp"
#include "table.hpp"

namespace hotgraft {

// Enter through the cell. This thread's record is found without it, for its offset is one and the same for all imports
// of this process: through handle, cell and import the loads in front of the announcement came to a quarter of a whole
// call's time (Zen 4), at the same number of instructions.
inline const hotgraft_table *enter(const Cell &cell, hotgraft_guard *guard) {
    return hotgraft_enter_on(&cell.import, hotgraft_record_at(kRecordOffset), guard);
}

// What the table has at the cell's place: the function, or the stub.
inline const void *function_in(const hotgraft_table *table, const Cell &cell) {
    const void *function = nullptr;
    std::memcpy(&function, reinterpret_cast<const char *>(table) + cell.table_offset, sizeof(function));
    return function;
}

inline bool is_stub(const void *function) {
    return __builtin_expect(function == reinterpret_cast<const void *>(&table_stub), 0);
}

// A status that says the call failed is counted while the table's meter is there for certain.
inline void note_error(const Cell &cell, const hotgraft_table *table, Returned returned) {
    if (cell.function->result.kind == Result::Kind::kStatus &&
        __builtin_expect(static_cast<std::int32_t>(static_cast<std::uint32_t>(returned.word)) < 0, 0)) {
        Meters::instance().of(table)->count_error();
    }
}

// Give up the guard, then box. The table may go once the guard is left, so what an error will say is read before.
template <Returns R>
inline PyObject *leave_and_box(const Cell &cell, const hotgraft_guard &guard, const hotgraft_table *table,
                               Returned returned) {
    if constexpr (R == Returns::kInt64) {
        hotgraft_leave(&guard);
        return PyLong_FromLongLong(static_cast<std::int64_t>(returned.word));
    } else if constexpr (R == Returns::kReal64) {
        hotgraft_leave(&guard);
        return PyFloat_FromDouble(returned.real);
    } else {
        if (R == Returns::kStatus && __builtin_expect(static_cast<std::uint32_t>(returned.word) == HOTGRAFT_OK, 1)) {
            hotgraft_leave(&guard);
            Py_RETURN_NONE;
        }
        const std::uint64_t generation = table->generation;
        note_error(cell, table, returned);
        hotgraft_leave(&guard);
        return box_scalar(cell, returned, generation);
    }
}

PyObject *leave_stub(const Cell &cell, const hotgraft_guard &guard, const hotgraft_table *table);

// What the cold branch came to, in two registers so that the short way spills nothing for it.
struct ColdEntered {
    const hotgraft_table *table;
    void *word; // the record whose newest entry is the guard; without a table, what refused() answered
};
__attribute__((noinline, cold)) ColdEntered enter_cold(const Cell &cell, PyObject *const *args);

__attribute__((noinline, cold)) ColdEntered enter_cold_with_one(const Cell &cell, PyObject *argument);

// Where so many arguments lie before what is handed on as `args`, which was moved past them.
inline constexpr std::size_t kTaken = ~std::size_t{0};

// Nobody needs the address of a single argument on the short way.
template <std::size_t N> inline ColdEntered enter_cold_with(const Cell &cell, PyObject *const *args) {
    if constexpr (N == 1) {
        return enter_cold_with_one(cell, args[0]);
    } else {
        return enter_cold(cell, N == kTaken ? args - cell.function->arguments : args);
    }
}

// hotgraft_enter_on(), step by step, with another cold branch: that one is handed the arguments, for a call that is
// made anew. Kept beyond it they would take a register that every call saves and restores. nullptr: *answer is the
// call's.
template <std::size_t N>
HOTGRAFT_ALWAYS_INLINE const hotgraft_table *enter(const Cell &cell, PyObject *const *args, hotgraft_guard *guard,
                                                   PyObject **answer) {
    hotgraft_record *record = hotgraft_record_at(kRecordOffset);
    hotgraft_slot *const slot = cell.import.slot;
    std::uint64_t depth = __atomic_load_n(&record->depth, __ATOMIC_RELAXED);
    const hotgraft_table *table = nullptr;
    bool is_warm = false;
    if (__builtin_expect(hotgraft_has_room(record, depth), 1)) {
        table = __atomic_load_n(&slot->current, __ATOMIC_ACQUIRE); // pairs with publish
        hotgraft_raise_depth(record, depth);
        hotgraft_announce(record, depth, table);
        // The announcement comes first, then the look: pairs with the membarrier of close.
        is_warm = hotgraft_is_still(slot, table) != 0;
        if (__builtin_expect(!is_warm, 0)) {
            hotgraft_retract(record, depth);
        }
    }
    if (__builtin_expect(!is_warm, 0)) {
        const ColdEntered entered = enter_cold_with<N>(cell, args);
        if (entered.table == nullptr) {
            *answer = static_cast<PyObject *>(entered.word);
            return nullptr;
        }
        table = entered.table;
        record = static_cast<hotgraft_record *>(entered.word);
        depth = __atomic_load_n(&record->depth, __ATOMIC_RELAXED) - 1u;
    }
    if (__builtin_expect(hotgraft_count(record, table->meter), 0)) {
        depth = hotgraft_counts_of(record)->reached(record, depth);
        // Read anew, so that the table needs no register that outlives a call.
        table = __atomic_load_n(&record->entry[static_cast<std::uint32_t>(depth)], __ATOMIC_RELAXED);
    }
    guard->record = record;
    guard->depth = depth;
    if (table == nullptr) {
        __builtin_unreachable(); // a slot's first word is a table or a mark, never NULL
    }
    return table;
}

// Enter, `call(function, self)`, leave, box. `args`: N of them, or kTaken, for a call that is to be made anew.
template <Returns R, std::size_t N, typename Call>
inline PyObject *call_guarded(const Cell &cell, PyObject *const *args, Call call) {
    hotgraft_guard guard;
    PyObject *answer = nullptr;
    const hotgraft_table *const table = enter<N>(cell, args, &guard, &answer);
    if (__builtin_expect(table == nullptr, 0)) {
        return answer;
    }
    const void *const function = function_in(table, cell);
    if (is_stub(function)) {
        return leave_stub(cell, guard, table);
    }
    return leave_and_box<R>(cell, guard, table, call(function, table->self));
}

template <typename Callee> inline Callee as(const void *function) {
    return reinterpret_cast<Callee>(const_cast<void *>(function));
}

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_GUARDED_HPP
