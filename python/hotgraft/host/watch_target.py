"""One image under watch: whether it is whole, whether it is new, and what became of its reload.

Only the thread of a `Watch` runs this; what it shares with others is the pace, by which they ask for looks.
"""

from __future__ import annotations

import logging
import time
from dataclasses import field
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import (
    Busy,
    ContractError,
    DependencyError,
    HostClosed,
    HotgraftError,
    LoadError,
    PermissionRequired,
    ResourceError,
    SwapTimeout,
    UnknownPlugin,
)
from hotgraft.core.watching import STILL_S, Contents, Hint, Pace, Settling, Verdict
from hotgraft.engine.watch import FileFacts, access_of, age_s, content_of, facts_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from hotgraft.host.events import HostEvents
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.report import SwapReport
    from hotgraft.host.watch import Watch

__all__ = ["Looks", "Target", "WatchAround"]

LOG = logging.getLogger("hotgraft.watch")
NOT_NOW = (Busy, SwapTimeout, ResourceError)  # the same content may do later
UNFIT = (ContractError, LoadError, DependencyError)  # the same content may do beside others
CLOCK_TICK_S = 0.05  # a file's times may lag: a write this soon after another need not show in them
AGAIN_S = (0.25, 1.0, 5.0, 30.0)  # after the first, second, … such answer


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchAround:
    """What a watch needs of its host."""

    listed: Callable[[], tuple[Loaded, ...]]
    reload: Callable[[str, str], SwapReport]  # name and image, whose writer is known to have finished
    events: HostEvents
    settle_deadline_s: float
    ended: Callable[[Watch], None]


@dataclass(slots=True)
class Target:
    """One plugin's image under watch."""

    plugin: str
    path: str
    settling: Settling
    entries: frozenset[str] = frozenset()
    pace: Pace = field(default_factory=Pace)  # under the watch's lock
    contents: Contents = field(default_factory=Contents)
    facts: FileFacts | None = None  # of the content read last; None: look whatever they are
    postponed: int = 0  # answers of the kind "not now" in a row
    ungranted: str = ""  # the content that was refused for want of a grant
    is_granted: bool = False  # something was granted since the last look; under the watch's lock
    unmet: str = ""  # the content that was refused for what it needs of others, or they of it
    refused: str = ""  # the content that was refused last, ...
    access: tuple[tuple[int, int], ...] = ()  # ... and who might write to it then
    is_freed: bool = False  # one of those others is another since the last look; under the watch's lock

    @property
    def is_handed_over(self) -> bool:
        """Whether others may write now to what was refused, or no longer: chmod is what some refusals advise."""
        return bool(self.refused) and access_of(self.path) not in ((), self.access)


