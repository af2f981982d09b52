// The shape that is left of short signatures: up to five parameters of any class, mixed as their author liked.
//
// Which class each has is asked at run time, but without a loop, and the registers that are filled are those that so
// many parameters can reach: a call passes N integers behind `self` and N reals, and what is surplus is zero, as the
// register-file call does (call_bodies_any.cpp).
#include <utility>

#include "call_bodies.hpp"
#include "call_buffer.hpp"
#include "call_convert.hpp"
#include "call_guarded.hpp"

namespace hotgraft {
namespace {

// The head of a RegisterFile, so that a parameter's place is good for both.
template <std::size_t N> struct Few {
    Word integer[RegisterFile::kIntegers];
    double real[N];
};

template <std::size_t N> inline Word *word_at(Few<N> &few, const Parameter &parameter) {
    static_assert(offsetof(Few<N>, real) == offsetof(RegisterFile, real) && N < RegisterFile::kIntegers);
    return reinterpret_cast<Word *>(reinterpret_cast<char *>(&few) + parameter.place);
}

// Held buffers by parameter; nothing where there are none.
template <std::size_t N, bool HasBuffers> struct Views {
    std::size_t considered = 0; // those before this one may be let go
    Py_buffer view[N];
};
template <std::size_t N> struct Views<N, false> {};

template <std::size_t Index, std::size_t N, bool HasBuffers>
inline bool take(const Cell &cell, const Parameter &parameter, PyObject *argument, Few<N> &few,
                 Views<N, HasBuffers> &views) {
    Word *const word = word_at(few, parameter);
    if (parameter.kind == Parameter::Kind::kInteger) {
        return take_integer(*cell.function, parameter, argument, word);
    }
    if constexpr (HasBuffers) {
        if (parameter.kind == Parameter::Kind::kBuffer) {
            views.considered = Index + 1;
            return hold_buffer(*cell.function, parameter, argument, word, views.view[Index]);
        }
    }
    return take_real(*cell.function, parameter, argument, word);
}

template <std::size_t Index, std::size_t N>
inline bool is_long_enough(const Cell &cell, const Parameter *parameters, Few<N> &few, const Views<N, true> &views) {
    const Parameter &parameter = parameters[Index];
    if (parameter.kind != Parameter::Kind::kBuffer) {
        return true;
    }
    const Word count = parameter.counted_by >= 0 ? *word_at(few, parameters[parameter.counted_by]) : parameter.count;
    return check_length(*cell.function, parameter, views.view[Index], count);
}

template <std::size_t Index, std::size_t N> inline void release(const Parameter &parameter, Views<N, true> &views) {
    if (parameter.kind == Parameter::Kind::kBuffer && Index < views.considered) {
        let_go(views.view[Index]);
    }
}

// One type for each index.
template <std::size_t> using WordAt = Word;
template <std::size_t> using RealAt = double;

template <std::size_t... Index>
inline PyObject *call(const Cell &cell, PyObject *const *args, const Few<sizeof...(Index)> &few,
                      std::index_sequence<Index...>) {
    return call_guarded<Returns::kOther, sizeof...(Index)>(cell, args, [&few](const void *function, void *self) {
        return as<Returned (*)(void *, WordAt<Index>..., RealAt<Index>...)>(function)(self, few.integer[1 + Index]...,
                                                                                      few.real[Index]...);
    });
}

template <bool HasBuffers, std::size_t... Index>
inline PyObject *run(const Cell &cell, PyObject *const *args, std::index_sequence<Index...> sequence) {
    constexpr std::size_t kCount = sizeof...(Index);
    const Parameter *const parameters = cell.function->parameters.data();
    Few<kCount> few;
    Views<kCount, HasBuffers> views;
    ((few.integer[1 + Index] = 0, few.real[Index] = 0), ...);
    PyObject *result = nullptr;
    bool is_taken = (take<Index>(cell, parameters[Index], args[Index], few, views) && ...);
    if constexpr (HasBuffers) {
        is_taken = is_taken && (is_long_enough<Index>(cell, parameters, few, views) && ...);
    }
    if (__builtin_expect(is_taken, 1)) {
        result = call(cell, args, few, sequence);
    }
    if constexpr (HasBuffers) {
        (release<Index>(parameters[Index], views), ...);
    }
    return result;
}

} // namespace

template <std::size_t N, bool HasBuffers> PyObject *run_few(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    return __builtin_expect(count == static_cast<Py_ssize_t>(N), 1)
               ? run<HasBuffers>(cell, args, std::make_index_sequence<N>())
               : wrong_argument_count(cell, count);
}

#define HOTGRAFT_FEW(N)                                                                                                \
    template PyObject *run_few<N, false>(const Cell &, PyObject *const *, Py_ssize_t);                                 \
    template PyObject *run_few<N, true>(const Cell &, PyObject *const *, Py_ssize_t)

HOTGRAFT_FEW(3);
#ifndef __clang_analyzer__ // see call_bodies.hpp
HOTGRAFT_FEW(2);
HOTGRAFT_FEW(4);
HOTGRAFT_FEW(5);
#endif

} // namespace hotgraft
