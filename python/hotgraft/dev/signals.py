"""Signals as something to wait for: noted, never raised, so that whoever looks after a session can end it in order."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Signals"]

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Notes signals while it is entered; `fd` can be read when one came.

    Thread safety: the main thread's.
    """

    def __init__(self) -> None:
        self.ending: int | None = None  # the first that ends
        self.fd, self._wake = os.pipe()
        self._before: dict[int, Any] = {}
        os.set_blocking(self.fd, False)
        os.set_blocking(self._wake, False)

    def __enter__(self) -> Self:
        self._wake_before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number in (*_ENDING, signal.SIGCHLD):
            if number == signal.SIGCHLD or signal.getsignal(number) != signal.SIG_IGN:  # by nohup(1), for one
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wake_before)
        os.close(self.fd)
        os.close(self._wake)

    def wait(self, at_most_s: float) -> None:
        """Wait for a signal."""
        select.select([self.fd], [], [], max(at_most_s, 0.0))
        self.take()

    def take(self) -> None:
        """Let `fd` be quiet until the next."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.fd, 4096):
                pass

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD and self.ending is None:
            self.ending = number
