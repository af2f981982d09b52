// Looking at the state of a generation that serves: what its instances would save, while callers wait for a moment.
//
// It is a swap that is always called off after save: the same steps in the same order, so that the rules of swap.cpp
// hold here as they do there. State is only read; afterwards the same generation serves on with it.
#ifndef HOTGRAFT_CORE_STATE_READING_HPP
#define HOTGRAFT_CORE_STATE_READING_HPP

#include <cstdint>
#include <memory>
#include <vector>

#include "generation.hpp"
#include "keyed_state.hpp"
#include "slot.hpp"

namespace hotgraft {

// `slots`: those of every instance. `saved` gets one state per instance, in the order of the instances, and only when
// all went well.
//   kRefused    it offers no save
//   kBusy       pinned (pins have their own way in), or a swap has closed these gates; nothing was touched
//   kTimedOut   calls were inside, or a quiesce was not over, at the deadline: it serves on
//   kPlugin     one of its functions answered an error: it serves on
//   kAbandoned  one did not return; resume was not asked for, and its thread is left behind
// deadline_ns is absolute, CLOCK_MONOTONIC. Any thread that is not inside a plugin's call.
[[nodiscard]] Status read_state(const std::shared_ptr<Generation> &generation,
                                const std::vector<std::shared_ptr<Slot>> &slots, std::int64_t deadline_ns,
                                std::vector<KeyedState> *saved);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_STATE_READING_HPP
