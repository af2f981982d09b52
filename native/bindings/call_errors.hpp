// The exceptions of the call path. The classes are hotgraft.core.errors', given by set_call_errors.
//
// Every function here answers NULL with the exception set, but refused().
#ifndef HOTGRAFT_BINDINGS_CALL_ERRORS_HPP
#define HOTGRAFT_BINDINGS_CALL_ERRORS_HPP

#include <string>

#include "call_object.hpp"
#include "crash.hpp"
#include "slot.hpp"

namespace hotgraft {

PyObject *set_call_errors(PyObject *module, PyObject *classes);

// enter gave no table. Where the object gets other functions, the call is made anew with `args`, as many as the
// function takes, and its result is the answer. Else GATED (the only other one that is no error), Busy, HostClosed,
// PinExpired, MemoryError, or an exception that is set already.
PyObject *refused(const Cell &cell, PyObject *const *args);
// Its slot holds no table, and none is to come: HostClosed, PinExpired.
PyObject *no_table(const Cell &cell);
// A method that was bound before the plugin's functions changed, of which `generation` has none by that name.
PyObject *gone(const Cell &cell, std::uint64_t generation);
// It would wait for itself.
PyObject *busy(const Cell &cell, const std::string &found);
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
