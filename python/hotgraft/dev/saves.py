"""When a source was saved: hints from watchdog, made up for by a look every second where they are lost."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Final

from hotgraft.core.watching import LOOK_EVERY_S, Hint, Pace
from hotgraft.engine.watch import FolderWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.dev.sources import Sources

__all__ = ["Saves"]

_WAKE: Final = b"!"


class Saves:
    """Hints from watchdog's threads, in the order of one clock, and an fd that wakes a select.

    Thread safety: hints come from any thread, the rest from one. A hint is one assignment and one byte, so it needs no
    lock.
    """

    def __init__(self, sources: Sources, delay_s: float, on_polling: Callable[[OSError], None]) -> None:
        self.fd, self._wake = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._wake, False)
        self._sources = sources
        self._pace = Pace(quiet_s=(delay_s,))
        self._last_s = 0.0  # of the newest hint
        self._folders = FolderWatch(self._hear, on_polling)
        self._follow()
        self._facts = sources.facts()
        self._look_at_s = time.monotonic() + LOOK_EVERY_S

    def note(self) -> None:
        """Something may have changed."""
        self._last_s = time.monotonic()
        with contextlib.suppress(BlockingIOError):  # it is full of wakes already
            os.write(self._wake, _WAKE)

    def wait_s(self) -> float:
        """Return for how long nothing is to be done unless `fd` wakes."""
        due_s = self._pace.due_s(time.monotonic())
        until_s = min(self._look_at_s, self._look_at_s if due_s is None else due_s)
        return max(until_s - time.monotonic(), 0.0)

    def are_due(self) -> bool:
        """Take in what was noted; tell whether it is time to answer it, which then counts as begun."""
        self._take()
        now_s = time.monotonic()
        if now_s >= self._look_at_s:
            self._look(now_s)
        due_s = self._pace.due_s(now_s)
        if due_s is None or due_s > now_s:
            return False
        self._pace.looked()
        self._follow()
        return True

    def close(self) -> None:
        """End the watch; twice is an error."""
        self._folders.close()
        os.close(self.fd)
        os.close(self._wake)

    def _hear(self, path: str, _hint: Hint) -> None:
        if self._sources.is_source(path):
            self.note()

    def _take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self.fd, 4096):
                self._pace.note(Hint.FINISHED, self._last_s)

    def _look(self, now_s: float) -> None:
        self._look_at_s = now_s + LOOK_EVERY_S
        self._follow()
        before, self._facts = self._facts, self._sources.facts()
        if self._facts != before:
            self.note()
            self._take()

    def _follow(self) -> None:
        self._folders.follow(self._sources.tree()[0])
