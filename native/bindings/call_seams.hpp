// Where tests reach into the call path: slots, tables and gates made by hand, and mitigations taken out.
//
// `_core._seams` is for tests/ only and may change without notice.
#ifndef HOTGRAFT_BINDINGS_CALL_SEAMS_HPP
#define HOTGRAFT_BINDINGS_CALL_SEAMS_HPP

#include "call_path.hpp"

namespace hotgraft {

// Adds the functions to the submodule `_seams` of `module`, made if it is not there.
int add_call_seams(PyObject *module);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_SEAMS_HPP
