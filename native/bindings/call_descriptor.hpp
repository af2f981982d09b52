// Reads one function dict of a descriptor into a Function.
#ifndef HOTGRAFT_BINDINGS_CALL_DESCRIPTOR_HPP
#define HOTGRAFT_BINDINGS_CALL_DESCRIPTOR_HPP

#include <memory>
#include <string>
#include <vector>

#include "call_function.hpp"
#include "call_path.hpp"

namespace hotgraft {

// What is wrong goes to `faults`, one sentence each, all of them; the Function is then not to be used. Never leaves a
// Python exception set.
std::shared_ptr<Function> read_function(const std::string &plugin, PyObject *description, PyObject *structs,
                                        std::vector<std::string> &faults);

// Services are needed for leased and owned results: false while the control plane has not given them.
bool call_services_are_set();

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_DESCRIPTOR_HPP
