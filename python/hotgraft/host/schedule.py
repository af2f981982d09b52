"""What is done on a schedule (health checks, snapshots): one thread that goes over all that is loaded, again and again.

It is there only while a schedule is on and something is loaded: a standing thread makes CPython ≥ 3.12 warn at every
fork.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.host.events import HostEvent, HostEvents
    from hotgraft.host.loaded import Loaded

__all__ = ["Schedule"]

LOG = logging.getLogger("hotgraft.schedule")


class Schedule:
    """Asks every `every_s` seconds; 0: never.

    Thread safety: any thread.

    Invariants
      (1) `_thread` names the thread while there is one, under `_lock`.
    """

    def __init__(
        self,
        every_s: float,
        *,
        listed: Callable[[], tuple[Loaded, ...]],
        ask: Callable[[Loaded], object],
        events: HostEvents,
        what: str = "health",
    ) -> None:
        self._what = what
        self._every_s = every_s
        self._listed = listed
        self._ask = ask
        self._events = events
        self._lock = threading.Condition()  # guards what is below
        self._thread: threading.Thread | None = None
        self._is_asking = False
        self._is_closed = False
        if every_s > 0:
            for pattern in ("plugin.loaded", "plugin.closed"):
                events.on(pattern, self._take_news)

    def close(self) -> None:
        """Ask no more; twice is once. A check that is under way is not waited for: it may hang."""
        with self._lock:
            self._is_closed = True
            self._lock.notify_all()
            thread = None if self._is_asking else self._thread
        if thread is not None:
            thread.join()

    def _take_news(self, _event: HostEvent) -> None:
        with self._lock:
            if self._thread is None and not self._is_closed and self._listed():
                self._thread = threading.Thread(target=self._serve, name=f"hotgraft {self._what}", daemon=True)
                self._thread.start()
            self._lock.notify_all()

    def _serve(self) -> None:
        while self._rest():
            for loaded in self._listed():
                if self._is_closed:
                    break
                try:
                    self._ask(loaded)
                except Exception:
                    LOG.exception("%s of %s could not be asked for; it is tried again", self._what, loaded.name)

    def _rest(self) -> bool:
        """Wait until it is time to ask again; return whether it is, or else there is no thread any more."""
        until_s = time.monotonic() + self._every_s
        with self._lock:
            self._is_asking = False
            while not self._is_closed and self._listed():
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    self._is_asking = True
                    return True
                self._lock.wait(left_s)
            self._thread = None  # (1): who loads the next plugin starts another
            return False
