// The comparison with nanobind: add, as its documentation binds a function.
#include <nanobind/nanobind.h>

#include "work.h"

NB_MODULE(nanobind_module, m) {
    m.def("add", [](std::int64_t a, std::int64_t b) { return work_add(nullptr, a, b); });
}
