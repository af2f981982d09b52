// The exceptions of the call path. The classes are hotgraft.core.errors', given by set_call_errors.
//
// Every function here answers NULL with the exception set.
#ifndef HOTGRAFT_BINDINGS_CALL_ERRORS_HPP
#define HOTGRAFT_BINDINGS_CALL_ERRORS_HPP

#include <string>

#include "call_object.hpp"
#include "crash.hpp"
#include "slot.hpp"

namespace hotgraft {

PyObject *set_call_errors(PyObject *module, PyObject *classes);

// enter gave no table: GATED (the only one that is no error), Busy, HostClosed, PinExpired, MemoryError, or an
// exception that is set already.
PyObject *refused(const Cell &cell);
// As many wait at the closed gate of `slot` as may: Backpressure, with `found` and how many wait.
PyObject *turned_away(const Function &function, const Slot &slot, const std::string &found, std::uint32_t waiting);
// The function is the stub in the table of `generation`: AttributeError; in a fallback's (0): PluginUnavailable.
PyObject *not_offered(const Cell &cell, std::uint64_t generation);
// Its status is negative.
PyObject *plugin_failed(const Cell &cell, std::int32_t status, std::uint64_t generation);
// It crashed in `generation`, and that was caught.
PyObject *plugin_crashed(const Cell &cell, std::uint64_t generation, const CaughtCrash &crash);
// The plugin broke a rule of its interface: `found` says how.
PyObject *plugin_misbehaved(const Cell &cell, std::uint64_t generation, const std::string &found);
PyObject *wrong_argument_count(const Cell &cell, Py_ssize_t count);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_ERRORS_HPP