class Looks:
    """Looks at targets for one watch, and asks its host for the reloads.

    Args:
        around: the host.
        lock: of the watch; guards every target's pace.
        on_gone: called when the host turns out to know the plugin no more.

    Thread safety: the watch's thread.

    Invariants
      (1) A content is tried once: what was refused waits for another content, what was postponed for its time, what
          asked for too much for a grant, what did not fit others for another image of one of them, and what others
          might write to for its mode, its owner or its folder's to change.
    """

    def __init__(self, around: WatchAround, lock: threading.Condition, *, on_gone: Callable[[], None]) -> None:
        self._around = around
        self._lock = lock
        self._on_gone = on_gone

    def at(self, target: Target) -> None:
        """Look at a file that something is said about, and take its content if it is whole and new."""
        with self._lock:
            hint = target.pace.looked()
            is_granted, target.is_granted = target.is_granted, False
            is_freed, target.is_freed = target.is_freed, False
        if is_granted:
            target.contents.forget(target.ungranted)
        if is_freed:
            target.contents.forget(target.unmet)
        if target.is_handed_over:
            target.contents.forget(target.refused)
            target.refused, target.facts = "", None
        facts = facts_of(target.path)
        if facts is None:  # gone, or not there yet
            target.settling.settled()
            target.facts = None
            return
        still_s = target.settling.held_still_s(facts, time.monotonic(), age_s(facts))
        if still_s < STILL_S[hint]:
            self._look_again(target, hint, STILL_S[hint] - still_s)
            return
        try:
            _core.settle(target.path, 0.0, 0.0)  # it held still, so only asks whether it is complete
        except HotgraftError as error:
            self._wait_for_writer(target, hint, facts, error)
            return
        target.settling.settled()
        content = content_of(target.path)
        if content is None or facts_of(target.path) != facts:
            self._look_again(target, hint, STILL_S[hint])
            return
        target.facts = facts if age_s(facts) > CLOCK_TICK_S else None
        verdict = target.contents.judge(content, self._serving(target.plugin))
        if verdict is Verdict.TAKE:
            self._take(target, hint, facts, content)
        elif verdict is Verdict.REFUSED_BEFORE:
            LOG.info("%s: refused before, so not tried again unless you reload: %s", target.plugin, target.path)

    def _serving(self, plugin: str) -> str:
        """Return the hash of what serves, empty when it was closed meanwhile."""
        hashes = [one.serving.generation.sha256 for one in self._around.listed() if one.name == plugin]
        return hashes[0] if hashes else ""

    def _wait_for_writer(self, target: Target, hint: Hint, facts: FileFacts, error: HotgraftError) -> None:
        """Look again soon; what does not get whole and does not change any more is refused, once."""
        again_s = target.settling.again_in_s(time.monotonic())
        if again_s is not None:
            self._look_again(target, hint, again_s)
            return
        target.settling.settled()
        target.facts = facts
        self._refuse(target, content_of(target.path) or repr(facts), error)

    def _take(self, target: Target, hint: Hint, facts: FileFacts, content: str) -> None:
        """Ask for the reload. What was staged is what counts: the file may hold something else by now."""
        target.pace.acted(time.monotonic())
        try:
            report = self._around.reload(target.plugin, target.path)
        except NOT_NOW as error:
            self._postpone(target, error)
        except (UnknownPlugin, HostClosed):
            self._on_gone()
        except Exception as error:
            staged = getattr(getattr(error, "report", None), "sha256", "")
            if facts_of(target.path) != facts or staged not in ("", content):
                target.facts = None
                self._look_again(target, hint, STILL_S[hint])  # written while it was loaded: that says nothing
                return
            if not isinstance(error, HotgraftError):
                LOG.exception("%s: reloading %s failed in a way that it should not", target.plugin, target.path)
            self._refuse(target, content, error)
        else:
            target.postponed = 0
            target.contents.took(report.sha256)
            if report.sha256 != content:
                self._look_again(target, hint, STILL_S[hint])

    def _refuse(self, target: Target, content: str, error: Exception) -> None:
        target.postponed = 0
        target.ungranted = content if isinstance(error, PermissionRequired) else ""
        target.unmet = content if isinstance(error, UNFIT) else ""
        target.refused, target.access = content, access_of(target.path)
        if target.contents.refuse(content):
            LOG.warning("%s: %s is refused: %s", target.plugin, target.path, error)
            self._around.events.tell("watch.refused", target.plugin, error=error, sha256=content)

    def _postpone(self, target: Target, error: HotgraftError) -> None:
        again_s = AGAIN_S[min(target.postponed, len(AGAIN_S) - 1)]
        target.postponed += 1
        target.facts = None
        self._look_again(target, Hint.LOOK, again_s)
        LOG.warning("%s: tried again in %g s: %s", target.plugin, again_s, error)
        self._around.events.tell("watch.postponed", target.plugin, error=error, again_in_s=again_s)

    def _look_again(self, target: Target, hint: Hint, in_s: float) -> None:
        """Ask for another look, unless an event asked for a better one meanwhile."""
        with self._lock:
            if target.pace.hint is None:
                target.pace.look_again(hint, time.monotonic(), in_s)
