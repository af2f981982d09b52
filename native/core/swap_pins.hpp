// Open pins on what a swap replaces: waited for, moved with it, or left where they are (PinRule).
//
// In each case new pins are turned away from here to the end of the swap; calls keep running.
#ifndef HOTGRAFT_CORE_SWAP_PINS_HPP
#define HOTGRAFT_CORE_SWAP_PINS_HPP

#include <cstddef>
#include <vector>

#include "swap.hpp"

namespace hotgraft {

// kWait: kTimedOut at the request's deadline, with who holds what.
[[nodiscard]] Status wait_for_pins(const SwapRequest &request);

// kMove: those that follow are gated and drained with the rest. kBusy: there are others, which would go on calling into
// what is replaced.
[[nodiscard]] Status move_pins(const SwapRequest &request);

struct LeftPins {
    std::vector<std::size_t> members;               // on whose old generation there are pins, which stay
    std::vector<const hotgraft_table *> old_tables; // of the whole set: what has to be drained
};

// kLeave: pinned calls go on during the swap and after it, so nobody waits for them; the gate is for those who are to
// see all of the set on one side. Where there is no pin, the old generation comes to rest as ever.
[[nodiscard]] LeftPins leave_pins(const SwapRequest &request);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_SWAP_PINS_HPP
