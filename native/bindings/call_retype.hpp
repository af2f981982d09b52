// Calls that come while their handle loses its functions: they wait until it has the new ones, and are made anew there.
//
// A swap empties the slots of interfaces that go, and gives the handles their new functions a moment later, from
// Python. A call in between finds no table where the next one finds it again. So whoever carries out the swap says
// before it publishes which handles it is about to retype, and until it has, or is over, such a call waits: without the
// GIL, and without a guard. Afterwards the function of that name is called with the same arguments.
//
// Thread safety
//   Everything here wants the GIL.
#ifndef HOTGRAFT_BINDINGS_CALL_RETYPE_HPP
#define HOTGRAFT_BINDINGS_CALL_RETYPE_HPP

#include "call_object.hpp"

namespace hotgraft {

// expect_retype([handle, ...]) -> mark, end_retype(mark). A mark that is dropped has ended.
PyObject *expect_retype(PyObject *module, PyObject *handles);
PyObject *end_retype(PyObject *module, PyObject *mark);

// The object has its new functions: who waits for them may look. `before`: those that it had.
void tell_retyped(CallObject &object, const CellBlock &before) noexcept;

// The slot of `cell` holds no table: wait for the new functions if they are to come, else answer why. `args`: of this
// call, as many as the function takes.
PyObject *call_emptied(const Cell &cell, PyObject *const *args);

// Call the function that the object has by that name now; AttributeError if it has none.
PyObject *call_anew(const Cell &cell, PyObject *const *args);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_RETYPE_HPP
