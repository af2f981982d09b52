// Looking at the state of a plugin that serves: what its instances would save, and copies of it for a probe.
#include <string>
#include <string_view>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control_parts.hpp"
#include "control_time.hpp"
#include "errors.hpp"
#include "layout_pointed.hpp"
#include "state_copy.hpp"
#include "state_reading.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

// MessagePack, one map: what msgspec makes of it is what the plugin put.
py::bytes bytes_of(const KeyedState &state) {
    py::bytes made = make_bytes(nullptr, state.bytes());
    state.copy_to(PyBytes_AS_STRING(made.ptr()));
    return made;
}

py::list all_bytes_of(const std::vector<KeyedState> &saved) {
    py::list instances;
    for (const KeyedState &state : saved) {
        instances.append(bytes_of(state));
    }
    return instances;
}

RestWish wish_of(const std::shared_ptr<Generation> &generation, const std::vector<std::shared_ptr<Slot>> &slots,
                 const char *what, double rest_s, double deadline_s) {
    return {generation, slots, what, deadline_in(rest_s), deadline_in(deadline_s)};
}

// By instance.
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
    return all_bytes_of(saved);
}

// The same values as a saved state has them; whatever is none is refused at the byte where it is not.
py::bytes check_values(const py::bytes &values) {
    const std::string_view given = values;
    KeyedState state;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = state.read(given.data(), given.size());
    }
    check(status, {"read the values", "a saved state", "StateError"});
    return bytes_of(state);
}

// --- copies for a probe ---

// By instance; and the pause in microseconds.
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
    return py::make_tuple(all_bytes_of(saved), static_cast<double>(pause_ns) / 1'000);
}

constexpr std::size_t kPointersShown = 4;

// What no other process could use: words that lead into the library, and one that leads elsewhere. Declared pointers
// are none of them: they are numbers in the copy.
struct Leads {
    std::vector<BlockPointer> into;
    BlockPointer elsewhere;
    bool leads_elsewhere = false;

    void look(const Library &library, const std::vector<unsigned char> &bytes, std::uint64_t block) {
        for (BlockPointer &one : find_pointers_into(library, bytes.data(), bytes.size(), kPointersShown)) {
            one.block = block;
            into.push_back(std::move(one));
        }
        if (!leads_elsewhere && find_pointer(bytes.data(), bytes.size(), &elsewhere)) {
            leads_elsewhere = true;
            elsewhere.block = block;
        }
    }
};

py::list list_of(const StateImage &image) {
    py::list blocks;
    for (const std::vector<unsigned char> &block : image) {
        blocks.append(make_bytes(block.data(), block.size()));
    }
    return blocks;
}

// Of one block: its bytes (None: too large) and size, its layout, what in it leads into the library that made it
// (offset, symbol, which block), and the offset of a word that leads elsewhere in this process (None: there is none);
// the blocks that it leads to, and which they are.
py::tuple tuple_of(const Generation &generation, const Library *library, const BlockCopy &copy) {
    Leads leads;
    std::uint64_t copied = copy.bytes.size();
    {
        const py::gil_scoped_release unlocked;
        leads.look(*library, copy.bytes, 0);
        for (std::size_t i = 0; i < copy.image.size(); ++i) {
            leads.look(*library, copy.image[i], i + 1);
            copied += copy.image[i].size();
        }
    }
    py::list into;
    for (const BlockPointer &pointer : leads.into) {
        into.append(py::make_tuple(pointer.offset, pointer.target, pointer.block));
    }
    const bool is_whole = copied == copy.block_bytes;
    return py::make_tuple(is_whole ? py::object(make_bytes(copy.bytes.data(), copy.bytes.size())) : py::none(),
                          copy.block_bytes, generation.layout_id(), into,
                          leads.leads_elsewhere ? py::object(py::int_(leads.elsewhere.offset)) : py::none(),
                          list_of(copy.image));
}

py::tuple copy_all_blocks(const std::shared_ptr<Generation> &generation,
                          const std::vector<std::shared_ptr<Slot>> &slots, std::uint64_t bytes_max, double rest_s,
                          double deadline_s, const std::shared_ptr<CopyProgram> &walk) {
    std::vector<BlockCopy> copies;
    std::int64_t pause_ns = 0;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = or_no_memory([&] {
            const RestWish wish = wish_of(generation, slots, "surrender", rest_s, deadline_s);
            return walk == nullptr ? copy_blocks(wish, bytes_max, &copies, &pause_ns)
                                   : copy_images(wish, walk, bytes_max, &copies, &pause_ns);
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
    module.def("check_values", &check_values, py::arg("values"));
    module.def("copy_values", &copy_values, py::arg("generation"), py::arg("slots"), py::arg("rest_s"),
               py::arg("deadline_s"));
    module.def("copy_blocks", &copy_all_blocks, py::arg("generation"), py::arg("slots"), py::arg("bytes_max"),
               py::arg("rest_s"), py::arg("deadline_s"), py::arg("walk") = nullptr);
}

} // namespace hotgraft
