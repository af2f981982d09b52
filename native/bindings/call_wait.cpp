#include "call_wait.hpp"

#include <unistd.h>

#include <cxxabi.h>

#include "call_errors.hpp"
#include "call_python.hpp"
#include "guard.hpp"

namespace hotgraft {
namespace {

// The call that this thread makes without waiting. Recognised by its object and by what the thread holds: a call-back
// made inside it holds more.
struct WithoutWaiting {
    const CallObject *object = nullptr;
    const hotgraft_record *record = nullptr;
    std::uint32_t depth = 0;
};

thread_local WithoutWaiting without_waiting;
thread_local Outcome outcome = Outcome::kRefused;
thread_local bool has_warned = false; // about the wait that is about to begin

// Does an asyncio loop run on this thread? asyncio.events is asked only if the program has imported it.
bool is_on_loop() {
    PyObject *name = PyUnicode_FromString("asyncio.events");
    PyObject *events = name != nullptr ? PyImport_GetModule(name) : nullptr;
    PyObject *loop = events != nullptr ? PyObject_CallMethod(events, "_get_running_loop", nullptr) : nullptr;
    const bool is_running = loop != nullptr && loop != Py_None;
    PyErr_Clear();
    Py_XDECREF(name);
    Py_XDECREF(events);
    Py_XDECREF(loop);
    return is_running;
}

} // namespace

bool must_not_wait(const CallObject *object) {
    const hotgraft_record *record = hotgraft_record_at(record_offset());
    return without_waiting.object == object && without_waiting.record == record &&
           without_waiting.depth == record->depth;
}

bool warn_if_on_loop() {
    return !is_on_loop() ||
           PyErr_WarnEx(PyExc_RuntimeWarning,
                        "a plugin call waits for a swap on a thread that runs an asyncio loop, and the loop waits with "
                        "it; await plugin.aio instead",
                        1) == 0;
}

namespace {

// warn_if_on_loop() for a caller that has let go of the GIL.
bool warn_if_on_loop_detached() {
    PyThreadState *const state = PyGILState_GetThisThreadState();
    if (state == nullptr || is_finalizing()) {
        return true;
    }
    attach(state);
    const bool may_go_on = warn_if_on_loop();
    PyEval_SaveThread();
    return may_go_on;
}

// A wait that is not a Python call's own: a plugin that Python called meets another plugin's gate.
void *before_wait() {
    if (attached_state() == nullptr) {
        return nullptr;
    }
    if (!has_warned && !is_finalizing()) {
        PyObject *type = nullptr;
        PyObject *value = nullptr;
        PyObject *trace = nullptr;
        PyErr_Fetch(&type, &value, &trace);
        if (!warn_if_on_loop()) {
            PyErr_WriteUnraisable(nullptr); // the plugin in between could not pass it on
        }
        PyErr_Restore(type, value, trace);
    }
    return PyEval_SaveThread();
}

void after_wait(void *state) {
    if (state != nullptr) {
        attach(static_cast<PyThreadState *>(state));
    }
}

PyObject *the_gated = nullptr; // one reference for the life of the process

PyObject *gated_repr(PyObject *) {
    return PyUnicode_FromString("GATED");
}

} // namespace

CallObject *bound_object(PyObject *callable, const char *who) {
    if (PyCFunction_Check(callable) != 0) {
        PyObject *const object = PyCFunction_GET_SELF(callable);
        if (is_call_object(object)) {
            return reinterpret_cast<CallObject *>(object);
        }
    }
    PyErr_Format(PyExc_TypeError, "%s takes a function of a plugin first, as in %s(plugin.f, ...), got %s", who, who,
                 Py_TYPE(callable)->tp_name);
    return nullptr;
}

Outcome last_outcome() {
    return outcome;
}

PyObject *gated() {
    return Py_NewRef(the_gated);
}

void attach(PyThreadState *state) {
    try {
        PyEval_RestoreThread(state);
    } catch (abi::__forced_unwind &) {
        for (;;) {
            pause();
        }
    }
}

void set_wait_hooks() {
    Guards::instance().set_wait_hooks(before_wait, after_wait);
}

const hotgraft_table *enter_from_python(hotgraft_ctx *ctx, hotgraft_slot *words) noexcept {
    Guards &guards = Guards::instance();
    Slot &slot = Slot::from_words(words);
    outcome = Outcome::kRefused;
    const bool may_wait = !must_not_wait(reinterpret_cast<const CallObject *>(ctx));
    const hotgraft_table *table = guards.try_enter(slot);
    if (table != nullptr || guards.last_refusal().code() != Code::kBusy) {
        return table;
    }
    if (!may_wait) {
        outcome = Outcome::kGated;
        return nullptr;
    }
    if (slot.queue().is_full()) { // it will be turned away: no wait to warn of
        return guards.enter(slot);
    }
    if (!(attached_state() != nullptr ? warn_if_on_loop() : warn_if_on_loop_detached())) {
        outcome = Outcome::kRaised;
        return nullptr;
    }
    has_warned = true;
    table = guards.enter(slot);
    has_warned = false;
    outcome = Outcome::kRefused; // a call made during the warning may have left another
    return table;
}

PyObject *try_call(PyObject *, PyObject *const *args, Py_ssize_t count) {
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "try_call takes a function of a plugin first");
        return nullptr;
    }
    const CallObject *const object = bound_object(args[0], "try_call");
    if (object == nullptr) {
        return nullptr;
    }
    const WithoutWaiting before = without_waiting;
    const hotgraft_record *record = hotgraft_record_at(record_offset());
    without_waiting = {object, record, record->depth};
    PyObject *result = PyObject_Vectorcall(args[0], args + 1, static_cast<std::size_t>(count - 1), nullptr);
    without_waiting = before;
    return result;
}

PyObject *notify_when_open(PyObject *, PyObject *const *args, Py_ssize_t count) {
    if (count != 2 || !is_call_object(args[0])) {
        PyErr_SetString(PyExc_TypeError, "notify_when_open takes a plugin's handle and an eventfd");
        return nullptr;
    }
    const int fd = PyObject_AsFileDescriptor(args[1]);
    if (fd < 0) {
        return nullptr;
    }
    for (const hotgraft_import &import : reinterpret_cast<CallObject *>(args[0])->block->imports) {
        const bool is_bound = import.slot != closed_import()->slot; // nobody ever opens the other one
        if (is_bound && !Slot::from_words(import.slot).notify_when_open(fd)) {
            return PyErr_SetFromErrno(PyExc_OSError);
        }
    }
    Py_RETURN_NONE;
}

int add_gated(PyObject *module) {
    static PyType_Slot slots[] = {{Py_tp_repr, reinterpret_cast<void *>(gated_repr)}, {0, nullptr}};
    static PyType_Spec spec = {"hotgraft._core.Gated", static_cast<int>(sizeof(PyObject)), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    PyObject *type = PyType_FromSpec(&spec);
    if (type == nullptr) {
        return -1;
    }
    the_gated = PyType_GenericAlloc(reinterpret_cast<PyTypeObject *>(type), 0);
    Py_DECREF(type);
    return the_gated == nullptr ? -1 : PyModule_AddObjectRef(module, "GATED", the_gated);
}

} // namespace hotgraft
