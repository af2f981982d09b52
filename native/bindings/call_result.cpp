#include "call_result.hpp"

#include <cstdlib>
#include <cstring>

#include "call_services.hpp"

namespace hotgraft {
namespace {

// Exports a leased result's memory and gives the lease up when the last view of it has gone.
struct LeasedMemory {
    PyObject ob_base; // PyObject_HEAD
    void *address;
    Py_ssize_t bytes;
    Py_ssize_t items;
    Py_ssize_t item_bytes;
    char format[2];
    void *lease; // nullptr: the control "result view without a lease"
};

PyTypeObject *leased_type = nullptr;

int leased_getbuffer(PyObject *self, Py_buffer *view, int flags) {
    LeasedMemory *const leased = reinterpret_cast<LeasedMemory *>(self);
    if (PyBuffer_FillInfo(view, self, leased->address, leased->bytes, 1, flags) != 0) {
        return -1;
    }
    view->itemsize = leased->item_bytes;
    view->format = (flags & PyBUF_FORMAT) != 0 ? leased->format : nullptr;
    view->shape = (flags & PyBUF_ND) != 0 ? &leased->items : nullptr;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &leased->item_bytes : nullptr;
    return 0;
}

void leased_dealloc(PyObject *self) {
    PyTypeObject *const type = Py_TYPE(self);
    void *const lease = reinterpret_cast<LeasedMemory *>(self)->lease;
    type->tp_free(self);
    Py_DECREF(type);
    if (lease != nullptr) {
        call_services().unlease(lease);
    }
}

PyObject *box_leased(const ElementType &type, TakenPointer &taken) {
    LeasedMemory *leased = PyObject_New(LeasedMemory, leased_type);
    if (leased == nullptr) {
        if (taken.lease != nullptr) {
            call_services().unlease(taken.lease);
        }
        return nullptr;
    }
    leased->address = const_cast<void *>(taken.address);
    leased->bytes = static_cast<Py_ssize_t>(taken.bytes);
    leased->item_bytes = type.is_scalar ? static_cast<Py_ssize_t>(type.bytes) : 1;
    leased->items = leased->bytes / leased->item_bytes;
    leased->format[0] = type.is_scalar ? item_format(type) : 'B';
    leased->format[1] = '\0';
    leased->lease = taken.lease;
    PyObject *view = PyMemoryView_FromObject(reinterpret_cast<PyObject *>(leased));
    Py_DECREF(leased);
    return view;
}

// How many elements a counted result has. False: negative or beyond all memory.
bool counted(const Function &function, const RegisterFile &registers, std::uint64_t count_out, TakenPointer &taken) {
    const Result &result = function.result;
    std::uint64_t count = result.count;
    if (result.counted_by >= 0) {
        const Parameter &by = function.parameters[static_cast<std::size_t>(result.counted_by)];
        count = count_out;
        if (by.kind == Parameter::Kind::kInteger) {
            std::memcpy(&count, reinterpret_cast<const char *>(&registers) + by.place, sizeof(count));
        }
        const unsigned shift = 64 - 8 * by.type.bytes;
        const bool is_signed = by.type.scalar == Scalar::kSigned;
        taken.bad_count = static_cast<std::int64_t>(count << shift) >> shift;
        count = count << shift >> shift;
        if (is_signed && taken.bad_count < 0) {
            return false;
        }
    }
    return !__builtin_mul_overflow(count, std::uint64_t{result.type.bytes}, &taken.bytes) &&
           taken.bytes <= static_cast<std::uint64_t>(PY_SSIZE_T_MAX);
}

void copy_out(TakenPointer &taken) {
    taken.copy = taken.bytes <= sizeof(taken.few) ? taken.few : std::malloc(taken.bytes);
    if (taken.copy == nullptr) {
        taken.fault = TakenPointer::Fault::kNoMemory;
        return;
    }
    std::memcpy(taken.copy, taken.address, taken.bytes);
}

PyObject *box_copy(const Function &function, const TakenPointer &taken) {
    const char *const bytes = static_cast<const char *>(taken.copy);
    const Py_ssize_t length = static_cast<Py_ssize_t>(taken.bytes);
    return function.result.kind == Result::Kind::kOwned ? PyBytes_FromStringAndSize(bytes, length)
                                                        : PyUnicode_DecodeUTF8(bytes, length, "strict");
}

} // namespace

PyObject *box_rare(const Cell &cell, Returned returned, std::uint64_t generation) {
    const Result &result = cell.function->result;
    if (result.kind == Result::Kind::kUnsigned) {
        return PyLong_FromUnsignedLongLong(returned.word << result.shift >> result.shift);
    }
    if (result.kind == Result::Kind::kFloat32) {
        float narrow = 0; // in the low half of the register
        std::memcpy(&narrow, &returned.real, sizeof(narrow));
        return PyFloat_FromDouble(static_cast<double>(narrow));
    }
    if (result.kind == Result::Kind::kStatus) {
        const std::int32_t status = static_cast<std::int32_t>(static_cast<std::uint32_t>(returned.word));
        return status < 0 ? plugin_failed(cell, status, generation) : PyLong_FromLong(status);
    }
    Py_RETURN_NONE;
}

void take_pointer(const Function &function, const hotgraft_table *table, const RegisterFile &registers,
                  const void *address, std::uint64_t count_out, TakenPointer &taken) {
    taken.address = address;
    const Result::Kind kind = function.result.kind;
    if (address == nullptr) {
        return;
    }
    const bool is_text = kind == Result::Kind::kText || kind == Result::Kind::kOwnedText;
    if (is_text) {
        taken.bytes = std::strlen(static_cast<const char *>(address));
    } else if (!counted(function, registers, count_out, taken)) {
        taken.fault = TakenPointer::Fault::kBadCount;
    }
    if (kind == Result::Kind::kLeased && taken.fault == TakenPointer::Fault::kNone) {
        if (call_services().leases_results) {
            taken.lease = call_services().lease(table, ("result of " + function.name).c_str());
            taken.fault = taken.lease == nullptr ? TakenPointer::Fault::kNoMemory : taken.fault;
        }
    } else if (taken.fault == TakenPointer::Fault::kNone) {
        copy_out(taken);
    }
    if (kind == Result::Kind::kOwned || kind == Result::Kind::kOwnedText) {
        call_services().free_owned(table, const_cast<void *>(address));
    }
}

PyObject *box_pointer(const Cell &cell, TakenPointer &taken, std::uint64_t generation) {
    PyObject *boxed = nullptr;
    if (taken.fault == TakenPointer::Fault::kNoMemory) {
        boxed = PyErr_NoMemory();
    } else if (taken.fault == TakenPointer::Fault::kBadCount) {
        boxed = plugin_misbehaved(cell, generation,
                                  "it says that its result has " + std::to_string(taken.bad_count) + " elements");
    } else if (taken.address == nullptr) {
        boxed = Py_NewRef(Py_None);
    } else if (cell.function->result.kind == Result::Kind::kLeased) {
        boxed = box_leased(cell.function->result.type, taken);
    } else {
        boxed = box_copy(*cell.function, taken);
    }
    if (taken.copy != taken.few) {
        std::free(taken.copy);
    }
    return boxed;
}

int make_lease_type() {
    static PyType_Slot slots[] = {{Py_bf_getbuffer, reinterpret_cast<void *>(leased_getbuffer)},
                                  {Py_tp_dealloc, reinterpret_cast<void *>(leased_dealloc)},
                                  {0, nullptr}};
    static PyType_Spec spec = {"hotgraft._core.LeasedMemory", static_cast<int>(sizeof(LeasedMemory)), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    leased_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    return leased_type == nullptr ? -1 : 0;
}

} // namespace hotgraft
