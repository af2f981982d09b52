"""Folders by the kind of file system they lie on: a reload is measured in memory and on a disk."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

IN_MEMORY: Final = frozenset({"tmpfs", "ramfs", "devtmpfs"})


def file_system_of(folder: Path, mounts: str) -> str:
    """Return the type of the file system `folder` lies on, by the text of /proc/mounts."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, place, type_, *_ = line.split()
        at = place.replace("\\040", " ")
        if len(at) >= len(best) and (at == "/" or folder == Path(at) or Path(at) in folder.parents):
            best, kind = at, type_
    return kind


def find_tmpfs() -> Path:
    """Return /dev/shm.

    Raises:
        LookupError: it is not there, or not in memory.
    """
    place = Path("/dev/shm")
    if not place.is_dir() or file_system_of(place, _mounts()) not in IN_MEMORY:
        raise LookupError("/dev/shm is no tmpfs here")
    return place


def find_disk() -> Path:
    """Return the first of: temporary folder, /var/tmp, the working folder, home, that does not lie in memory.

    Raises:
        LookupError: all of them do.
    """
    places = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd(), Path.home()]
    mounts = _mounts()
    for place in places:
        if place.is_dir() and file_system_of(place.resolve(), mounts) not in IN_MEMORY:
            return place
    raise LookupError(f"no folder on a disk: {', '.join(map(str, places))} lie in memory")


def _mounts() -> str:
    return Path("/proc/mounts").read_text()
