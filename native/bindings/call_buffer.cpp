#include "call_buffer.hpp"

#include <cstring>
#include <string>

namespace hotgraft {
namespace {

alignas(64) char empty_place[64]; // what an empty buffer without an address points to: no function sees NULL for it

// The class of a struct-module format of one element, in this machine's byte order. 0: none that crosses.
char format_class(const char *format) {
    if (format == nullptr) {
        return 'B';
    }
    if (*format == '@' || *format == '=' || *format == '<' || *format == '^') {
        ++format;
    }
    if (format[0] == '\0' || format[1] != '\0') {
        return 0;
    }
    if (std::strchr("bhilqn", *format) != nullptr) {
        return 'i';
    }
    if (std::strchr("BHILQN", *format) != nullptr) {
        return 'u';
    }
    return *format == 'c' ? 'B' : (*format == 'f' || *format == 'd') ? 'f' : '\0';
}

// References to Python objects, anywhere in the items? Names stand between colons (PEP 3118). Whoever writes over a
// reference crashes the interpreter long after, so these are no bytes that a plugin may have.
bool holds_objects(const char *format) {
    bool is_name = false;
    for (; format != nullptr && *format != '\0'; ++format) {
        is_name = is_name != (*format == ':');
        if (*format == 'O' && !is_name) {
            return true;
        }
    }
    return false;
}

bool is_format(const Parameter &parameter, const Py_buffer &view) {
    const ElementType &type = parameter.type;
    const std::uint32_t item_bytes = static_cast<std::uint32_t>(view.itemsize);
    if (!type.is_scalar) { // void: any; a struct: its bytes, or items of its size
        return !holds_objects(view.format) && (type.name == "void" || item_bytes == 1 || item_bytes == type.bytes);
    }
    const char found = format_class(view.format);
    if (item_bytes != type.bytes || found == 0) {
        return false;
    }
    if (type.bytes == 1) {
        return found != 'f'; // bytes are characters, signed or not
    }
    return found == (type.scalar == Scalar::kReal ? 'f' : type.scalar == Scalar::kSigned ? 'i' : 'u');
}

bool refuse(const Function &function, const Parameter &parameter, PyObject *exception, const std::string &found) {
    PyErr_Format(exception, "%s.%s: parameter \"%s\" takes a %s%s buffer, %s", function.plugin.c_str(),
                 function.name.c_str(), parameter.name.c_str(), parameter.is_written ? "writable " : "",
                 parameter.type.name.c_str(), found.c_str());
    return false;
}

// What the exporter said becomes the cause of an error that names the parameter.
bool not_exported(const Function &function, const Parameter &parameter, PyObject *object) {
    if (PyErr_ExceptionMatches(PyExc_BufferError) == 0 && PyErr_ExceptionMatches(PyExc_TypeError) == 0 &&
        PyErr_ExceptionMatches(PyExc_ValueError) == 0) {
        return false;
    }
    PyObject *type = nullptr;
    PyObject *value = nullptr;
    PyObject *trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *text = value != nullptr ? PyObject_Str(value) : nullptr;
    const char *said = text != nullptr ? PyUnicode_AsUTF8(text) : nullptr;
    PyErr_Clear();
    refuse(function, parameter, type,
           std::string("got ") + Py_TYPE(object)->tp_name + ": " + (said != nullptr ? said : "it gave no reason"));
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return false;
}

bool wrong_format(const Function &function, const Parameter &parameter, const Py_buffer &view) {
    const std::string format = view.format != nullptr ? view.format : "B";
    return refuse(function, parameter, PyExc_TypeError,
                  "got items of format \"" + format.substr(0, 40) + "\" and " + std::to_string(view.itemsize) +
                      " bytes");
}

} // namespace

bool is_absent(const Function &function, const Parameter &parameter, PyObject *object, std::uint64_t *word,
               Py_buffer &view) {
    *word = 0;
    if (!PyObject_CheckBuffer(object)) {
        PyObject_GetBuffer(object, &view, parameter.request); // fails, and says so
    }
    view.obj = nullptr;
    if (object != Py_None) {
        return not_exported(function, parameter, object);
    }
    PyErr_Clear();
    return parameter.is_nullable || refuse(function, parameter, PyExc_TypeError, "got None, and it may not be NULL");
}

void *unusual_address(const Function &function, const Parameter &parameter, const Py_buffer &view) {
    if (!is_format(parameter, view)) {
        wrong_format(function, parameter, view);
        return nullptr;
    }
    if (view.len == 0) {
        return view.buf != nullptr ? view.buf : empty_place;
    }
    if ((reinterpret_cast<std::uint64_t>(view.buf) & parameter.misalignment) != 0) {
        refuse(function, parameter, PyExc_ValueError,
               "and this one's address is no multiple of " + std::to_string(parameter.type.align));
        return nullptr;
    }
    return view.buf;
}

bool too_short(const Function &function, const Parameter &parameter, const Py_buffer &view, std::uint64_t count) {
    std::string elements = std::to_string(count);
    if (parameter.counted_by >= 0) {
        const Parameter &by = function.parameters[static_cast<std::size_t>(parameter.counted_by)];
        elements = by.name + " = " + (by.is_signed ? std::to_string(static_cast<std::int64_t>(count)) : elements);
    }
    PyErr_Format(PyExc_ValueError, "%s.%s: parameter \"%s\" needs %s elements of %u bytes, the buffer has %zd bytes",
                 function.plugin.c_str(), function.name.c_str(), parameter.name.c_str(), elements.c_str(),
                 parameter.type.bytes, view.len);
    return false;
}

} // namespace hotgraft
