// Facts of this process and this thread that the host decides by, and the core's own lifecycle table.
#include <pybind11/pybind11.h>

#include "control.hpp"
#include "control_parts.hpp"
#include "guard.hpp"
#include "lifecycle.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

py::list list_transitions() {
    py::list rows;
    for (const Transition &one : transitions()) {
        rows.append(py::make_tuple(name_of(one.from), name_of(one.event), name_of(one.to)));
    }
    return rows;
}

} // namespace

void add_process(py::module_ &module) {
    module.def("is_forked_child", [] { return Guards::instance().is_forked_child(); });
    module.def("is_inside_call", [] { return Guards::instance().calling_thread_holds_any(); });
    module.def("has_membarrier", [] { return Guards::instance().has_membarrier(); });
    module.def("abandoned_count", &ControlThread::abandoned_count);
    module.def("transitions", &list_transitions);
}

} // namespace hotgraft
