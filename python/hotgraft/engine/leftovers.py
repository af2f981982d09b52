"""Staged copies on this machine: those that living hosts map, and folders that killed hosts left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["LeftFolder", "MappedCopies", "left_folders", "lock_folder", "mapped_copies", "remove_left_folders"]

# hotgraft.host.folder names it, and the core the files in it: <plugin>.g<generation>.<hash8>.so
_FOLDER: Final = re.compile(r"hotgraft-(\d+)-[a-z0-9_]{8}")
_YOUNG_S: Final = 10.0
_MAPPED: Final = re.compile(r" (/\S.*/([A-Za-z0-9_.-]+)\.g(\d+)\.[0-9a-f]{8}\.so)(?: \(deleted\))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LeftFolder:
    """A folder of staged copies whose host is gone."""

    path: Path
    pid: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class MappedCopies:
    """Which generations a process of this user has in memory, by plugin."""

    pid: int
    program: str
    generations: dict[str, tuple[int, ...]]


def left_folders(parent: Path | None = None, proc: Path = Path("/proc")) -> tuple[LeftFolder, ...]:
    """Return this user's folders in `parent` (default: where hosts make them) whose process is no more.

    A folder of a process with another user's or a reused number is taken to be in use.
    """
    found = []
    for entry in sorted((parent or Path(tempfile.gettempdir())).iterdir()):
        named = _FOLDER.fullmatch(entry.name)
        if named is None or (proc / named[1]).exists() or entry.is_symlink() or not entry.is_dir():
            continue
        try:
            if entry.stat().st_uid == os.getuid():
                sizes = [one.stat().st_size for one in entry.iterdir() if one.is_file()]
                found.append(LeftFolder(entry, int(named[1]), len(sizes), sum(sizes)))
        except OSError:  # somebody removes it just now
            continue
    return tuple(found)


def lock_folder(folder: Path | str) -> int:
    """Say that the folder is in use until this process, and every child forked from it, has ended: by flock(2).

    Return the fd that says so, or -1 where the system has none to give: then the process's number is all that speaks.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return -1
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return fd


def remove_left_folders(parent: Path | None = None, proc: Path = Path("/proc")) -> tuple[LeftFolder, ...]:
    """Remove the folders that killed hosts left, and return them.

    One stays where anything speaks for a living host: its process's number; the lock, which also a process of another
    PID namespace holds, and a child that outlived its parent; or an age in which the lock may not have been taken yet.
    """
    return tuple(one for one in left_folders(parent, proc) if _is_abandoned(one.path) and _is_removed(one.path))


def _is_abandoned(folder: Path) -> bool:
    fd = -1
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return time.time() - os.fstat(fd).st_ctime > _YOUNG_S
    except OSError:  # somebody has it, or removes it just now
        return False
    finally:
        if fd >= 0:
            os.close(fd)


def _is_removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def mapped_copies(proc: Path = Path("/proc")) -> tuple[MappedCopies, ...]:
    """Return the processes that map staged copies, as far as this user may look."""
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            maps = (entry / "maps").read_text(encoding="utf-8", errors="replace")
            program = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:  # another user's, or gone meanwhile
            continue
        generations: dict[str, set[int]] = {}
        for _, plugin, number in _MAPPED.findall(maps):
            generations.setdefault(plugin, set()).add(int(number))
        if generations:
            listed = {name: tuple(sorted(numbers)) for name, numbers in sorted(generations.items())}
            found.append(MappedCopies(int(entry.name), program, listed))
    return tuple(sorted(found, key=lambda one: one.pid))
