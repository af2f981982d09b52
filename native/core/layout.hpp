// Convert by name, carried out: a copy plan (core/layout_plan.py) that turns a block of states of one layout into one
// of another. Which field becomes which was decided before; here bytes are moved, and numbers that do not fit are
// refused.
//
// A program is made and checked while the old generation serves. Running it asks for no memory and no lock, so that the
// gated window can do it.
#ifndef HOTGRAFT_CORE_LAYOUT_HPP
#define HOTGRAFT_CORE_LAYOUT_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "layout_kernels.hpp"
#include "layout_moves.hpp"
#include "layout_shuffles.hpp"
#include "status.hpp"

namespace hotgraft {

// A plan as it comes in: anybody may have made it.
struct CopyPlan {
    std::uint64_t old_bytes = 0; // of one state
    std::uint64_t new_bytes = 0;
    std::vector<CopyOp> ops;
    std::vector<unsigned char> pool; // the data of fills and checks
    std::vector<std::string> paths;  // of fields: "bands[].gain"; "[4]" is an index that begins at 4
};

// A block that a pointer of a new state leads to.
struct MadeBlock {
    unsigned char *data = nullptr; // nullptr: there is no memory
    std::uint64_t bytes = 0;
};

// Make the block that takes what `old` holds, with room for as many elements. It throws nothing. `old` is what a
// pointer of the old state leads to, and was looked at before (layout_pointed.hpp).
using BlockMaker =
    std::function<MadeBlock(const unsigned char *old, std::uint64_t old_stride, std::uint64_t new_stride)>;

// The number or text that was refused.
struct CopyRefusal {
    std::uint32_t path = 0;    // which of the plan's
    std::uint64_t element = 0; // which state of the block
    std::uint64_t offset = 0; // in the old block, bytes; where it lies in another, that of the pointer that leads there
    std::string field;        // with its indices: "bands[3].gain"
    std::string value;
};

// Operations [begin, end) of a plan: those of the state itself, of an element, or of a case.
struct CopyBody {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_one_pass = false; // a strip is passed over once
    Moves moves;
    Shuffles shuffles;
};

// Thread safety
//   Immutable: any number of threads may run one at the same time, each on blocks of its own.
//
// Invariants
//   (1) For one state, all reads lie inside old_bytes and the writes cover new_bytes, each byte once.
//   (2) Data lies inside the pool, paths inside the paths, a loop's body inside its parent's.
//   (3) No offset or product overflows 64 bits: each is at most kStateBytesMax.
class CopyProgram {
public:
    static constexpr std::uint64_t kStateBytesMax = std::uint64_t{1} << 47;
    static constexpr std::size_t kOpsMax = std::size_t{1} << 17;
    static constexpr std::size_t kNestingMax = 64;

    // kInvalid: the plan breaks one of (1) to (3); the sentence says which operation and how.
    [[nodiscard]] static Status make(CopyPlan plan, std::shared_ptr<const CopyProgram> *made) noexcept;

    // Convert `count` states. The old block is only read. The new one must not overlap it; nothing of what it held
    // before is left in it, and on failure it holds no state. kInvalid: the sizes are not those of `count` states, or
    // the blocks overlap. kRefused: a value has no place in the new layout; `refusal`, where it is wanted, says which.
    // Where several are refused, one of them is named. `make`: for a plan that leads to other blocks; what it made
    // belongs to whoever gave it, also after a failure. kNoMemory: it made none.
    [[nodiscard]] Status run(const void *old_block, std::uint64_t old_bytes, void *new_block, std::uint64_t new_bytes,
                             std::uint64_t count, CopyRefusal *refusal = nullptr,
                             const BlockMaker *make = nullptr) const noexcept;

    // Does it lead to blocks of their own?
    [[nodiscard]] bool has_blocks() const noexcept { return has_blocks_; }
    [[nodiscard]] const CopyPlan &plan() const noexcept { return plan_; }

    [[nodiscard]] std::uint64_t old_bytes() const noexcept { return plan_.old_bytes; }
    [[nodiscard]] std::uint64_t new_bytes() const noexcept { return plan_.new_bytes; }

private:
    explicit CopyProgram(CopyPlan plan) : plan_(std::move(plan)) {}

    [[nodiscard]] static std::shared_ptr<const CopyProgram> prepared_of(CopyPlan plan);
    void prepare();

    CopyPlan plan_;
    std::vector<PreparedOp> prepared_; // by operation; data points into plan_.pool
    std::vector<CopyBody> bodies_;     // the state's own first
    bool has_blocks_ = false;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LAYOUT_HPP
