// Buffers: held through the buffer protocol for the time of one call, checked against what the function declares,
// never copied.
#ifndef HOTGRAFT_BINDINGS_CALL_BUFFER_HPP
#define HOTGRAFT_BINDINGS_CALL_BUFFER_HPP

#include "call_function.hpp"
#include "call_path.hpp"

namespace hotgraft {

// The buffers of one call. Not RAII on purpose: a thread that CPython ends while it wants the GIL back is unwound, and
// a destructor would then release buffers without the GIL.
struct HeldBuffers {
    Py_buffer view[kMaxParameters]; // the first `count` are held
    const Parameter *parameter[kMaxParameters];
    std::uint32_t count = 0;
};

// Hold the buffer of `object` and write its address to the parameter's place. False with an exception set.
bool hold_buffer(const Function &function, const Parameter &parameter, PyObject *object, RegisterFile &registers,
                 HeldBuffers &held);

// Once all arguments are in `registers`: is each buffer as long as its count says? False with an exception set.
bool check_lengths(const Function &function, const RegisterFile &registers, const HeldBuffers &held);

inline void release(HeldBuffers &held) {
    for (std::uint32_t index = 0; index < held.count; ++index) {
        PyBuffer_Release(&held.view[index]);
    }
}

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_BUFFER_HPP
