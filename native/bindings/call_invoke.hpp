// The register-file call: one C function type for every signature of integers, pointers and floating-point numbers.
//
// System V AMD64: integers and pointers go to six registers, floating-point numbers to eight, in the order of their
// class; the rest to stack words in order. A callee that declares fewer never looks at the surplus registers, and stack
// words belong to the caller, who takes them away again. So a function called with more than it declares, each argument
// in its place, cannot tell. The result comes back in rax or in xmm0; a struct of an integer and a double is returned
// in both, so asking for it reads whichever was meant. The compiler writes the call itself: alignment of the stack and
// unwind tables are right by construction, which hand-written assembly would have to earn.
//
// Source: System V ABI, AMD64 supplement 1.0, 3.2.3; compared with libffi in tests/unit/test_call_signatures.py.
#ifndef HOTGRAFT_BINDINGS_CALL_INVOKE_HPP
#define HOTGRAFT_BINDINGS_CALL_INVOKE_HPP

#include "call_function.hpp"

#if !defined(__x86_64__) || !defined(__linux__)
#error "the register-file call is written for the System V AMD64 calling convention"
#endif

namespace hotgraft {

// rax and xmm0 after the call: the function's result is in one of them, the other is rubbish.
struct Returned {
    std::uint64_t word;
    double real;
};

using Word = std::uint64_t;

inline Returned invoke_integers(const void *function, const RegisterFile &r) {
    using Callee = Returned (*)(Word, Word, Word, Word, Word, Word);
    return reinterpret_cast<Callee>(const_cast<void *>(function))(r.integer[0], r.integer[1], r.integer[2],
                                                                  r.integer[3], r.integer[4], r.integer[5]);
}

// Whatever else there is, by `reach`.
Returned invoke_further(const void *function, const RegisterFile &registers, Reach reach);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_INVOKE_HPP
