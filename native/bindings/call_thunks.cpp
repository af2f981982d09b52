#include "call_thunks.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "call_bodies.hpp"

namespace hotgraft {
namespace {

using OfNone = PyObject *(*)(const Cell &);
using OfOne = PyObject *(*)(const Cell &, PyObject *);
using OfMany = PyObject *(*)(const Cell &, PyObject *const *, Py_ssize_t);

// CPython calls a method descriptor's function with an instance of the descriptor's type only.
const Cell &cell_at(PyObject *self, std::size_t place) {
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

template <OfNone Body, std::size_t... Place>
constexpr std::array<PyCFunction, sizeof...(Place)> of_none(std::index_sequence<Place...>) {
    return {{&thunk_of_none<Body, Place>...}};
}

template <OfOne Body, std::size_t... Place>
constexpr std::array<PyCFunction, sizeof...(Place)> of_one(std::index_sequence<Place...>) {
    return {{&thunk_of_one<Body, Place>...}};
}

// _PyCFunctionFast until 3.12, PyCFunctionFast from 3.13 on: the same type.
using Fast = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t);

template <OfMany Body, std::size_t... Place>
constexpr std::array<Fast, sizeof...(Place)> of_many(std::index_sequence<Place...>) {
    return {{&thunk_of_many<Body, Place>...}};
}

using Shaped = std::make_index_sequence<kShapedPlaces>;
using All = std::make_index_sequence<kMaxPlaces>;

constexpr auto kNone = of_none<run_none>(Shaped{});
constexpr auto kInteger = of_one<run_integer>(Shaped{});
constexpr auto kReal = of_one<run_real>(Shaped{});
constexpr auto kIntegers2 = of_many<run_integers<2>>(Shaped{});
constexpr auto kIntegers3 = of_many<run_integers<3>>(Shaped{});
constexpr auto kReals2 = of_many<run_reals<2>>(Shaped{});
constexpr auto kReals3 = of_many<run_reals<3>>(Shaped{});
constexpr auto kAny = of_many<run_any>(All{});
constexpr auto kAnyOfOne = of_one<run_any_of_one>(All{});
constexpr auto kAnyOfNone = of_none<run_any_of_none>(All{});
constexpr auto kDirty = of_many<run_dirty>(Shaped{});

struct Entry {
    PyCFunction function;
    int flags;
};

Entry none(PyCFunction function) {
    return {function, METH_NOARGS};
}
Entry one(PyCFunction function) {
    return {function, METH_O};
}
Entry many(Fast function) {
    return {reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)), METH_FASTCALL};
}

bool is_all(const Function &function, Scalar scalar) {
    return std::all_of(function.parameters.begin(), function.parameters.end(), [scalar](const Parameter &parameter) {
        const bool is_real = parameter.kind == Parameter::Kind::kFloat32 || parameter.kind == Parameter::Kind::kFloat64;
        return scalar == Scalar::kReal ? is_real : parameter.kind == Parameter::Kind::kInteger;
    });
}

// Is there a body for its shape? Scalars of one class, three at most, and a scalar back.
bool is_shaped(const Function &function) {
    return !function.is_blocking && !function.is_dirty && function.result.kind < Result::Kind::kText &&
           function.parameters.size() <= 3 && (is_all(function, Scalar::kSigned) || is_all(function, Scalar::kReal));
}

Entry shaped(const Function &function, std::size_t place) {
    const bool is_real = function.has_reals;
    switch (function.parameters.size()) {
    case 0:
        return none(kNone[place]);
    case 1:
        return one(is_real ? kReal[place] : kInteger[place]);
    case 2:
        return many(is_real ? kReals2[place] : kIntegers2[place]);
    default:
        return many(is_real ? kReals3[place] : kIntegers3[place]);
    }
}

Entry entry_for(const Function &function, std::size_t place) {
    if (place < kShapedPlaces && is_shaped(function)) {
        return shaped(function, place);
    }
    if (function.is_dirty && place < kShapedPlaces) {
        return many(kDirty[place]);
    }
    switch (function.arguments) {
    case 0:
        return none(kAnyOfNone[place]);
    case 1:
        return one(kAnyOfOne[place]);
    default:
        return many(kAny[place]);
    }
}

} // namespace

PyMethodDef method_for(const Function &function, std::size_t place) {
    const Entry entry = entry_for(function, place);
    return {function.name.c_str(), entry.function, entry.flags, function.doc.c_str()};
}

} // namespace hotgraft
