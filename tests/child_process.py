"""Runs a script of tests/faults in a Python of its own: what may kill, hang or fork a process is read by its exit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FAULTS = Path(__file__).parent / "faults"


def run_child(
    script: str,
    *args: object,
    deadline_s: float = 60,
    warnings: str = "error",
    folder: Path = FAULTS,
    preload: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``tests/faults/<script>``, or one of another `folder`; warnings are errors there as they are here.

    Raises:
        subprocess.TimeoutExpired: it did not end by the deadline, and was killed.
    """
    environment = {
        **os.environ,
        # Not all of our own path: what is in front of the standard library is looked through for each module of it.
        "PYTHONPATH": os.pathsep.join(filter(None, [str(FAULTS.parent), os.environ.get("PYTHONPATH")])),
        "PYTHONFAULTHANDLER": "1",
    }
    if preload is not None:
        environment["LD_PRELOAD"] = str(preload)
    return subprocess.run(
        [sys.executable, "-W", warnings, str(folder / script), *map(str, args)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=False,
    )
