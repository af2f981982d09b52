"""A few words of memory that a session of `hotgraft dev` shares with the process that looks after it.

They say since when the session is inside plugin code, and in what: a process that crashed, called exit() or never
returns cannot say it any more. On the same fd both take turns, to write a line and to read a key.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import signal
import time
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Self

from hotgraft.core.dataclass import dataclass
from hotgraft.dev import PULSE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["STARTS_WITHOUT", "Inside", "Pulse", "Stage", "pulse_of_session"]

# Blocked in a session until it begins, so that ^C while Python starts is no traceback; it is kept until then.
STARTS_WITHOUT: Final = frozenset({signal.SIGINT})
_BYTES: Final = 4096
_PARENT, _STAGE, _SINCE, _IS_WRITING = range(4)  # words of 8 bytes
_SOURCES: Final = slice(64, 96)  # a SHA-256, all 0 before the first build
_WHAT: Final = slice(128, 1024)  # UTF-8, padded with 0
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_TO_WRITE, _TO_READ = 0, 1  # bytes of the fd that are locked


class Stage(IntEnum):
    """How far a session has come; what ends in no other way than by itself ends in ENDS."""

    STARTS = 0
    SERVES = 1
    ENDS = 2


@dataclass(frozen=True, slots=True)
class Inside:
    """Plugin code that was entered and not left."""

    what: str
    since_ns: int

    @property
    def lasts_s(self) -> float:
        """Return for how long."""
        return (time.monotonic_ns() - self.since_ns) / 1e9


class Pulse:
    """Thread safety: one thread of the session writes, one of the other process reads.

    Invariants
      (1) `_SINCE` is stored last on entry: who finds it other than 0 finds the words that belong to it. A word is
          stored whole (an aligned 8-byte copy on x86-64).
      (2) A turn ends with the process that has it (fcntl(2), "record locks"), so a crash leaves none taken.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._memory = mmap.mmap(fd, _BYTES)
        self._words = memoryview(self._memory).cast("Q")

    @classmethod
    def make(cls) -> Pulse:
        """Return a new one of this process."""
        fd = os.memfd_create("hotgraft-dev", os.MFD_CLOEXEC)
        os.truncate(fd, _BYTES)
        made = cls(fd)
        made.reset()
        return made

    def reset(self) -> None:
        """Forget the session before; this process starts the next."""
        self._memory[:] = bytes(_BYTES)
        self._words[_PARENT] = os.getpid()

    def close(self) -> None:
        """Give the memory back."""
        self._words.release()
        self._memory.close()
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- of the session ---

    def begin(self) -> None:
        """Serve; and end with the process that started this one, whatever ends that one and however this one hangs.

        Raises:
            SystemExit: it ended before it could be asked for. KeyboardInterrupt: ^C came while this one started.
        """
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self._words[_PARENT]:
            raise SystemExit(128 + signal.SIGHUP)
        self._words[_STAGE] = Stage.SERVES
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STARTS_WITHOUT)

    @contextlib.contextmanager
    def inside(self, what: str) -> Iterator[None]:
        """Say that plugin code runs, until it comes back by a return or an exception."""
        self._enter(what)
        try:
            yield
        finally:
            self._words[_SINCE] = 0

    def end(self) -> None:
        """Say that what comes now is the end that was asked for: the plugin's last functions, then the process's."""
        self._enter("close")
        self._words[_STAGE] = Stage.ENDS

    def build(self, sources: bytes) -> None:
        """Say what the sources are that are built now: 32 bytes that stand for them."""
        self._memory[_SOURCES] = sources

    def _enter(self, what: str) -> None:
        self._words[_SINCE] = 0
        text = what.encode(errors="replace")[: _WHAT.stop - _WHAT.start]
        self._memory[_WHAT] = text.ljust(_WHAT.stop - _WHAT.start, b"\0")
        self._words[_SINCE] = time.monotonic_ns()

    # --- of who looks after it ---

    @property
    def stage(self) -> Stage:
        """Return how far the session has come."""
        return Stage(self._words[_STAGE])

    @property
    def sources(self) -> bytes | None:
        """Return what stands for the sources that were built last, or None before the first build."""
        found = self._memory[_SOURCES]
        return found if any(found) else None

    @property
    def is_cut(self) -> bool:
        """Whether the session ended within a line."""
        return bool(self._words[_IS_WRITING])

    def look(self) -> Inside | None:
        """Return what plugin code the session is inside, or None."""
        while True:
            since_ns = self._words[_SINCE]
            what = self._memory[_WHAT].rstrip(b"\0").decode(errors="replace")
            if self._words[_SINCE] == since_ns:
                return Inside(what, since_ns) if since_ns else None

    # --- of both ---

    @contextlib.contextmanager
    def turn_to_write(self) -> Iterator[None]:
        """Have stdout for one line."""
        with self._turn(_TO_WRITE):
            self._words[_IS_WRITING] = 1
            try:
                yield
            finally:
                self._words[_IS_WRITING] = 0

    @contextlib.contextmanager
    def turn_to_read(self) -> Iterator[None]:
        """Have the terminal's keys for one read."""
        with self._turn(_TO_READ):
            yield

    @contextlib.contextmanager
    def _turn(self, at: int) -> Iterator[None]:
        fcntl.lockf(self.fd, fcntl.LOCK_EX, 1, at)
        try:
            yield
        finally:
            fcntl.lockf(self.fd, fcntl.LOCK_UN, 1, at)


def pulse_of_session() -> Pulse | None:
    """Return the pulse that this process was started with as a session, or None where it is no session.

    The variable and the fd stay in this process: what a plugin or a build starts is no session.
    """
    number = os.environ.pop(PULSE_VARIABLE, None)
    if number is None:
        return None
    os.set_inheritable(int(number), False)
    return Pulse(int(number))
