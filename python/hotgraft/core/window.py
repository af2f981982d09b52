"""What one generation did over a stretch of time: the readings of its meters, and slices long enough to compare.

A reading is the difference of two looks at the meters; how often a host looks is its own affair, half a second is
meant. For latencies readings are put together until a slice has `SLICE_S` and `SLICE_SAMPLES`: calls that are close
in time are alike (the same neighbour, the same clock rate, the same cache), so a slice, not a call, is what counts as
one observation.
"""

from __future__ import annotations

import math
from dataclasses import field
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["OWN_TIME_PERCENT", "SLICE_S", "SLICE_SAMPLES", "Moments", "Reading", "Slice", "Window"]

SLICE_S: Final = 1.0
SLICE_SAMPLES: Final = 400  # fewer have no 99th percentile to speak of
OWN_TIME_PERCENT: Final = 1  # the percentile that stands for a call's own time


@dataclass(frozen=True, slots=True)
class Moments:
    """How many values of one of the author's own numbers there were, their mean and their variance."""

    count: int
    mean: float
    variance: float = 0.0  # of the values, divided by their number

    def __post_init__(self) -> None:
        """Refuse what no values have, with a ValueError."""
        if self.count < 0 or not math.isfinite(self.mean) or not 0 <= self.variance < math.inf:
            raise ValueError(
                f"{self.count} values of mean {self.mean} and variance {self.variance}: there are none such"
            )

    @classmethod
    def of(cls, values: Iterable[float]) -> Moments:
        """Return the moments of values; an empty series has mean 0."""
        given = tuple(values)
        if not given:
            return cls(0, 0.0)
        mean = math.fsum(given) / len(given)
        return cls(len(given), mean, math.fsum((value - mean) ** 2 for value in given) / len(given))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the meters of one generation counted between two looks.

    `latency` leaves out the timed calls in which the scheduler pushed the caller off its processor: what such a call
    took is the neighbours' doing, and on a machine with more to do than processors they are the 99th percentile.

    `errors` may exceed `calls` by those that were inside at the first look: a call is counted when it enters, its
    error when it leaves.
    """

    duration_s: float
    calls: int = 0
    errors: int = 0
    latency: Histogram = field(default_factory=Histogram)  # of the calls that were timed, but ...
    pushed_off: int = 0  # ... so many timed ones: getrusage(2), ru_nivcsw of the calling thread went up
    crashes: int = 0  # of calls that were caught
    health_checks: int = 0
    health_failures: int = 0  # a check that did not answer in time is one
    own: Mapping[str, Moments] = field(default_factory=dict)  # what the plugin's author reported, by name

    def __post_init__(self) -> None:
        """Refuse counts and durations below zero, with a ValueError that names each."""
        numbers = ("duration_s", "calls", "errors", "pushed_off", "crashes", "health_checks", "health_failures")
        wrong = [f"{name} is {getattr(self, name)}" for name in numbers if not 0 <= getattr(self, name) < math.inf]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: a reading counts up from 0")


@dataclass(frozen=True, slots=True)
class Slice:
    """The latencies of one stretch of time; once it is whole, one observation."""

    duration_s: float
    latency: Histogram
    percentiles: tuple[float, float, float] | None = None  # own time, 50, 99, in nanoseconds; of a whole slice

    @classmethod
    def of(cls, duration_s: float, latency: Histogram) -> Slice:
        """Return a slice, its percentiles looked up if it is whole."""
        if duration_s < 0.9 * SLICE_S or latency.total < SLICE_SAMPLES:  # a host's clock is never on the dot
            return cls(duration_s, latency)
        own, middle, tail = (latency.percentile(percent) for percent in (OWN_TIME_PERCENT, 50, 99))
        return cls(duration_s, latency, (own, middle, tail))

    @property
    def is_whole(self) -> bool:
        """Whether it is long enough to be compared."""
        return self.percentiles is not None


@dataclass(frozen=True, slots=True)
class Window:
    """Readings of one generation, one after another.

    Invariants
      (1) `slices` holds all latencies of `readings`, in order; every slice but the last is whole.
    """

    readings: tuple[Reading, ...] = ()
    slices: tuple[Slice, ...] = ()

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> Window:
        """Return the window of these readings."""
        window = cls()
        for reading in readings:
            window = window.extended(reading)
        return window

    def extended(self, reading: Reading) -> Window:
        """Return this window with one more reading at its end."""
        whole, duration_s, latency = self.slices, reading.duration_s, reading.latency
        if whole and not whole[-1].is_whole:
            duration_s, latency = duration_s + whole[-1].duration_s, latency.plus(whole[-1].latency)
            whole = whole[:-1]
        return Window((*self.readings, reading), (*whole, Slice.of(duration_s, latency)))

    def last(self, count: int) -> Window:
        """Return the window of the last `count` readings.

        Raises:
            ValueError: `count` is below 1.
        """
        if count < 1:
            raise ValueError(f"the last {count} readings: ask for one at least")
        return self if len(self.readings) <= count else Window.of(self.readings[-count:])

    @property
    def whole_slices(self) -> tuple[Slice, ...]:
        """Return the slices that are long enough to be compared."""
        return self.slices if not self.slices or self.slices[-1].is_whole else self.slices[:-1]

    @property
    def duration_s(self) -> float:
        """How long it is, in seconds."""
        return math.fsum(reading.duration_s for reading in self.readings)

    @property
    def calls(self) -> int:
        """How many calls were made."""
        return sum(reading.calls for reading in self.readings)

    @property
    def errors(self) -> int:
        """How many of them failed."""
        return sum(reading.errors for reading in self.readings)

    @property
    def crashes(self) -> int:
        """How many crashed and were caught."""
        return sum(reading.crashes for reading in self.readings)

    @property
    def health_checks(self) -> int:
        """How often the plugin was asked for its health."""
        return sum(reading.health_checks for reading in self.readings)

    @property
    def health_failures(self) -> int:
        """How often it was not well, or did not say."""
        return sum(reading.health_failures for reading in self.readings)

    @property
    def pushed_off(self) -> int:
        """How many timed calls were left out because the scheduler took the processor from them."""
        return sum(reading.pushed_off for reading in self.readings)

    @property
    def latency(self) -> Histogram:
        """Return all timed calls in one histogram."""
        return Histogram.pooled(one.latency for one in self.slices)

    @property
    def own_names(self) -> tuple[str, ...]:
        """Return the names of the author's own numbers, in the order in which they first came."""
        return tuple(dict.fromkeys(name for reading in self.readings for name in reading.own))

    def own(self, name: str) -> tuple[Moments, ...]:
        """Return what was reported under `name`, reading by reading; those without it are left out."""
        found = (reading.own.get(name) for reading in self.readings)
        return tuple(moments for moments in found if moments is not None and moments.count)
