"""The folder of a journal: where its files are, that it is private, and that one host at a time has it.

    journal.db (-wal, -shm)  the records          anchor       their count and the hash of the last
    images/<sha256>.so       committed images     lock         held by the host, its pid inside

The lock is flock(2): the kernel gives it back however the host ends, so none is ever stale. It belongs to the open
file, which a forked child shares: the child closes its own, and what the parent held is free when the parent ends.
"""

from __future__ import annotations

import fcntl
import os
import stat
from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import JournalError

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.errors import HotgraftError

__all__ = ["ANCHOR", "DATABASE", "IMAGES", "FolderLock", "holder_of", "make_folder", "not_private", "sync_folder"]

DATABASE: Final = "journal.db"
ANCHOR: Final = "anchor"
IMAGES: Final = "images"
_LOCK: Final = "lock"


def make_folder(folder: Path) -> None:
    """Make the folder and the one for images, private to this user.

    Raises:
        JournalError: it cannot be made, or others may write to it: they could put an image in that a host then loads.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / IMAGES).mkdir(mode=0o700, exist_ok=True)
        facts = [(one, one.stat()) for one in (folder, folder / IMAGES)]
    except OSError as error:
        advice = "give it a folder that this user can write to; hotgraft run takes --journal FOLDER, or --journal off"
        raise JournalError("open the journal", on=str(folder), found=_words(error), advice=advice) from None
    found = [why for one, fact in facts if (why := not_private(one, fact))]
    if found:
        advice = f"chmod go-w {folder}, or name a folder of this user's own"
        raise JournalError("open the journal", on=str(folder), found=found, advice=advice)


def not_private(path: Path, fact: os.stat_result) -> str:
    """Return why somebody else could have put there what is there; empty: this user alone."""
    if fact.st_uid != os.geteuid():
        return f"{path} belongs to user {fact.st_uid}"
    return f"others may write to {path}" if fact.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a rename is not, until its folder is synced."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class FolderLock:
    """One host's hold on a folder, of a journal or of what `what` says.

    Raises:
        JournalError, or what `kind` says: another host has it; its process is named.
    """

    def __init__(self, folder: Path, what: str = "journal", kind: type[HotgraftError] = JournalError) -> None:
        tried = f"lock the {what}"
        try:
            self._fd = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise kind(tried, on=str(folder), found=_words(error)) from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            pid = _pid_in(self._fd)
            self.close()
            who = "another host of this process" if pid == os.getpid() else f"the host of process {pid or 'unknown'}"
            advice = f"end that host, or give this one a {what} of its own"
            raise kind(tried, on=str(folder), found=f"{who} has it", advice=advice) from None
        except OSError as error:
            self.close()
            raise kind(tried, on=str(folder), found=_words(error)) from None

    def close(self) -> None:
        """Give it back; twice is once. In a forked child: close what it shares, which gives nothing back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def holder_of(folder: Path) -> int | None:
    """Return the process whose host has the journal now; None: nobody."""
    try:
        fd = os.open(folder / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid_in(fd)
    except OSError:
        return None
    finally:
        os.close(fd)
    return None


def _pid_in(fd: int) -> int:
    text = os.pread(fd, 20, 0)
    return int(text) if text.isdigit() else 0


def _words(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"
