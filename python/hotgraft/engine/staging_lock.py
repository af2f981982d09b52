"""A staging folder that a program names: who lives in it is known by a lock, so that what dead hosts left can go."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from pathlib import Path
from typing import Final

from hotgraft.engine.leftovers import mapped_text

__all__ = ["hold_folder"]

_COPY: Final = re.compile(r"[A-Za-z0-9_.-]+\.g\d+\.[0-9a-f]{8}(?:\.\d+)?(?:\.so|\.previous)")
_TRIES, _TRY_AGAIN_S = 50, 0.02
_AGE_S: Final = 60.0  # a host in C holds no lock, and maps a copy a moment after it was made


def hold_folder(folder: str) -> int:
    """Say that a host lives here, until the fd that is returned is closed; -1: the folder cannot be had or locked.

    Where no other host lives, copies that nobody maps are removed: those of hosts that were killed. The lock is the
    kernel's, on the folder itself: it ends with its process and leaves nothing.
    """
    fd = -1
    try:
        Path(folder).mkdir(mode=0o700, exist_ok=True)
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        facts = os.fstat(fd)
        is_private = facts.st_uid == os.geteuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_private:  # else it is refused, in words, when something is staged
                _remove_left(Path(folder))
        _share(fd)
    except OSError:
        if fd != -1:
            os.close(fd)
        return -1
    return fd


def _share(fd: int) -> None:
    """Lock it beside others; who tidies up is waited for, who keeps it locked for himself is not."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_TRY_AGAIN_S)
        else:
            return


def _remove_left(folder: Path) -> None:
    before = time.time() - _AGE_S
    left = [one for one in folder.iterdir() if _COPY.fullmatch(one.name) and one.lstat().st_mtime < before]
    used = mapped_text() if left else ""
    for one in left:
        if f" {one}\n" not in used:
            one.unlink(missing_ok=True)
