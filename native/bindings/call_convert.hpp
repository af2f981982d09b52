// Python numbers to C numbers: the short way inline, everything unusual in call_convert.cpp.
//
// Strict: what is no integer is never made one. An int subclass or anything with __index__ is an integer (numpy's
// are); a real number may be given as anything with __float__ or __index__, and an f32 must not overflow.
#ifndef HOTGRAFT_BINDINGS_CALL_CONVERT_HPP
#define HOTGRAFT_BINDINGS_CALL_CONVERT_HPP

#include <cmath>
#include <cstring>

#include "call_function.hpp"
#include "call_python.hpp"

namespace hotgraft {

// False with an exception set: TypeError, or OverflowError that names parameter, type and value.
bool take_integer_slowly(const Function &function, const Parameter &parameter, PyObject *object, std::uint64_t *word);
bool take_real_slowly(const Function &function, const Parameter &parameter, PyObject *object, std::uint64_t *word);

// The short way: the argument extended to 64 bits by its declared type, because callees of clang rely on that (LLVM
// issue 12579). False: take the long way.
inline bool take_plain_integer(const Parameter &parameter, PyObject *object, std::uint64_t *word) {
    std::int64_t value = 0;
    if (__builtin_expect(!take_compact(object, &value), 0)) {
        return false;
    }
    *word = static_cast<std::uint64_t>(value);
    // Off the low end wraps to a large number, so one comparison tells both ends.
    return __builtin_expect(*word - static_cast<std::uint64_t>(parameter.low) <= parameter.span, 1);
}

inline bool take_integer(const Function &function, const Parameter &parameter, PyObject *object, std::uint64_t *word) {
    return take_plain_integer(parameter, object, word) || take_integer_slowly(function, parameter, object, word);
}

// The short way. False: take the long way, as for an f32 that is not finite.
inline bool take_plain_real(const Parameter &parameter, PyObject *object, std::uint64_t *word) {
    if (__builtin_expect(!PyFloat_CheckExact(object), 0)) {
        return false;
    }
    const double value = PyFloat_AS_DOUBLE(object);
    if (parameter.kind == Parameter::Kind::kFloat32) {
        const float narrow = static_cast<float>(value);
        *word = 0;
        std::memcpy(word, &narrow, sizeof(narrow));
        return __builtin_expect(std::isfinite(narrow), 1);
    }
    std::memcpy(word, &value, sizeof(value));
    return true;
}

inline bool take_real(const Function &function, const Parameter &parameter, PyObject *object, std::uint64_t *word) {
    return take_plain_real(parameter, object, word) || take_real_slowly(function, parameter, object, word);
}

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_CONVERT_HPP
