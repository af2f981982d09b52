// A moment at which a generation that serves holds still, to look at its state: gates closed, nobody inside, every
// instance quiesced. Afterwards it serves on as before.
//
// It is a swap that is always called off: the same steps in the same order, so that the rules of swap.cpp hold here as
// they do there.
#ifndef HOTGRAFT_CORE_STATE_REST_HPP
#define HOTGRAFT_CORE_STATE_REST_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "generation.hpp"
#include "slot.hpp"
#include "status.hpp"

namespace hotgraft {

struct RestWish {
    std::shared_ptr<Generation> generation;
    std::vector<std::shared_ptr<Slot>> slots; // those of every instance, and of `sessions`
    const char *what = "";                    // for messages: "save"
    std::int64_t rest_deadline_ns = 0;        // absolute, CLOCK_MONOTONIC: for calls to leave and quiesce to be over
    std::int64_t deadline_ns = 0;             // for each of the plugin's functions to return
    // Not empty: these sessions are looked at, and no instance. None is quiesced (session.h asks for none), and pins
    // are not waited for: what a pin keeps on a generation is called through these slots too.
    std::vector<std::size_t> sessions{};
};

// Run `work` in such a moment, on a control thread, and resume what was quiesced whatever came of it; the first failure
// is the answer. `work` holds by shared_ptr or by value whatever it touches: it may be abandoned. *pause_ns: how long
// the gates were closed.
//   kBusy       pinned (pins have their own way in), or a swap has closed these gates; nothing was touched
//   kTimedOut   calls were inside, or a quiesce was not over, at the deadline: it serves on
//   kPlugin     one of its functions answered an error: it serves on
//   kAbandoned  one did not return; its thread is left behind, and its instance holds still, which the sentence says;
//               the others were resumed
// Any thread that is not inside a plugin's call.
[[nodiscard]] Status at_rest(const RestWish &wish, std::function<Status(Generation &)> work, std::int64_t *pause_ns);

// For `work`, before each of the plugin's functions, with the instance that it is for: nobody waits for this thread any
// more, and callers are inside again.
[[nodiscard]] bool is_rest_given_up(std::size_t index) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_STATE_REST_HPP
