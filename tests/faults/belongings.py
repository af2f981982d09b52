"""What a process holds of plugins: what a fault must not leave behind."""

from __future__ import annotations

from pathlib import Path

from hotgraft import _core


def belongings(folder: Path) -> dict[str, object]:
    """Return staged copies in `folder`, fds, and lines of the process's maps that are copies, once all is unloaded."""
    assert _core.wait_idle(10), _core.waiting()
    maps = Path("/proc/self/maps").read_text().splitlines()
    return {
        "copies": sorted(file.name for file in folder.iterdir()),
        "fds": sorted(fd.name for fd in Path("/proc/self/fd").iterdir()),
        "mapped": sorted({line.split()[-1] for line in maps if f"{folder}/" in line}),
        "stuck": _core.stuck(),
    }
