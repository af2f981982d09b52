// Reclaim, as the host sees it: hand a generation over, wait, and what became of those before.
#include <string>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control_parts.hpp"
#include "control_time.hpp"
#include "errors.hpp"
#include "reclaim.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

void retire(const std::shared_ptr<Generation> &generation) {
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = Reaper::instance().retire(generation);
    }
    if (!status.is_ok()) { // on the way out of a published swap nothing may be asked for that could fail
        check(status, {"retire it", generation->label()});
    }
}

bool wait_idle(double deadline_s) {
    const py::gil_scoped_release unlocked;
    return Reaper::instance().wait_idle(deadline_in(deadline_s)).is_ok();
}

py::list stuck() {
    py::list found;
    for (const Reclaimed &one : Reaper::instance().stuck()) {
        found.append(py::make_tuple(one.path, one.plugin, one.generation, one.proof.reason, one.proof.symbol));
    }
    return found;
}

py::list waiting() {
    py::list found;
    for (const Waiting &one : Reaper::instance().waiting()) {
        found.append(py::make_tuple(one.path, one.sentence));
    }
    return found;
}

} // namespace

void add_reclaim(py::module_ &module) {
    module.def("retire", &retire, py::arg("generation"));
    module.def("wait_idle", &wait_idle, py::arg("deadline_s"));
    module.def("stuck", &stuck);
    module.def("waiting", &waiting);
    module.def(
        "proven_count", [](const std::string &plugin) { return Reaper::instance().proven_count(plugin); },
        py::arg("plugin"));
}

} // namespace hotgraft
