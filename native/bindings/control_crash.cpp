// The crash report of this process: handlers, where it goes, and whether a caught crash tainted the process.
#include <pybind11/pybind11.h>

#include "control_parts.hpp"
#include "crash.hpp"
#include "errors.hpp"

namespace py = pybind11;

namespace hotgraft {

void add_crash(py::module_ &module) {
    module.def("handle_crashes", [] { check(CrashHandlers::install(), {"prepare the crash report", "this process"}); });
    module.def("report_crashes_to", &CrashHandlers::report_to, py::arg("fd"));
    module.def("caught_crashes", &caught_crashes);
    module.def("taint", &taint);
}

} // namespace hotgraft
