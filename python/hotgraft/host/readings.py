"""Readings of a plugin: what its meters, its health checks and the program's own numbers say, look after look.

`Looks` turns two looks at what only counts up into the `Reading` between them.
What they come to is core.verdict's to say, and how often to look is the caller's: half a second is meant.
"""

from __future__ import annotations

import threading
from dataclasses import field
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.histogram import Histogram
from hotgraft.core.window import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hotgraft.core.window import Moments
    from hotgraft.host.loaded import Loaded

__all__ = ["READINGS", "Counts", "Look", "Looks", "reading_between", "total"]

READINGS: Final = 40  # twenty seconds of them, as many slices as core.probation looks at


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What one meter, or several together, counted since they were opened."""

    calls: int = 0
    errors: int = 0
    crashes: int = 0
    pushed_off: int = 0
    latency: Histogram = field(default_factory=Histogram)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen of a generation at one moment; all of it only counts up."""

    generation: int
    at_s: float
    counts: Counts
    health_checks: int = 0
    health_failures: int = 0


def total(meters: Iterable[_core.MeterReading]) -> Counts:
    """Return what the meters of a generation's instances counted together.

    An instance without a meter counts nothing: neither its calls nor its errors are known.
    """
    known = [meter for meter in meters if meter[0]]
    return Counts(
        calls=sum(meter[1] for meter in known),
        errors=sum(meter[2] for meter in known),
        crashes=sum(meter[3] for meter in known),
        pushed_off=sum(meter[5] for meter in known),
        latency=Histogram.pooled(Histogram.of_counts(meter[7]) for meter in known),
    )


def reading_between(before: Look, after: Look, own: Mapping[str, Moments]) -> Reading:
    """Return what happened between two looks at one generation.

    Args:
        before: the earlier one. Instances that were added since count from their first call.
        after: the later one.
        own: the program's own numbers of the time between.

    Raises:
        ValueError: they are of two generations, or `after` is the earlier one.
    """
    if before.generation != after.generation:
        raise ValueError(f"looks at generations {before.generation} and {after.generation}: there is nothing between")
    was, now = before.counts, after.counts
    return Reading(
        duration_s=after.at_s - before.at_s,
        calls=now.calls - was.calls,
        errors=now.errors - was.errors,
        latency=now.latency.minus(was.latency),
        pushed_off=now.pushed_off - was.pushed_off,
        crashes=now.crashes - was.crashes,
        health_checks=_since(before.health_checks, after.health_checks),
        health_failures=_since(before.health_failures, after.health_failures),
        own=own,
    )


def _since(before: int, after: int) -> int:
    """Return how much a count rose; one that was begun anew counts from nothing."""
    return after - before if after >= before else after


class Looks:
    """Looks at what serves under one plugin's name.

    Args:
        loaded: the plugin.
        health: how often its health was checked, and how often that failed, since ever.
        clock_s: seconds, of any origin, never going back.
        read_meters: reads the meters of all instances of a generation.

    Thread safety: any thread; looks take turns. One object to a plugin: the program's own numbers begin afresh at each
    look, whoever looks.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        health: Callable[[], tuple[int, int]],
        clock_s: Callable[[], float],
        read_meters: Callable[[_core.Generation], Iterable[_core.MeterReading]] = _core.read_meters,
    ) -> None:
        self._loaded = loaded
        self._health = health
        self._clock_s = clock_s
        self._read_meters = read_meters
        self._lock = threading.Lock()
        self._last: Look | None = None

    def take(self) -> tuple[int, Reading | None]:
        """Return the generation that serves, and what it did since the last look.

        None: this is the first look at that generation, from which the next one counts. Look right after publish, and
        nothing of it is missed. What a replaced generation did since the last look at it is in no reading.
        """
        with self._lock:
            generation = self._loaded.serving.generation  # once: it may be replaced at any time
            at_s, (checks, failures) = self._clock_s(), self._health()
            own = self._loaded.own_numbers.take(generation)
            seen = Look(
                generation=generation.number,
                at_s=at_s,
                counts=total(self._read_meters(generation)),
                health_checks=checks,
                health_failures=failures,
            )
            last, self._last = self._last, seen
        if last is None or last.generation != seen.generation:
            return seen.generation, None
        return seen.generation, reading_between(last, seen, own)
