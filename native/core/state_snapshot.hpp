// The whole state of a generation that serves, copied while callers wait for a moment: for a snapshot that another
// process may begin with.
//
// A plugin that offers save and hand over gives both, of one and the same moment: which of them will be wanted is known
// when a version is there that is to begin with it.
#ifndef HOTGRAFT_CORE_STATE_SNAPSHOT_HPP
#define HOTGRAFT_CORE_STATE_SNAPSHOT_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "keyed_state.hpp"
#include "layout_pointed.hpp"
#include "state_rest.hpp"

namespace hotgraft {

// The state of one instance or session. `block` points into `image`, or into the memory of the StateSnapshot that it is
// part of.
struct InstanceSnapshot {
    KeyedState saved;
    bool has_saved = false;               // only where the generation offers save
    const unsigned char *block = nullptr; // only where it offers hand over, or shares it
    StateImage image;                     // made by a walk: the block, then those that it leads to
    std::uint64_t block_bytes = 0;
    std::uint64_t align = 0;
};

// Invariants
//   (1) What blocks point to never moves.
struct StateSnapshot {
    std::vector<InstanceSnapshot> instances; // in the generation's order, or in that of the wish's sessions
    bool is_at_rest = true;                  // nobody could write to a block while it was copied
    std::vector<std::unique_ptr<unsigned char[]>> memory;
};

// Quiesce, save, surrender, copy, take again, of each instance, and resume. Memory for the blocks is made, and touched,
// before the gates close; what grew in between gets more of it while callers wait, and so do blocks that lead to
// others, which `walk` finds (nullptr: they lead to none). kRefused: it offers neither save nor hand over, or a block
// lies; the rest as at_rest() says.
//
// A shared block is copied in such a moment too, and is at rest if nobody else has it. Whom a pin keeps inside, here or
// in an older generation, is not waited for, because that is what such a state is for: then it is copied word by word
// beside them (`is_at_rest` is false), each aligned 8 bytes as they were at one moment, and nothing is promised of two
// of them. Save is not asked for beside calls.
[[nodiscard]] Status snapshot_state(const RestWish &wish, std::shared_ptr<const CopyProgram> walk,
                                    std::shared_ptr<StateSnapshot> *out, std::int64_t *pause_ns);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_STATE_SNAPSHOT_HPP
