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

std::vector<const hotgraft_table *> next_tables_of(const SwapRequest &request, const SwapCallbacks &callbacks) {
    std::vector<const hotgraft_table *> next;
    for (const SwapMember &member : request.members) {
        for (const SlotMove &move : member.slots) {
            next.push_back(move.next);
        }
    }
    for (const SwapMember &member : request.members) {
        next.insert(next.end(), member.emptied.size(), nullptr);
    }
    callbacks.append_next(&next);
    return next;
}

std::vector<const hotgraft_table *> old_tables_of(const SwapRequest &request) {
    const bool leaves_all = all_say(request, &SwapMember::leaves_undrained);
    std::vector<const hotgraft_table *> tables;
    for (const SwapMember &member : request.members) {
        if (leaves_all || !member.leaves_undrained) {
            const std::vector<const hotgraft_table *> own = member.old_generation->tables();
            tables.insert(tables.end(), own.begin(), own.end());
        }
    }
    return tables;
}

std::vector<std::shared_ptr<Generation>> old_generations_of(const SwapRequest &request) {
    std::vector<std::shared_ptr<Generation>> generations;
    for (const SwapMember &member : request.members) {
        generations.push_back(member.old_generation);
    }
    return generations;
}

std::vector<GateMember> gate_members_of(const SwapRequest &request, const Window &window) {
    std::vector<GateMember> members(request.members.size());
    for (const WindowStep &step : plan_window(request)) {
        if (step.kind == StepKind::kQuiesce && !window.is_left_running(step.member)) {
            members[step.member].quiesces += 1;
        }
    }
    for (std::size_t m = 0; m < members.size(); ++m) {
        const Generation &generation = *request.members[m].old_generation;
        if (members[m].quiesces != 0) {
            members[m].generation = generation.thread_generation();
            members[m].label = generation.label();
            members[m].tables = generation.tables();
        }
    }
    return members;
}

std::vector<std::uint64_t> candidates_of(const SwapRequest &request) {
    std::vector<std::uint64_t> candidates;
    for (const SwapMember &member : request.members) {
        if (member.is_recalled || member.next->stage() != Stage::kActive) { // else sessions follow to what serves
            candidates.push_back(member.next->thread_generation());
        }
    }
    return candidates;
}

void refuse_slots_of(const SwapMember &member, const SwapCallbacks &callbacks, const GateSet &gates) noexcept {
    const std::uint64_t number = member.old_generation->number();
    for (const SlotMove &move : member.slots) {
        gates.refuse(move.slot.get(), number);
    }
    for (const std::shared_ptr<Slot> &slot : member.emptied) {
        gates.refuse(slot.get(), number);
    }
    for (std::size_t i = 0; i < callbacks.count(); ++i) {
        if (callbacks.is_of(i, member)) {
            gates.refuse(callbacks.slots()[i], number);
        }
    }
}

} // namespace hotgraft
