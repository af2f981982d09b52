// The shape of functions that work on buffers: up to five integers and pointers, which all fit in registers.
#include <utility>

#include "call_bodies.hpp"
#include "call_buffer.hpp"
#include "call_convert.hpp"
#include "call_guarded.hpp"

namespace hotgraft {
namespace {

// Bit i of Mask: argument i is a buffer. Known when compiled, so that nothing is asked twice.
template <unsigned Mask> constexpr bool is_buffer(std::size_t index) {
    return (Mask >> index & 1u) != 0;
}

template <std::size_t N> struct Arguments {
    Word word[N];
    Py_buffer view[N]; // of those that are buffers
};

template <unsigned Mask, std::size_t Index, std::size_t N>
inline bool take_word(const Cell &cell, const Parameter &parameter, PyObject *argument, Arguments<N> &taken) {
    if constexpr (is_buffer<Mask>(Index)) {
        return hold_buffer(*cell.function, parameter, argument, &taken.word[Index], taken.view[Index]);
    } else {
        return take_integer(*cell.function, parameter, argument, &taken.word[Index]);
    }
}

template <unsigned Mask, std::size_t Index, std::size_t N>
inline bool is_long_enough(const Cell &cell, const Parameter &parameter, const Arguments<N> &taken) {
    if constexpr (is_buffer<Mask>(Index)) {
        const Word count = parameter.counted_by >= 0 ? taken.word[parameter.counted_by] : parameter.count;
        return check_length(*cell.function, parameter, taken.view[Index], count);
    } else {
        return true;
    }
}

template <unsigned Mask, std::size_t Index, std::size_t N> inline void release(std::size_t count, Arguments<N> &taken) {
    if constexpr (is_buffer<Mask>(Index)) {
        if (__builtin_expect(Index < count, 1)) {
            let_go(taken.view[Index]);
        }
    }
}

// One type for each index: the types of N integer registers.
template <std::size_t> using WordAt = Word;

template <Returns R, unsigned Mask, std::size_t... Index>
inline PyObject *run(const Cell &cell, PyObject *const *args, std::index_sequence<Index...>) {
    const Parameter *const parameters = cell.function->parameters.data();
    Arguments<sizeof...(Index)> taken;
    std::size_t considered = 0; // views before this one may be let go
    PyObject *result = nullptr;
    const bool is_taken =
        ((considered = Index + 1, take_word<Mask, Index>(cell, parameters[Index], args[Index], taken)) && ...) &&
        (is_long_enough<Mask, Index>(cell, parameters[Index], taken) && ...);
    if (__builtin_expect(is_taken, 1)) {
        const Word *const word = taken.word;
        result = call_guarded<R, sizeof...(Index)>(cell, args, [word](const void *callee, void *self) {
            return as<Returned (*)(void *, WordAt<Index>...)>(callee)(self, word[Index]...);
        });
    }
    (release<Mask, Index>(considered, taken), ...);
    return result;
}

} // namespace

template <Returns R> PyObject *run_word(const Cell &cell, PyObject *argument) {
    return run<R, 1>(cell, &argument, std::make_index_sequence<1>());
}

template <Returns R, std::size_t N, unsigned Mask>
PyObject *run_words(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    return __builtin_expect(count == static_cast<Py_ssize_t>(N), 1)
               ? run<R, Mask>(cell, args, std::make_index_sequence<N>())
               : wrong_argument_count(cell, count);
}

template PyObject *run_word<Returns::kStatus>(const Cell &, PyObject *);
template PyObject *run_word<Returns::kOther>(const Cell &, PyObject *);

#define HOTGRAFT_WORDS(N, MASK)                                                                                        \
    template PyObject *run_words<Returns::kStatus, N, MASK>(const Cell &, PyObject *const *, Py_ssize_t);              \
    template PyObject *run_words<Returns::kOther, N, MASK>(const Cell &, PyObject *const *, Py_ssize_t);
HOTGRAFT_WORD_SHAPES(HOTGRAFT_WORDS)

} // namespace hotgraft
