#include "lifecycle.hpp"

#include <iterator>

namespace hotgraft {

namespace {

// Sorted by stage, then in the order of a life that goes well.
constexpr Transition kTransitions[] = {
    {Stage::kSeen, Event::kStage, Stage::kStaged},
    {Stage::kSeen, Event::kReject, Stage::kRejected},
    {Stage::kStaged, Event::kInspect, Stage::kInspected},
    {Stage::kStaged, Event::kReject, Stage::kRejected},
    {Stage::kInspected, Event::kAccept, Stage::kAccepted},
    {Stage::kInspected, Event::kReject, Stage::kRejected},
    {Stage::kAccepted, Event::kProbe, Stage::kProbed},
    {Stage::kAccepted, Event::kMap, Stage::kMapped},
    {Stage::kAccepted, Event::kReject, Stage::kRejected},
    {Stage::kAccepted, Event::kStick, Stage::kStuck}, // the loader has not come back with it
    {Stage::kProbed, Event::kMap, Stage::kMapped},
    {Stage::kProbed, Event::kReject, Stage::kRejected},
    {Stage::kProbed, Event::kStick, Stage::kStuck},
    {Stage::kMapped, Event::kCreate, Stage::kCreated},
    {Stage::kMapped, Event::kFail, Stage::kFailed},
    {Stage::kMapped, Event::kStick, Stage::kStuck},
    {Stage::kCreated, Event::kRestore, Stage::kRestored},
    {Stage::kCreated, Event::kStart, Stage::kReady},
    {Stage::kCreated, Event::kFail, Stage::kFailed},
    {Stage::kCreated, Event::kStick, Stage::kStuck},
    {Stage::kRestored, Event::kStart, Stage::kReady},
    {Stage::kRestored, Event::kFail, Stage::kFailed},
    {Stage::kRestored, Event::kStick, Stage::kStuck},
    {Stage::kReady, Event::kTry, Stage::kTrial},
    {Stage::kReady, Event::kPublish, Stage::kActive},
    {Stage::kReady, Event::kFail, Stage::kFailed},
    {Stage::kReady, Event::kStick, Stage::kStuck},
    {Stage::kTrial, Event::kPublish, Stage::kActive},
    {Stage::kTrial, Event::kFail, Stage::kFailed},
    {Stage::kTrial, Event::kStick, Stage::kStuck},
    {Stage::kActive, Event::kDrain, Stage::kDraining},
    {Stage::kActive, Event::kReplace, Stage::kHeld}, // published without a gate: nothing held still
    {Stage::kActive, Event::kFail, Stage::kFailed},  // rolled back
    {Stage::kActive, Event::kStick, Stage::kStuck},
    {Stage::kDraining, Event::kReopen, Stage::kActive},
    {Stage::kDraining, Event::kQuiesce, Stage::kQuiesced},
    {Stage::kDraining, Event::kStick, Stage::kStuck},
    {Stage::kQuiesced, Event::kResume, Stage::kActive},
    {Stage::kQuiesced, Event::kReplace, Stage::kHeld},
    {Stage::kQuiesced, Event::kRetire, Stage::kRetired}, // the plugin ends: nothing takes its place
    {Stage::kQuiesced, Event::kFail, Stage::kFailed},
    {Stage::kQuiesced, Event::kStick, Stage::kStuck},
    {Stage::kHeld, Event::kRecall, Stage::kActive},
    {Stage::kHeld, Event::kRetire, Stage::kRetired},
    {Stage::kHeld, Event::kStick, Stage::kStuck},
    {Stage::kRetired, Event::kUnload, Stage::kUnloaded},
    {Stage::kRetired, Event::kStick, Stage::kStuck},
    {Stage::kStuck, Event::kUnload, Stage::kUnloaded}, // what kept it has gone since
    {Stage::kFailed, Event::kUnload, Stage::kUnloaded},
    {Stage::kFailed, Event::kStick, Stage::kStuck},
};

constexpr const char *kStageNames[kStageCount] = {
    "seen",   "staged",   "inspected", "accepted", "probed",  "mapped",   "created", "restored", "ready",  "trial",
    "active", "draining", "quiesced",  "held",     "retired", "unloaded", "stuck",   "rejected", "failed",
};

constexpr const char *kEventNames[kEventCount] = {
    "stage",  "inspect", "accept", "probe",   "map",    "create", "restore", "start", "try",    "publish", "drain",
    "reopen", "quiesce", "resume", "replace", "recall", "retire", "reject",  "fail",  "unload", "stick",
};

} // namespace

Transitions transitions() noexcept {
    return {kTransitions, std::size(kTransitions)};
}

std::optional<Stage> next_stage(Stage stage, Event event) noexcept {
    for (const Transition &transition : kTransitions) {
        if (transition.from == stage && transition.event == event) {
            return transition.to;
        }
    }
    return std::nullopt;
}

const char *name_of(Stage stage) noexcept {
    const std::size_t index = static_cast<std::size_t>(stage);
    return index < kStageCount ? kStageNames[index] : "?";
}

const char *name_of(Event event) noexcept {
    const std::size_t index = static_cast<std::size_t>(event);
    return index < kEventCount ? kEventNames[index] : "?";
}

} // namespace hotgraft
