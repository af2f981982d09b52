// What differs between CPython 3.11, 3.12 and 3.13, and nothing else.
#ifndef HOTGRAFT_BINDINGS_CALL_PYTHON_HPP
#define HOTGRAFT_BINDINGS_CALL_PYTHON_HPP

#include "call_path.hpp"

namespace hotgraft {

// The value of an exact int that fits one digit, which is nearly every int there is. False: look further.
inline bool take_compact(PyObject *object, std::int64_t *value) {
    if (!PyLong_CheckExact(object)) {
        return false;
    }
#if PY_VERSION_HEX >= 0x030C0000
    const PyLongObject *const number = reinterpret_cast<PyLongObject *>(object);
    if (!PyUnstable_Long_IsCompact(number)) {
        return false;
    }
    *value = PyUnstable_Long_CompactValue(number);
#else
    const Py_ssize_t size = Py_SIZE(object); // digits, negative for a negative number
    if (size < -1 || size > 1) {
        return false;
    }
    // Zero has a digit too (longobject.c, medium_value).
    *value = size * static_cast<std::int64_t>(reinterpret_cast<PyLongObject *>(object)->ob_digit[0]);
#endif
    return true;
}

// The Python thread state that is attached to the calling thread, NULL if none is: does this thread hold the GIL?
//
// 3.13 has a function for just that, 3.12 the same one under a private name: both read a thread-local word. On 3.11
// the private function of that name answers the state of whichever thread holds the GIL, so it must be compared with
// this thread's own; PyGILState_Check does so too, but claims "yes" for every thread once a sub-interpreter was made.
inline PyThreadState *attached_state() {
#if PY_VERSION_HEX >= 0x030D0000
    return PyThreadState_GetUnchecked();
#elif PY_VERSION_HEX >= 0x030C0000
    return _PyThreadState_UncheckedGet();
#else
    PyThreadState *const own = PyGILState_GetThisThreadState();
    return own != nullptr && own == _PyThreadState_UncheckedGet() ? own : nullptr;
#endif
}

inline bool is_finalizing() {
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing() != 0;
#else
    return _Py_IsFinalizing() != 0;
#endif
}

// Attach `state` again. Once the interpreter is going away a thread that is not the one that ends it never returns from
// here: up to 3.13 CPython would unwind it with pthread_exit, through frames of plugins that never expected it; it
// sleeps instead, as from 3.14 on, until the process is gone (CPython issue 87135).
void attach(PyThreadState *state);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_PYTHON_HPP
