"""A host with snapshots is killed while a child that it forked lives on.

    python crash_snapshots_fork.py FOLDER IMAGE

Prints what the child found, and ends by SIGKILL. The child lives until nobody holds its standard input open.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

from hotgraft import ForkedHostError, Host


def main(folder: Path, image: str) -> None:
    """Serve, fork, and die."""
    host = Host(probe="off", snapshots=folder, snapshot_every_s=0.001, snapshots_kept=3)
    counter: Any = host.load(image)
    counter.add(5)
    host.snapshot()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of CPython 3.12 and later: there are threads
        child = os.fork()
    if child != 0:
        sys.stdin.readline()
        os.kill(os.getpid(), signal.SIGKILL)
    before = sorted(folder.iterdir())
    try:
        host.snapshot()
        found = "no error"
    except ForkedHostError:
        found = "refused"
    print(f"{found}, calls go on: {counter.add(1)}, {len(before)} files", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
