// hotgraft._core: puts the control plane (pybind11) and the call path (CPython C API) together, and refuses to start
// where the promises were not tested or with a core of another version.
#include <dlfcn.h>
#include <gnu/libc-version.h>

#include <cstdlib>
#include <string>

#include <pybind11/pybind11.h>

#include <hotgraft_core.h>

#include "call_path.hpp"
#include "control_parts.hpp"

namespace py = pybind11;

namespace {

#if !defined(__linux__) || !defined(__x86_64__) || !defined(__GLIBC__)
#error "hotgraft supports Linux x86-64 with glibc; other platforms follow once each has its tests"
#endif
#if defined(Py_GIL_DISABLED)
#error "hotgraft supports CPython with its lock; free-threaded builds follow once they have their tests"
#endif

// The module was compiled for one interpreter and one platform; what it runs on is known only now.
std::string platform_refusal() {
    const char *const version = gnu_get_libc_version();
    char *rest = nullptr;
    const long major = std::strtol(version, &rest, 10);
    const long minor = *rest == '.' ? std::strtol(rest + 1, nullptr, 10) : 0;
    if (major < 2 || (major == 2 && minor < 31)) {
        return "glibc " + std::string(version) + " is older than 2.31";
    }
    return {};
}

// Which file the core really came from: a process has one core, and another program may have loaded it first.
std::string core_path() {
    Dl_info found{};
    if (dladdr(reinterpret_cast<void *>(&hotgraft_core_version), &found) == 0 || found.dli_fname == nullptr) {
        return "(unknown)";
    }
    return found.dli_fname;
}

std::string core_refusal() {
    const std::string have = hotgraft_core_version();
    if (have == HOTGRAFT_VERSION) {
        return {};
    }
    return "this package is " HOTGRAFT_VERSION " and the core in this process is " + have + ", loaded from " +
           core_path() + "; a process has one core: load the package's own first, or install the same version";
}

void refuse(const std::string &reason) {
    if (!reason.empty()) {
        throw py::import_error("hotgraft cannot run here: " + reason);
    }
}

} // namespace

PYBIND11_MODULE(_core, module) {
    refuse(platform_refusal());
    refuse(core_refusal());
    module.doc() = "The native core: control plane and call path. Private: use hotgraft.Host.";
    module.attr("__version__") = HOTGRAFT_VERSION;
    module.attr("core_path") = core_path();
    if (hotgraft::call_path_init(module.ptr()) != 0) {
        throw py::error_already_set();
    }
    hotgraft::add_generation(module);
    hotgraft::add_inspect(module);
    hotgraft::add_slot(module);
    hotgraft::add_attempt(module);
    hotgraft::add_converters(module);
    hotgraft::add_swap(module);
    hotgraft::add_state(module);
    hotgraft::add_layout(module);
    hotgraft::add_snapshot(module);
    hotgraft::add_reclaim(module);
    hotgraft::add_log(module);
    hotgraft::add_crash(module);
    hotgraft::add_meter(module);
    hotgraft::add_health(module);
    hotgraft::add_process(module);
    hotgraft::add_control_seams(module);
    // Plugins may log, and their threads run, until the process is gone: nobody is to be told once the interpreter
    // ends.
    py::module_::import("atexit").attr("register")(module.attr("set_log_wake"), py::none());
}
