"""Opening a session that was open when a process before this one ended: it begins with the state that waits for it."""

from __future__ import annotations

import logging
import time
from dataclasses import field
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.engine.snapshot_resume import Resume
from hotgraft.engine.timing import Stopwatch

if TYPE_CHECKING:
    from hotgraft.engine.snapshot_sessions import WaitingSession
    from hotgraft.host.host import Host
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.session import Session

__all__ = ["SessionResume", "find_state"]

LOG = logging.getLogger("hotgraft.snapshots")
NONE, REQUIRED = "none", "required"


@dataclass(frozen=True, slots=True)
class SessionResume:
    """What a session that is about to be opened begins with; `waiting` is None where it begins fresh."""

    host: Host
    loaded: Loaded
    name: str  # that it was asked for by; empty: none
    waiting: WaitingSession | None
    gives_up: bool
    _lost: list[str] = field(default_factory=list)

    def give(self, index: int) -> None:
        """Let the session take the state that waits; `index`: where the generation that serves has it.

        Raises:
            SnapshotError, StateError, PluginError, PluginAbandoned: it did not. The state waits on.
        """
        if self.waiting is None or self.gives_up:
            return
        options, serving = self.host.options, self.loaded.serving
        resume = Resume(
            plugin=self.loaded.name,
            converters=self.loaded.converters.of(self.loaded.name),
            threads=self.loaded.converters.threads,
            deadline_s=options.swap_deadline_s,
        )
        resume.begin_session(
            self.waiting,
            serving.generation,
            serving.side,
            index,
            deadline_s=options.control_deadline_s,
            watch=Stopwatch(time.monotonic_ns),
        )
        self._lost.extend(resume.left_behind())

    def note(self, session: Session) -> None:
        """It is open: nothing waits under its name any more, or the next of that name does."""
        if self.waiting is not None:
            self.loaded.sessions.end_waiting(self.waiting)
        session.is_named = bool(self.name)
        session.is_resumed = self.waiting is not None and not self.gives_up
        session.left_behind = tuple(self._lost)
        if self._lost:
            lost = ", ".join(self._lost)
            LOG.warning("%s: session %s: left behind, there is no place for it: %s", self.loaded.name, self.name, lost)


def find_state(host: Host, loaded: Loaded, instance: str, who: str, resume: str | None) -> SessionResume:
    """Return what a session called `who` begins with; in the sessions' turn.

    Raises:
        SnapshotError: nothing waits under that name, and it is required.
    """
    waiting = loaded.sessions.find_waiting(instance, who) if who else None
    if resume == REQUIRED and waiting is None:
        names = ", ".join(one.name for one in loaded.sessions.waiting()[:8])
        raise SnapshotError(
            "resume a session",
            on=loaded.name,
            found=f"nothing waits under the name {who!r}" + (f"; these do: {names}" if names else ""),
            advice="open it with resume=None, to begin fresh where nothing waits",
            running=f"generation {loaded.serving.generation.number} serves on",
        )
    return SessionResume(host, loaded, who, waiting, gives_up=resume == NONE)
