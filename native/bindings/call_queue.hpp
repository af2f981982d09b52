// A place in the queue of a gate for a caller that waits without a thread: a task of an event loop.
#ifndef HOTGRAFT_BINDINGS_CALL_QUEUE_HPP
#define HOTGRAFT_BINDINGS_CALL_QUEUE_HPP

#include "call_object.hpp"

namespace hotgraft {

// `callable` must be a bound method of a call object. A capsule, which gives its place back when it goes at the latest;
// NULL with Backpressure set: the queue is full, and the call counts as turned away.
PyObject *join_queue(PyObject *module, PyObject *callable);
PyObject *leave_queue(PyObject *module, PyObject *place);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_QUEUE_HPP
