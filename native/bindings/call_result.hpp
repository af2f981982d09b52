// What comes back: boxed after the guard is left. A pointer is taken care of inside it.
#ifndef HOTGRAFT_BINDINGS_CALL_RESULT_HPP
#define HOTGRAFT_BINDINGS_CALL_RESULT_HPP

#include <hotgraft/status.h>

#include "call_errors.hpp"
#include "call_invoke.hpp"

namespace hotgraft {

// A pointer result between the guard and Python: a copy of what it pointed to, or a lease on it. Filled where it lies.
struct TakenPointer {
    enum class Fault { kNone, kNoMemory, kBadCount };
    TakenPointer() noexcept {} // `few` stays as it is
    TakenPointer(const TakenPointer &) = delete;
    TakenPointer &operator=(const TakenPointer &) = delete;

    const void *address = nullptr; // nullptr: the function returned NULL
    std::uint64_t bytes = 0;
    void *copy = nullptr; // `few`, or malloc'ed
    void *lease = nullptr;
    Fault fault = Fault::kNone;
    std::int64_t bad_count = 0;
    char few[96]; // most texts are short
};

// Inside the guard, with or without the GIL. `count_out` is what a kCountOut parameter pointed to.
void take_pointer(const Function &function, const hotgraft_table *table, const RegisterFile &registers,
                  const void *address, std::uint64_t count_out, TakenPointer &taken);
// After it, with the GIL.
PyObject *box_pointer(const Cell &cell, TakenPointer &taken, std::uint64_t generation);

int make_lease_type();

PyObject *box_rare(const Cell &cell, Returned returned, std::uint64_t generation);

// `returned` by the function's declared result: status, void, integer, real. The likely ones first, and no switch: its
// jump table costs more than the call's own bookkeeping.
inline PyObject *box_scalar(const Cell &cell, Returned returned, std::uint64_t generation) {
    const Result &result = cell.function->result;
    if (result.kind == Result::Kind::kStatus) {
        if (__builtin_expect(static_cast<std::uint32_t>(returned.word) == HOTGRAFT_OK, 1)) {
            Py_RETURN_NONE;
        }
        return box_rare(cell, returned, generation);
    }
    if (result.kind == Result::Kind::kSigned) {
        return PyLong_FromLongLong(static_cast<std::int64_t>(returned.word << result.shift) >> result.shift);
    }
    if (result.kind == Result::Kind::kFloat64) {
        return PyFloat_FromDouble(returned.real);
    }
    return box_rare(cell, returned, generation);
}

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_RESULT_HPP
