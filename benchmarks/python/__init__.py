"""What a call from Python costs, beside an extension module written by hand, cffi and nanobind.

Rows are made for the interpreter that runs this, and for those named in HOTGRAFT_BENCH_PYTHONS (paths, separated as in
PATH; hotgraft must be installed for each). They are named after it: `python.311.call`.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from ..rows import Row
from .calls import COMPARISONS
from .graph import graph_rows
from .probe import probe_row
from .subjects import Subjects
from .timing import measure

if TYPE_CHECKING:
    from ..rows import Effort

PROCESSES = 3  # per row: the figure is the median over them


def interpreters() -> list[str]:
    """Return the interpreters to be measured, this one first."""
    further = os.environ.get("HOTGRAFT_BENCH_PYTHONS", "").split(os.pathsep)
    return list(dict.fromkeys([sys.executable, *filter(None, further)]))


def rows(effort: Effort) -> list[Row]:
    """Return the rows; builds nothing and measures nothing yet."""
    calls = [
        Row(
            name=f"python.{subjects.version}.{comparison.name}",
            text=comparison.text,
            limit=comparison.limit,
            measures=tuple(partial(measure, subjects, comparison, effort, process) for process in range(PROCESSES)),
        )
        for subjects in map(Subjects, interpreters())
        for comparison in COMPARISONS
    ]
    return [*calls, probe_row(Subjects(sys.executable), effort), *graph_rows(effort)]
