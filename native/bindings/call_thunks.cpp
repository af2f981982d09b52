#include "call_thunks.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "call_bodies.hpp"

namespace hotgraft {
namespace {

// _PyCFunctionFast until 3.12, PyCFunctionFast from 3.13 on: the same type.
using Fast = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t);

// CPython calls a method descriptor's function with an instance of the descriptor's type only.
inline const Cell &cell_at(PyObject *self, std::size_t place) {
    return reinterpret_cast<CallObject *>(self)->cells[place];
}

template <OfNone Body, std::size_t Place> PyObject *thunk_of_none(PyObject *self, PyObject *) {
    return Body(cell_at(self, Place));
}

template <OfOne Body, std::size_t Place> PyObject *thunk_of_one(PyObject *self, PyObject *argument) {
    return Body(cell_at(self, Place), argument);
}

template <OfMany Body, std::size_t Place>
PyObject *thunk_of_many(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    return Body(cell_at(self, Place), args, count);
}

struct Entry {
    PyCFunction function;
    int flags;
};

template <OfNone Body, std::size_t... Place> Entry none(std::size_t place, std::index_sequence<Place...>) {
    static constexpr PyCFunction kThunks[] = {&thunk_of_none<Body, Place>...};
    return {kThunks[place], METH_NOARGS};
}

template <OfOne Body, std::size_t... Place> Entry one(std::size_t place, std::index_sequence<Place...>) {
    static constexpr PyCFunction kThunks[] = {&thunk_of_one<Body, Place>...};
    return {kThunks[place], METH_O};
}

template <OfMany Body, std::size_t... Place> Entry many(std::size_t place, std::index_sequence<Place...>) {
    static constexpr Fast kThunks[] = {&thunk_of_many<Body, Place>...};
    return {reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(kThunks[place])), METH_FASTCALL};
}

using Shaped = std::make_index_sequence<kShapedPlaces>;
using All = std::make_index_sequence<kMaxPlaces>;

bool is_real(const Parameter &parameter) {
    return parameter.kind == Parameter::Kind::kFloat32 || parameter.kind == Parameter::Kind::kFloat64;
}

bool is_integer(const Parameter &parameter) {
    return parameter.kind == Parameter::Kind::kInteger;
}

// Short ints have one digit of at most 30 bits, and a sign (CPython, Include/cpython/longintrepr.h).
bool takes_short_ints(const Parameter &parameter) {
    return parameter.is_signed && parameter.type.bytes >= 4;
}

bool is_buffer(const Parameter &parameter) {
    return parameter.kind == Parameter::Kind::kBuffer;
}

bool is_word(const Parameter &parameter) {
    return is_integer(parameter) || is_buffer(parameter);
}

bool is_number(const Parameter &parameter) {
    return is_integer(parameter) || is_real(parameter);
}

bool are_all(const Function &function, bool (*is)(const Parameter &)) {
    return std::all_of(function.parameters.begin(), function.parameters.end(), is);
}

template <Returns R, bool IsWide> Entry integers(std::size_t count, std::size_t place) {
    switch (count) {
    case 0:
        return none<run_none<R>>(place, Shaped{});
    case 1:
        return one<run_integer<R, IsWide>>(place, Shaped{});
    case 2:
        return many<run_integers<R, IsWide, 2>>(place, Shaped{});
    default:
        return many<run_integers<R, IsWide, 3>>(place, Shaped{});
    }
}

template <Returns R> Entry reals(std::size_t count, std::size_t place) {
    switch (count) {
    case 1:
        return one<run_real<R>>(place, Shaped{});
    case 2:
        return many<run_reals<R, 2>>(place, Shaped{});
    default:
        return many<run_reals<R, 3>>(place, Shaped{});
    }
}

template <Returns R> Entry numbers(const Function &function, std::size_t place) {
    const std::size_t count = function.parameters.size();
    if (function.has_reals) {
        return reals<R>(count, place);
    }
    return are_all(function, takes_short_ints) ? integers<R, true>(count, place) : integers<R, false>(count, place);
}

Entry numbers(const Function &function, std::size_t place) {
    switch (function.returns()) {
    case Returns::kInt64:
        return numbers<Returns::kInt64>(function, place);
    case Returns::kReal64:
        return numbers<Returns::kReal64>(function, place);
    case Returns::kStatus:
        return numbers<Returns::kStatus>(function, place);
    default:
        return numbers<Returns::kOther>(function, place);
    }
}

