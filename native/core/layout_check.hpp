// Around a copy program: whether a plan may run at all, and the words for what it refused.
#ifndef HOTGRAFT_CORE_LAYOUT_CHECK_HPP
#define HOTGRAFT_CORE_LAYOUT_CHECK_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include "layout.hpp"

namespace hotgraft {

// Invariants (1) to (3) of CopyProgram. kInvalid: which operation breaks one, and how.
[[nodiscard]] Status check_plan(const CopyPlan &plan);

// The path of an operation's field with its indices, for the value at `offset` in the old state. The plan was checked.
[[nodiscard]] std::string field_at(const CopyPlan &plan, std::size_t op, std::uint64_t offset);

// The value that an operation refused.
[[nodiscard]] std::string value_text(const CopyOp &op, const unsigned char *value);

// What is wrong with it, to follow the value in a sentence.
[[nodiscard]] std::string why_refused(const CopyOp &op);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LAYOUT_CHECK_HPP
