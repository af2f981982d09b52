// The life of one generation, as data: which stage follows which event. One function reads the table; the docs' picture
// is drawn from it.
#ifndef HOTGRAFT_CORE_LIFECYCLE_HPP
#define HOTGRAFT_CORE_LIFECYCLE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace hotgraft {

enum class Stage : std::uint8_t {
    kSeen,      // there is a file
    kStaged,    // copied to a private file
    kInspected, // its facts are read
    kAccepted,  // the contract holds
    kProbed,    // it has lived in a child process
    kMapped,    // in this process; constructors ran
    kCreated,   // all instances are made
    kRestored,  // state is in
    kReady,     // started
    kTrial,     // serves a share
    kActive,    // serves
    kDraining,  // its gates are closed
    kQuiesced,  // holds still
    kHeld,      // replaced, kept for rollback
    kRetired,   // given up, to be reclaimed
    kUnloaded,  // proven gone
    kStuck,     // cannot leave memory
    kRejected,  // turned down before any of its code ran
    kFailed,    // turned down after
};
inline constexpr std::size_t kStageCount = 19;

enum class Event : std::uint8_t {
    kStage,
    kInspect,
    kAccept,
    kProbe,
    kMap,
    kCreate,
    kRestore,
    kStart,
    kTry,     // give it a share
    kPublish, // make it current
    kDrain,   // close its gates
    kReopen,  // the deadline passed: open them again
    kQuiesce,
    kResume,  // undo quiesce
    kReplace, // another generation was published in its place
    kRecall,  // rollback publishes it again
    kRetire,  // commit, or the end of the plugin
    kReject,
    kFail,
    kUnload, // the proof
    kStick,  // something keeps it
};
inline constexpr std::size_t kEventCount = 21;

struct Transition {
    Stage from;
    Event event;
    Stage to;
};

// Every transition there is; each (from, event) at most once.
struct Transitions {
    const Transition *begin_;
    std::size_t count;
    [[nodiscard]] const Transition *begin() const noexcept { return begin_; }
    [[nodiscard]] const Transition *end() const noexcept { return begin_ + count; }
};
[[nodiscard]] Transitions transitions() noexcept;

// The stage after `event`, or nothing: the event does not belong there.
[[nodiscard]] std::optional<Stage> next_stage(Stage stage, Event event) noexcept;

[[nodiscard]] const char *name_of(Stage stage) noexcept; // "draining"
[[nodiscard]] const char *name_of(Event event) noexcept; // "drain"

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LIFECYCLE_HPP
