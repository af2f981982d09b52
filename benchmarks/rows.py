"""A row: one thing that is measured, beside the plain thing it is compared with.

    Row("call.guarded", "guarded call / call through a plain pointer", limit=1.35, measures=(measure,))

    def measure() -> Samples:
        plain, again, measured = [], [], []
        for _ in range(effort.samples):                  # interleaved: what disturbs one disturbs all three
            plain.append(time_of(plain_call))            # A
            measured.append(time_of(guarded_call))       # B
            again.append(time_of(plain_call))            # A again: the same thing, so its ratio to A is the noise
            measured.append(time_of(guarded_call))       # B again: so that A, too, always follows B
        return Samples(plain, again, measured)

The figure is median(measured) / median(plain); the A/A pair is median(again) / median(plain). A run whose A/A pair is
outside 0.97 to 1.03 is discarded, listed, and tried again a few times. `measures` holds one function per build that
matters (loop alignments 16, 32, 64), or one; the row's figure is the median over them.

A folder of rows has `rows(effort)` in its `__init__.py`: `benchmarks/native/` for those in C and C++,
`benchmarks/python/` for those in Python. It returns a list of rows and measures nothing yet. A function that measures
raises LookupError where this machine lacks something the row needs: the row then has no figure.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

RATIO: Final = "ratio"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure: `samples` of each of A, B, A again, each about `sample_s` seconds long."""

    samples: int
    sample_s: float


@dataclass(frozen=True, slots=True)
class Samples:
    """Three interleaved series of one run, same unit: times per call, pauses, whatever the row compares."""

    plain: Sequence[float]
    again: Sequence[float]
    measured: Sequence[float]


class UnsteadyRunError(Exception):
    """Raised by a function that measures: this run does not count, and why. It is discarded and tried again."""


Limit = float | Callable[[Samples], float] | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report.

    Args:
        name: what `hotgraft bench NAME` asks for; dotted, so that `call` means every `call.…`.
        text: measured / plain, for a person.
        limit: what the figure must not exceed; a function of the samples where the limit is relative to something
            measured (hand over: 2 µs + three times empty); None reports without judging.
        measures: each measures once, anew, when called.
        unit: "ratio" compares with `plain`; anything else ("us") reports a statistic of `measured` alone in that unit.
        statistics: what is reported of a value row: suffix of the name → function of the series. Several give several
            figures of one measurement ("p50", "p99", "max").
    """

    name: str
    text: str
    limit: Limit
    measures: tuple[Callable[[], Samples], ...]
    unit: str = RATIO
    statistics: Mapping[str, Callable[[Sequence[float]], float]] = field(
        default_factory=lambda: {"": statistics.median}
    )
