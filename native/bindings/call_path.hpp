// The Python call path, as the control plane sees it: what it calls, and what it must give.
//
// Written against the CPython C API only; the control plane (pybind11) includes this header and nothing else of
// call_*. The path knows slots and imports; which generation, plugin or pin stands behind them it does not know.
//
// What call_path_init adds to `_core`:
//   make_call_type(name, functions, bases, structs={}, previous=None) -> type
//       functions: the descriptor's function dicts, flattened over the plugin's interfaces, each also with
//       "interface_index" (into the imports of an instance); structs: the descriptor's. bases: a tuple; a Python mixin
//       should derive from CallBase and say __slots__ = (), for an instance dict costs every call. previous: the type
//       that the plugin has now; it is returned when the set of functions is the same, else the new type keeps the
//       places of functions that stay, so that retype() of an instance leaves bound methods good.
//   CallBase                                        base of all call types
//   set_call_errors({"plugin", "busy", "closed", "pin_expired", "crashed", "backpressure", "unavailable"})
//       by each of these names, a class of hotgraft.core.errors
//
//   refuse_calls(object, kind, sentence)
//       see call_object_refuse; kind "none" | "closed" | "pin_expired" | "session_ended" | "unavailable"
//
//   try_call(callable, *args) -> result | GATED
//       call without waiting at a gate
//
//   join_queue(callable) -> place, leave_queue(place)
//       a place among those who wait at its gate, for who waits without a thread; raises Backpressure
//
//   notify_when_open(object, fd) -> None
//       write 1 to the eventfd once, when a gate of the object's slots opens
//
//   expect_retype([handle, ...]) -> mark, end_retype(mark)
//       between the two these handles are about to be retyped: a call that finds its slot emptied waits for that, or
//       for the end
//
//   _seams
//       a submodule for tests (call_seams.cpp)
//
// Thread safety
//   Everything here wants the GIL, unless its comment says otherwise.
#ifndef HOTGRAFT_BINDINGS_CALL_PATH_HPP
#define HOTGRAFT_BINDINGS_CALL_PATH_HPP

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

#include <hotgraft/plugin.h>

namespace hotgraft {

// Adds the names above to `module`, and sets the wait hooks of Guards. Once per process. -1 with an exception set.
int call_path_init(PyObject *module);

// What the path needs from whoever knows which generation a table belongs to. Called inside the guard that `table` came
// from, so its generation is alive; with or without the GIL: none of these may use Python or wait.
struct CallServices {
    // Keep the code of the table's generation mapped (a result that stays in the plugin's memory). nullptr: no memory.
    void *(*lease)(const hotgraft_table *table, const char *why) = nullptr;
    // Give that lease up: outside of any guard, with the GIL.
    void (*unlease)(void *lease) = nullptr;
    // Free a HOTGRAFT_OWNED result: memory of the host's realloc, counted for the table's generation.
    void (*free_owned)(const hotgraft_table *table, void *pointer) = nullptr;
};
// Until this is called, a function that needs one of them is refused by make_call_type.
void call_path_set_services(const CallServices &services);

// An instance of a type made by make_call_type. Only `slot` of each import is read: the path keeps imports of its own.
// nullptr, or an import whose slot is nullptr: that interface is not bound, its functions raise. The slots must live as
// long as `owner`, which the instance keeps alive. One import per interface_index. New reference; NULL with an
// exception set.
PyObject *call_object_new(PyTypeObject *type, hotgraft_import *const *imports, std::size_t count, PyObject *owner);

// Make `object` an instance of `type`, which was made with the object's type as `previous` (directly or not) and the
// same bases. Methods bound before follow the function of their name, and raise AttributeError where there is none.
int call_object_retype(PyObject *object, PyTypeObject *type, hotgraft_import *const *imports, std::size_t count);

// Was a swap published whose handles some other thread has not retyped yet? A child that is forked now could not do it.
bool call_path_is_retyping() noexcept;

// Why a slot of this object holds no table: which exception its calls raise from now on, with `sentence` as what was
// found ("its deadline of 60 s passed"). Set it before the slot is emptied. kNone: back to "not loaded".
// kUnavailable is for a slot that a fallback holds.
enum class CallRefusal : std::int32_t { kNone, kClosed, kPinExpired, kSessionEnded, kUnavailable };
int call_object_refuse(PyObject *object, CallRefusal why, const char *sentence);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_PATH_HPP
