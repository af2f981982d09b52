"""The sessions of one plugin that are open, and whose turn it is to open, end or move them."""

from __future__ import annotations

import sys
import threading
import weakref
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.errors import Busy, HotgraftError
from hotgraft.host.change import check_not_forked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hotgraft.engine.snapshot_sessions import WaitingSession
    from hotgraft.host.session import Session

__all__ = ["OpenSessions"]


class OpenSessions:
    """The sessions of one plugin that are open.

    Thread safety: any thread. Whoever has the turn may open, end and move them; nobody else does. Holds none alive.
    """

    def __init__(self) -> None:
        self._turn = threading.RLock()
        self._lock = threading.Lock()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._opened = 0
        self._added = 0
        self._waiting: dict[tuple[str, str], deque[WaitingSession]] = {}  # by instance and name; none is empty
        self._forgotten: deque[Callable[[], None]] = deque()
        self._ends_forgotten = threading.Lock()  # held by the one thread that does
        self._is_closed = False

    def close(self) -> None:
        """None is opened any more; one that is about to be is listed when this returns."""
        self._is_closed = True
        with self.turn("close its sessions"):
            pass

    @property
    def is_closed(self) -> bool:
        """Whether none is opened any more; to be asked in the turn."""
        return self._is_closed

    def add(self, session: Session) -> None:
        """Count it in."""
        with self._lock:
            self._added += 1
            session.order = self._added
            self._sessions.add(session)

    def list(self) -> list[Session]:
        """Return those that are open."""
        with self._lock:
            return [one for one in self._sessions if one.is_open]

    def wait(self, sessions: Iterable[WaitingSession]) -> None:
        """These were open when a process before this one ended, and wait for who opens them again."""
        with self._lock:
            for one in sessions:
                self._waiting.setdefault((one.session.instance, one.name), deque()).append(one)

    def waiting(self) -> tuple[WaitingSession, ...]:
        """Return those that wait, of one name in the order in which they were opened."""
        with self._lock:
            return tuple(one for those in self._waiting.values() for one in those)

    def find_waiting(self, instance: str, name: str) -> WaitingSession | None:
        """Return the first that waits under a name; None: none does."""
        with self._lock:
            those = self._waiting.get((instance, name))
            return those[0] if those else None

    def end_waiting(self, session: WaitingSession) -> None:
        """The first that waited under its name is open, or given up."""
        key = (session.session.instance, session.name)
        with self._lock:
            self._waiting[key].popleft()
            if not self._waiting[key]:
                del self._waiting[key]

    def next_name(self) -> str:
        """Return a name for a session that was given none."""
        with self._lock:
            self._opened += 1
            return str(self._opened)

    def forget(self, close: Callable[[], None]) -> None:
        """Have a session ended that nobody has any more: on a thread, because a collector asks, wherever it is."""
        if sys.is_finalizing():  # a thread would never come up, and be waited for
            return
        self._forgotten.append(close)
        if self._ends_forgotten.acquire(blocking=False):
            try:
                threading.Thread(target=self._end_forgotten, name="hotgraft sessions").start()
            except (RuntimeError, MemoryError):  # at the interpreter's end: it goes with its generation
                self._ends_forgotten.release()

    def _end_forgotten(self) -> None:
        while True:
            while self._forgotten:
                with suppress(HotgraftError), self.turn("end a session"):
                    self._forgotten.popleft()()
            self._ends_forgotten.release()
            # Another may have come in between, and found the lock taken.
            if not self._forgotten or not self._ends_forgotten.acquire(blocking=False):
                return

    @contextmanager
    def turn(self, what: str) -> Iterator[None]:
        """Nobody else opens, ends or moves one within.

        Raises:
            Busy: somebody does, and may wait for the very call that this is asked for in. ForkedHostError.
        """
        check_not_forked()
        if not self._turn.acquire(blocking=not _core.is_inside_call()):
            raise Busy(what, found="a swap is about to carry the sessions over, and waits for calls like this one")
        try:
            yield
        finally:
            self._turn.release()
