// Facts of this process and this thread that the host decides by, and the core's own lifecycle table.
#include <cstdint>

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

// Before os.fork(): the interpreter lock is not kept while a swap is in its window, and never waited for with the fork
// lock in hand.
void keep_swaps_out() {
    std::uint32_t seen = 0;
    while (!Guards::instance().try_keep_swaps_out(&seen)) {
        const py::gil_scoped_release unlocked;
        Guards::instance().wait_for_window(seen);
    }
}

} // namespace

void add_process(py::module_ &module) {
    module.def("is_forked_child", [] { return Guards::instance().is_forked_child(); });
    module.def("keep_swaps_out", &keep_swaps_out);
    module.def("let_swaps_go_on", [] { Guards::instance().let_swaps_go_on(); });
    module.def("is_inside_call", [] { return Guards::instance().calling_thread_holds_any(); });
    module.def("has_membarrier", [] { return Guards::instance().has_membarrier(); });
    module.def("abandoned_count", &ControlThread::abandoned_count);
    module.def("transitions", &list_transitions);
}

} // namespace hotgraft
