// Where tests reach into the protocol: stop a thread between two of its steps, or take one mitigation out.
//
// Empty in production. Read on cold paths only; the warm path of call.h knows nothing of it.
#ifndef HOTGRAFT_CORE_GUARD_SEAM_HPP
#define HOTGRAFT_CORE_GUARD_SEAM_HPP

#include <atomic>

namespace hotgraft {

enum class SeamPoint {
    kAnnounced,    // cold enter: the table is in the record, the slot not yet looked at again
    kMayPass,      // cold enter at a closed gate, as a holder: has read what is behind it, not yet announced
    kPassing,      // cold enter at a closed gate, as a holder: announced, not yet looked at again
    kBeforeWait,   // cold enter: has seen the closed gate, not yet asleep
    kGateClosed,   // close: stored in all slots, the barrier still to come
    kDrainWaits,   // drain: a record was seen holding
    kMarkedClear,  // drain: a record was seen clear and marked so, not yet looked at again
    kTurnsAway,    // a member is about to be quiesced: others' threads are turned away, those inside not yet looked for
    kBetweenSlots, // publish: one slot of the set is open on the new table, the next one not yet
    kSurrendered,  // an instance has given its state, and nobody has noted that
    kRestsNext,    // at a moment of rest: an instance's turn has come, and it is not asked yet
    kRecordUnlisted, // a new record, not yet in the list
};

struct GuardSeam {
    std::atomic<void (*)(SeamPoint, void *)> hook{nullptr};
    std::atomic<void *> context{nullptr};
    std::atomic<bool> no_barrier{false}; // control "no membarrier": barrier() does nothing, callers stay warm
    std::atomic<bool> no_drain{false};   // control "no drain": drain() and is_held() find nobody

    std::atomic<bool> no_passing{false};      // control "registered threads wait": as those of nobody (without M11)
    std::atomic<bool> no_turning_away{false}; // control "no refusal": a member at rest is open to others (without M12)

    void at(SeamPoint point) noexcept {
        void (*const call)(SeamPoint, void *) = hook.load(std::memory_order_acquire); // pairs with set()
        if (call != nullptr) {
            call(point, context.load(std::memory_order_relaxed));
        }
    }
    void set(void (*call)(SeamPoint, void *), void *with) noexcept {
        context.store(with, std::memory_order_relaxed);
        hook.store(call, std::memory_order_release); // pairs with at()
    }
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GUARD_SEAM_HPP
