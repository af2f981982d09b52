// The slots and tables of one swap, in the order in which they are published.
#ifndef HOTGRAFT_CORE_SWAP_SLOTS_HPP
#define HOTGRAFT_CORE_SWAP_SLOTS_HPP

#include <vector>

#include "callbacks.hpp"
#include "swap.hpp"

namespace hotgraft {

// Those that will hold a table, then those that will not, then those of call-backs.
[[nodiscard]] std::vector<Slot *> slots_of(const SwapRequest &request, const SwapCallbacks &callbacks);

// Tables of pins and of call-backs too: a thread inside one of their calls is inside the old generation.
[[nodiscard]] std::vector<const hotgraft_table *> old_tables_of(const SwapRequest &request);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_SWAP_SLOTS_HPP
