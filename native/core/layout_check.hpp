// Around a copy program: whether a plan may run at all, and the words for what it refused.
#ifndef HOTGRAFT_CORE_LAYOUT_CHECK_HPP
#define HOTGRAFT_CORE_LAYOUT_CHECK_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "layout.hpp"

namespace hotgraft {

// Invariants (1) to (3) of CopyProgram. kInvalid: which operation breaks one, and how.
[[nodiscard]] Status check_plan(const CopyPlan &plan);

// The path of a field with its indices. `offsets`: of the pointer in its state, of the next pointer in the block that
// this one leads to, and so on; of the value in the last. The plan was checked.
[[nodiscard]] std::string field_at(const CopyPlan &plan, std::size_t op, std::uint32_t path,
                                   const std::vector<std::uint64_t> &offsets);

// The value that an operation refused.
[[nodiscard]] std::string value_text(const CopyOp &op, const unsigned char *value);

// Which case of a kChoose a tag has; the kChoose itself: none.
[[nodiscard]] std::size_t case_of(const std::vector<CopyOp> &ops, std::size_t choose, std::uint64_t tag) noexcept;

// What is wrong with it, to follow the value in a sentence.
[[nodiscard]] std::string why_refused(const CopyOp &op);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LAYOUT_CHECK_HPP
