#include "swap_slots.hpp"

namespace hotgraft {

std::vector<Slot *> slots_of(const SwapRequest &request, const SwapCallbacks &callbacks) {
    std::vector<Slot *> slots;
    for (const SwapMember &member : request.members) {
        for (const SlotMove &move : member.slots) {
            slots.push_back(move.slot.get());
        }
    }
    for (const SwapMember &member : request.members) {
        for (const std::shared_ptr<Slot> &slot : member.emptied) {
            slots.push_back(slot.get());
        }
    }
    slots.insert(slots.end(), callbacks.slots().begin(), callbacks.slots().end());
    return slots;
}

std::vector<const hotgraft_table *> old_tables_of(const SwapRequest &request) {
    std::vector<const hotgraft_table *> tables;
    for (const SwapMember &member : request.members) {
        const std::vector<const hotgraft_table *> own = member.old_generation->tables();
        tables.insert(tables.end(), own.begin(), own.end());
    }
    return tables;
}

} // namespace hotgraft
