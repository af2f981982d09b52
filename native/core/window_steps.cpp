// What takes each step of a window back.
#include "window.hpp"

namespace hotgraft {

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

std::optional<StepKind> undo_of(StepKind kind) noexcept {
    switch (kind) {
    case StepKind::kCloseGates:
        return StepKind::kReopenGates;
    case StepKind::kQuiesce:
        return StepKind::kResume;
    case StepKind::kSurrender:
        return StepKind::kGiveBack;
    case StepKind::kConvert:
    case StepKind::kRunConverters:
        return StepKind::kDropConverted;
    case StepKind::kTake:
    case StepKind::kAttach:
        return StepKind::kLetGo;
    case StepKind::kStart:
        return StepKind::kStop;
    default:
        return std::nullopt; // waiting and copying leave nothing behind; undo has no undo
    }
}

} // namespace hotgraft
