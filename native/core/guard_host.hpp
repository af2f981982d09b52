// The guard as a host's table offers it to call.h: what its cold branch calls.
#ifndef HOTGRAFT_CORE_GUARD_HOST_HPP
#define HOTGRAFT_CORE_GUARD_HOST_HPP

#include <hotgraft/hotgraft.h>

namespace hotgraft {

// Set enter, try_enter, leave and guard_protocol; they need no ctx.
void offer_guard(hotgraft_host *host) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GUARD_HOST_HPP
