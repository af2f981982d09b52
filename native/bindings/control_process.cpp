// Facts of this process and this thread that the host decides by, and the core's own lifecycle table.
#include <cstdint>

#include <pybind11/pybind11.h>

#include "call_path.hpp"
#include "control.hpp"
#include "control_parts.hpp"
#include "futex.hpp"
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

// How long a fork waits for handles that are about to be retyped. It may hold a lock that this takes: not for ever.
constexpr std::int64_t kRetypeNs = 1'000'000'000;

// Before os.fork(): the interpreter lock is not kept while a swap is in its window, and never waited for with the fork
// lock in hand. Nor is a child made between publish and the retype of handles, which it could not do.
void keep_swaps_out() {
    Guards &guards = Guards::instance();
    const std::int64_t until_ns = monotonic_ns() + kRetypeNs;
    for (Backoff backoff;;) {
        std::uint32_t seen = 0;
        while (!guards.try_keep_swaps_out(&seen)) {
            const py::gil_scoped_release unlocked;
            guards.wait_for_window(seen);
        }
        if (!call_path_is_retyping() || monotonic_ns() >= until_ns) {
            return;
        }
        guards.let_swaps_go_on();
        const py::gil_scoped_release unlocked;
        backoff.pause();
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
