"""Waiting until a signal ends it.

A Python signal handler runs between any two instructions of the main thread, also while that thread holds the lock of
the very Event it waits for. So a handler here takes no lock: it writes a byte that the main thread reads.
"""

from __future__ import annotations

import contextlib
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

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in _ENDING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._fd)
        os.close(self._wake)

    def wait(self) -> None:
        """Wait for one of them; at once if one came since it was entered."""
        os.read(self._fd, 1)

    def _note(self, *_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b"!")
