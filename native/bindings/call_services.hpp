// The services that the control plane gave (call_path.hpp), as the rest of the call path sees them.
#ifndef HOTGRAFT_BINDINGS_CALL_SERVICES_HPP
#define HOTGRAFT_BINDINGS_CALL_SERVICES_HPP

#include "call_path.hpp"

namespace hotgraft {

// Thread safety
//   Written with the GIL held, before the first type that needs them; read by calls without it.
struct ServicesInUse : CallServices {
    bool are_set = false;
    bool leases_results = true; // false: the control "result view without a lease"
};

ServicesInUse &call_services();

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_SERVICES_HPP
