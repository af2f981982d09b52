#include "host_import.hpp"

#include <hotgraft/call.h>

#include "guard.hpp"
#include "guard_host.hpp"

namespace hotgraft {

namespace {

// Only what the cold branch of call.h needs: a host logs, allocates and leases by its own means.
hotgraft_host make_host() noexcept {
    hotgraft_host host{};
    host.struct_size = sizeof(hotgraft_host);
    host.abi_minor = HOTGRAFT_ABI_MINOR;
    offer_guard(&host);
    return host;
}

const hotgraft_host kHost = make_host();

} // namespace

void fill_host_import(Slot &slot, hotgraft_import *import) noexcept {
    import->struct_size = sizeof(hotgraft_import);
    import->flags = 0;
    import->id = slot.name().c_str();
    import->range = "*";
    import->guard_protocol = HOTGRAFT_GUARD_PROTOCOL;
    import->slot = slot.words();
    import->record_offset = Guards::instance().record_offset();
    import->host = &kHost;
}

} // namespace hotgraft
