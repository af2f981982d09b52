// The shapes that most calls have: a few numbers in, one out. No loop, no register file.
#include <utility>

#include "call_bodies.hpp"
#include "call_convert.hpp"
#include "call_guarded.hpp"

namespace hotgraft {
namespace {

double real_of(Word word) {
    double value = 0;
    std::memcpy(&value, &word, sizeof(value));
    return value;
}

// One type for each index.
template <std::size_t> using WordAt = Word;
template <std::size_t> using RealAt = double;

template <Returns R, std::size_t... Index>
inline PyObject *call_integers(const Cell &cell, PyObject *const *args, const Word *word,
                               std::index_sequence<Index...>) {
    return call_guarded<R, sizeof...(Index)>(cell, args, [word](const void *function, void *self) {
        return as<Returned (*)(void *, WordAt<Index>...)>(function)(self, word[Index]...);
    });
}

template <Returns R, std::size_t... Index>
inline PyObject *call_reals(const Cell &cell, PyObject *const *args, const Word *word, std::index_sequence<Index...>) {
    return call_guarded<R, sizeof...(Index)>(cell, args, [word](const void *function, void *self) {
        return as<Returned (*)(void *, RealAt<Index>...)>(function)(self, real_of(word[Index])...);
    });
}

// Out of line, so that the short way keeps its arguments in registers.
template <Returns R, std::size_t... Index>
__attribute__((noinline)) PyObject *integers_slowly(const Cell &cell, PyObject *const *args,
                                                    std::index_sequence<Index...> sequence) {
    Word word[sizeof...(Index)];
    const Function &function = *cell.function;
    const Parameter *const parameters = function.parameters.data();
    return (take_integer(function, parameters[Index], args[Index], &word[Index]) && ...)
               ? call_integers<R>(cell, args, word, sequence)
               : nullptr;
}

template <Returns R> __attribute__((noinline)) PyObject *integer_slowly(const Cell &cell, PyObject *argument) {
    Word word = 0;
    return take_integer(*cell.function, cell.function->parameters.front(), argument, &word)
               ? call_integers<R>(cell, &argument, &word, std::make_index_sequence<1>())
               : nullptr;
}

// The value of a short int where every short int fits: what the parameter takes need not even be read.
inline bool take_short(PyObject *object, Word *word) {
    std::int64_t value = 0;
    const bool is_short = take_compact(object, &value);
    *word = static_cast<Word>(value);
    return __builtin_expect(is_short, 1);
}

template <Returns R, bool IsWide, std::size_t... Index>
inline PyObject *integers(const Cell &cell, PyObject *const *args, std::index_sequence<Index...> sequence) {
    Word word[sizeof...(Index)];
    bool is_plain = false;
    if constexpr (IsWide) {
        is_plain = (take_short(args[Index], &word[Index]) && ...);
    } else {
        const Parameter *const parameters = cell.function->parameters.data();
        is_plain = (take_plain_integer(parameters[Index], args[Index], &word[Index]) && ...);
    }
    if (__builtin_expect(is_plain, 1)) {
        return call_integers<R>(cell, args, word, sequence);
    }
    if constexpr (sizeof...(Index) == 1) {
        return integer_slowly<R>(cell, args[0]);
    } else {
        return integers_slowly<R>(cell, args, sequence);
    }
}

template <Returns R, std::size_t... Index>
__attribute__((noinline)) PyObject *reals_slowly(const Cell &cell, PyObject *const *args,
                                                 std::index_sequence<Index...> sequence) {
    Word word[sizeof...(Index)];
    const Function &function = *cell.function;
    const Parameter *const parameters = function.parameters.data();
    return (take_real(function, parameters[Index], args[Index], &word[Index]) && ...)
               ? call_reals<R>(cell, args, word, sequence)
               : nullptr;
}

template <Returns R> __attribute__((noinline)) PyObject *real_slowly(const Cell &cell, PyObject *argument) {
    Word word = 0;
    return take_real(*cell.function, cell.function->parameters.front(), argument, &word)
               ? call_reals<R>(cell, &argument, &word, std::make_index_sequence<1>())
               : nullptr;
}

template <Returns R, std::size_t... Index>
inline PyObject *reals(const Cell &cell, PyObject *const *args, std::index_sequence<Index...> sequence) {
    Word word[sizeof...(Index)];
    const Parameter *const parameters = cell.function->parameters.data();
    if (__builtin_expect((take_plain_real(parameters[Index], args[Index], &word[Index]) && ...), 1)) {
        return call_reals<R>(cell, args, word, sequence);
    }
    if constexpr (sizeof...(Index) == 1) {
        return real_slowly<R>(cell, args[0]);
    } else {
        return reals_slowly<R>(cell, args, sequence);
    }
}

} // namespace

template <Returns R> PyObject *run_none(const Cell &cell) {
    return call_guarded<R, 0>(
        cell, nullptr, [](const void *function, void *self) { return as<Returned (*)(void *)>(function)(self); });
}

template <Returns R, bool IsWide> PyObject *run_integer(const Cell &cell, PyObject *argument) {
    return integers<R, IsWide>(cell, &argument, std::make_index_sequence<1>());
}

template <Returns R> PyObject *run_real(const Cell &cell, PyObject *argument) {
    return reals<R>(cell, &argument, std::make_index_sequence<1>());
}

template <Returns R, bool IsWide, std::size_t N>
PyObject *run_integers(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    return __builtin_expect(count == static_cast<Py_ssize_t>(N), 1)
               ? integers<R, IsWide>(cell, args, std::make_index_sequence<N>())
               : wrong_argument_count(cell, count);
}

template <Returns R, std::size_t N> PyObject *run_reals(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    return __builtin_expect(count == static_cast<Py_ssize_t>(N), 1)
               ? reals<R>(cell, args, std::make_index_sequence<N>())
               : wrong_argument_count(cell, count);
}

ColdEntered enter_cold(const Cell &cell, PyObject *const *args) {
    const hotgraft_entered entered = hotgraft_enter_cold(&cell.import);
    if (entered.table == nullptr) {
        return {nullptr, refused(cell, args)};
    }
    return {entered.table, entered.record};
}

ColdEntered enter_cold_with_one(const Cell &cell, PyObject *argument) {
    return enter_cold(cell, &argument);
}

PyObject *leave_stub(const Cell &cell, const hotgraft_guard &guard, const hotgraft_table *table) {
    const std::uint64_t generation = table->generation;
    hotgraft_leave(&guard);
    return not_offered(cell, generation);
}

#define HOTGRAFT_BODIES_FOR(R)                                                                                         \
    template PyObject *run_none<R>(const Cell &);                                                                      \
    template PyObject *run_integer<R, false>(const Cell &, PyObject *);                                                \
    template PyObject *run_integer<R, true>(const Cell &, PyObject *);                                                 \
    template PyObject *run_real<R>(const Cell &, PyObject *);                                                          \
    template PyObject *run_integers<R, false, 2>(const Cell &, PyObject *const *, Py_ssize_t);                         \
    template PyObject *run_integers<R, true, 2>(const Cell &, PyObject *const *, Py_ssize_t);                          \
    template PyObject *run_integers<R, false, 3>(const Cell &, PyObject *const *, Py_ssize_t);                         \
    template PyObject *run_integers<R, true, 3>(const Cell &, PyObject *const *, Py_ssize_t);                          \
    template PyObject *run_reals<R, 2>(const Cell &, PyObject *const *, Py_ssize_t);                                   \
    template PyObject *run_reals<R, 3>(const Cell &, PyObject *const *, Py_ssize_t)

HOTGRAFT_BODIES_FOR(Returns::kOther);
#ifndef __clang_analyzer__ // see call_bodies.hpp
HOTGRAFT_BODIES_FOR(Returns::kInt64);
HOTGRAFT_BODIES_FOR(Returns::kReal64);
HOTGRAFT_BODIES_FOR(Returns::kStatus);
#endif

} // namespace hotgraft
