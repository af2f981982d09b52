// A window's work on blocks: what was surrendered on its way to who takes it, and what goes back if the swap is called
// off.
#include <algorithm>
#include <cstring>
#include <utility>

#include "control.hpp"
#include "window.hpp"

namespace hotgraft {

void Window::keep_converted() noexcept {
    for (std::size_t m = 0; m < request_.members.size(); ++m) {
        const SwapMember &member = request_.members[m];
        for (std::size_t i = 0; i < member.instances.size(); ++i) {
            if (leaves_block(member.instances[i])) {
                member.old_generation->keep_block(member.instances[i].old_index, carried_[m][i].block,
                                                  std::move(carried_[m][i].pointed));
            }
        }
    }
}

Status Window::convert(const WindowStep &step, std::int64_t deadline_ns) {
    const SwapMember &member = request_.members[step.member];
    const InstanceMove &move = member.instances[step.instance];
    Carried &state = carried_[step.member][step.instance];
    if (move.way == StateWay::kConvertShared) { // nobody surrenders it: it stays the old instance's as well
        if (state.shared == nullptr) {
            return {Code::kInvalid, member.old_generation->label() + " has no shared block to convert"};
        }
        state.block = {state.shared->data(), state.shared->bytes(), member.old_generation->layout_id()};
    }
    std::uint64_t bytes = 0;
    if (Status status = move.conversion->size(state.block.bytes, &bytes); !status.is_ok()) {
        return status;
    }
    // A plugin that asked for lines or pages of its own may rely on them in the next build too.
    const std::uint64_t align = std::max(Ledger::block_align(state.block.data), kRoomAlign);
    if (state.converted.bytes != bytes || // it grew since it was looked at, or nobody knew
        Ledger::block_align(state.converted.data) < align) {
        Ledger::free_block(state.converted.data);
        state.converted = {state.rooms.cut(bytes, align, member.next->ledger()), bytes, member.next->layout_id()};
        if (state.converted.data == nullptr) {
            state.converted = member.next->make_block(bytes, align);
        }
    }
    if (state.converted.data == nullptr) {
        return {Code::kNoMemory, "no memory for a state of " + std::to_string(bytes) + " bytes"};
    }
    Status status = move.conversion->pointed
                        ? convert_pointed(move, *member.next, state)
                        : move.conversion->convert(state.block.data, state.block.bytes, state.converted.data);
    if (status.is_ok() && monotonic_ns() >= deadline_ns) {
        return {Code::kTimedOut,
                "the deadline passed while " + std::to_string(state.block.bytes) + " bytes of state were converted"};
    }
    return status;
}

// All that the old block leads to is looked at first: what is read through it afterwards is there.
Status Window::convert_pointed(const InstanceMove &move, const Generation &next, Carried &state) {
    const BlockConversion::Pointed &by = *move.conversion->pointed;
    const Block &old = state.block;
    if (by.old_walk != nullptr) {
        if (Status status = find_pointed(*by.old_walk, old.data, old.bytes, &state.pointed); !status.is_ok()) {
            return status;
        }
    }
    const BlockMaker make = state.rooms.maker(next.ledger());
    return by.program->run(old.data, old.bytes, state.converted.data, state.converted.bytes,
                           old.bytes / by.program->old_bytes(), nullptr, &make);
}

// What the block leads to is billed with it. Found before it is taken: afterwards it is the plugin's.
Status Window::take_handed_over(const InstanceMove &move, Generation &next, Carried &state) {
    if (move.walk != nullptr) {
        state.lent = pointed_blocks(*move.walk, state.block.data, state.block.bytes);
        Ledger::lend(state.lent);
    }
    state.is_shown.store(true, std::memory_order_release); // pairs with use_copy(): this thread may be left behind
    Status status = next.take(move.next_index, state.block);
    if (status.is_ok()) {
        next.bill(state.lent);
    }
    return status;
}

// What it was given to work on may lead to other blocks by now.
Status Window::let_go(const InstanceMove &move, Generation &next, Carried &state) {
    if (!makes_block(move)) {
        return next.surrender(move.next_index, &state.block);
    }
    Status status = next.surrender(move.next_index, &state.converted);
    const CopyProgram *const walk = next_walk_of(move);
    if (status.is_ok() && walk != nullptr) {
        const Status all = or_no_memory([&]() -> Status {
            std::vector<void *> blocks = pointed_blocks(*walk, state.converted.data, state.converted.bytes);
            blocks.insert(blocks.end(), state.lent.begin(), state.lent.end()); // those that it leads to no more as well
            std::sort(blocks.begin(), blocks.end());
            blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
            state.rooms.hold(std::move(blocks));
            return {};
        });
        if (!all.is_ok()) { // going back goes on: what the candidate made besides is left
            state.rooms.hold(std::move(state.lent));
        }
    }
    return status;
}

// On loan from here on, so that no plugin's code frees or moves it before the swap has come to its end.
Status Window::surrender(const WindowStep &step, Carried &state) {
    Generation &generation = *request_.members[step.member].old_generation;
    const std::size_t index = request_.members[step.member].instances[step.instance].old_index;
    Block block;
    if (Status status = generation.surrender(index, &block); !status.is_ok()) {
        return status;
    }
    Guards::instance().seam().at(SeamPoint::kSurrendered);
    if (Ledger::lend(block.data)) {
        state.block = block;
        return {};
    }
    const Status back = generation.give_back(index, block);
    return {Code::kPlugin, generation.label() + ": surrender gave a block that was given away before" +
                               (back.is_ok() ? "" : "; and " + back.message())};
}

Status Window::give_back(const InstanceMove &move, Generation &generation, const Carried &state) {
    Status status = generation.give_back(move.old_index, state.block, old_walk_of(move),
                                         move.way == StateWay::kHandOver ? state.lent : state.pointed);
    if (status.is_ok() && !generation.is_away(move.old_index)) { // else it was given up, and the host has it
        Ledger::settle(state.block.data);
        if (move.way == StateWay::kHandOver) {
            Ledger::settle(state.lent);
        }
    }
    return status;
}

// Nobody waits for it any more, but the next build may go on with what it gave.
void Window::keep_late(const WindowStep &step) noexcept {
    const SwapMember &member = request_.members[step.member];
    const InstanceMove &move = member.instances[step.instance];
    member.old_generation->keep_late(move.old_index, carried_[step.member][step.instance].block, old_walk_of(move));
}

void Window::settle_blocks() noexcept {
    for (const std::vector<Carried> &member : carried_) {
        for (const Carried &state : member) {
            Ledger::settle(state.block.data);
            Ledger::settle(state.taken);
            Ledger::settle(state.lent);
        }
    }
}

// Until take says that it has it, the block is the window's.
Status Window::take_converted(const InstanceMove &move, Generation &next, Carried &state) {
    const Block block = std::exchange(state.converted, {});
    (void)Ledger::lend(block.data);
    state.taken = block.data;
    state.lent = state.rooms.made();
    Ledger::lend(state.lent);
    Status status = next.take(move.next_index, block);
    if (status.is_ok()) {
        state.rooms.let_go();
    } else {
        state.converted = block;
    }
    return status;
}

// What goes back if the swap is called off: the candidate says that it writes to the block before it serves.
Status Window::copy_block(const Generation &old_generation, Carried &state, std::int64_t deadline_ns) {
    const std::uint64_t align = std::max(Ledger::block_align(state.block.data), kRoomAlign);
    if (state.copy.bytes != state.block.bytes || Ledger::block_align(state.copy.data) < align) {
        Ledger::free_block(state.copy.data);
        state.copy = old_generation.make_block(state.block.bytes, align);
    }
    if (state.copy.data == nullptr) {
        state.copy = {};
        return {Code::kNoMemory, "no memory for a copy of " + std::to_string(state.block.bytes) + " bytes of state"};
    }
    std::memcpy(state.copy.data, state.block.data, state.block.bytes);
    state.copy.layout_id = state.block.layout_id;
    state.is_copied = true;
    return monotonic_ns() < deadline_ns
               ? Status()
               : Status(Code::kTimedOut, "the deadline passed while a copy of " + std::to_string(state.block.bytes) +
                                             " bytes of state was made");
}

// Before it is given back: the copy instead of the block. That is kept for good where the candidate may still have it.
// Where nobody came as far as to copy it, the candidate has not seen the block either.
void Window::use_copy(const Generation &next, Carried &state) noexcept {
    if (!state.is_copied) {
        if (state.is_shown.load(std::memory_order_acquire) &&
            next.is_abandoned()) { // it only looks at it, but it may do so for ever
            Ledger::keep(state.block.data);
            for (void *const block : state.lent) {
                Ledger::keep(block);
            }
        }
        return;
    }
    if (!next.is_abandoned()) {
        Ledger::free_block(state.block.data);
    }
    state.block = std::exchange(state.copy, {});
    (void)Ledger::lend(state.block.data);
}

} // namespace hotgraft
