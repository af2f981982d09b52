"""What a probe costs: a small C plugin brought up and down, beside a process that does nothing."""

from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING, Final

from hotgraft.core.options import Options
from hotgraft.core.probing import read_told
from hotgraft.engine.probe import helper_path, run_helper
from hotgraft.engine.probe_request import LibraryToProbe, request_bytes
from hotgraft.engine.stage import StagingPlace, stage_candidate
from hotgraft.engine.timing import Stopwatch

from ..rows import Row, Samples

if TYPE_CHECKING:
    from ..rows import Effort
    from .subjects import Subjects

LIMIT_US: Final = 5_000.0  # DESIGN, figures to reach


def probe_row(subjects: Subjects, effort: Effort) -> Row:
    """Return the row; builds nothing and measures nothing yet."""
    return Row(
        name="probe",
        text="probe of a small C plugin, until its process is gone",
        limit=LIMIT_US,
        measures=(lambda: _measure(subjects, effort),),
        unit="us",
    )


def _measure(subjects: Subjects, effort: Effort) -> Samples:
    """Return microseconds; the plain side is the helper told to list its stages."""
    options = Options()
    plain: list[float] = []
    again: list[float] = []
    measured: list[float] = []
    with tempfile.TemporaryDirectory(prefix="hotgraft-bench-") as folder:
        place = StagingPlace(folder=folder, settle_deadline_s=1.0)
        candidate = stage_candidate(str(subjects.plugin), "calls", 1, place=place, watch=Stopwatch(time.monotonic_ns))
        own = LibraryToProbe(
            plugin="calls",
            generation=candidate.generation,
            source=str(subjects.plugin),
            side=candidate.side,
            configs={"main": "{}"},
            imports={},
            states={},
        )
        request = request_bytes(
            [own], reach="start", memory_bytes=options.probe_memory_bytes, stage_deadline_s=options.probe_deadline_s
        )
        for _ in range(effort.samples):
            plain.append(_empty_us())
            measured.append(_probe_us(request))
            again.append(_empty_us())
            measured.append(_probe_us(request))
        candidate.generation.reject()
    return Samples(plain, again, measured)


def _empty_us() -> float:
    nowhere = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    began = time.perf_counter()
    pid = os.posix_spawn(helper_path(), [helper_path(), "--stages"], os.environ, file_actions=[nowhere])
    os.waitpid(pid, 0)
    return (time.perf_counter() - began) * 1e6


def _probe_us(request: bytes) -> float:
    began = time.perf_counter()
    ran = run_helper(request, stage_deadline_s=10.0)
    took = (time.perf_counter() - began) * 1e6
    if not read_told(ran.text).is_done:
        raise RuntimeError(f"the probe did not come to its end: {ran}")
    return took
