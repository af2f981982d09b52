"""What a plugin's meter says: calls, failures, and how long some of the calls took.

Calls are counted by the callers themselves, wherever they come from: Python, C and C++, other plugins. Not counted are
those of a plugin or host that was compiled for guard protocol 1, or that calls `host->enter`. One `hotgraft::Batch` is
one call.
"""

from __future__ import annotations

from dataclasses import field

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.histogram import Histogram

__all__ = ["Stats", "calls_of", "read_stats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """One reading of a meter; a later reading of the same generation is nowhere smaller.

    Args:
        generation: whose calls these are.
        version: its version, as its author wrote it.
        is_metered: False: the host has more generations in memory than it has meters, and this one went without;
            `calls` and `samples` are then 0.
        calls: calls made of this instance of this generation, those in progress included.
        errors: calls from Python that came back with a failing status, crashed, or answered what cannot be. Callers in
            C see the status themselves, and it is in nobody's count.
        crashes: of them, those that crashed and were caught (`catch_crashes`).
        samples: calls whose latency was taken. None are, unless something asks for them.
        pushed_off: calls that were timed as well and are no samples: the scheduler gave the caller's processor to
            somebody else meanwhile (getrusage(2), ru_nivcsw), and what that took is not the plugin's.
        latency: the samples, in nanoseconds.
        since_s: `time.monotonic` when the meter was opened.
        turned_away: calls refused at this instance's gates before they entered, since it was loaded: its queue limit
            was reached. Of every generation; in nobody's `calls` or `errors`. 0 for a pin, whose calls meet no gate.
    """

    generation: int
    version: str
    is_metered: bool
    calls: int
    errors: int
    crashes: int
    samples: int
    pushed_off: int
    latency: Histogram = field(repr=False)
    since_s: float
    turned_away: int = 0

    @property
    def p50_ns(self) -> float | None:
        """The median latency, to a bucket's width: 3.2 %; None without samples."""
        return self.latency.percentile(50) if self.samples else None

    @property
    def p99_ns(self) -> float | None:
        """The latency that 99 of 100 samples do not exceed, to a bucket's width: 3.2 %; None without samples."""
        return self.latency.percentile(99) if self.samples else None


def calls_of(generation: _core.Generation) -> int:
    """Return how many calls all its instances have answered."""
    return sum(_core.read_meter(generation, index)[1] for index in range(len(generation.instances)))


def read_stats(generation: _core.Generation, version: str, instance: str) -> Stats:
    """Read the meter of the newest instance of that name."""
    names = generation.instances
    index = max((i for i, name in enumerate(names) if name == instance), default=len(names))
    is_metered, calls, errors, crashes, samples, pushed_off, since_ns, latency = _core.read_meter(generation, index)
    return Stats(
        generation=generation.number,
        version=version,
        is_metered=is_metered,
        calls=calls,
        errors=errors,
        crashes=crashes,
        samples=samples,
        pushed_off=pushed_off,
        latency=Histogram.of_counts(latency),
        since_s=since_ns / 1e9,
    )
