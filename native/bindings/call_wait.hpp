// What happens when a call from Python does not find its slot open: the cold branch of enter, and the wait hooks.
//
// Who waits lets go of the GIL: a caller that kept it at a gate would hang the process, the swap included, as soon as
// the call in flight inside that gate wants it.
#ifndef HOTGRAFT_BINDINGS_CALL_WAIT_HPP
#define HOTGRAFT_BINDINGS_CALL_WAIT_HPP

#include "call_object.hpp"

namespace hotgraft {

// Why the last enter of this thread gave no table, beyond what Guards knows.
enum class Outcome { kRefused, kGated, kRaised };
Outcome last_outcome();

// hotgraft_import.host of a call object's imports: the cold branch of call.h leads to it. `ctx` is the CallObject.
const hotgraft_table *enter_from_python(hotgraft_ctx *ctx, hotgraft_slot *words) noexcept;

// Is this the call of try_call, which is to be answered gated() where it would wait?
bool must_not_wait(const CallObject *object);
// About to wait: False: the warning was made an error, which is set.
bool warn_if_on_loop();

void set_wait_hooks();

// The call object that `callable` is bound to; NULL with a TypeError that names `who` wanted one.
CallObject *bound_object(PyObject *callable, const char *who);

// `callable` must be a bound method of a call object. Its own enter does not wait; a call that a call-back or a
// conversion makes meanwhile does.
PyObject *try_call(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *notify_when_open(PyObject *module, PyObject *const *args, Py_ssize_t count);

// The object that try_call answers instead of waiting. New reference.
PyObject *gated();
int add_gated(PyObject *module);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_WAIT_HPP
