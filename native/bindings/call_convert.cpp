#include "call_convert.hpp"

#include <cmath>

namespace hotgraft {
namespace {

// The value as text for a message; a very long one by its length (int to str refuses more than 4,300 digits).
PyObject *shown(PyObject *number) {
    PyObject *text = PyObject_Repr(number);
    if (text != nullptr && PyUnicode_GetLength(text) <= 60) {
        return text;
    }
    Py_XDECREF(text);
    PyErr_Clear();
    return PyUnicode_FromString("a number of more than 60 digits");
}

bool out_of_range(const Function &function, const Parameter &parameter, PyObject *number) {
    PyObject *text = shown(number);
    if (text == nullptr) {
        return false;
    }
    if (parameter.is_signed) {
        const std::uint64_t high = static_cast<std::uint64_t>(parameter.low) + parameter.span; // wraps to it
        PyErr_Format(PyExc_OverflowError, "%s.%s: parameter \"%s\" is %s and takes %lld to %lld, got %U",
                     function.plugin.c_str(), function.name.c_str(), parameter.name.c_str(),
                     parameter.type.name.c_str(), static_cast<long long>(parameter.low), static_cast<long long>(high),
                     text);
    } else {
        PyErr_Format(PyExc_OverflowError, "%s.%s: parameter \"%s\" is %s and takes %lld to %llu, got %U",
                     function.plugin.c_str(), function.name.c_str(), parameter.name.c_str(),
                     parameter.type.name.c_str(), static_cast<long long>(parameter.low),
                     parameter.type.bytes == 8 ? ~0ULL : static_cast<unsigned long long>(parameter.span), text);
    }
    Py_DECREF(text);
    return false;
}

bool too_large(const Function &function, const Parameter &parameter, PyObject *number, const char *largest) {
    PyObject *text = shown(number);
    if (text != nullptr) {
        PyErr_Format(PyExc_OverflowError, "%s.%s: parameter \"%s\" is %s and takes up to %s, got %U",
                     function.plugin.c_str(), function.name.c_str(), parameter.name.c_str(),
                     parameter.type.name.c_str(), largest, text);
        Py_DECREF(text);
    }
    return false;
}

bool wrong_type(const Function &function, const Parameter &parameter, const char *wanted, PyObject *object) {
    PyErr_Format(PyExc_TypeError, "%s.%s: parameter \"%s\" is %s and takes %s, got %s", function.plugin.c_str(),
                 function.name.c_str(), parameter.name.c_str(), parameter.type.name.c_str(), wanted,
                 Py_TYPE(object)->tp_name);
    return false;
}

// `number` is an int of any size. False without an exception: it does not fit.
bool fits(const Parameter &parameter, PyObject *number, std::uint64_t *word) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow > 0 && !parameter.is_signed && parameter.type.bytes == 8) {
        const unsigned long long large = PyLong_AsUnsignedLongLong(number);
        if (large == ~0ULL && PyErr_Occurred() != nullptr) {
            PyErr_Clear();
            return false;
        }
        *word = large;
        return true;
    }
    if (overflow != 0 || (value < 0 && !parameter.is_signed) ||
        static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(parameter.low) > parameter.span) {
        return false;
    }
    *word = static_cast<std::uint64_t>(value);
    return true;
}

bool read_real(const Function &function, const Parameter &parameter, PyObject *object, double *value) {
    const PyNumberMethods *const methods = Py_TYPE(object)->tp_as_number;
    if (methods == nullptr || (methods->nb_float == nullptr && methods->nb_index == nullptr)) {
        return wrong_type(function, parameter, "a real number", object);
    }
    *value = PyFloat_AsDouble(object);
    if (*value != -1.0 || PyErr_Occurred() == nullptr) {
        return true;
    }
    if (PyLong_Check(object) && PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        return too_large(function, parameter, object, "1.7976931348623157e+308");
    }
    return false;
}

bool narrow_real(const Function &function, const Parameter &parameter, double value, std::uint64_t *word) {
    const float narrow = static_cast<float>(value);
    if (std::isinf(narrow) && !std::isinf(value)) {
        PyObject *number = PyFloat_FromDouble(value);
        if (number != nullptr) {
            too_large(function, parameter, number, "3.4028235e+38");
            Py_DECREF(number);
        }
        return false;
    }
    *word = 0;
    std::memcpy(word, &narrow, sizeof(narrow));
    return true;
}

} // namespace

bool take_integer_slowly(const Function &function, const Parameter &parameter, PyObject *object, std::uint64_t *word) {
    if (object == Py_None && parameter.is_nullable) { // an address
        *word = 0;
        return true;
    }
    if (!PyIndex_Check(object)) {
        return wrong_type(function, parameter, "an integer", object);
    }
    PyObject *number = PyNumber_Index(object);
    if (number == nullptr) {
        return false;
    }
    const bool taken = fits(parameter, number, word) || out_of_range(function, parameter, number);
    Py_DECREF(number);
    return taken;
}

bool take_real_slowly(const Function &function, const Parameter &parameter, PyObject *object, std::uint64_t *word) {
    double value = 0;
    if (!read_real(function, parameter, object, &value)) {
        return false;
    }
    if (parameter.kind == Parameter::Kind::kFloat32) {
        return narrow_real(function, parameter, value, word);
    }
    std::memcpy(word, &value, sizeof(value));
    return true;
}

} // namespace hotgraft
