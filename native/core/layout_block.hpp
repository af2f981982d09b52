// A copy program as the way in which a block of states becomes one of another layout, for the gated window.
#ifndef HOTGRAFT_CORE_LAYOUT_BLOCK_HPP
#define HOTGRAFT_CORE_LAYOUT_BLOCK_HPP

#include <memory>

#include "layout.hpp"
#include "swap.hpp"

namespace hotgraft {

// A block holds as many states as fit in it without a rest; kRefused: there is a rest, or no state at all.
[[nodiscard]] std::shared_ptr<const BlockConversion> conversion_by(std::shared_ptr<const CopyProgram> program);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LAYOUT_BLOCK_HPP
