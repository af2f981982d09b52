// Taking a generation out of memory: destroy its instances → look at the facts → dlclose → proof → delete the copy.
//
// For generations that are retired or failed, drained, without pins: the reaper has looked. Anything that stands in the
// way makes the generation stuck, with the reason, and leaves it mapped: nothing ever crashes to unload.
#ifndef HOTGRAFT_CORE_GENERATION_UNLOAD_HPP
#define HOTGRAFT_CORE_GENERATION_UNLOAD_HPP

#include <cstdint>
#include <memory>
#include <string>

#include "control.hpp"
#include "generation.hpp"
#include "library.hpp"

namespace hotgraft {

// Where the time went, nanoseconds; 0: not reached.
struct UnloadTimes {
    std::int64_t destroy_ns = 0;
    std::int64_t facts_ns = 0;
    std::int64_t close_ns = 0; // dlclose and proof
};

class Unload {
public:
    explicit Unload(std::shared_ptr<Generation> generation) : generation_(std::move(generation)) {}

    // Plugin code (destroy, and the destructors that dlclose runs) runs on `control`; this thread waits. Not back by
    // deadline_ns: the generation is abandoned and stuck. retired, failed → unloaded | stuck.
    [[nodiscard]] Proof run(ControlThread &control, std::int64_t deadline_ns);

    // For a stuck generation that was closed: it may have left since (a thread with a pending destructor ended).
    // Runs no plugin code.
    [[nodiscard]] Proof look_again();

    // The last run found no memory, or no thread to run on, or a thread that does not rest and so cannot be told from
    // one inside: nothing is settled, run it again.
    [[nodiscard]] bool is_unsettled() const noexcept { return is_unsettled_; }
    [[nodiscard]] const UnloadTimes &times() const noexcept { return times_; }

private:
    struct Progress;
    static Status tear_down(Generation &generation, Progress &progress, std::int64_t deadline_ns);
    static Status stop(Generation &generation, std::int64_t deadline_ns);
    Proof settle(const Proof &proof);

    std::shared_ptr<Generation> generation_;
    UnloadTimes times_;
    bool is_unsettled_ = false;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GENERATION_UNLOAD_HPP
