"""Who asked for a change: what every record of an attempt says of it."""

from __future__ import annotations

import functools
import os
import pwd
import threading
from dataclasses import dataclass

from hotgraft.core.audit import AuditRecord

__all__ = ["Asked", "asked", "printable"]


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
    """Return who asks: this thread of this process.

    Raises:
        TypeError: the reason is no text.
    """
    if not isinstance(reason, str):
        raise TypeError(f"a reason must be text, got {reason!r}")
    return Asked(by, printable(reason), os.getpid(), printable(threading.current_thread().name), _user(os.geteuid()))


def printable(text: str) -> str:
    """Return text that any database and terminal takes: what has no encoding is written as its code."""
    return text.encode(errors="backslashreplace").decode()


@functools.cache
def _user(uid: int) -> str:
    try:
        return printable(pwd.getpwuid(uid).pw_name)
    except KeyError:  # a container's users need no names
        return str(uid)
