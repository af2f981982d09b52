"""Where the temporary folders of a run are: in memory, if libraries may be mapped from there and there is room.

A quick run makes and removes some ten thousand files and folders, and waits for none of them here. The larger tiers
stay on the disk that is there, for what they fill; whoever sets TMPDIR or --basetemp is obeyed.
"""

from __future__ import annotations

import os
import tempfile

IN_MEMORY = "/dev/shm"
ROOM = 2 << 30  # bytes; a quick run leaves 200 MB


def is_fit(folder: str) -> bool:
    """Whether libraries may be mapped from there, and there is room: a container's is often small, or noexec."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize >= ROOM and os.access(folder, os.W_OK)


def keep_in_memory() -> None:
    """Make it the folder for temporary files, of this process and those it starts."""
    if "TMPDIR" not in os.environ and is_fit(IN_MEMORY):
        os.environ["TMPDIR"] = IN_MEMORY
        tempfile.tempdir = None  # found anew
