// Looking at the state of a plugin that serves: what its instances would save, and copies of it for a probe.
#include <cstring>
#include <string>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control_parts.hpp"
#include "control_time.hpp"
#include "errors.hpp"
#include "state_copy.hpp"
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
        return make_bytes(bytes, value.bytes);
    }
}

RestWish wish_of(const std::shared_ptr<Generation> &generation, const std::vector<std::shared_ptr<Slot>> &slots,
                 const char *what, double rest_s, double deadline_s) {
    return {generation, slots, what, deadline_in(rest_s), deadline_in(deadline_s)};
}

// One dict per instance, keys in the order they were put.
py::list read_values(const std::shared_ptr<Generation> &generation, const std::vector<std::shared_ptr<Slot>> &slots,
                     double deadline_s) {
    std::vector<KeyedState> saved;
    std::int64_t pause_ns = 0;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = read_state(wish_of(generation, slots, "save", deadline_s, deadline_s), &saved, &pause_ns);
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

// --- copies for a probe ---

// By instance, then key, type and bytes, exactly as they were put; and the pause in microseconds.
py::tuple copy_values(const std::shared_ptr<Generation> &generation, const std::vector<std::shared_ptr<Slot>> &slots,
                      double rest_s, double deadline_s) {
    std::vector<KeyedState> saved;
    std::int64_t pause_ns = 0;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = read_state(wish_of(generation, slots, "save", rest_s, deadline_s), &saved, &pause_ns);
    }
    check(status, {"copy its state", generation->label(), "StateError", "DrainTimeout", "save"});
    py::list instances;
    for (const KeyedState &state : saved) {
        py::list values;
        for (const KeyedState::Value &value : state.values()) {
            values.append(py::make_tuple(make_bytes(value.key.data(), value.key.size()), value.type,
                                         make_bytes(value.data, value.bytes)));
        }
        instances.append(values);
    }
    return py::make_tuple(instances, static_cast<double>(pause_ns) / 1'000);
}

constexpr std::size_t kPointersShown = 4;

// Of one block: its bytes (None: too large) and size, its layout, what in it leads into the library that made it
// (offset, symbol), and the offset of a word that leads elsewhere in this process (None: there is none).
py::tuple tuple_of(const Generation &generation, const Library *library, const BlockCopy &copy) {
    std::vector<BlockPointer> pointers;
    BlockPointer elsewhere;
    bool leads_elsewhere = false;
    {
        const py::gil_scoped_release unlocked;
        pointers = find_pointers_into(*library, copy, kPointersShown);
        leads_elsewhere = find_pointer(copy, &elsewhere);
    }
    py::list into;
    for (const BlockPointer &pointer : pointers) {
        into.append(py::make_tuple(pointer.offset, pointer.target));
    }
    const bool is_whole = copy.bytes.size() == copy.block_bytes;
    return py::make_tuple(is_whole ? py::object(make_bytes(copy.bytes.data(), copy.bytes.size())) : py::none(),
                          copy.block_bytes, generation.layout_id(), into,
                          leads_elsewhere ? py::object(py::int_(elsewhere.offset)) : py::none());
}

py::tuple copy_all_blocks(const std::shared_ptr<Generation> &generation,
                          const std::vector<std::shared_ptr<Slot>> &slots, std::uint64_t bytes_max, double rest_s,
                          double deadline_s) {
    std::vector<BlockCopy> copies;
    std::int64_t pause_ns = 0;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = or_no_memory([&] {
            return copy_blocks(wish_of(generation, slots, "surrender", rest_s, deadline_s), bytes_max, &copies,
                               &pause_ns);
        });
    }
    check(status, {"copy its state", generation->label(), "StateError", "DrainTimeout", "surrender"});
    py::list instances;
    for (const BlockCopy &copy : copies) {
        instances.append(tuple_of(*generation, generation->library(), copy));
    }
    return py::make_tuple(instances, static_cast<double>(pause_ns) / 1'000);
}

} // namespace

void add_state(py::module_ &module) {
    module.def("read_state", &read_values, py::arg("generation"), py::arg("slots"), py::arg("deadline_s"));
    module.def("copy_values", &copy_values, py::arg("generation"), py::arg("slots"), py::arg("rest_s"),
               py::arg("deadline_s"));
    module.def("copy_blocks", &copy_all_blocks, py::arg("generation"), py::arg("slots"), py::arg("bytes_max"),
               py::arg("rest_s"), py::arg("deadline_s"));
}

} // namespace hotgraft
