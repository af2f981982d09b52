#include "guard_host.hpp"

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

} // namespace

void offer_guard(hotgraft_host *host) noexcept {
    host->enter = enter;
    host->try_enter = try_enter;
    host->leave = leave;
    host->guard_protocol = HOTGRAFT_GUARD_PROTOCOL;
}

} // namespace hotgraft
