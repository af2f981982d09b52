// The author's converters as one step of the window: a copy of the old state goes in, and what comes out is made the
// candidate's. They themselves run on a thread of theirs.
#include "layout_pointed.hpp"
#include "window.hpp"

#include <utility>
#include <vector>

namespace hotgraft {

// What goes into the converters: nothing of it is shared with what is alive.
Status Window::copy_for_converters(const StateConverters &converters, Carried &state, LooseState *from) {
    if (!converters.from_block) {
        from->values = std::move(state.saved); // a copy already: who saved it has its own
        return {};
    }
    const auto *const data = static_cast<const unsigned char *>(state.block.data);
    if (converters.old_walk == nullptr) {
        from->blocks.emplace_back(data, data + state.block.bytes);
        return {};
    }
    std::uint64_t bytes = state.block.bytes;
    if (Status status = find_pointed(*converters.old_walk, data, bytes, &state.pointed); !status.is_ok()) {
        return status;
    }
    for (const void *const block : state.pointed) {
        bytes += Ledger::block_bytes(block);
    }
    std::vector<ImageLink> links;
    return make_image(*converters.old_walk, data, state.block.bytes, bytes, &from->blocks, &links);
}

// A block of the candidate's, and those that it leads to.
Status Window::place_converted(const StateConverters &converters, const Generation &next, Carried &state,
                               const LooseState &made) {
    std::vector<ImageLink> links;
    if (converters.next_walk != nullptr) {
        if (Status status = links_of(*converters.next_walk, made.blocks, &links); !status.is_ok()) {
            return status;
        }
    }
    PlacedImage placed;
    if (Status status = placed.place(made.blocks, links, next.ledger()); !status.is_ok()) {
        return status;
    }
    state.converted = {placed.blocks().front(), made.blocks.front().size(), next.layout_id()};
    state.rooms.hold({placed.blocks().begin() + 1, placed.blocks().end()});
    placed.let_go();
    return {};
}

Status Window::run_converters(const WindowStep &step, std::int64_t deadline_ns, std::uint64_t swap) {
    const SwapMember &member = request_.members[step.member];
    const StateConverters &converters = *member.instances[step.instance].converters;
    Carried &state = carried_[step.member][step.instance];
    LooseState from;
    LooseState to;
    Status status = copy_for_converters(converters, state, &from);
    if (status.is_ok()) {
        status = converters.run(std::move(from), deadline_ns, swap, &to);
    }
    if (status.is_ok() && converters.to_block) {
        status = place_converted(converters, *member.next, state, to);
    } else if (status.is_ok()) {
        state.saved = std::move(to.values);
    }
    return status;
}

} // namespace hotgraft
