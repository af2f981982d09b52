"""Who asked for a change: what every record of an attempt says of it."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

from hotgraft.core.audit import AuditRecord
from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Asked", "acting_for", "asked", "printable"]

# pid and uid of the process that asked this one; None: this one's own program asks.
_ASKER: ContextVar[tuple[int, int] | None] = ContextVar("_ASKER", default=None)


@dataclass(frozen=True, slots=True)
class Asked:
    """By what way a change was asked for, by whom, and the reason the caller gave."""

    by: str  # load, reload, configure, watch, restore, rollback, host
    reason: str
    pid: int
    thread: str
    user: str

    def record(self, *, wall_ns: int, monotonic_ns: int) -> AuditRecord:
        """Return a record with nothing in it but who, and when."""
        return AuditRecord(
            number=0,
            attempt="",
            wall_ns=wall_ns,
            monotonic_ns=monotonic_ns,
            took_ns=0,
            pid=self.pid,
            thread=self.thread,
            user=self.user,
            asked_by=self.by,
            reason=self.reason,
            plugin="",
            before_generation=0,
            before_sha256="",
            after_generation=0,
            after_sha256="",
            step="",
            outcome="",
            error="",
            facts="{}",
        )


def asked(by: str, reason: str = "") -> Asked:
    """Return who asks: this thread of this process, or the process it is acting for.

    Raises:
        TypeError: the reason is no text.
    """
    if not isinstance(reason, str):
        raise TypeError(f"a reason must be text, got {reason!r}")
    pid, uid = _ASKER.get() or (os.getpid(), os.geteuid())
    return Asked(by, printable(reason), pid, printable(threading.current_thread().name), _user(uid))


@contextlib.contextmanager
def acting_for(pid: int, uid: int) -> Iterator[None]:
    """Put what this thread is asked for meanwhile on record as another process's wish."""
    token = _ASKER.set((pid, uid))
    try:
        yield
    finally:
        _ASKER.reset(token)


def printable(text: str) -> str:
    """Return text that any database and terminal takes: what has no encoding is written as its code."""
    return text.encode(errors="backslashreplace").decode()


@functools.cache
def _user(uid: int) -> str:
    try:
        return printable(pwd.getpwuid(uid).pw_name)
    except KeyError:  # a container's users need no names
        return str(uid)
