// What a thunk runs: one function per call shape, from Python arguments to a Python result.
//
// The order is the same in all: convert and hold arguments, enter, look whether the function is offered, call, leave,
// box. Nothing that can run Python or wait lies between enter and leave.
#ifndef HOTGRAFT_BINDINGS_CALL_BODIES_HPP
#define HOTGRAFT_BINDINGS_CALL_BODIES_HPP

#include <cstddef>

#include "call_object.hpp"

namespace hotgraft {

using OfNone = PyObject *(*)(const Cell &);
using OfOne = PyObject *(*)(const Cell &, PyObject *);
using OfMany = PyObject *(*)(const Cell &, PyObject *const *, Py_ssize_t);

// Any signature.
PyObject *run_any(const Cell &cell, PyObject *const *args, Py_ssize_t count);
PyObject *run_any_of_one(const Cell &cell, PyObject *argument);
PyObject *run_any_of_none(const Cell &cell);
// The same, without the GIL between enter and leave.
PyObject *run_blocking(const Cell &cell, PyObject *const *args, Py_ssize_t count);
// The same two, from which a crash in the plugin's code comes back as PluginCrashed.
PyObject *run_caught(const Cell &cell, PyObject *const *args, Py_ssize_t count);
PyObject *run_caught_blocking(const Cell &cell, PyObject *const *args, Py_ssize_t count);
// The seam "arguments not extended": as run_any, with rubbish above each narrow integer.
PyObject *run_dirty(const Cell &cell, PyObject *const *args, Py_ssize_t count);

// Scalar result; no argument, or one to three numbers of one class. IsWide: every parameter takes every short int
// (i32 and i64).
template <Returns R> PyObject *run_none(const Cell &cell);
template <Returns R, bool IsWide> PyObject *run_integer(const Cell &cell, PyObject *argument);
template <Returns R> PyObject *run_real(const Cell &cell, PyObject *argument);
template <Returns R, bool IsWide, std::size_t N>
PyObject *run_integers(const Cell &cell, PyObject *const *args, Py_ssize_t count);
template <Returns R, std::size_t N> PyObject *run_reals(const Cell &cell, PyObject *const *args, Py_ssize_t count);

// Scalar result; two to five integers and buffers: bit i of Mask says that argument i is a buffer.
// R: kStatus, which nearly all of them return, or kOther.
template <Returns R> PyObject *run_word(const Cell &cell, PyObject *argument); // one buffer
template <Returns R, std::size_t N, unsigned Mask>
PyObject *run_words(const Cell &cell, PyObject *const *args, Py_ssize_t count);

// Scalar result; two or three numbers, integers and reals mixed: bit i of Mask says that argument i is a real.
// R: kStatus, kReal64 or kOther.
template <Returns R, std::size_t N, unsigned Mask>
PyObject *run_mixed(const Cell &cell, PyObject *const *args, Py_ssize_t count);

#ifdef __clang_analyzer__ // all bodies are one source, and it takes as long over each of them
#define HOTGRAFT_MIXED_SHAPES(SHAPE) SHAPE(3, 0b011u)
#else
#define HOTGRAFT_MIXED_SHAPES(SHAPE)                                                                                   \
    SHAPE(2, 0b01u)                                                                                                    \
    SHAPE(2, 0b10u)                                                                                                    \
    SHAPE(3, 0b001u)                                                                                                   \
    SHAPE(3, 0b010u)                                                                                                   \
    SHAPE(3, 0b011u)                                                                                                   \
    SHAPE(3, 0b100u)                                                                                                   \
    SHAPE(3, 0b101u)                                                                                                   \
    SHAPE(3, 0b110u)
#endif

// Scalar result; two to five parameters of any class that all fit in registers.
template <std::size_t N, bool HasBuffers> PyObject *run_few(const Cell &cell, PyObject *const *args, Py_ssize_t count);

// The orders that there are bodies for: a buffer and its count, buffers that share one, each with its own, one with a
// number before or a further buffer behind.
#ifdef __clang_analyzer__
#define HOTGRAFT_WORD_SHAPES(SHAPE) SHAPE(3, 0b011u)
#else
#define HOTGRAFT_WORD_SHAPES(SHAPE)                                                                                    \
    SHAPE(2, 0b01u)                                                                                                    \
    SHAPE(2, 0b10u)                                                                                                    \
    SHAPE(3, 0b010u)                                                                                                   \
    SHAPE(3, 0b011u)                                                                                                   \
    SHAPE(3, 0b101u)                                                                                                   \
    SHAPE(3, 0b110u)                                                                                                   \
    SHAPE(4, 0b0101u)                                                                                                  \
    SHAPE(4, 0b0110u)                                                                                                  \
    SHAPE(4, 0b0111u)                                                                                                  \
    SHAPE(4, 0b1011u)                                                                                                  \
    SHAPE(5, 0b01010u)                                                                                                 \
    SHAPE(5, 0b10110u)                                                                                                 \
    SHAPE(5, 0b10101u)
#endif

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_BODIES_HPP
