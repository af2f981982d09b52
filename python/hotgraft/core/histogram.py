"""A log-linear histogram of durations: what the core's meters fill, and what a verdict reads.

The buckets are the core's, number for number (`native/core/meter`): below 64 ns one a nanosecond, above that 32 to a
power of two, so that a bucket is at most 1/32 of its lower edge wide and its middle is off by at most 1.6 %. Only
buckets that hold something are kept: the reading of half a second fills a few dozen of 1,184.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from dataclasses import field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["BUCKETS", "OVERFLOW_NS", "Histogram", "bucket_of", "lower_edge_ns", "width_ns"]

BUCKETS: Final = 1184
OVERFLOW_NS: Final = 1 << 41  # 36 minutes; what takes that long or longer falls into the last bucket
_HALF: Final = 32  # buckets to a power of two


def bucket_of(ns: int) -> int:
    """Return the bucket of a duration in nanoseconds.

    Raises:
        ValueError: `ns` is negative.
    """
    if ns < 0:
        raise ValueError(f"a duration of {ns} ns: it must not be negative")
    if ns >= OVERFLOW_NS:
        return BUCKETS - 1
    shift = max(0, ns.bit_length() - 6)
    return shift * _HALF + (ns >> shift)


def lower_edge_ns(bucket: int) -> int:
    """Return the shortest duration of a bucket, in nanoseconds.

    Raises:
        ValueError: there is no such bucket.
    """
    shift = _shift_of(bucket)
    return (bucket - shift * _HALF) << shift


def width_ns(bucket: int) -> int:
    """Return how many different durations, in whole nanoseconds, share a bucket.

    Raises:
        ValueError: there is no such bucket.
    """
    return 1 << _shift_of(bucket)


def _shift_of(bucket: int) -> int:
    if not 0 <= bucket < BUCKETS:
        raise ValueError(f"bucket {bucket}: there are {BUCKETS}, from 0")
    return max(0, bucket // _HALF - 1)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many durations fell into each bucket.

    Invariants
      (1) `buckets` ascends, `counts` has one number above 0 for each of them.
    """

    buckets: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    _ends: tuple[int, ...] = field(init=False, repr=False, compare=False)  # of `counts`, added up

    def __post_init__(self) -> None:
        """Refuse what breaks the invariant, with a ValueError."""
        if len(self.buckets) != len(self.counts):
            raise ValueError(f"{len(self.buckets)} buckets and {len(self.counts)} counts: each bucket needs one")
        if any(left >= right for left, right in pairwise(self.buckets)):
            raise ValueError("the buckets must ascend, each once")
        if self.buckets and not 0 <= self.buckets[0] <= self.buckets[-1] < BUCKETS:
            raise ValueError(f"buckets {self.buckets[0]} to {self.buckets[-1]}: there are {BUCKETS}, from 0")
        if self.counts and min(self.counts) <= 0:
            raise ValueError(f"a count of {min(self.counts)}: empty buckets are left out, none holds less than nothing")
        object.__setattr__(self, "_ends", tuple(accumulate(self.counts)))

    @classmethod
    def of(cls, durations_ns: Iterable[int]) -> Histogram:
        """Return the histogram of durations in nanoseconds; a negative one is a ValueError."""
        return cls._of_found(Counter(map(bucket_of, durations_ns)))

    @classmethod
    def of_counts(cls, counts: Sequence[int]) -> Histogram:
        """Return the histogram with these counts, as a meter is read: one for every bucket, from 0.

        Raises:
            ValueError: there are not exactly `BUCKETS` of them, or one is negative.
        """
        if len(counts) != BUCKETS:
            raise ValueError(f"{len(counts)} counts: a reading has one for each of {BUCKETS} buckets")
        return cls._of_found({bucket: count for bucket, count in enumerate(counts) if count})

    @classmethod
    def pooled(cls, parts: Iterable[Histogram]) -> Histogram:
        """Return one histogram of what is in all of `parts`."""
        found: dict[int, int] = {}
        for part in parts:
            for bucket, count in zip(part.buckets, part.counts, strict=True):
                found[bucket] = found.get(bucket, 0) + count
        return cls._of_found(found)

    @classmethod
    def _of_found(cls, found: Mapping[int, int]) -> Histogram:
        buckets = sorted(found)
        return cls(tuple(buckets), tuple(found[bucket] for bucket in buckets))

    @property
    def total(self) -> int:
        """How many durations there are."""
        return self._ends[-1] if self._ends else 0

    def plus(self, other: Histogram) -> Histogram:
        """Return both together."""
        return Histogram.pooled((self, other))

    def minus(self, earlier: Histogram) -> Histogram:
        """Return what came since `earlier`, a reading of the same meter.

        Raises:
            ValueError: `earlier` holds more in some bucket: it is not earlier, or of another meter.
        """
        left = dict(zip(self.buckets, self.counts, strict=True))
        for bucket, count in zip(earlier.buckets, earlier.counts, strict=True):
            rest = left.get(bucket, 0) - count
            if rest < 0:
                raise ValueError(f"bucket {bucket} went from {count} to {count + rest}: not an earlier reading of it")
            left[bucket] = rest
        return Histogram._of_found({bucket: count for bucket, count in left.items() if count})

    def percentile(self, percent: float) -> float:
        """Return the duration, in nanoseconds, that `percent` of all do not exceed.

        The durations of a bucket are taken as spread evenly over it: off by less than the bucket's width, 3.2 %.

        Args:
            percent: above 0, at most 100.

        Raises:
            ValueError: the histogram is empty, or `percent` out of bounds.

        Source:
            Hyndman & Fan (1996), "Sample Quantiles in Statistical Packages", definition 1.
        """
        if not 0 < percent <= 100:
            raise ValueError(f"percentile {percent}: it must be above 0 and at most 100")
        if not self._ends:
            raise ValueError("an empty histogram has no percentiles")
        rank = max(1, math.ceil(self._ends[-1] * percent / 100))
        index = bisect_left(self._ends, rank)
        bucket, count = self.buckets[index], self.counts[index]
        nth = rank - (self._ends[index] - count)  # of the bucket's own, from 1
        return lower_edge_ns(bucket) + (width_ns(bucket) - 1) * (nth - 0.5) / count
