"""Single keys from a terminal, and the terminal as it was when it is over."""

from __future__ import annotations

import os
import signal
import sys
import termios
import tty
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Keys"]

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


class Keys:
    """Reads keys while it is entered; only where stdin is a terminal.

    A signal that would end the process raises SystemExit instead, so that the terminal is put back.
    """

    def __init__(self) -> None:
        self.fd: int | None = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        self._before: list[Any] = []
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _ENDING:
            self._handlers[number] = signal.signal(number, _end)
        if self.fd is not None:
            self._before = termios.tcgetattr(self.fd)
            tty.setcbreak(self.fd)  # keys at once and unseen; ^C still interrupts
        return self

    def __exit__(self, *_: object) -> None:
        if self.fd is not None:
            termios.tcsetattr(self.fd, termios.TCSADRAIN, self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def read(self) -> str:
        """Return the keys that are waiting; empty at the end of the terminal, which is then read no more."""
        assert self.fd is not None
        try:
            keys = os.read(self.fd, 64).decode(errors="replace")
        except OSError:
            keys = ""
        return keys


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
