"""Single keys from a terminal, and the terminal as it was when it is over.

The terminal belongs to the process that the author started: it alone changes how keys arrive and puts that back, a
session only reads. Who reads is who can answer: the session while it lives and does not hang, else who looks after it.
Nothing but what was typed before the first line is ever thrown away: TCSAFLUSH, which tty.setcbreak() uses, would drop
a key that is pressed while one process takes over from the other. And keys are read one by one, so that those after a
key that ends a session are there for whoever comes next.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import FrameType

__all__ = ["Keys", "ended_in_order", "kept_terminal", "terminal_fd"]

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


def terminal_fd() -> int | None:
    """Return the fd of stdin where that is a terminal."""
    return sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None


@contextlib.contextmanager
def kept_terminal(fd: int | None) -> Iterator[Callable[[], None]]:
    """Get keys at once until it is left, then put the terminal back as it was.

    What is yielded does the first again, after a plugin has changed the terminal; keys that wait go on waiting.
    """
    if fd is None:
        yield lambda: None
        return
    before = termios.tcgetattr(fd)
    termios.tcflush(fd, termios.TCIFLUSH)  # typed for the shell, before there was anybody to answer
    at_once = _at_once(before)

    def take() -> None:
        with contextlib.suppress(termios.error):  # the terminal went; the signal that follows ends it
            termios.tcsetattr(fd, termios.TCSANOW, at_once)

    take()
    try:
        yield take
    finally:
        with contextlib.suppress(termios.error):  # as above
            termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _at_once(settings: list[Any]) -> list[Any]:
    """Return the settings with keys one by one and unseen; ^C still interrupts."""
    answer = [*settings[:6], list(settings[6])]
    answer[3] &= ~(termios.ICANON | termios.ECHO)
    answer[6][termios.VMIN], answer[6][termios.VTIME] = 1, 0
    return answer


class Keys:
    """Reads keys one by one.

    Args:
        fd: of a terminal; None where there is none.
        turn: to be had for a read; what another process has read is gone by then.
    """

    def __init__(self, fd: int | None, turn: Callable[[], AbstractContextManager[None]]) -> None:
        self.fd = fd
        self._turn = turn

    def read(self) -> str:
        """Return a key that waits, or nothing; at the end of the terminal `fd` becomes None."""
        assert self.fd is not None
        with self._turn():
            if not select.select([self.fd], [], [], 0.0)[0]:
                return ""
            try:
                key = os.read(self.fd, 1)
            except OSError:
                key = b""
        if not key:
            self.fd = None  # the terminal went; the signal that follows ends it
        return key.decode(errors="replace")


@contextlib.contextmanager
def ended_in_order() -> Iterator[None]:
    """Let the first signal that would end the process raise SystemExit, so that all is closed; others come too late."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # by nohup(1), for one
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    for one in ENDING:
        signal.signal(one, signal.SIG_IGN)
    raise SystemExit(128 + number)
