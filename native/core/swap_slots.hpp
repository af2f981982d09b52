// The slots and tables of one swap, in the order in which they are published.
#ifndef HOTGRAFT_CORE_SWAP_SLOTS_HPP
#define HOTGRAFT_CORE_SWAP_SLOTS_HPP

#include <cstdint>
#include <memory>
#include <vector>

#include "callbacks.hpp"
#include "gate.hpp"
#include "gate_block.hpp"
#include "swap.hpp"
#include "window.hpp"

namespace hotgraft {

// Those that will hold a table, then those that will not, then those of call-backs.
[[nodiscard]] std::vector<Slot *> slots_of(const SwapRequest &request, const SwapCallbacks &callbacks);

// What each of them is to hold, in that order; nullptr: nothing.
[[nodiscard]] std::vector<const hotgraft_table *> next_tables_of(const SwapRequest &request,
                                                                 const SwapCallbacks &callbacks);

// What nobody may be inside of any more; tables of pins and of call-backs too: a thread inside one of their calls is
// inside the old generation.
[[nodiscard]] std::vector<const hotgraft_table *> old_tables_of(const SwapRequest &request);

[[nodiscard]] std::vector<std::shared_ptr<Generation>> old_generations_of(const SwapRequest &request);

// The members in the order in which they come to rest. Of one that does not (it is left running, or is quiesced when it
// is taken down) nobody joins the threads: they wait at the gates like anybody's.
[[nodiscard]] std::vector<GateMember> gate_members_of(const SwapRequest &request, const Window &window);
[[nodiscard]] std::vector<std::uint64_t> candidates_of(const SwapRequest &request); // whose threads do not serve yet

// The member serves no more. Only what is its own: another's generation may have the same number. Needs no memory.
void refuse_slots_of(const SwapMember &member, const SwapCallbacks &callbacks, const GateSet &gates) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_SWAP_SLOTS_HPP
