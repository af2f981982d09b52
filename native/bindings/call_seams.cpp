#include "call_seams.hpp"

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "call_services.hpp"
#include "call_type.hpp"
#include "call_wait.hpp"
#include "gate.hpp"
#include "guard.hpp"
#include "table.hpp"

namespace hotgraft {
namespace {

constexpr const char *kSlot = "hotgraft._core._seams.slot";
constexpr const char *kGate = "hotgraft._core._seams.gate";

// A slot and all tables ever published in it: a test has no reaper, so they live as long as the slot.
struct SlotByHand {
    explicit SlotByHand(const std::string &name) : slot(name) {}
    Slot slot;
    std::vector<std::unique_ptr<Table>> tables;
};

SlotByHand *slot_of(PyObject *capsule) {
    return static_cast<SlotByHand *>(PyCapsule_GetPointer(capsule, kSlot));
}

GateSet *gate_of(PyObject *capsule) {
    return static_cast<GateSet *>(PyCapsule_GetPointer(capsule, kGate));
}

bool check(const Status &status) {
    if (!status.is_ok()) {
        PyErr_SetString(PyExc_RuntimeError, status.message().c_str());
    }
    return status.is_ok();
}

PyObject *none_if(bool is_done) {
    return is_done ? Py_NewRef(Py_None) : nullptr;
}

// slot(name) -> slot. Never freed: objects point into it.
PyObject *slot(PyObject *, PyObject *name) {
    const char *text = PyUnicode_AsUTF8(name);
    return text == nullptr ? nullptr : PyCapsule_New(new SlotByHand(text), kSlot, nullptr);
}

// table(slot, address, self, generation) -> index of a new table with the interface struct at `address`
PyObject *table(PyObject *, PyObject *args) {
    PyObject *capsule = nullptr;
    unsigned long long address = 0;
    unsigned long long self = 0;
    unsigned long long generation = 0;
    if (PyArg_ParseTuple(args, "OKKK:table", &capsule, &address, &self, &generation) == 0) {
        return nullptr;
    }
    SlotByHand *const by_hand = slot_of(capsule);
    if (by_hand == nullptr) {
        return nullptr;
    }
    const std::uint32_t padded = 4096; // past every function of every test
    by_hand->tables.push_back(Table::make(reinterpret_cast<const void *>(address), padded, 1U << 16, generation,
                                          reinterpret_cast<void *>(self), 0, by_hand->slot.name()));
    if (by_hand->tables.back() == nullptr) {
        by_hand->tables.pop_back();
        PyErr_SetString(PyExc_ValueError, "Table::make refused the interface struct");
        return nullptr;
    }
    return PyLong_FromSize_t(by_hand->tables.size() - 1);
}

const hotgraft_table *table_at(SlotByHand *by_hand, Py_ssize_t index) {
    return index < 0 ? nullptr : by_hand->tables.at(static_cast<std::size_t>(index))->get();
}

// publish(slot, table index, or -1 for none)
PyObject *publish(PyObject *, PyObject *args) {
    PyObject *capsule = nullptr;
    Py_ssize_t index = 0;
    if (PyArg_ParseTuple(args, "On:publish", &capsule, &index) == 0) {
        return nullptr;
    }
    SlotByHand *const by_hand = slot_of(capsule);
    return none_if(by_hand != nullptr &&
                   check(Guards::instance().publish_open(by_hand->slot, table_at(by_hand, index))));
}

bool read_imports(PyObject *list, std::vector<hotgraft_import> &imports, std::vector<hotgraft_import *> &pointers) {
    for (Py_ssize_t index = 0; index < PyList_GET_SIZE(list); ++index) {
        PyObject *const capsule = PyList_GET_ITEM(list, index);
        hotgraft_import import = HOTGRAFT_IMPORT("test", "*", 0);
        if (capsule != Py_None) {
            SlotByHand *const by_hand = slot_of(capsule);
            if (by_hand == nullptr) {
                return false;
            }
            import.slot = by_hand->slot.words();
        }
        imports.push_back(import);
    }
    for (hotgraft_import &import : imports) {
        pointers.push_back(&import);
    }
    return true;
}

// call_object(type, [slot or None, ...], owner) -> object
PyObject *call_object(PyObject *, PyObject *args) {
    PyObject *type = nullptr;
    PyObject *list = nullptr;
    PyObject *owner = nullptr;
    if (PyArg_ParseTuple(args, "O!O!O:call_object", &PyType_Type, &type, &PyList_Type, &list, &owner) == 0) {
        return nullptr;
    }
    std::vector<hotgraft_import> imports;
    std::vector<hotgraft_import *> pointers;
    return read_imports(list, imports, pointers)
               ? call_object_new(reinterpret_cast<PyTypeObject *>(type), pointers.data(), pointers.size(), owner)
               : nullptr;
}

// retype(object, type, [slot or None, ...])
PyObject *retype(PyObject *, PyObject *args) {
    PyObject *object = nullptr;
    PyObject *type = nullptr;
    PyObject *list = nullptr;
    if (PyArg_ParseTuple(args, "OO!O!:retype", &object, &PyType_Type, &type, &PyList_Type, &list) == 0) {
        return nullptr;
    }
    std::vector<hotgraft_import> imports;
    std::vector<hotgraft_import *> pointers;
    return none_if(
        read_imports(list, imports, pointers) &&
        call_object_retype(object, reinterpret_cast<PyTypeObject *>(type), pointers.data(), pointers.size()) == 0);
}

void drop_gate(PyObject *capsule) {
    delete gate_of(capsule);
}

// close([slot, ...]) -> gate. Closed and drained of nobody: a test drains itself.
PyObject *close(PyObject *, PyObject *list) {
    std::vector<Slot *> slots;
    for (Py_ssize_t index = 0; PyList_Check(list) && index < PyList_GET_SIZE(list); ++index) {
        SlotByHand *const by_hand = slot_of(PyList_GET_ITEM(list, index));
        if (by_hand == nullptr) {
            return nullptr;
        }
        slots.push_back(&by_hand->slot);
    }
    std::unique_ptr<GateSet> gate = std::make_unique<GateSet>(slots);
    return check(gate->close()) ? PyCapsule_New(gate.release(), kGate, drop_gate) : nullptr;
}

// reopen(gate)
PyObject *reopen(PyObject *, PyObject *capsule) {
    GateSet *const gate = gate_of(capsule);
    if (gate != nullptr) {
        gate->reopen();
    }
    return none_if(gate != nullptr);
}

// carry_out(gate, callable) -> its result: called by the thread that carries out the swap
PyObject *carry_out(PyObject *, PyObject *args) {
    PyObject *capsule = nullptr;
    PyObject *callable = nullptr;
    if (PyArg_ParseTuple(args, "OO:carry_out", &capsule, &callable) == 0) {
        return nullptr;
    }
    GateSet *const gate = gate_of(capsule);
    if (gate == nullptr) {
        return nullptr;
    }
    const CarriesOut carries_out(gate->swap());
    return PyObject_CallNoArgs(callable);
}

// waiters(slot) -> how many threads wait at its gate
PyObject *waiters(PyObject *, PyObject *capsule) {
    SlotByHand *const by_hand = slot_of(capsule);
    return by_hand == nullptr ? nullptr : PyLong_FromUnsignedLong(by_hand->slot.waiters());
}

// is_inside() -> does the calling thread hold a guard?
PyObject *is_inside(PyObject *, PyObject *) {
    return PyBool_FromLong(Guards::instance().calling_thread_holds_any() ? 1 : 0);
}

// --- mitigations ---

PyObject *set_flag(PyObject *value, bool *flag) {
    const int is_true = PyObject_IsTrue(value);
    if (is_true < 0) {
        return nullptr;
    }
    *flag = is_true != 0;
    Py_RETURN_NONE;
}

PyObject *leave_arguments_narrow(PyObject *, PyObject *value) {
    return set_flag(value, &makes_dirty_types());
}

PyObject *lease_results(PyObject *, PyObject *value) {
    return set_flag(value, &call_services().leases_results);
}

PyObject *wait_hooks(PyObject *, PyObject *value) {
    bool is_on = false;
    PyObject *const done = set_flag(value, &is_on);
    if (done != nullptr) {
        is_on ? set_wait_hooks() : Guards::instance().set_wait_hooks(nullptr, nullptr);
    }
    return done;
}

// --- services that count ---

struct Counts {
    std::size_t leases = 0;
    std::size_t freed = 0;
};

Counts &counts() {
    static Counts counted;
    return counted;
}

void *count_lease(const hotgraft_table *, const char *) {
    ++counts().leases;
    return &counts();
}

void count_unlease(void *) {
    --counts().leases;
}

void count_freed(const hotgraft_table *, void *pointer) {
    std::free(pointer);
    ++counts().freed;
}

// count_services(True) -> (leases open, owned results freed) so far; False: back to those of before
PyObject *count_services(PyObject *, PyObject *value) {
    static CallServices before;
    bool is_on = false;
    if (set_flag(value, &is_on) == nullptr) {
        return nullptr;
    }
    const bool is_counting = call_services().lease == count_lease;
    if (is_on && !is_counting) {
        before = call_services();
        call_path_set_services({count_lease, count_unlease, count_freed});
    } else if (!is_on && is_counting) {
        call_path_set_services(before);
    }
    return Py_BuildValue("(nn)", static_cast<Py_ssize_t>(counts().leases), static_cast<Py_ssize_t>(counts().freed));
}

PyMethodDef methods[] = {
    {"slot", slot, METH_O, nullptr},
    {"table", table, METH_VARARGS, nullptr},
    {"publish", publish, METH_VARARGS, nullptr},
    {"call_object", call_object, METH_VARARGS, nullptr},
    {"retype", retype, METH_VARARGS, nullptr},
    {"close", close, METH_O, nullptr},
    {"reopen", reopen, METH_O, nullptr},
    {"carry_out", carry_out, METH_VARARGS, nullptr},
    {"waiters", waiters, METH_O, nullptr},
    {"is_inside", is_inside, METH_NOARGS, nullptr},
    {"leave_arguments_narrow", leave_arguments_narrow, METH_O, nullptr},
    {"lease_results", lease_results, METH_O, nullptr},
    {"wait_hooks", wait_hooks, METH_O, nullptr},
    {"count_services", count_services, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

int add_call_seams(PyObject *module) {
    PyObject *seams = PyObject_GetAttrString(module, "_seams");
    if (seams == nullptr) {
        PyErr_Clear();
        seams = PyModule_New("hotgraft._core._seams");
        if (seams == nullptr || PyModule_AddObjectRef(module, "_seams", seams) != 0) {
            Py_XDECREF(seams);
            return -1;
        }
    }
    const int added = PyModule_AddFunctions(seams, methods);
    Py_DECREF(seams);
    return added;
}

} // namespace hotgraft
