"""What a watcher decides: which events may mean a new whole content, when to look, and what to do with what it sees.

Times are seconds of one monotonic clock and come in as arguments. Events are hints and the file's content is the
truth: a hint too many costs a look, and one that was lost is made up for by the next periodic look.
"""

from __future__ import annotations

from collections import deque
from dataclasses import field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EVENTS", "LOOK_EVERY_S", "STILL_S", "Contents", "Hint", "Pace", "Settling", "Verdict", "hints_of"]

LOOK_EVERY_S: Final = 1.0  # makes up for lost events, folders that went and came, and file systems without events


class Hint(IntEnum):
    """How much an event says about a file; the greater says more."""

    LOOK = 1  # something may have happened
    APPEARED = 2  # the name came up; whoever made it may still be writing
    FINISHED = 3  # its writer closed it, or a rename put it there whole


# By watchdog's event type: what is said about the path the event is on, and about the one something was moved to.
EVENTS: Final[Mapping[str, tuple[Hint | None, Hint | None]]] = {
    "closed": (Hint.FINISHED, None),
    "moved": (Hint.LOOK, Hint.FINISHED),
    "created": (Hint.APPEARED, None),  # a symbolic or hard link; of a file that is being written a close follows
    "modified": (None, None),  # a write: more of them follow, and a close
    "deleted": (Hint.LOOK, None),  # an image that went changes nothing; a source that went does
    "attrib": (None, None),
    "opened": (None, None),
    "closed_no_write": (None, None),  # our own reading does that
}

# How long size, times and inode must have held still before the content is read, by what is known of the writer.
# Staging notices what changes while it reads; this keeps a pause of a slow writer from being taken for its end.
STILL_S: Final[Mapping[Hint, float]] = {Hint.FINISHED: 0.002, Hint.APPEARED: 0.25, Hint.LOOK: 0.25}


def hints_of(kind: str, path: str, moved_to: str, *, is_polled: bool = False) -> tuple[tuple[str, Hint], ...]:
    """Return which paths an event says something about, and how much.

    A poller sees no writer close: whatever it saw, `is_polled` makes a look of it.
    """
    said = EVENTS.get(kind, (None, None))
    pairs = zip((path, moved_to), said, strict=True)
    if is_polled:
        return tuple((one, Hint.LOOK) for one, _ in pairs if one)
    return tuple((one, hint) for one, hint in pairs if one and hint is not None)


@dataclass(slots=True)
class Pace:
    """When a target is looked at: once it has been quiet, and the longer the more often it was acted on lately.

    So one save is answered at once, and of a storm of them the first and the last.

    Invariants
      (1) A hint is never dropped: `due_s` answers a time until `looked` is told of a look that began after it.
    """

    quiet_s: tuple[float, ...] = (0.003, 0.1, 1.0)  # after none, one, more actions within `memory_s`
    memory_s: float = 5.0
    hint: Hint | None = None
    last_hint_s: float = 0.0
    not_before_s: float = 0.0
    actions_s: deque[float] = field(default_factory=deque)

    def note(self, hint: Hint, now_s: float) -> bool:
        """Take a hint; return whether it is the first since the last look."""
        is_first = self.hint is None
        self.hint = hint if self.hint is None else max(self.hint, hint)
        self.last_hint_s = now_s
        self.not_before_s = 0.0  # what happens now is news; nobody waits for an old file's sake
        return is_first

    def due_s(self, now_s: float) -> float | None:
        """Return when to look, or None while nothing happens."""
        if self.hint is None:
            return None
        while self.actions_s and self.actions_s[0] < now_s - self.memory_s:
            self.actions_s.popleft()
        quiet_s = self.quiet_s[min(len(self.actions_s), len(self.quiet_s) - 1)]
        return max(self.last_hint_s + quiet_s, self.not_before_s)

    def looked(self) -> Hint:
        """Begin a look: return the strongest hint since the last, which is now answered."""
        hint = self.hint or Hint.LOOK
        self.hint = None
        return hint

    def acted(self, now_s: float) -> None:
        """Remember that the look led to an action."""
        self.actions_s.append(now_s)

    def look_again(self, hint: Hint, now_s: float, in_s: float) -> None:
        """Ask for another look in `in_s` seconds."""
        self.note(hint, now_s)
        self.not_before_s = now_s + in_s


@dataclass(slots=True)
class Settling:
    """How long a file has held still, and how long it has been incomplete."""

    deadline_s: float
    facts: object = None  # of the file, as they were at the last look; equal: unchanged
    since_s: float = 0.0
    looks: int = 0

    def held_still_s(self, facts: object, now_s: float, age_s: float) -> float:
        """Return for how long the file has been as it is: by its own times, or by ours where its clock is ahead."""
        if self.facts is None or facts != self.facts:
            self.facts, self.since_s, self.looks = facts, now_s, 0
        return max(age_s, now_s - self.since_s)

    def again_in_s(self, now_s: float) -> float | None:
        """Take it that it is incomplete; return when to look again, or None once that did not change for too long."""
        self.looks += 1
        if now_s - self.since_s >= self.deadline_s:
            return None
        return min(0.005 * 2.0 ** min(self.looks, 10), 0.1)

    def settled(self) -> None:
        """Forget: it is complete, or gone."""
        self.facts, self.looks = None, 0


class Verdict(StrEnum):
    """What to do with the content of a watched file."""

    TAKE = "take"  # try it
    KNOWN = "known"  # it serves, or was dealt with already
    REFUSED_BEFORE = "refused before"  # it came back, and is not tried again


REFUSED_KEPT: Final = 256


@dataclass(slots=True)
class Contents:
    """Which contents of one path were dealt with; a content is named by its hash.

    Invariants
      (1) The file is compared with what was taken from it last, not with what serves: after a rollback the file still
          holds what was rolled back, and must not come straight back in.
      (2) What was refused stays refused until the file holds something else, and each is reported once.
    """

    handled: str = ""
    refused: deque[str] = field(default_factory=lambda: deque(maxlen=REFUSED_KEPT))

    def judge(self, content: str, serving: str) -> Verdict:
        """Say what to do with `content`, while `serving` serves; what needs no try is dealt with by that."""
        if content == self.handled:
            return Verdict.KNOWN
        if content == serving:
            self.handled = content
            return Verdict.KNOWN
        if content in self.refused:
            self.handled = content
            return Verdict.REFUSED_BEFORE
        return Verdict.TAKE

    def took(self, content: str) -> None:
        """Note that `content` serves now."""
        self.handled = content

    def forget(self, content: str) -> None:
        """Let `content` be tried again: what it was refused for has changed outside of it."""
        if content in self.refused:
            self.refused.remove(content)
        if self.handled == content:
            self.handled = ""

    def refuse(self, content: str) -> bool:
        """Note that `content` is refused; return whether that is news."""
        self.handled = content
        if content in self.refused:
            return False
        self.refused.append(content)
        return True
