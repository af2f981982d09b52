"""From samples to figures: the median, the A/A rule, and what counts as a regression. Pure but for `measure_row`,
which calls the row's own functions.
"""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .rows import RATIO, Limit, Row, Samples, UnsteadyRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AA_LOW: Final = 0.97
AA_HIGH: Final = 1.03
ATTEMPTS: Final = 5

EXIT_DONE: Final = 0
EXIT_UNMEASURED: Final = 1
EXIT_REGRESSION: Final = 7


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `value` is None when no run was steady enough to count."""

    name: str
    text: str
    unit: str
    value: float | None
    aa: float | None
    limit: float | None

    @property
    def ok(self) -> bool:
        """Whether it was measured and keeps its limit."""
        return self.value is not None and (self.limit is None or self.value <= self.limit)

    def as_dict(self) -> dict[str, Any]:
        """Return the figure as JSON has it."""
        key = "ratio" if self.unit == RATIO else "value"
        line: dict[str, Any] = {"name": self.name, key: _rounded(self.value), "aa": _rounded(self.aa)}
        if key == "value":
            line["unit"] = self.unit
        return line | {"limit": _rounded(self.limit), "ok": self.ok}


@dataclass(slots=True)
class Results:
    """What all rows gave; `discarded` says of each run that does not count why."""

    figures: list[Figure] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return everything as one line of JSON."""
        return json.dumps({"figures": [one.as_dict() for one in self.figures], "discarded": self.discarded})

    def exit_code(self) -> int:
        """Return 7 when a figure is above its limit, else 1 when one could not be measured, else 0."""
        if any(one.value is not None and not one.ok for one in self.figures):
            return EXIT_REGRESSION
        return EXIT_UNMEASURED if any(one.value is None for one in self.figures) else EXIT_DONE


def aa_of(samples: Samples) -> float:
    """Return how much the same thing, measured twice in one run, differs."""
    plain = statistics.median(samples.plain)
    return statistics.median(samples.again) / plain if plain else math.inf


def is_steady(aa: float) -> bool:
    """Whether a run with this A/A pair counts."""
    return AA_LOW <= aa <= AA_HIGH


def figures_of(row: Row, runs: Sequence[Samples]) -> list[Figure]:
    """Return the row's figures: each the median over its runs, one run per build."""
    aas = [aa_of(run) for run in runs]
    aa = max(aas, key=lambda one: abs(one - 1.0))
    limits = [limit for run in runs if (limit := _limit_of(row.limit, run)) is not None]
    limit = statistics.median(limits) if limits else None
    figures = []
    for suffix, statistic in row.statistics.items():
        values = [
            statistic(run.measured) / statistic(run.plain) if row.unit == RATIO else statistic(run.measured)
            for run in runs
        ]
        figures.append(Figure(_named(row, suffix), row.text, row.unit, statistics.median(values), aa, limit))
    return figures


def measure_row(row: Row, results: Results, *, attempts: int = ATTEMPTS) -> list[Figure]:
    """Measure a row and add what came of it to `results`; return its figures.

    A run that is not steady is discarded and tried again, `attempts` times in all. A row without a limit is only
    reported, and keeps what it gets. A row for which this machine lacks something has no figures: its function raises
    LookupError.
    """
    runs = []
    try:
        for measure in row.measures:
            run = _steady_run(row, measure, results.discarded, attempts)
            if run is None:
                break
            runs.append(run)
    except LookupError as missing:
        results.discarded.append(f"{row.name}: {missing}")
        return []
    if len(runs) == len(row.measures):
        figures = figures_of(row, runs)
    else:
        figures = [Figure(_named(row, one), row.text, row.unit, None, None, None) for one in row.statistics]
    results.figures += figures
    return figures


def _steady_run(row: Row, measure: Callable[[], Samples], discarded: list[str], attempts: int) -> Samples | None:
    for _ in range(attempts):
        try:
            run = measure()
        except UnsteadyRunError as reason:
            discarded.append(f"{row.name}: {reason}")
            continue
        aa = aa_of(run)
        if row.limit is None or is_steady(aa):
            return run
        discarded.append(f"{row.name}: A/A {aa:.3f}")
    return None


def _limit_of(limit: Limit, samples: Samples) -> float | None:
    return limit(samples) if callable(limit) else limit


def _named(row: Row, suffix: str) -> str:
    return f"{row.name}.{suffix}" if suffix else row.name


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
