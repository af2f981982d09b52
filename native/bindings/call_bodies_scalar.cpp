// The shapes that most calls have: a few numbers in, one out. No loop, no register file.
#include "call_bodies.hpp"
#include "call_convert.hpp"
#include "call_guarded.hpp"
#include "call_result.hpp"

namespace hotgraft {
namespace {

template <typename Call> inline PyObject *call_guarded(const Cell &cell, Call call) {
    hotgraft_guard guard;
    const hotgraft_table *const table = hotgraft_enter(cell.import, &guard);
    if (__builtin_expect(table == nullptr, 0)) {
        return refused(cell);
    }
    const std::uint64_t generation = table->generation; // the table may go once the guard is left
    const void *const function = offered(table, cell);
    if (__builtin_expect(function == nullptr, 0)) {
        hotgraft_leave(&guard);
        return not_offered(cell, generation);
    }
    const Returned returned = call(function, table->self);
    hotgraft_leave(&guard);
    return box_scalar(cell, returned, generation);
}

template <typename Callee> Callee as(const void *function) {
    return reinterpret_cast<Callee>(const_cast<void *>(function));
}

double real_of(Word word) {
    double value = 0;
    std::memcpy(&value, &word, sizeof(value));
    return value;
}

template <std::size_t N> PyObject *call_integers(const Cell &cell, const Word *word) {
    return call_guarded(cell, [word](const void *function, void *self) {
        if constexpr (N == 1) {
            return as<Returned (*)(void *, Word)>(function)(self, word[0]);
        } else if constexpr (N == 2) {
            return as<Returned (*)(void *, Word, Word)>(function)(self, word[0], word[1]);
        } else {
            return as<Returned (*)(void *, Word, Word, Word)>(function)(self, word[0], word[1], word[2]);
        }
    });
}

template <std::size_t N> PyObject *call_reals(const Cell &cell, const Word *word) {
    return call_guarded(cell, [word](const void *function, void *self) {
        if constexpr (N == 1) {
            return as<Returned (*)(void *, double)>(function)(self, real_of(word[0]));
        } else if constexpr (N == 2) {
            return as<Returned (*)(void *, double, double)>(function)(self, real_of(word[0]), real_of(word[1]));
        } else {
            return as<Returned (*)(void *, double, double, double)>(function)(self, real_of(word[0]), real_of(word[1]),
                                                                              real_of(word[2]));
        }
    });
}

} // namespace

PyObject *run_none(const Cell &cell) {
    return call_guarded(cell,
                        [](const void *function, void *self) { return as<Returned (*)(void *)>(function)(self); });
}

PyObject *run_integer(const Cell &cell, PyObject *argument) {
    Word word = 0;
    const Function &function = *cell.function;
    return take_integer(function, function.parameters[0], argument, &word) ? call_integers<1>(cell, &word) : nullptr;
}

PyObject *run_real(const Cell &cell, PyObject *argument) {
    Word word = 0;
    const Function &function = *cell.function;
    return take_real(function, function.parameters[0], argument, &word) ? call_reals<1>(cell, &word) : nullptr;
}

template <std::size_t N> PyObject *run_integers(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    if (__builtin_expect(count != static_cast<Py_ssize_t>(N), 0)) {
        return wrong_argument_count(cell, count);
    }
    Word word[N];
    const Function &function = *cell.function;
    const Parameter *const parameters = function.parameters.data();
    for (std::size_t index = 0; index < N; ++index) {
        if (__builtin_expect(!take_integer(function, parameters[index], args[index], &word[index]), 0)) {
            return nullptr;
        }
    }
    return call_integers<N>(cell, word);
}

template <std::size_t N> PyObject *run_reals(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    if (__builtin_expect(count != static_cast<Py_ssize_t>(N), 0)) {
        return wrong_argument_count(cell, count);
    }
    Word word[N];
    const Function &function = *cell.function;
    const Parameter *const parameters = function.parameters.data();
    for (std::size_t index = 0; index < N; ++index) {
        if (__builtin_expect(!take_real(function, parameters[index], args[index], &word[index]), 0)) {
            return nullptr;
        }
    }
    return call_reals<N>(cell, word);
}

template PyObject *run_integers<2>(const Cell &, PyObject *const *, Py_ssize_t);
template PyObject *run_integers<3>(const Cell &, PyObject *const *, Py_ssize_t);
template PyObject *run_reals<2>(const Cell &, PyObject *const *, Py_ssize_t);
template PyObject *run_reals<3>(const Cell &, PyObject *const *, Py_ssize_t);

} // namespace hotgraft
