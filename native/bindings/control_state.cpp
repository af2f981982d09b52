// read_state: what the instances of a plugin that serves would save, as Python values.
#include <cstring>
#include <string>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control_parts.hpp"
#include "control_time.hpp"
#include "errors.hpp"
#include "state_reading.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

template <typename Number> Number number_at(const void *data) {
    Number number;
    std::memcpy(&number, data, sizeof number);
    return number;
}

py::object value_of(const KeyedState::Value &value) {
    const auto *const bytes = static_cast<const char *>(value.data);
    const auto length = static_cast<Py_ssize_t>(value.bytes);
    switch (value.type) {
    case HOTGRAFT_VALUE_I64:
        return py::int_(number_at<std::int64_t>(value.data));
    case HOTGRAFT_VALUE_F64:
        return py::float_(number_at<double>(value.data));
    case HOTGRAFT_VALUE_TEXT:
        return py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(bytes, length, "backslashreplace"));
    default:
        return py::bytes(bytes, static_cast<std::size_t>(length));
    }
}

// One dict per instance, keys in the order they were put.
py::list read_values(const std::shared_ptr<Generation> &generation, const std::vector<std::shared_ptr<Slot>> &slots,
                     double deadline_s) {
    std::vector<KeyedState> saved;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = read_state(generation, slots, deadline_in(deadline_s), &saved);
    }
    check(status, {"read its state", generation->label(), "StateError", "DrainTimeout"});
    py::list instances;
    for (const KeyedState &state : saved) {
        py::dict values;
        for (const KeyedState::Value &value : state.values()) {
            values[py::str(value.key)] = value_of(value);
        }
        instances.append(values);
    }
    return instances;
}

} // namespace

void add_state(py::module_ &module) {
    module.def("read_state", &read_values, py::arg("generation"), py::arg("slots"), py::arg("deadline_s"));
}

} // namespace hotgraft
