// What comes back: boxed after the guard is left. A pointer is taken care of inside it.
#ifndef HOTGRAFT_BINDINGS_CALL_RESULT_HPP
#define HOTGRAFT_BINDINGS_CALL_RESULT_HPP

#include <cstring>

#include "call_errors.hpp"
#include "call_invoke.hpp"

namespace hotgraft {

// A pointer result between the guard and Python: a copy of what it pointed to, or a lease on it.
struct TakenPointer {
    enum class Fault { kNone, kNoMemory, kBadCount };
    const void *address = nullptr; // nullptr: the function returned NULL
    std::uint64_t bytes = 0;
    void *copy = nullptr; // malloc'ed
    void *lease = nullptr;
    Fault fault = Fault::kNone;
    std::int64_t bad_count = 0;
};

// Inside the guard, with or without the GIL. `count_out` is what a kCountOut parameter pointed to.
TakenPointer take_pointer(const Function &function, const hotgraft_table *table, const RegisterFile &registers,
                          const void *address, std::uint64_t count_out);
// After it, with the GIL.
PyObject *box_pointer(const Cell &cell, TakenPointer &taken, std::uint64_t generation);

int make_lease_type();

// `returned` by the function's declared result: status, void, integer, real.
inline PyObject *box_scalar(const Cell &cell, const Returned &returned, std::uint64_t generation) {
    const Result &result = cell.function->result;
    switch (result.kind) {
    case Result::Kind::kSigned:
        return PyLong_FromLongLong(static_cast<std::int64_t>(returned.word << result.shift) >> result.shift);
    case Result::Kind::kUnsigned:
        return PyLong_FromUnsignedLongLong(returned.word << result.shift >> result.shift);
    case Result::Kind::kFloat64:
        return PyFloat_FromDouble(returned.real);
    case Result::Kind::kFloat32: {
        float narrow = 0; // in the low half of the register
        std::memcpy(&narrow, &returned.real, sizeof(narrow));
        return PyFloat_FromDouble(static_cast<double>(narrow));
    }
    case Result::Kind::kStatus: {
        const std::int32_t status = static_cast<std::int32_t>(static_cast<std::uint32_t>(returned.word));
        if (__builtin_expect(status != 0, 0)) {
            return status < 0 ? plugin_failed(cell, status, generation) : PyLong_FromLong(status);
        }
        break;
    }
    default:
        break;
    }
    Py_RETURN_NONE;
}

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_RESULT_HPP
