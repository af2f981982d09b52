"""Waiting until a signal ends it.

A Python signal handler runs between any two instructions of the main thread, also while that thread holds the lock of
the very Event it waits for; and not at all while that thread waits in a system call which the signal did not interrupt,
because it came just before, or to another thread. So nothing is done in Python here: the interpreter's own C handler
writes the signal's number into a pipe that the main thread reads.
"""

from __future__ import annotations

import os
import signal
from typing import Any, Final, Self

__all__ = ["ToldToEnd"]

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ToldToEnd:
    """Notes SIGINT, SIGTERM and SIGHUP while it is entered. Thread safety: the main thread's."""

    def __init__(self) -> None:
        self._fd, self._wake = os.pipe()
        os.set_blocking(self._wake, False)  # a full pipe says it already
        self._before: dict[int, Any] = {}
        self._woken_before = -1

    def __enter__(self) -> Self:
        self._woken_before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _noted) for number in _ENDING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._woken_before)
        os.close(self._fd)
        os.close(self._wake)

    def wait(self) -> None:
        """Wait for one of them; at once if one came since it was entered."""
        while os.read(self._fd, 1)[0] not in _ENDING:
            pass  # the pipe tells of every signal that Python handles


def _noted(*_: object) -> None:
    """Only so that the signal is Python's: the C handler has told of it."""
