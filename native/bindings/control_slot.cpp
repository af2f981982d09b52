// Slot: the one place callers read a table from, and the call objects that lead there.
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "call_path.hpp"
#include "control_held.hpp"
#include "control_parts.hpp"
#include "errors.hpp"
#include "fallback.hpp"
#include "guard.hpp"
#include "host_import.hpp"
#include "services.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

// Which generation made which table: what the call path's leases need. Tables of generations that are gone are swept
// out.
//
// Thread safety: any thread; the lock is held for a look-up only.
struct TableOwners {
    std::mutex mutex;
    std::unordered_map<const hotgraft_table *, std::weak_ptr<Generation>> owners;
    std::size_t sweep_at = 64;

    static TableOwners &instance() {
        static auto *const it = new TableOwners(); // never destroyed: a daemon thread may still call
        return *it;
    }
};

// Publish without a gate: the first table of a slot, a pin's, or none at all.
void publish(Slot &slot, const OwnedTable *table) {
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = Guards::instance().publish_open(slot, table == nullptr ? nullptr : table->table);
    }
    check(status, {"publish in its slot", slot.name()});
}

// Imports in the order of interface_index; a place without a slot stays unbound.
struct Imports {
    explicit Imports(const std::vector<std::shared_ptr<Slot>> &slots) : imports(slots.size()) {
        for (std::size_t i = 0; i < slots.size(); ++i) {
            if (slots[i] != nullptr) {
                fill_host_import(*slots[i], &imports[i]);
            }
            pointers.push_back(slots[i] != nullptr ? &imports[i] : nullptr);
        }
    }
    std::vector<hotgraft_import> imports;
    std::vector<hotgraft_import *> pointers;
};

py::object make_call_object(const py::type &type, const std::vector<std::shared_ptr<Slot>> &slots,
                            const py::object &owner) {
    const Imports imports(slots);
    PyObject *object = call_object_new(reinterpret_cast<PyTypeObject *>(type.ptr()), imports.pointers.data(),
                                       imports.pointers.size(), owner.ptr());
    if (object == nullptr) {
        throw py::error_already_set();
    }
    return py::reinterpret_steal<py::object>(object);
}

void retype_call_object(const py::object &object, const py::type &type,
                        const std::vector<std::shared_ptr<Slot>> &slots) {
    const Imports imports(slots);
    if (call_object_retype(object.ptr(), reinterpret_cast<PyTypeObject *>(type.ptr()), imports.pointers.data(),
                           imports.pointers.size()) != 0) {
        throw py::error_already_set();
    }
}

// --- what the call path asks of whoever knows generations (call_path.hpp) ---

struct CallLease {
    std::shared_ptr<Generation> generation;
    std::uint64_t number;
};

void *lease(const hotgraft_table *table, const char *why) {
    auto made = std::make_unique<CallLease>(); // before the lease: one that belongs to nobody stays for ever
    made->generation = generation_of_table(table);
    made->number = made->generation == nullptr ? 0 : made->generation->add_lease(why);
    return made->number == 0 ? nullptr : made.release();
}

void unlease(void *lease) {
    const std::unique_ptr<CallLease> owned(static_cast<CallLease *>(lease));
    owned->generation->remove_lease(owned->number);
}

void free_owned(const hotgraft_table *, void *pointer) {
    Ledger::free_block(pointer);
}

// (offset, word, number, is_float32) of a function that answers.
using Answer = std::tuple<std::uint32_t, std::int64_t, double, bool>;

void publish_a_fallback(const std::shared_ptr<Slot> &slot, std::uint32_t interface_bytes, std::uint32_t version,
                        const std::vector<Answer> &answers) {
    std::vector<AnsweredFunction> functions;
    for (const auto &[offset, word, number, is_float32] : answers) {
        FallbackAnswer answer{word, number};
        if (is_float32) {
            const float narrow = static_cast<float>(number);
            answer.number = 0;
            std::memcpy(&answer.number, &narrow, sizeof narrow); // the low half of xmm0
        }
        functions.push_back({offset, answer});
    }
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = or_no_memory([&] { return publish_fallback(slot, interface_bytes, version, functions); });
    }
    check(status, {"let its fallback answer", slot->name()});
}

} // namespace

void note_table(const hotgraft_table *table, const std::shared_ptr<Generation> &generation) {
    TableOwners &it = TableOwners::instance();
    const std::lock_guard<std::mutex> lock(it.mutex);
    it.owners[table] = generation;
    if (it.owners.size() < it.sweep_at) {
        return;
    }
    for (auto owner = it.owners.begin(); owner != it.owners.end();) {
        owner = owner->second.expired() ? it.owners.erase(owner) : std::next(owner);
    }
    it.sweep_at = 2 * it.owners.size() + 64;
}

void forget_table(const hotgraft_table *table) noexcept {
    TableOwners &it = TableOwners::instance();
    const std::lock_guard<std::mutex> lock(it.mutex);
    it.owners.erase(table);
}

std::shared_ptr<Generation> generation_of_table(const hotgraft_table *table) noexcept {
    TableOwners &it = TableOwners::instance();
    const std::lock_guard<std::mutex> lock(it.mutex);
    const auto owner = it.owners.find(table);
    return owner == it.owners.end() ? nullptr : owner->second.lock();
}

void add_slot(py::module_ &module) {
    py::class_<Slot, std::shared_ptr<Slot>>(module, "Slot")
        .def_static(
            "named", [](const std::string &name) { return held(std::make_shared<Slot>(name)); }, py::arg("name"))
        .def_property_readonly("name", &Slot::name)
        .def_property_readonly("generation", &Slot::generation)
        .def_property_readonly("is_gated", &Slot::is_gated)
        .def_property(
            "queue_limit",
            [](const Slot &it) -> std::optional<std::uint32_t> {
                const std::uint32_t limit = it.queue().limit();
                return limit == GateQueue::kNoLimit ? std::nullopt : std::optional<std::uint32_t>(limit);
            },
            [](Slot &it, std::optional<std::uint32_t> limit) {
                it.queue().set_limit(limit.value_or(GateQueue::kNoLimit));
            })
        .def_property_readonly("waiting", [](const Slot &it) { return it.queue().waiting(); })
        .def_property_readonly("turned_away", [](const Slot &it) { return it.queue().turned_away(); })
        .def("publish", &publish, py::arg("table").none(true));
    module.def("publish_fallback", &publish_a_fallback, py::arg("slot"), py::kw_only(), py::arg("interface_bytes"),
               py::arg("version"), py::arg("answers"));
    module.def("count_fallbacks", [] {
        const py::gil_scoped_release unlocked;
        return count_fallbacks();
    });
    module.def("make_call_object", &make_call_object, py::arg("call_type"), py::arg("slots"), py::arg("owner"));
    module.def("retype_call_object", &retype_call_object, py::arg("handle"), py::arg("call_type"), py::arg("slots"));
    call_path_set_services({lease, unlease, free_owned});
}

} // namespace hotgraft
