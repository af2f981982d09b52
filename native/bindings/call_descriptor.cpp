#include "call_descriptor.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace hotgraft {
namespace {

struct ScalarName {
    const char *name;
    std::uint32_t bytes;
    Scalar scalar;
};

constexpr const char *kAddress = "address"; // of a call-back, or what is passed back to one: never read through

constexpr std::array<ScalarName, 12> kScalars = {{
    {"i8", 1, Scalar::kSigned},
    {"char", 1, Scalar::kSigned},
    {"i16", 2, Scalar::kSigned},
    {"i32", 4, Scalar::kSigned},
    {"i64", 8, Scalar::kSigned},
    {"u8", 1, Scalar::kUnsigned},
    {"u16", 2, Scalar::kUnsigned},
    {"u32", 4, Scalar::kUnsigned},
    {"u64", 8, Scalar::kUnsigned},
    {"f32", 4, Scalar::kReal},
    {"f64", 8, Scalar::kReal},
    {kAddress, 8, Scalar::kUnsigned},
}};

PyObject *item(PyObject *dict, const char *key) { // borrowed, NULL: absent or None
    PyObject *found = PyDict_Check(dict) ? PyDict_GetItemString(dict, key) : nullptr;
    return found == Py_None ? nullptr : found;
}

std::string text(PyObject *dict, const char *key) { // empty: absent, None or no text
    PyObject *found = item(dict, key);
    const char *bytes = found != nullptr && PyUnicode_Check(found) ? PyUnicode_AsUTF8(found) : nullptr;
    PyErr_Clear();
    return bytes == nullptr ? std::string() : std::string(bytes);
}

bool truth(PyObject *dict, const char *key) {
    PyObject *found = item(dict, key);
    return found != nullptr && PyObject_IsTrue(found) == 1;
}

std::int64_t number(PyObject *dict, const char *key, std::int64_t otherwise) {
    PyObject *found = item(dict, key);
    if (found == nullptr || !PyLong_Check(found)) {
        return otherwise;
    }
    const long long value = PyLong_AsLongLong(found);
    if (value == -1 && PyErr_Occurred() != nullptr) {
        PyErr_Clear();
        return otherwise;
    }
    return value;
}

// One reading of one function dict: what was read, and where a fault is reported.
struct Reading {
    Function &function;
    PyObject *structs;
    std::vector<std::string> &faults;
    std::size_t integers = 1; // `self` is the first
    std::size_t reals = 0;
    std::vector<std::string> counts; // of each parameter, as written; empty: none

