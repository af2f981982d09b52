// Where tests reach into a swap: make a step fail, skip it, or stop in it. Part of `_core._seams`; empty in production.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include <pybind11/pybind11.h>

#include "callbacks.hpp"
#include "control_parts.hpp"
#include "guard.hpp"
#include "reclaim.hpp"
#include "swap.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

// Written with the GIL held.
PyObject *step_call = nullptr;

// On the swap's or its control thread, which do not hold the GIL.
StepSeam ask_python(StepKind kind, void *) {
    const py::gil_scoped_acquire locked;
    if (step_call == nullptr) {
        return StepSeam::kRun;
    }
    try {
        const py::object answer = py::reinterpret_borrow<py::object>(step_call)(step_name(kind));
        const std::string wish = answer.is_none() ? "run" : answer.cast<std::string>();
        return wish == "fail" ? StepSeam::kFail : wish == "skip" ? StepSeam::kSkip : StepSeam::kRun;
    } catch (py::error_already_set &error) {
        error.discard_as_unraisable("hotgraft step seam");
        return StepSeam::kFail;
    }
}

// `hook(step name)` answers None or "run", "skip", "fail"; None takes the hook out.
void set_hook(const py::object &hook) {
    PyObject *const before = step_call;
    step_call = hook.is_none() ? nullptr : hook.inc_ref().ptr();
    set_step_hook(hook.is_none() ? nullptr : ask_python, nullptr);
    Py_XDECREF(before);
}

// Mix generations in a table that was made and is not published yet: it keeps its instance and leads to the functions
// of what serves. Whoever does this keeps the serving library mapped.
void take_functions_of_serving(const OwnedTable &made) {
    const hotgraft_table *const serving = made.slot->held();
    if (serving == nullptr) {
        return;
    }
    const auto *const from = reinterpret_cast<const unsigned char *>(serving + 1);
    auto *const into = reinterpret_cast<unsigned char *>(const_cast<hotgraft_table *>(made.table) + 1);
    std::uint32_t offered = 0;
    std::uint32_t wanted = 0;
    std::memcpy(&offered, from, sizeof offered);
    std::memcpy(&wanted, into, sizeof wanted);
    constexpr std::size_t kFirst = sizeof(void *); // past struct_size and its padding
    std::memcpy(into + kFirst, from + kFirst, std::min(offered, wanted) - kFirst);
}

} // namespace

void add_control_seams(py::module_ &module) {
    py::module_ seams =
        py::hasattr(module, "_seams") ? module.attr("_seams").cast<py::module_>() : module.def_submodule("_seams");
    seams.def("set_step_hook", &set_hook, py::arg("hook").none(true));
    seams.def("set_no_drain", [](bool on) { Guards::instance().seam().no_drain.store(on); });
    seams.def("set_no_callback_gates", &SwapCallbacks::set_seam);
    seams.def("set_no_barrier", [](bool on) { Guards::instance().seam().no_barrier.store(on); });
    seams.def("force_no_membarrier", [](bool on) { Guards::instance().force_no_membarrier(on); });
    seams.def("skip_second_look", [](bool on) { Reaper::instance().set_second_look_seam(nullptr, nullptr, on); });
    seams.def("take_functions_of_serving", &take_functions_of_serving, py::arg("table"));
}

} // namespace hotgraft
