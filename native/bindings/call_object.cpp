#include "call_object.hpp"

#include <structmember.h>

#include "call_retype.hpp"
#include "call_type.hpp"
#include "call_wait.hpp"
#include "guard.hpp"

namespace hotgraft {
namespace {

PyTypeObject *the_base = nullptr;

CallObject &as_call_object(PyObject *object) {
    return *reinterpret_cast<CallObject *>(object);
}

int traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(as_call_object(self).owner);
    return 0;
}

// The owner keeps the slots alive. Calls that garbage still makes (a __del__ in the same cycle) are refused.
int clear(PyObject *self) {
    CallObject &object = as_call_object(self);
    for (CellBlock *block = object.block; block != nullptr; block = block->older.get()) {
        for (Cell &cell : block->cells) {
            cell.import = *closed_import();
        }
    }
    Py_CLEAR(object.owner);
    return 0;
}

void dealloc(PyObject *self) {
    PyTypeObject *const type = Py_TYPE(self);
    CallObject &object = as_call_object(self);
    PyObject_GC_UnTrack(self);
    if (object.weak_references != nullptr) {
        PyObject_ClearWeakRefs(self);
    }
    Py_CLEAR(object.owner);
    delete object.block;
    delete object.sentence;
    type->tp_free(self);
    Py_DECREF(type);
}

// A slot that never holds a table.
hotgraft_slot *empty_slot() {
    static Slot *const slot = new Slot("nothing"); // never freed: objects may outlive every destructor
    return slot->words();
}

hotgraft_import import_of(hotgraft_slot *slot, const hotgraft_host *host) {
    hotgraft_import import = HOTGRAFT_IMPORT("python", "*", 0);
    import.slot = slot != nullptr ? slot : empty_slot();
    import.record_offset = kRecordOffset;
    import.host = host;
    return import;
}

std::unique_ptr<CellBlock> make_block(CallObject *object, std::shared_ptr<const CallType> type,
                                      hotgraft_import *const *imports, std::size_t count) {
    if (count < type->interfaces) {
        PyErr_Format(PyExc_ValueError, "%s: its functions need %zu imports, got %zu", type->plugin.c_str(),
                     type->interfaces, count);
        return nullptr;
    }
    std::unique_ptr<CellBlock> block = std::make_unique<CellBlock>();
    block->host.struct_size = sizeof(hotgraft_host);
    block->host.ctx = reinterpret_cast<hotgraft_ctx *>(object);
    block->host.enter = enter_from_python;
    for (std::size_t index = 0; index < count; ++index) {
        block->imports.push_back(import_of(imports[index] != nullptr ? imports[index]->slot : nullptr, &block->host));
    }
    for (const CallType::Place &place : type->places) {
        const Function &function = *place.function;
        const hotgraft_import &import = place.is_gone ? *closed_import() : block->imports[function.interface_index];
        block->cells.push_back({import, &function, place.is_gone ? 0 : function.table_offset, object});
    }
    block->type = std::move(type);
    return block;
}

// Both types are fixed for everybody else. No Python runs in here.
bool set_class(PyObject *object, PyTypeObject *type) {
    PyTypeObject *const before =
        reinterpret_cast<PyTypeObject *>(Py_NewRef(reinterpret_cast<PyObject *>(Py_TYPE(object))));
    change_only_by_retype(before, false);
    change_only_by_retype(type, false);
    const bool is_set = PyObject_SetAttrString(object, "__class__", reinterpret_cast<PyObject *>(type)) == 0;
    change_only_by_retype(type, true);
    change_only_by_retype(before, true);
    Py_DECREF(before);
    return is_set;
}

} // namespace

const std::int64_t kRecordOffset = record_offset();

PyTypeObject *call_base() {
    return the_base;
}

bool is_call_object(PyObject *object) {
    return PyObject_TypeCheck(object, the_base) != 0 && as_call_object(object).block != nullptr;
}

int add_call_base(PyObject *module) {
    static PyMemberDef members[] = {
        {"_owner", T_OBJECT, offsetof(CallObject, owner), READONLY, nullptr},
        {"__weaklistoffset__", T_PYSSIZET, offsetof(CallObject, weak_references), READONLY, nullptr},
        {nullptr, 0, 0, 0, nullptr}};
    static PyType_Slot slots[] = {{Py_tp_traverse, reinterpret_cast<void *>(traverse)},
                                  {Py_tp_clear, reinterpret_cast<void *>(clear)},
                                  {Py_tp_dealloc, reinterpret_cast<void *>(dealloc)},
                                  {Py_tp_members, members},
                                  {0, nullptr}};
    static PyType_Spec spec = {
        "hotgraft._core.CallBase", static_cast<int>(sizeof(CallObject)), 0,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    the_base = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    return the_base == nullptr ? -1 : PyModule_AddObjectRef(module, "CallBase", reinterpret_cast<PyObject *>(the_base));
}

const hotgraft_import *closed_import() {
    static const hotgraft_host host = [] {
        hotgraft_host made{};
        made.struct_size = sizeof(made);
        made.enter = enter_from_python;
        return made;
    }();
    static const hotgraft_import import = import_of(nullptr, &host);
    return &import;
}

PyObject *call_object_new(PyTypeObject *type, hotgraft_import *const *imports, std::size_t count, PyObject *owner) {
    const std::shared_ptr<const CallType> call_type = call_type_of(type);
    PyObject *made = call_type != nullptr ? type->tp_alloc(type, 0) : nullptr;
    if (made == nullptr) {
        return nullptr;
    }
    CallObject &object = as_call_object(made);
    std::unique_ptr<CellBlock> block = make_block(&object, call_type, imports, count);
    if (block == nullptr) {
        Py_DECREF(made);
        return nullptr;
    }
    object.block = block.release();
    object.cells = object.block->cells.data();
    object.owner = Py_XNewRef(owner);
    return made;
}

int call_object_retype(PyObject *object, PyTypeObject *type, hotgraft_import *const *imports, std::size_t count) {
    if (!is_call_object(object)) {
        PyErr_Format(PyExc_TypeError, "retype takes a plugin's handle, got %s", Py_TYPE(object)->tp_name);
        return -1;
    }
    CallObject &self = as_call_object(object);
    const std::shared_ptr<const CallType> call_type = call_type_of(type);
    std::unique_ptr<CellBlock> block = call_type != nullptr ? make_block(&self, call_type, imports, count) : nullptr;
    if (block == nullptr) {
        return -1;
    }
    const std::vector<CallType::Place> &before = self.block->type->places;
    for (std::size_t place = 0; place < before.size(); ++place) {
        if (place >= call_type->places.size() ||
            !call_type->places[place].function->is_same_call(*before[place].function)) {
            PyErr_Format(PyExc_ValueError, "%s: that type was not made with this handle's type as previous",
                         call_type->plugin.c_str());
            return -1;
        }
    }
    if (!set_class(object, type)) {
        return -1;
    }
    block->older.reset(self.block);
    self.block = block.release();
    self.cells = self.block->cells.data(); // no Python runs between this and __class__
    tell_retyped(self, *self.block->older);
    return 0;
}

int call_object_refuse(PyObject *object, CallRefusal why, const char *sentence) {
    if (!is_call_object(object)) {
        PyErr_Format(PyExc_TypeError, "refuse_calls takes a plugin's handle, got %s", Py_TYPE(object)->tp_name);
        return -1;
    }
    CallObject &self = as_call_object(object);
    delete self.sentence;
    self.sentence = sentence != nullptr ? new std::string(sentence) : nullptr;
    self.refusal = why;
    return 0;
}

} // namespace hotgraft
