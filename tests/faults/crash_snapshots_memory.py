"""How much memory it takes to keep a large state, and whether any is left after many.

    python crash_snapshots_memory.py FOLDER IMAGE TIMES

Prints the growth of the peak over one snapshot in bytes, what the plugin had of the host's memory before many small
ones and after them, and how many fds were open then.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hotgraft import Host


def peak_bytes() -> int:
    """Return the most that this program ever had in memory; getrusage(2) would count what its parent had, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


def open_fds() -> int:
    """Return how many fds this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def main(folder: Path, image: str, times: int) -> None:
    """Take one, then many."""
    with Host(probe="off", snapshots=folder, snapshot_at_close=False, snapshots_kept=1) as host:
        counter: Any = host.load(image)
        counter.add(5)
        before = peak_bytes()
        taken = host.snapshot().taken["counter"]
        print(f"state {taken.bytes}, peak {peak_bytes() - before}")
        generation = host._loaded("counter").serving.generation
        alive, fds = generation.live_bytes, open_fds()
        first = peak_bytes()
        for _ in range(times):
            host.snapshot()
        print(f"alive {alive} {generation.live_bytes}, fds {fds} {open_fds()}")
        print(f"grew {peak_bytes() - first}")
    with Host(probe="off", snapshots=folder, snapshot_at_close=False, rollback="snapshot") as host:
        counter = host.load(image)
        alive = host._loaded("counter").serving.generation.live_bytes
        for _ in range(5):
            host.reload("counter")
        print(f"resumed {counter.add(0)}, alive {alive} {host._loaded('counter').serving.generation.live_bytes}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
