// A copy program as the way in which a block of states becomes one of another layout, for the gated window.
#ifndef HOTGRAFT_CORE_LAYOUT_BLOCK_HPP
#define HOTGRAFT_CORE_LAYOUT_BLOCK_HPP

#include <memory>

#include "layout.hpp"
#include "swap.hpp"

namespace hotgraft {

// A block holds as many states as fit in it without a rest; kRefused: there is a rest, or no state at all. The walks
// are of the old layout and of the next one; nullptr: that one leads to no blocks of its own.
[[nodiscard]] std::shared_ptr<const BlockConversion>
conversion_by(std::shared_ptr<const CopyProgram> program, std::shared_ptr<const CopyProgram> old_walk = nullptr,
              std::shared_ptr<const CopyProgram> next_walk = nullptr);

// How large the block of an instance will be when it is surrendered, as far as it can be known before: a number of
// states, one at least.
[[nodiscard]] std::uint64_t likely_state_bytes(const Generation &generation, std::size_t index,
                                               const CopyProgram &program) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LAYOUT_BLOCK_HPP
