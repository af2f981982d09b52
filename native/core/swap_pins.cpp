#include "swap_pins.hpp"

#include <ctime>
#include <string>

#include "control.hpp"

namespace hotgraft {

namespace {

constexpr timespec kPinPoll{0, 200'000};

void stop_pins(const SwapRequest &request, PinRule rule) noexcept {
    for (const SwapMember &member : request.members) {
        if (member.pins == rule) {
            member.old_generation->stop_pins();
        }
    }
}

void append(const hotgraft_table *table, std::vector<const hotgraft_table *> *tables) {
    if (table != nullptr) {
        tables->push_back(table);
    }
}

} // namespace

Status wait_for_pins(const SwapRequest &request) {
    stop_pins(request, PinRule::kWait);
    for (const SwapMember &member : request.members) {
        while (member.pins == PinRule::kWait && member.old_generation->pins() != 0) {
            if (monotonic_ns() >= request.deadline_ns) {
                return {Code::kTimedOut, "still pinned at the deadline: " + member.old_generation->pin_holders()};
            }
            nanosleep(&kPinPoll, nullptr);
        }
    }
    return {};
}

Status move_pins(const SwapRequest &request) {
    stop_pins(request, PinRule::kMove);
    for (const SwapMember &member : request.members) {
        if (member.pins == PinRule::kMove && member.old_generation->pins() != member.moved_pins) {
            return {Code::kBusy, std::to_string(member.moved_pins) + " pins follow to " + member.next->label() +
                                     ", and there are others: " + member.old_generation->pin_holders()};
        }
    }
    return {};
}

LeftPins leave_pins(const SwapRequest &request) {
    stop_pins(request, PinRule::kLeave);
    LeftPins left;
    const bool leaves_all = all_say(request, &SwapMember::leaves_undrained);
    for (std::size_t m = 0; m < request.members.size(); ++m) {
        const SwapMember &member = request.members[m];
        if (member.leaves_undrained && !leaves_all) {
            continue;
        }
        if (member.pins != PinRule::kLeave || member.old_generation->pins() == 0) {
            const std::vector<const hotgraft_table *> all = member.old_generation->tables();
            left.old_tables.insert(left.old_tables.end(), all.begin(), all.end());
            continue;
        }
        left.members.push_back(m);
        for (const SlotMove &move : member.slots) {
            append(move.slot->held(), &left.old_tables);
        }
        for (const std::shared_ptr<Slot> &slot : member.emptied) {
            append(slot->held(), &left.old_tables);
        }
    }
    return left;
}

} // namespace hotgraft
