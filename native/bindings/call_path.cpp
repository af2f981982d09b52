#include "call_path.hpp"

#include "call_descriptor.hpp"
#include "call_errors.hpp"
#include "call_object.hpp"
#include "call_queue.hpp"
#include "call_result.hpp"
#include "call_retype.hpp"
#include "call_seams.hpp"
#include "call_services.hpp"
#include "call_type.hpp"
#include "call_wait.hpp"

namespace hotgraft {
namespace {

PyObject *refuse_calls(PyObject *, PyObject *args) {
    PyObject *object = nullptr;
    const char *kind = nullptr;
    const char *sentence = nullptr;
    if (PyArg_ParseTuple(args, "Osz:refuse_calls", &object, &kind, &sentence) == 0) {
        return nullptr;
    }
    const std::string name = kind;
    if (name != "none" && name != "closed" && name != "pin_expired" && name != "session_ended" &&
        name != "unavailable") {
        PyErr_Format(
            PyExc_ValueError,
            "refuse_calls: kind \"%s\" is not known; known: none, closed, pin_expired, session_ended, unavailable",
            kind);
        return nullptr;
    }
    const CallRefusal why = name == "closed"          ? CallRefusal::kClosed
                            : name == "pin_expired"   ? CallRefusal::kPinExpired
                            : name == "session_ended" ? CallRefusal::kSessionEnded
                            : name == "unavailable"   ? CallRefusal::kUnavailable
                                                      : CallRefusal::kNone;
    if (call_object_refuse(object, why, sentence) != 0) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

template <typename Function> PyCFunction as_method(Function function) noexcept {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"make_call_type", as_method(make_call_type), METH_VARARGS | METH_KEYWORDS,
     "make_call_type($module, name, functions, bases, structs={}, previous=None, /)\n--\n\n"
     "Make the heap type of a plugin's handle: one method for each function of the descriptor."},
    {"set_call_errors", set_call_errors, METH_O,
     "set_call_errors($module, classes, /)\n--\n\n"
     "Say which exception classes calls raise: plugin, busy, closed, pin_expired, crashed, backpressure, unavailable."},
    {"refuse_calls", refuse_calls, METH_VARARGS,
     "refuse_calls($module, object, kind, sentence, /)\n--\n\n"
     "Say what calls of `object` raise while its slots hold no table: none, closed, pin_expired or unavailable."},
    {"try_call", as_method(try_call), METH_FASTCALL,
     "try_call($module, function, /, *args)\n--\n\n"
     "Call a plugin's function without waiting at a gate: its result, or GATED."},
    {"notify_when_open", as_method(notify_when_open), METH_FASTCALL,
     "notify_when_open($module, object, fd, /)\n--\n\n"
     "Write 1 to the eventfd `fd` once, when a gate of `object`'s slots opens. The fd is duplicated.\n\n"
     "A gate that has opened before is not told: try again after this, before you wait."},
    {"join_queue", join_queue, METH_O,
     "join_queue($module, function, /)\n--\n\n"
     "Take a place among those who wait at the gate of a plugin's function that answered GATED; Backpressure if it is "
     "full."},
    {"expect_retype", expect_retype, METH_O,
     "expect_retype($module, handles, /)\n--\n\n"
     "Let calls of these handles that find an interface gone wait until the handle is retyped, or the mark that this "
     "answers has ended. For the thread that will do it."},
    {"end_retype", end_retype, METH_O,
     "end_retype($module, mark, /)\n--\n\n"
     "Whoever still waits for the handles of a mark waits no longer. Twice is once; needs no memory."},
    {"leave_queue", leave_queue, METH_O,
     "leave_queue($module, place, /)\n--\n\n"
     "Give a place of join_queue back. Twice is once."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

ServicesInUse &call_services() {
    static ServicesInUse services;
    return services;
}

bool call_services_are_set() {
    return call_services().are_set;
}

void call_path_set_services(const CallServices &services) {
    static_cast<CallServices &>(call_services()) = services;
    call_services().are_set =
        services.lease != nullptr && services.unlease != nullptr && services.free_owned != nullptr;
}

int call_path_init(PyObject *module) {
    if (PyModule_AddFunctions(module, methods) != 0 || add_call_base(module) != 0 || add_gated(module) != 0 ||
        make_lease_type() != 0 || add_call_seams(module) != 0) {
        return -1;
    }
    set_wait_hooks();
    return 0;
}

} // namespace hotgraft
