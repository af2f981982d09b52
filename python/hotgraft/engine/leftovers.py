"""Staged copies on this machine: those that living hosts map, and folders that killed hosts left behind."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from hotgraft.core.dataclass import dataclass

__all__ = [
    "LeftFolder",
    "MappedCopies",
    "claim_folder",
    "left_folders",
    "mapped_copies",
    "mapped_text",
    "remove_left_folders",
]

# hotgraft.host.folder names it, and the core the files in it: <plugin>.g<generation>.<hash8>.so
_FOLDER: Final = re.compile(r"hotgraft-(\d+)-[a-z0-9_]{8}")
_OWNER: Final = ".owner"
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
    place, found = parent or Path(tempfile.gettempdir()), []
    with os.scandir(place) as entries:  # thousands may be others': a path is made of what may be ours
        named = sorted((one.name, match[1]) for one in entries if (match := _FOLDER.fullmatch(one.name)))
    for name, pid in named:
        entry = place / name
        if (proc / pid).exists() or entry.is_symlink() or not entry.is_dir():
            continue
        try:
            if entry.stat().st_uid == os.getuid():
                sizes = [one.stat().st_size for one in entry.iterdir() if one.is_file() and one.name != _OWNER]
                found.append(LeftFolder(entry, int(pid), len(sizes), sum(sizes)))
        except OSError:  # somebody removes it just now
            continue
    return tuple(found)


def claim_folder(folder: Path | str) -> None:
    """Note whose folder it is: a process's number means something only on one machine, and in one PID namespace."""
    with contextlib.suppress(OSError):  # without a note it is never removed, only told of
        (Path(folder) / _OWNER).write_text(_here())


def remove_left_folders(parent: Path | None = None, proc: Path = Path("/proc")) -> tuple[LeftFolder, ...]:
    """Remove the folders that killed hosts left, and return them.

    One stays where anything speaks for somebody living: its process's number; a note of another namespace, or none yet;
    or a process that maps what lies in it, a child that outlived its parent, say.
    """
    left = [one for one in left_folders(parent, proc) if _is_ours(one.path)]
    used = mapped_text(proc) if left else ""
    return tuple(one for one in left if f" {one.path}/" not in used and _is_removed(one.path))


def _is_ours(folder: Path) -> bool:
    try:
        return (folder / _OWNER).read_text() == _here()
    except (OSError, ValueError):
        return False


def _here() -> str:
    """Return what tells this machine, since it was started, and this PID namespace from all others."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def mapped_text(proc: Path = Path("/proc")) -> str:
    """Return what all processes that this user may look at have mapped, as the kernel writes it."""
    texts = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # another user's, who cannot map from a folder of this one's; or gone
                texts.append((entry / "maps").read_text(encoding="utf-8", errors="replace"))
    return "".join(texts)


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
