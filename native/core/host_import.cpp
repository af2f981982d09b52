#include "host_import.hpp"

#include <hotgraft/call.h>

#include "guard.hpp"

namespace hotgraft {

namespace {

const hotgraft_table *enter(hotgraft_ctx *, hotgraft_slot *slot) noexcept {
    return Guards::instance().enter(Slot::from_words(slot));
}

const hotgraft_table *try_enter(hotgraft_ctx *, hotgraft_slot *slot) noexcept {
    return Guards::instance().try_enter(Slot::from_words(slot));
}

void leave(hotgraft_ctx *, const hotgraft_table *table) noexcept {
    Guards::instance().leave(table);
}

// Only what the cold branch of call.h needs: a host logs, allocates and leases by its own means.
hotgraft_host make_host() noexcept {
    hotgraft_host host{};
    host.struct_size = sizeof(hotgraft_host);
    host.abi_minor = HOTGRAFT_ABI_MINOR;
    host.enter = enter;
    host.try_enter = try_enter;
    host.leave = leave;
    host.guard_protocol = HOTGRAFT_GUARD_PROTOCOL;
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
