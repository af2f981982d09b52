"""One measurement of one comparison, in an interpreter of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..rows import Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..rows import Effort
    from .calls import Comparison
    from .subjects import Subjects

WORKER: Final = Path(__file__).resolve().parent / "worker.py"
DEADLINE_S: Final = 600.0
STACK_STEP_BYTES: Final = 272  # by which the environment of one process is longer than that of the one before


def order_for(subjects: Subjects, comparisons: Sequence[Comparison], **how: Any) -> dict[str, Any]:
    """Return what worker.py is told; builds what the comparisons need."""
    for comparison in comparisons:
        subjects.need(comparison.plain)
    return {
        "folder": str(subjects.folder),
        "image": str(subjects.plugin),
        "comparisons": [
            {
                "name": comparison.name,
                "call": comparison.call,
                "plain": comparison.plain,
                "is_cached": comparison.is_cached,
                "statements": comparison.statements(),
            }
            for comparison in comparisons
        ],
        **how,
    }


def run_worker(command: Sequence[str], order: dict[str, Any], process: int = 0) -> subprocess.CompletedProcess[str]:
    """Run worker.py by `command` in an environment whose length, and so its stack, depends on `process`.

    Raises:
        RuntimeError: it failed; with what it wrote.
    """
    environment = {**os.environ, "PYTHONHASHSEED": "0", "HOTGRAFT_BENCH_PADDING": "x" * (STACK_STEP_BYTES * process)}
    done = subprocess.run(
        [*command, str(WORKER)],
        input=json.dumps(order),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} {WORKER.name} ended with {done.returncode}:\n{done.stderr}")
    return done


def measure(subjects: Subjects, comparison: Comparison, effort: Effort, process: int) -> Samples:
    """Return nanoseconds per call, in a process of its own."""
    how = {"samples": effort.samples, "sample_s": effort.sample_s}
    done = run_worker([subjects.python], order_for(subjects, [comparison], time=how), process)
    return Samples(**json.loads(done.stdout)[comparison.name])
