// What takes each step of a window back.
#include "window.hpp"

namespace hotgraft {

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
