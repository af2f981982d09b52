// Going over the pointers of states, by a walk: a copy program from a layout to itself.
#ifndef HOTGRAFT_CORE_LAYOUT_WALK_HPP
#define HOTGRAFT_CORE_LAYOUT_WALK_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "layout.hpp"
#include "status.hpp"

namespace hotgraft {

// A pointer of a state, or of an element that another leads to.
struct FoundPointer {
    std::size_t op = 0;         // of the plan
    std::uint64_t in = 0;       // number of the block that it stands in, as the visitor gave it; 0: the states' own
    std::uint64_t offset = 0;   // in that block, bytes
    std::uint64_t value = 0;    // what stands there
    std::uint64_t count = 0;    // of the elements, its sign extended
    bool is_below_zero = false; // the count
    std::uint64_t element_bytes = 0;
};

// What a pointer leads to; nullptr: it is not followed.
struct Elements {
    const unsigned char *begin = nullptr;
    std::uint64_t number = 0; // of the block, for FoundPointer::in
};

// Thread safety: one walk at a time.
class PointerWalk {
public:
    using Visit = std::function<Status(const FoundPointer &found, Elements *elements)>;

    // `is_strict`: a tag that says nothing is kRefused; else what it may be is passed over.
    PointerWalk(const CopyProgram &program, bool is_strict);

    // Every pointer, blocks before what they lead to. Ends where a visit fails. kRefused: `bytes` are no states.
    [[nodiscard]] Status over(const void *block, std::uint64_t bytes, const Visit &visit);

    // During a visit: where the pointer stands, and the field that counts it.
    [[nodiscard]] std::string field(const FoundPointer &found) const;
    [[nodiscard]] std::string count_field(const FoundPointer &found) const;

private:
    // From the states on, the blocks that the walk is in.
    struct Frame {
        const unsigned char *begin = nullptr;
        std::uint64_t number = 0;
        std::uint64_t offset = 0; // of the pointer that is being followed
    };

    [[nodiscard]] Status body(std::size_t begin, std::size_t end, const unsigned char *base);
    [[nodiscard]] Status one(std::size_t at, const unsigned char *base);
    [[nodiscard]] Status pointer(std::size_t at, const unsigned char *base);
    [[nodiscard]] Status chosen(std::size_t at, const unsigned char *base);
    [[nodiscard]] std::string field_by(std::size_t op, std::uint32_t path) const;

    const CopyPlan &plan_;
    const bool is_strict_;
    std::vector<bool> leads_on_; // by operation: is a pointer inside of it?
    std::vector<Frame> frames_;
    const Visit *visit_ = nullptr;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LAYOUT_WALK_HPP