    void fault(const std::string &sentence) {
        faults.push_back(function.plugin + ": function \"" + function.name + "\": " + sentence);
    }
    int parameter_named(const std::string &name) const {
        for (std::size_t index = 0; index < function.parameters.size(); ++index) {
            if (function.parameters[index].name == name) {
                return static_cast<int>(index);
            }
        }
        return -1;
    }
};

std::optional<ElementType> find_type(Reading &reading, const std::string &name) {
    ElementType type;
    type.name = name;
    for (const ScalarName &known : kScalars) {
        if (name == known.name) {
            type.bytes = type.align = known.bytes;
            type.scalar = known.scalar;
            type.is_scalar = true;
            return type;
        }
    }
    if (name == "void") {
        type.bytes = 1;
        return type;
    }
    PyObject *layout = reading.structs != nullptr ? item(reading.structs, name.c_str()) : nullptr;
    if (layout != nullptr) {
        type.bytes = static_cast<std::uint32_t>(number(layout, "bytes", 0));
        type.align = static_cast<std::uint32_t>(number(layout, "align", 1));
        if (type.bytes > 0 && type.align > 0) {
            return type;
        }
    }
    return std::nullopt;
}

// Where the next argument of its class goes (System V ABI, AMD64 supplement, 3.2.3).
void place(Reading &reading, Parameter &parameter, bool is_real) {
    std::size_t &used = is_real ? reading.reals : reading.integers;
    const std::size_t room = is_real ? RegisterFile::kReals : RegisterFile::kIntegers;
    const std::size_t base = is_real ? offsetof(RegisterFile, real) : offsetof(RegisterFile, integer);
    if (used < room) {
        parameter.place = static_cast<std::uint16_t>(base + std::size_t{8} * used++);
        return;
    }
    parameter.place =
        static_cast<std::uint16_t>(offsetof(RegisterFile, stack) + std::size_t{8} * reading.function.stack_words++);
}

void read_scalar(Reading &reading, Parameter &parameter, PyObject *description) {
    const ElementType &type = parameter.type;
    if (!type.is_scalar) {
        reading.fault("parameter \"" + parameter.name + "\" of type " + type.name +
                      " is passed by value; only pointers to structs cross");
        return;
    }
    const bool is_real = type.scalar == Scalar::kReal;
    place(reading, parameter, is_real);
    if (is_real) {
        parameter.kind = type.bytes == 4 ? Parameter::Kind::kFloat32 : Parameter::Kind::kFloat64;
        reading.function.has_reals = true;
        return;
    }
    const unsigned bits = 8 * type.bytes;
    parameter.kind = Parameter::Kind::kInteger;
    parameter.is_signed = type.scalar == Scalar::kSigned;
    parameter.low = parameter.is_signed ? -static_cast<std::int64_t>(std::uint64_t{1} << (bits - 2)) * 2 : 0;
    parameter.span = ~std::uint64_t{0} >> (bits == 64 && !parameter.is_signed ? 1 : 64 - bits);
    if (type.name == kAddress) {
        parameter.is_nullable = truth(description, "nullable");
        parameter.low = parameter.is_nullable ? 0 : 1;
    }
}

void read_buffer(Reading &reading, Parameter &parameter, PyObject *description) {
    const std::string direction = text(description, "direction");
    const bool is_const = truth(description, "const");
    place(reading, parameter, false);
    reading.function.has_buffers = true;
    parameter.kind = Parameter::Kind::kBuffer;
    parameter.is_nullable = truth(description, "nullable");
    parameter.is_written = direction.empty() ? !is_const : direction != "in";
    parameter.format = parameter.type.is_scalar ? item_format(parameter.type) : Parameter::kNoFormat;
    parameter.request = PyBUF_ND | PyBUF_FORMAT | (parameter.is_written ? PyBUF_WRITABLE : 0);
    parameter.element_bytes = parameter.type.bytes;
    parameter.misalignment = parameter.type.align - 1;
    if (direction.empty() && parameter.type.is_scalar) {
        reading.fault("pointer \"" + parameter.name + "\" says neither IN, OUT nor INOUT");
    } else if (!direction.empty() && direction != "in" && direction != "out" && direction != "inout") {
        reading.fault("parameter \"" + parameter.name + "\" has direction \"" + direction +
                      "\"; known: in, out, inout");
    }
}

void read_parameter(Reading &reading, PyObject *description) {
    Parameter parameter;
    parameter.name = text(description, "name");
    const std::string type = text(description, "type");
    const std::optional<ElementType> found = find_type(reading, type);
    const std::int64_t pointer = number(description, "pointer", 0);
    if (!found) {
        reading.fault("parameter \"" + parameter.name + "\" has unknown type \"" + type + "\"");
    } else if (pointer == 0 || pointer == 1) {
        parameter.type = *found;
        pointer == 0 ? read_scalar(reading, parameter, description) : read_buffer(reading, parameter, description);
    } else {
        reading.fault("parameter \"" + parameter.name + "\" is a pointer to a pointer, which cannot cross");
    }
    reading.counts.push_back(text(description, "count"));
    if (reading.counts.back().empty() && item(description, "count") != nullptr) {
        reading.counts.back() = std::to_string(number(description, "count", 0));
    }
    reading.function.parameters.push_back(std::move(parameter));
}

bool is_number(const std::string &count) {
    return !count.empty() && count.size() < 19 &&
           std::all_of(count.begin(), count.end(), [](char digit) { return digit >= '0' && digit <= '9'; });
}

void resolve_count(Reading &reading, const std::string &count, Parameter &parameter) {
    if (count.empty()) {
        return; // one element
    }
    if (is_number(count)) {
        parameter.count = std::stoull(count);
        return;
    }
    const int by = reading.parameter_named(count);
    if (by < 0 || reading.function.parameters[static_cast<std::size_t>(by)].kind != Parameter::Kind::kInteger) {
        reading.fault("\"" + parameter.name + "\" is counted by \"" + count +
                      "\", which is no integer parameter of it");
        return;
    }
    parameter.counted_by = by;
}

// The number of elements of a leased result comes back through a pointer: that parameter is the path's own affair.
void resolve_result_count(Reading &reading, const std::string &count) {
    Result &result = reading.function.result;
    if (is_number(count)) {
        result.count = std::stoull(count);
        return;
    }
    const int by = reading.parameter_named(count);
    if (by < 0) {
        reading.fault("its result is counted by \"" + count + "\", which is no parameter of it");
        return;
    }
    Parameter &parameter = reading.function.parameters[static_cast<std::size_t>(by)];
    result.counted_by = by;
    if (parameter.kind == Parameter::Kind::kBuffer && parameter.type.is_scalar &&
        parameter.type.scalar != Scalar::kReal) {
        parameter.kind = Parameter::Kind::kCountOut;
    } else if (parameter.kind != Parameter::Kind::kInteger) {
        reading.fault("its result is counted by \"" + count + "\", which is neither an integer nor a pointer to one");
    }
}

void read_pointer_result(Reading &reading, const std::string &ownership, const std::string &count) {
    Result &result = reading.function.result;
    const bool is_text = result.type.is_scalar && result.type.bytes == 1;
    if (ownership == "copied") {
        result.kind = Result::Kind::kText;
        if (!is_text) {
            reading.fault("its result is COPIED, which is for terminated text, and of type " + result.type.name);
        }
    } else if (ownership == "owned") {
        result.kind = is_text && count.empty() ? Result::Kind::kOwnedText : Result::Kind::kOwned;
    } else if (ownership == "leased") {
        result.kind = Result::Kind::kLeased;
        if (count.empty()) {
            reading.fault("its result is LEASED without a count");
        }
    } else {
        reading.fault("its result is a pointer that says neither COPIED, OWNED nor LEASED");
    }
    if (ownership != "copied" && !call_services_are_set()) {
        reading.fault("its result is " + ownership + ", and nobody has told the call path how to lease or free");
    }
    if (!count.empty()) {
        resolve_result_count(reading, count);
    }
}

void read_value_result(Reading &reading, const std::string &type) {
    Result &result = reading.function.result;
    if (!result.type.is_scalar) {
        reading.fault("its result of type " + type + " is returned by value");
        return;
    }
    result.shift = static_cast<std::uint8_t>(64 - 8 * result.type.bytes);
    switch (result.type.scalar) {
    case Scalar::kSigned:
        result.kind = Result::Kind::kSigned;
        break;
    case Scalar::kUnsigned:
        result.kind = Result::Kind::kUnsigned;
        break;
    case Scalar::kReal:
        result.kind = result.type.bytes == 4 ? Result::Kind::kFloat32 : Result::Kind::kFloat64;
        break;
    }
}

void read_result(Reading &reading, PyObject *description) {
    const std::string kind = text(description, "kind");
    const std::string type = text(description, "type");
    Result &result = reading.function.result;
    if (kind == "status" || kind == "void") {
        result.kind = kind == "status" ? Result::Kind::kStatus : Result::Kind::kVoid;
        return;
    }
    const std::optional<ElementType> found = find_type(reading, type);
    if (!found) {
        reading.fault("its result has unknown type \"" + type + "\"");
        return;
    }
    result.type = *found;
    if (kind == "value") {
        read_value_result(reading, type);
    } else if (kind == "pointer") {
        read_pointer_result(reading, text(description, "ownership"), text(description, "count"));
    } else {
        reading.fault("its result is of kind \"" + kind + "\"; known: status, void, value, pointer");
    }
}

void read_all(Reading &reading, PyObject *description) {
    Function &function = reading.function;
    PyObject *parameters = item(description, "parameters");
    const Py_ssize_t count = parameters != nullptr && PySequence_Check(parameters) ? PySequence_Size(parameters) : 0;
    for (Py_ssize_t index = 0; index < count; ++index) {
        PyObject *parameter = PySequence_GetItem(parameters, index);
        if (parameter != nullptr) {
            read_parameter(reading, parameter);
            Py_DECREF(parameter);
        }
    }
    for (std::size_t index = 0; index < function.parameters.size(); ++index) {
        if (function.parameters[index].kind == Parameter::Kind::kBuffer) {
            resolve_count(reading, reading.counts[index], function.parameters[index]);
        }
    }
    PyObject *returns = item(description, "returns");
    returns == nullptr ? reading.fault("says nothing about its result") : read_result(reading, returns);
    if (function.stack_words > RegisterFile::kStackWords) {
        reading.fault("needs " + std::to_string(function.stack_words) +
                      " arguments on the stack; at most 16 can be passed");
    }
    function.reach = function.least_reach();
    function.arguments = function.count_arguments();
    function.doc = function.describe(reading.counts);
}

} // namespace

std::shared_ptr<Function> read_function(const std::string &plugin, PyObject *description, PyObject *structs,
                                        std::vector<std::string> &faults) {
    std::shared_ptr<Function> function = std::make_shared<Function>();
    function->plugin = plugin;
    function->name = text(description, "name");
    function->is_blocking = truth(description, "blocking");
    function->is_caught = truth(description, "caught");
    Reading reading{*function, structs, faults, 1, 0, {}};
    const std::int64_t offset = number(description, "offset", -1);
    const std::int64_t interface_index = number(description, "interface_index", -1);
    if (offset < 8 || offset % 8 != 0 || offset > 65528) {
        reading.fault("offset " + std::to_string(offset) + " is no place for a function pointer behind struct_size");
    }
    if (interface_index < 0 || interface_index > 255) {
        reading.fault("interface_index " + std::to_string(interface_index) + " is not within 0 to 255");
    }
    if (function->name.empty()) {
        reading.fault("has no name");
    }
    function->table_offset = static_cast<std::uint32_t>(sizeof(hotgraft_table)) + static_cast<std::uint32_t>(offset);
    function->interface_index = static_cast<std::uint32_t>(interface_index);
    read_all(reading, description);
    PyErr_Clear();
    return function;
}

} // namespace hotgraft
