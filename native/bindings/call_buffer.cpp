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

bool is_format(const Parameter &parameter, const Py_buffer &view) {
    const ElementType &type = parameter.type;
    const std::uint32_t item_bytes = static_cast<std::uint32_t>(view.itemsize);
    if (!type.is_scalar) { // void: any; a struct: its bytes, or items of its size
        return type.name == "void" || item_bytes == 1 || item_bytes == type.bytes;
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

// Elements that the call says there are; false: negative.
bool elements(const Function &function, const Parameter &parameter, const RegisterFile &registers,
              std::uint64_t *count) {
    if (parameter.counted_by < 0) {
        *count = parameter.count;
        return true;
    }
    const Parameter &by = function.parameters[static_cast<std::size_t>(parameter.counted_by)];
    std::memcpy(count, reinterpret_cast<const char *>(&registers) + by.place, sizeof(*count));
    return !by.is_signed || static_cast<std::int64_t>(*count) >= 0;
}

bool too_short(const Function &function, const Parameter &parameter, const Py_buffer &view, std::uint64_t count,
               bool is_negative) {
    const std::string by =
        parameter.counted_by < 0 ? "count" : function.parameters[static_cast<std::size_t>(parameter.counted_by)].name;
    const std::string shown = is_negative ? std::to_string(static_cast<std::int64_t>(count)) : std::to_string(count);
    PyErr_Format(PyExc_ValueError,
                 "%s.%s: parameter \"%s\" needs %s = %s elements of %u bytes, the buffer has %zd bytes",
                 function.plugin.c_str(), function.name.c_str(), parameter.name.c_str(), by.c_str(), shown.c_str(),
                 parameter.type.bytes, view.len);
    return false;
}

} // namespace

bool hold_buffer(const Function &function, const Parameter &parameter, PyObject *object, RegisterFile &registers,
                 HeldBuffers &held) {
    Py_buffer &view = held.view[held.count];
    void *address = nullptr;
    if (object != Py_None || !parameter.is_nullable) {
        const int flags = PyBUF_ND | PyBUF_FORMAT | (parameter.is_written ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object, &view, flags) != 0) {
            return not_exported(function, parameter, object);
        }
        held.parameter[held.count++] = &parameter;
        if (!is_format(parameter, view)) {
            return wrong_format(function, parameter, view);
        }
        address = view.buf != nullptr ? view.buf : empty_place;
        if ((reinterpret_cast<std::uintptr_t>(address) & (parameter.type.align - 1)) != 0 && view.len > 0) {
            return refuse(function, parameter, PyExc_ValueError,
                          "and this one's address is no multiple of " + std::to_string(parameter.type.align));
        }
    }
    std::memcpy(reinterpret_cast<char *>(&registers) + parameter.place, &address, sizeof(address));
    return true;
}

bool check_lengths(const Function &function, const RegisterFile &registers, const HeldBuffers &held) {
    for (std::uint32_t index = 0; index < held.count; ++index) {
        const Parameter &parameter = *held.parameter[index];
        const std::uint64_t bytes = static_cast<std::uint64_t>(held.view[index].len);
        std::uint64_t count = 0;
        const bool is_negative = !elements(function, parameter, registers, &count);
        std::uint64_t needed = 0;
        if (is_negative || __builtin_mul_overflow(count, std::uint64_t{parameter.type.bytes}, &needed) ||
            needed > bytes) {
            return too_short(function, parameter, held.view[index], count, is_negative);
        }
    }
    return true;
}

} // namespace hotgraft
