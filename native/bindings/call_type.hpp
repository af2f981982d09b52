// The heap type of a plugin's handle: CallBase, and what make_call_type derives from it.
#ifndef HOTGRAFT_BINDINGS_CALL_TYPE_HPP
#define HOTGRAFT_BINDINGS_CALL_TYPE_HPP

#include <memory>

#include "call_object.hpp"

namespace hotgraft {

// The seam "arguments not extended": types made while it is true leave rubbish above narrow arguments.
bool &makes_dirty_types();

PyObject *make_call_type(PyObject *module, PyObject *args, PyObject *keywords);

// What a type made by make_call_type stands for; nullptr with TypeError for any other.
std::shared_ptr<const CallType> call_type_of(PyTypeObject *type);

// Whether attributes of the type may be set. They may not: its dict owns what its methods read, its instances' cells
// are numbered as its methods are, and a type that changes leaves the interpreter's caches. Only retype lifts that, for
// the moment in which an instance changes its type.
void change_only_by_retype(PyTypeObject *type, bool is_fixed);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_TYPE_HPP