Entry any(const Function &function, std::size_t place) {
    switch (function.arguments) {
    case 0:
        return none<run_any_of_none>(place, All{});
    case 1:
        return one<run_any_of_one>(place, All{});
    default:
        return many<run_any>(place, All{});
    }
}

// Bit i: `is` holds for parameter i.
unsigned mask_of(const Function &function, bool (*is)(const Parameter &)) {
    unsigned mask = 0;
    for (std::size_t index = 0; index < function.parameters.size(); ++index) {
        mask |= is(function.parameters[index]) ? 1u << index : 0u;
    }
    return mask;
}

template <bool HasBuffers> Entry few(std::size_t count, std::size_t place) {
    switch (count) {
    case 2:
        return many<run_few<2, HasBuffers>>(place, Shaped{});
    case 3:
        return many<run_few<3, HasBuffers>>(place, Shaped{});
    case 4:
        return many<run_few<4, HasBuffers>>(place, Shaped{});
    default:
        return many<run_few<5, HasBuffers>>(place, Shaped{});
    }
}

Entry few_or_any(const Function &function, std::size_t place) {
    if (function.arguments < 2) {
        return any(function, place);
    }
    return function.has_buffers ? few<true>(function.arguments, place) : few<false>(function.arguments, place);
}

template <Returns R> Entry words_or_few(const Function &function, std::size_t place) {
    const std::size_t count = function.parameters.size();
    const unsigned mask = mask_of(function, is_buffer);
    if (count == 1 && mask == 1) {
        return one<run_word<R>>(place, Shaped{});
    }
#define HOTGRAFT_ENTRY(N, MASK)                                                                                        \
    if (count == (N) && mask == (MASK)) {                                                                              \
        return many<run_words<R, (N), (MASK)>>(place, Shaped{});                                                       \
    }
    HOTGRAFT_WORD_SHAPES(HOTGRAFT_ENTRY)
    return few_or_any(function, place);
}

template <Returns R> Entry mixed(const Function &function, std::size_t place) {
    const std::size_t count = function.parameters.size();
    const unsigned mask = mask_of(function, is_real);
#define HOTGRAFT_MIXED_ENTRY(N, MASK)                                                                                  \
    if (count == (N) && mask == (MASK)) {                                                                              \
        return many<run_mixed<R, (N), (MASK)>>(place, Shaped{});                                                       \
    }
    HOTGRAFT_MIXED_SHAPES(HOTGRAFT_MIXED_ENTRY)
    return few_or_any(function, place);
}

Entry mixed(const Function &function, std::size_t place) {
    switch (function.returns()) {
    case Returns::kStatus:
        return mixed<Returns::kStatus>(function, place);
    case Returns::kReal64:
        return mixed<Returns::kReal64>(function, place);
    default:
        return mixed<Returns::kOther>(function, place);
    }
}

Entry entry_for(const Function &function, std::size_t place) {
    if (function.is_caught) {
        return function.is_blocking ? many<run_caught_blocking>(place, All{}) : many<run_caught>(place, All{});
    }
    if (function.is_blocking) {
        return many<run_blocking>(place, All{});
    }
    if (function.is_dirty) {
        return many<run_dirty>(place, All{});
    }
    const std::size_t count = function.parameters.size();
    if (place >= kShapedPlaces || function.result.kind >= Result::Kind::kText || count > 5) {
        return any(function, place);
    }
    if (count <= 3 && (are_all(function, is_integer) || are_all(function, is_real))) {
        return numbers(function, place);
    }
    if (count <= 3 && are_all(function, is_number)) {
        return mixed(function, place);
    }
    if (!are_all(function, is_word)) {
        return few_or_any(function, place);
    }
    return function.returns() == Returns::kStatus ? words_or_few<Returns::kStatus>(function, place)
                                                  : words_or_few<Returns::kOther>(function, place);
}

} // namespace

PyMethodDef method_for(const Function &function, std::size_t place) {
    const Entry entry = entry_for(function, place);
    return {function.name.c_str(), entry.function, entry.flags, function.doc.c_str()};
}

} // namespace hotgraft
