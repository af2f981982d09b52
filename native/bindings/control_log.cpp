// What plugins log, on its way to Python: the lines of the ring, and the call that says there are some.
//
// A plugin logs from any thread, without the GIL, and must not wait. So the first line after a silence only leaves a
// note with the interpreter (Py_AddPendingCall, which needs no GIL); the interpreter then starts whoever drains the
// ring.
#include <atomic>
#include <vector>

#include <pybind11/pybind11.h>

#include "control_parts.hpp"
#include "log_ring.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

// Written with the GIL held, never released: plugins log until the very end.
PyObject *wake_call = nullptr;

// Runs in the main thread, at a point where it may run anything.
int call_wake(void *) {
    if (wake_call == nullptr) {
        return 0;
    }
    PyObject *const result = PyObject_CallNoArgs(wake_call);
    if (result == nullptr) {
        PyErr_WriteUnraisable(wake_call);
    }
    Py_XDECREF(result);
    return 0;
}

void leave_note() noexcept {
    (void)Py_AddPendingCall(call_wake, nullptr);
}

// `wake`: called once, in the main thread, when a line comes while nobody is draining; None: nobody.
void set_log_wake(const py::object &wake) {
    PyObject *const before = wake_call;
    wake_call = wake.is_none() ? nullptr : wake.inc_ref().ptr();
    LogRing::instance().set_wake(wake.is_none() ? nullptr : leave_note);
    Py_XDECREF(before);
}

py::list drain_log() {
    std::vector<LogLine> lines;
    {
        const py::gil_scoped_release unlocked;
        LogRing::instance().drain(&lines);
    }
    py::list found;
    for (const LogLine &line : lines) {
        found.append(py::make_tuple(line.plugin, line.instance, line.generation, line.level, line.text, line.is_cut,
                                    line.time_ns));
    }
    return found;
}

} // namespace

void add_log(py::module_ &module) {
    module.def("set_log_wake", &set_log_wake, py::arg("wake").none(true));
    module.def("drain_log", &drain_log);
    module.def("rest_log", [] { return LogRing::instance().rest(); });
    module.def("dropped_log_lines", [] { return LogRing::instance().dropped(); });
}

} // namespace hotgraft
