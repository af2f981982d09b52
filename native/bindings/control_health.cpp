// check_health: whether one instance of a generation that serves is fit, by its own word and within a deadline.
#include <string>

#include <pybind11/pybind11.h>

#include "control_parts.hpp"
#include "control_time.hpp"
#include "errors.hpp"
#include "health_check.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

const char *name_of_health(Health health) noexcept {
    switch (health) {
    case Health::kFit:
        return "fit";
    case Health::kUnfit:
        return "unfit";
    case Health::kHung:
        return "hung";
    case Health::kNotAsked:
        return "not asked";
    }
    return "?";
}

py::tuple ask_health(const std::shared_ptr<Generation> &generation, std::size_t index, std::uint32_t depth,
                     double deadline_s) {
    HealthAnswer answer;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = or_no_memory([&] { return check_health(generation, index, depth, deadline_in(deadline_s), &answer); });
    }
    check(status, {"check its health", generation->label()});
    return py::make_tuple(name_of_health(answer.health), answer.sentence); // valid UTF-8: quote() saw to it
}

} // namespace

void add_health(py::module_ &module) {
    module.def("check_health", &ask_health, py::arg("generation"), py::arg("index"), py::kw_only(), py::arg("depth"),
               py::arg("deadline_s"));
}

} // namespace hotgraft
