// What plugins are given of call-backs (callbacks.h).
#include "callbacks.hpp"
#include "guard.hpp"
#include "services.hpp"

namespace hotgraft {

namespace {

std::uint64_t offer(hotgraft_ctx *ctx, const char *key, std::uint32_t version, const void *functions,
                    void *self) noexcept {
    Services &services = Services::of(ctx);
    return services.books.callbacks.offer(services.source.instance, key, version, functions, self);
}

hotgraft_status withdraw(hotgraft_ctx *ctx, std::uint64_t number) noexcept {
    return Services::of(ctx).books.callbacks.withdraw(number);
}

// The number is looked at once more under the guard: between the two the cell may have come to be another's.
const hotgraft_table *enter(hotgraft_ctx *, std::uint64_t number) noexcept {
    CallbackCell *const cell = CallbackCells::instance().find(number);
    const hotgraft_table *const table = cell == nullptr ? nullptr : Guards::instance().enter(cell->slot);
    if (table != nullptr && !CallbackCells::is_of(*cell, number)) {
        Guards::instance().leave(table);
        return nullptr;
    }
    return table;
}

std::int32_t is_over(hotgraft_ctx *, std::uint64_t number) noexcept {
    const CallbackCell *const cell = CallbackCells::instance().find(number);
    const bool is_there = cell != nullptr && (cell->slot.held() != nullptr || cell->slot.is_gated() ||
                                              cell->coming.load(std::memory_order_relaxed) != 0);
    return is_there ? 0 : 1;
}

std::uint64_t lease_to(hotgraft_ctx *ctx, const char *holder, const char *why) noexcept {
    Services &services = Services::of(ctx);
    return services.books.leases.add(services.source.instance, why, holder);
}

} // namespace

const hotgraft_ext_callbacks kCallbacks = {
    sizeof(hotgraft_ext_callbacks), 0, offer, withdraw, enter, is_over, lease_to};

} // namespace hotgraft
