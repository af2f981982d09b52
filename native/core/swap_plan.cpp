// What a swap's window consists of: its list of steps, decided from the request alone.
#include <algorithm>

#include "swap.hpp"

namespace hotgraft {

namespace {

// Whether state that goes this way takes this step.
bool belongs(StepKind kind, StateWay way) {
    switch (kind) {
    case StepKind::kSurrender:
    case StepKind::kTake:
        return way == StateWay::kHandOver || way == StateWay::kConvert;
    case StepKind::kConvert:
        return converts(way);
    case StepKind::kAttach:
        return belongs_to_nobody(way);
    case StepKind::kSave:
    case StepKind::kRestore:
        return way == StateWay::kSaveRestore;
    default:
        return true;
    }
}

void append_for_all(const SwapRequest &request, StepKind kind, std::vector<WindowStep> *steps) {
    for (std::size_t m = 0; m < request.members.size(); ++m) {
        for (std::size_t i = 0; i < request.members[m].instances.size(); ++i) {
            if (kind == StepKind::kQuiesce &&
                (request.members[m].leaves_undrained || request.members[m].leaves_at_deadline)) {
                continue; // calls may be inside: it is quiesced when it is taken down
            }
            const bool is_stood =
                request.members[m].instances[i].is_session && (kind == StepKind::kQuiesce || kind == StepKind::kStart);
            if (belongs(kind, way) && !is_stood) {
                steps->push_back({kind, m, i});
            }
        }
    }
}

void append_if_any(const SwapRequest &request, PinRule rule, StepKind kind, std::vector<WindowStep> *steps) {
    if (std::any_of(request.members.begin(), request.members.end(),
                    [rule](const SwapMember &it) { return it.pins == rule; })) {
        steps->push_back({kind, 0, 0});
    }
}

} // namespace

const char *step_name(StepKind kind) noexcept {
    switch (kind) {
    case StepKind::kWaitForPins:
        return "wait for pins";
    case StepKind::kMovePins:
        return "move pins";
    case StepKind::kLeavePins:
        return "leave pins";
    case StepKind::kCloseGates:
        return "close gates";
    case StepKind::kDrain:
        return "drain";
    case StepKind::kQuiesce:
        return "quiesce";
    case StepKind::kSurrender:
        return "surrender";
    case StepKind::kSave:
        return "save";
    case StepKind::kConvert:
        return "convert";
    case StepKind::kRunConverters:
        return "run converters";
    case StepKind::kTake:
        return "take";
    case StepKind::kAttach:
        return "attach";
    case StepKind::kRestore:
        return "restore";
    case StepKind::kStart:
        return "start";
    case StepKind::kPublish:
        return "publish";
    case StepKind::kStop:
        return "stop";
    case StepKind::kLetGo:
        return "let go";
    case StepKind::kDropConverted:
        return "drop converted";
    case StepKind::kGiveBack:
        return "give back";
    case StepKind::kResume:
        return "resume";
    case StepKind::kReopenGates:
        return "reopen gates";
    }
    return "?";
}

bool needs_gate(const SwapRequest &request) {
    std::size_t slots = 0;
    bool must_rest = false;
    for (const SwapMember &member : request.members) {
        slots += member.slots.size() + member.emptied.size();
        for (const InstanceMove &move : member.instances) {
            must_rest = must_rest || needs_rest(move.way);
        }
    }
    return slots != 1 || must_rest;
}

bool all_say(const SwapRequest &request, bool SwapMember::*flag) {
    return std::all_of(request.members.begin(), request.members.end(),
                       [flag](const SwapMember &it) { return it.*flag; });
}

std::vector<WindowStep> plan_window(const SwapRequest &request) {
    std::vector<WindowStep> steps;
    append_if_any(request, PinRule::kWait, StepKind::kWaitForPins, &steps);
    append_if_any(request, PinRule::kMove, StepKind::kMovePins, &steps);
    append_if_any(request, PinRule::kLeave, StepKind::kLeavePins, &steps);
    if (needs_gate(request)) {
        steps.push_back({StepKind::kCloseGates, 0, 0});
        steps.push_back({StepKind::kDrain, 0, 0});
        for (const StepKind kind : {StepKind::kQuiesce, StepKind::kSurrender, StepKind::kSave, StepKind::kConvert,
                                    StepKind::kRunConverters, StepKind::kTake, StepKind::kAttach, StepKind::kRestore}) {
            append_for_all(request, kind, &steps);
        }
    } else {
        append_for_all(request, StepKind::kAttach, &steps);
    }
    append_for_all(request, StepKind::kStart, &steps);
    steps.push_back({StepKind::kPublish, 0, 0});
    return steps;
}

} // namespace hotgraft
