#include "call_retype.hpp"

#include <array>
#include <functional>
#include <memory>
#include <new>
#include <string>

#include "call_errors.hpp"
#include "call_python.hpp"
#include "call_wait.hpp"
#include "guard.hpp"

namespace hotgraft {
namespace {

constexpr const char *kCapsule = "hotgraft._core.expected_retype";

// The handles that one swap is about to retype; all of them that there are, in a list.
struct Mark {
    std::vector<PyObject *> handles; // references
    Mark *next = nullptr;
    Mark **link = nullptr; // what points here; NULL: it has ended
};

Mark *first_mark = nullptr;

CallObject &as_call_object(PyObject *handle) {
    return *reinterpret_cast<CallObject *>(handle);
}

void wake_all(const CellBlock &block) noexcept {
    for (const hotgraft_import &import : block.imports) {
        Slot::from_words(import.slot).wake();
    }
}

// Needs no memory.
void end(Mark &mark) noexcept {
    if (mark.link == nullptr) {
        return;
    }
    *mark.link = mark.next;
    if (mark.next != nullptr) {
        mark.next->link = mark.link;
    }
    mark.link = nullptr;
    for (PyObject *handle : mark.handles) {
        as_call_object(handle).retyper = 0;
        wake_all(*as_call_object(handle).block);
    }
    const std::vector<PyObject *> handles = std::move(mark.handles); // what goes with one may look at the mark
    for (PyObject *handle : handles) {
        Py_DECREF(handle);
    }
}

Mark *mark_of(PyObject *capsule) {
    return static_cast<Mark *>(PyCapsule_GetPointer(capsule, kCapsule));
}

void end_capsule(PyObject *capsule) {
    const std::unique_ptr<Mark> mark(mark_of(capsule));
    end(*mark);
}

bool read_handles(PyObject *list, Mark &mark) {
    if (PyList_Check(list) == 0) {
        PyErr_Format(PyExc_TypeError, "expect_retype takes a list of handles, got %s", Py_TYPE(list)->tp_name);
        return false;
    }
    const std::size_t count = static_cast<std::size_t>(PyList_GET_SIZE(list));
    mark.handles.reserve(count);
    for (std::size_t index = 0; index < count; ++index) {
        PyObject *const handle = PyList_GET_ITEM(list, static_cast<Py_ssize_t>(index));
        if (!is_call_object(handle)) {
            PyErr_Format(PyExc_TypeError, "expect_retype takes handles of plugins, got %s", Py_TYPE(handle)->tp_name);
            return false;
        }
        mark.handles.push_back(Py_NewRef(handle));
    }
    return true;
}

// Is it one of the functions that its object has now?
bool is_current(const Cell &cell) {
    const std::vector<Cell> &cells = cell.object->block->cells;
    const std::less<const Cell *> is_before; // of pointers into different blocks, too
    return !is_before(&cell, cells.data()) && is_before(&cell, cells.data() + cells.size());
}

bool is_awaited(const CallObject &object) {
    return object.retyper != 0 && object.refusal == CallRefusal::kNone && !Guards::instance().is_forked_child();
}

// Published, and not retyped yet: what a child of fork could not finish.
bool is_between(const CallObject &object) {
    if (!is_awaited(object) || object.retyper == PyThread_get_thread_ident()) {
        return false;
    }
    for (const hotgraft_import &import : object.block->imports) {
        if (import.slot != closed_import()->slot && Slot::from_words(import.slot).check() == kMarkNone) {
            return true;
        }
    }
    return false;
}

// False: an exception is set.
bool wait_for_retype(const Cell &cell) {
    const CallObject &object = *cell.object;
    Slot &slot = Slot::from_words(cell.import.slot);
    GatePlace place(slot.queue());
    std::uint32_t waiting = 0;
    if (!place.take(&waiting)) {
        (void)turned_away(*cell.function, slot,
                          "a swap is about to replace its functions, " + std::to_string(waiting) +
                              " wait for that, and its queue limit is " + std::to_string(slot.queue().limit()),
                          waiting);
        return false;
    }
    if (!warn_if_on_loop()) {
        return false;
    }
    while (is_current(cell) && is_awaited(object)) {
        const std::uint32_t seen = slot.sequence(); // with the GIL: whoever ends the wait moves it afterwards
        PyThreadState *const state = PyEval_SaveThread();
        slot.wait(seen);
        attach(state);
    }
    return true;
}

// What serves of it, 0 if nothing does.
std::uint64_t generation_of(const CallObject &object) {
    std::uint64_t generation = 0;
    for (const hotgraft_import &import : object.block->imports) {
        const std::uint64_t own = Slot::from_words(import.slot).generation();
        generation = own != 0 ? own : generation;
    }
    return generation;
}

} // namespace

PyObject *expect_retype(PyObject *, PyObject *handles) {
    std::unique_ptr<Mark> mark;
    bool is_read = false;
    try {
        mark = std::make_unique<Mark>();
        is_read = read_handles(handles, *mark);
    } catch (const std::bad_alloc &) { // CPython called us: nothing may be thrown on
        PyErr_NoMemory();
    }
    PyObject *const capsule = is_read ? PyCapsule_New(mark.get(), kCapsule, end_capsule) : nullptr;
    if (capsule == nullptr) {
        if (mark != nullptr) {
            for (PyObject *handle : mark->handles) {
                Py_DECREF(handle);
            }
        }
        return nullptr;
    }
    for (PyObject *handle : mark->handles) {
        as_call_object(handle).retyper = PyThread_get_thread_ident();
    }
    mark->next = first_mark;
    mark->link = &first_mark;
    if (first_mark != nullptr) {
        first_mark->link = &mark->next;
    }
    first_mark = mark.release();
    return capsule;
}

PyObject *end_retype(PyObject *, PyObject *capsule) {
    Mark *const mark = mark_of(capsule);
    if (mark == nullptr) {
        return nullptr;
    }
    end(*mark);
    Py_RETURN_NONE;
}

void tell_retyped(CallObject &object, const CellBlock &before) noexcept {
    object.retyper = 0;
    wake_all(before);
}

bool call_path_is_retyping() noexcept {
    for (const Mark *mark = first_mark; mark != nullptr; mark = mark->next) {
        for (PyObject *handle : mark->handles) {
            if (is_between(as_call_object(handle))) {
                return true;
            }
        }
    }
    return false;
}

PyObject *call_emptied(const Cell &cell, PyObject *const *args) {
    const CallObject &object = *cell.object;
    if (is_current(cell)) {
        if (!is_awaited(object)) {
            return no_table(cell);
        }
        if (object.retyper == PyThread_get_thread_ident()) {
            return busy(cell, "this thread is carrying out the swap that replaces its functions");
        }
        if (must_not_wait(&object)) {
            return gated();
        }
        if (!wait_for_retype(cell)) {
            return nullptr;
        }
    }
    return call_anew(cell, args);
}

PyObject *call_anew(const Cell &cell, PyObject *const *args) {
    PyObject *const object = reinterpret_cast<PyObject *>(cell.object);
    // Of the type: what a base class makes of its attributes was done when this call was.
    PyObject *const method =
        PyObject_GetAttrString(reinterpret_cast<PyObject *>(Py_TYPE(object)), cell.function->name.c_str());
    if (method == nullptr) {
        if (PyErr_ExceptionMatches(PyExc_AttributeError) == 0) {
            return nullptr;
        }
        PyErr_Clear();
        return gone(cell, generation_of(*cell.object));
    }
    std::array<PyObject *, 1 + kMaxParameters> all{object};
    for (std::uint32_t index = 0; index < cell.function->arguments; ++index) {
        all[1 + index] = args[index];
    }
    PyObject *const result = PyObject_Vectorcall(method, all.data(), 1 + cell.function->arguments, nullptr);
    Py_DECREF(method);
    return result;
}

} // namespace hotgraft
