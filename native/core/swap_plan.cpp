// What a swap's window consists of: its list of steps, decided from the request alone.
#include <algorithm>

#include "swap.hpp"

namespace hotgraft {

namespace {

// Whether an instance's way across has that step.
bool goes_through(const InstanceMove &move, StepKind kind) {
    const bool moves = move.way == StateWay::kHandOver || move.way == StateWay::kConvert;
    const bool saves = move.way == StateWay::kSaveRestore;
    const StateConverters *const converters = move.way == StateWay::kConverters ? move.converters.get() : nullptr;
    switch (kind) {
    case StepKind::kSurrender:
        return converters != nullptr ? converters->from_block : moves;
    case StepKind::kTake:
        return converters != nullptr ? converters->to_block : moves;
    case StepKind::kSave:
        return converters != nullptr ? !converters->from_block : saves;
    case StepKind::kRestore:
        return converters != nullptr ? !converters->to_block : saves;
    case StepKind::kConvert:
        return converts(move.way);
    case StepKind::kAttach:
        return belongs_to_nobody(move.way);
    case StepKind::kQuiesce:
    case StepKind::kStart:
        return !move.is_session;
    case StepKind::kRunConverters:
        return converters != nullptr;
    default:
        return true;
    }
}

// Consumers come to rest before their providers; what serves next comes up providers first.
bool is_providers_first(StepKind kind) {
    return kind == StepKind::kTake || kind == StepKind::kAttach || kind == StepKind::kRestore ||
           kind == StepKind::kStart;
}

// Calls may be inside, or it does not come to rest.
bool stays_running(const SwapMember &member) {
    return member.leaves_undrained || member.leaves_at_deadline || member.leaves_unquiesced;
}

void append_for_all(const SwapRequest &request, StepKind kind, std::vector<WindowStep> *steps) {
    for (std::size_t place = 0; place < request.members.size(); ++place) {
        const std::size_t m = is_providers_first(kind) ? request.members.size() - 1 - place : place;
        for (std::size_t i = 0; i < request.members[m].instances.size(); ++i) {
            if (kind == StepKind::kQuiesce && stays_running(request.members[m])) {
                continue; // it is quiesced when it is taken down
            }
            if (goes_through(request.members[m].instances[i], kind)) {
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

bool needs_gate(const SwapRequest &request) {
    std::size_t slots = 0;
    bool must_rest = false;
    for (const SwapMember &member : request.members) {
        slots += member.slots.size() + member.emptied.size() + member.callbacks;
        must_rest = must_rest || !member.late_imports.empty();
        for (const InstanceMove &move : member.instances) {
            must_rest = must_rest || needs_rest(move.way);
        }
    }
    return slots != 1 || must_rest;
}

Status bind_late_imports(const SwapRequest &request) {
    for (const SwapMember &member : request.members) {
        for (const LateImport &import : member.late_imports) {
            if (Status status = import.generation->bind_import(import.id, import.slot.get()); !status.is_ok()) {
                return status;
            }
        }
    }
    return {};
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
