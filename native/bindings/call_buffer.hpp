// Buffers: held through the buffer protocol for the time of one call, checked against what the function declares,
// never copied.
#ifndef HOTGRAFT_BINDINGS_CALL_BUFFER_HPP
#define HOTGRAFT_BINDINGS_CALL_BUFFER_HPP

#include "call_function.hpp"
#include "call_path.hpp"

namespace hotgraft {

// A held buffer is released by hand, not by a destructor: a thread that CPython ends while it wants the GIL back is
// unwound, and would then release it without the GIL.

// Nothing is held: NULL in `word`. True for None where the pointer is nullable; else the exporter's complaint, with the
// parameter's name.
bool is_absent(const Function &function, const Parameter &parameter, PyObject *object, std::uint64_t *word,
               Py_buffer &view);
// `view` is held and not the plain case; its address, or nullptr with an exception set.
void *unusual_address(const Function &function, const Parameter &parameter, const Py_buffer &view);
// The buffer of `view` has fewer than `count` elements: false with an exception set.
bool too_short(const Function &function, const Parameter &parameter, const Py_buffer &view, std::uint64_t count);

// Hold the buffer of `object` in `view` and write its address to `word`. False with an exception set. Whatever it
// answers, `view` may be let go: what is not held has no exporter. This and let_go are what PyObject_GetBuffer and
// PyBuffer_Release do (CPython 3.11 to 3.13, Objects/abstract.c), without the way there: it costs as much as the guard.
inline bool hold_buffer(const Function &function, const Parameter &parameter, PyObject *object, std::uint64_t *word,
                        Py_buffer &view) {
    const PyBufferProcs *const exporter = Py_TYPE(object)->tp_as_buffer;
    if (__builtin_expect(exporter == nullptr || exporter->bf_getbuffer == nullptr, 0) ||
        __builtin_expect(exporter->bf_getbuffer(object, &view, parameter.request) != 0, 0)) {
        return is_absent(function, parameter, object, word, view);
    }
    const char *const format = view.format;
    const std::uint64_t address = reinterpret_cast<std::uint64_t>(view.buf);
    const bool is_plain = format != nullptr && format[0] == parameter.format && format[1] == '\0' &&
                          (address & parameter.misalignment) == 0 && address != 0;
    if (__builtin_expect(is_plain, 1)) {
        *word = address;
        return true;
    }
    *word = reinterpret_cast<std::uint64_t>(unusual_address(function, parameter, view));
    return *word != 0;
}

inline void let_go(Py_buffer &view) {
    PyObject *const owner = view.obj;
    if (__builtin_expect(owner == nullptr, 0)) {
        return;
    }
    const PyBufferProcs *const exporter = Py_TYPE(owner)->tp_as_buffer;
    if (exporter != nullptr && exporter->bf_releasebuffer != nullptr) {
        exporter->bf_releasebuffer(owner, &view);
    }
    Py_DECREF(owner);
}

// Does the buffer have `count` elements? Extended to 64 bits a negative count is a very large one. False with an
// exception set.
inline bool check_length(const Function &function, const Parameter &parameter, const Py_buffer &view,
                         std::uint64_t count) {
    std::uint64_t needed = 0;
    if (__builtin_expect(!__builtin_mul_overflow(count, parameter.element_bytes, &needed) &&
                             needed <= static_cast<std::uint64_t>(view.len),
                         1)) {
        return true;
    }
    return view.obj == nullptr || too_short(function, parameter, view, count); // NULL is allowed and has no length
}

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_BUFFER_HPP
