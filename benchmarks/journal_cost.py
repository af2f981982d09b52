"""What the journal adds to a reload: an intent and an outcome, beside two fdatasync of the same file system.

python -m benchmarks.journal_cost [FOLDER]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hotgraft.engine.journal import Journal

from .rows import Effort, Samples

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["attempts_beside_syncs"]

STEPS: Final = 6, 12  # records of an intent with the steps before it, and of the rest of a gated swap
BLOCK: Final = b"x" * 4096


def attempts_beside_syncs(folder: Path, effort: Effort) -> Samples:
    """Measure two fdatasync (A) and the two commits of an attempt (B), interleaved, in microseconds."""
    plain, again, measured = [], [], []
    journal = Journal(folder / "journal")
    fd = os.open(folder / "plain", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:

        def two_syncs() -> None:
            for _ in range(2):
                os.pwrite(fd, BLOCK, 0)
                os.fdatasync(fd)

        def attempt() -> None:
            for count in STEPS:
                record = replace(journal.blank(), attempt=journal.new_attempt(), step="step", outcome="done")
                journal.write([record] * count, keeps=False)

        for _ in range(effort.samples):
            plain.append(_us(two_syncs))
            measured.append(_us(attempt))
            again.append(_us(two_syncs))
            measured.append(_us(attempt))
    finally:
        os.close(fd)
        journal.abandon()
    return Samples(plain, again, measured)


def _us(work: Callable[[], None]) -> float:
    began = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - began) / 1_000


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as scratch:
        found = attempts_beside_syncs(Path(scratch), Effort(samples=50, sample_s=0.0))
    measured, plain = statistics.median(found.measured), statistics.median(found.plain)
    print(f"intent and outcome {measured:,.0f} us, two fdatasync {plain:,.0f} us: {measured / plain:.1f}")
