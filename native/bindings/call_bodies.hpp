// What a thunk runs: one function per call shape, from Python arguments to a Python result.
//
// The order is the same in all: convert and hold arguments, enter, look whether the function is offered, call, leave,
// box. Nothing that can run Python or wait lies between enter and leave.
#ifndef HOTGRAFT_BINDINGS_CALL_BODIES_HPP
#define HOTGRAFT_BINDINGS_CALL_BODIES_HPP

#include <cstddef>

#include "call_object.hpp"

namespace hotgraft {

// Any signature.
PyObject *run_any(const Cell &cell, PyObject *const *args, Py_ssize_t count);
PyObject *run_any_of_one(const Cell &cell, PyObject *argument);
PyObject *run_any_of_none(const Cell &cell);
// The seam "arguments not extended": as run_any, with rubbish above each narrow integer.
PyObject *run_dirty(const Cell &cell, PyObject *const *args, Py_ssize_t count);

// Scalar result, no argument, or one to three of one class.
PyObject *run_none(const Cell &cell);
PyObject *run_integer(const Cell &cell, PyObject *argument);
PyObject *run_real(const Cell &cell, PyObject *argument);
template <std::size_t N> PyObject *run_integers(const Cell &cell, PyObject *const *args, Py_ssize_t count);
template <std::size_t N> PyObject *run_reals(const Cell &cell, PyObject *const *args, Py_ssize_t count);
extern template PyObject *run_integers<2>(const Cell &, PyObject *const *, Py_ssize_t);
extern template PyObject *run_integers<3>(const Cell &, PyObject *const *, Py_ssize_t);
extern template PyObject *run_reals<2>(const Cell &, PyObject *const *, Py_ssize_t);
extern template PyObject *run_reals<3>(const Cell &, PyObject *const *, Py_ssize_t);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_BODIES_HPP
