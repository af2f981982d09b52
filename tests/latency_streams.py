"""Recorded streams of call latencies (streams/): read, written, made worse, and drawn from as pairs of windows.

A pair is the last window of an old generation and what follows of a new one. Half of them are simply neighbouring
stretches of one recording, which is taken as a ring. The other half is drawn by a circular block bootstrap (Politis &
Romano, 1992, "A Circular Block-Resampling Procedure for Stationary Data"): blocks of 2 to 10 s, each kept as it was
recorded, put together from random places of one recording, so that what the machine did meets the swap at more moments
than were recorded. A call is one that was timed: where the machine let through fewer, 20,000 calls take longer.
"""

from __future__ import annotations

import json
import lzma
import random
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hotgraft.core.histogram import BUCKETS, Histogram, lower_edge_ns, width_ns
from hotgraft.core.window import OWN_TIME_PERCENT, Moments, Reading, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STREAMS = Path(__file__).parent / "streams" / "streams.xz"
READING_S = 0.5
OLD_READINGS = 40
NEW_READINGS = 120  # at most: a minute
BLOCK_READINGS = (4, 20)
SLOW_SHARE = 0.02
_EDGES_NS = np.array([lower_edge_ns(bucket) for bucket in range(BUCKETS)])

# From all readings of a recording: what becomes of one of them.
Change = Callable[[Sequence[Histogram]], Callable[[Histogram, random.Random], Histogram]]


def write(path: Path, streams: Mapping[str, Sequence[Histogram]]) -> None:
    """Write streams, name → a histogram for each half second."""
    plain = {name: [_packed(one) for one in readings] for name, readings in streams.items()}
    path.write_bytes(lzma.compress(json.dumps(plain, separators=(",", ":")).encode(), preset=9 | lzma.PRESET_EXTREME))


@cache
def read(path: Path = STREAMS) -> dict[str, list[Histogram]]:
    """Return streams, name → a histogram for each half second."""
    plain = json.loads(lzma.decompress(path.read_bytes()))
    return {name: [_unpacked(one) for one in readings] for name, readings in plain.items()}


def _packed(histogram: Histogram) -> list[int]:
    """Return how far each bucket is from the one before it and what it holds, in turn."""
    steps = [here - before for before, here in pairwise((0, *histogram.buckets))]
    return [number for pair in zip(steps, histogram.counts, strict=True) for number in pair]


def _unpacked(numbers: Sequence[int]) -> Histogram:
    return Histogram(tuple(accumulate(numbers[0::2])), tuple(numbers[1::2]))


def as_recorded(recorded: Sequence[Histogram]) -> Callable[[Histogram, random.Random], Histogram]:
    """Make a new generation that is like the old one."""
    return lambda reading, rng: reading


def own_time_up(recorded: Sequence[Histogram]) -> Callable[[Histogram, random.Random], Histogram]:
    """Make a generation whose calls all do 20 % more work: a fifth of the recording's own time is added to each."""
    more = 0.2 * Histogram.pooled(recorded).percentile(OWN_TIME_PERCENT)
    return lambda reading, rng: _moved(reading, reading.counts, more, rng)


def p99_doubled(recorded: Sequence[Histogram]) -> Callable[[Histogram, random.Random], Histogram]:
    """Make a generation that takes a slow path in one of 50 calls, so long that the recording's p99 doubles."""
    pooled = Histogram.pooled(recorded)
    aim, few = 2 * pooled.percentile(99), [round(count * SLOW_SHARE) for count in pooled.counts]
    low, high = 0.0, aim
    for _ in range(16):
        more = (low + high) / 2
        reached = _moved(pooled, few, more, random.Random(0)).percentile(99)
        low, high = (more, high) if reached < aim else (low, more)

    def change(reading: Histogram, rng: random.Random) -> Histogram:
        return _moved(reading, [_hits(count, SLOW_SHARE, rng) for count in reading.counts], high, rng)

    return change


def _moved(histogram: Histogram, of: Sequence[int], more: float, rng: random.Random) -> Histogram:
    """Return the histogram with `more` ns added to `of[i]` of the durations in its i-th bucket."""
    moved = np.asarray(of, dtype=np.int64)
    low = np.repeat(np.array([lower_edge_ns(bucket) for bucket in histogram.buckets], dtype=float), moved)
    spread = np.repeat(np.array([width_ns(bucket) - 1 for bucket in histogram.buckets], dtype=float), moved)
    drawn = np.array([rng.random() for _ in range(int(moved.sum()))])
    there = np.searchsorted(_EDGES_NS, np.rint(low + spread * drawn + more), side="right") - 1
    counts = np.bincount(there, minlength=BUCKETS)
    counts[np.asarray(histogram.buckets, dtype=np.int64)] += np.asarray(histogram.counts, dtype=np.int64) - moved
    return Histogram.of_counts(counts.tolist())


def _thinned(histogram: Histogram, keep: float, rng: random.Random) -> Histogram:
    """Return what a sampler sees that times only a share of these calls."""
    pairs = zip(histogram.buckets, histogram.counts, strict=True)
    return _of_found({bucket: _hits(count, keep, rng) for bucket, count in pairs})


def _of_found(durations: Mapping[int, int]) -> Histogram:
    found = sorted(bucket for bucket, count in durations.items() if count)
    return Histogram(tuple(found), tuple(durations[bucket] for bucket in found))


def _hits(trials: int, chance: float, rng: random.Random) -> int:
    return sum(rng.random() < chance for _ in range(trials)) if chance else 0


class Stream:
    """One recording as the readings of an old generation, and of a new one in which something may be worse.

    What was not recorded is made up, once for each half second, so that it too stays together when blocks are drawn: in
    a failing stream a call in a thousand fails, and now and then one in five for up to a second; a number of the
    author's own wanders.

    Args:
        change: what is done to the latencies of the new generation.
        errors: the share of the new generation's calls that fail on top.
        keep: the share of the timed calls that are seen, of both generations.
        is_failing: whether calls of both fail as described.
    """

    def __init__(
        self,
        name: str,
        recorded: Sequence[Histogram],
        change: Change = as_recorded,
        *,
        errors: float = 0.0,
        keep: float = 1.0,
        is_failing: bool = False,
    ) -> None:
        rng = random.Random(name)
        self.name = name
        self.seen = [_thinned(one, keep, rng) for one in recorded] if keep < 1 else recorded
        self._calls = [one.total for one in recorded]
        self._change, self._errors = change(self.seen), errors
        self._failing = _bursts(len(recorded), rng) if is_failing else [0.0] * len(recorded)
        self._levels = _wandering(len(recorded), rng)
        self._made: dict[tuple[int, bool], Reading] = {}

    def pair(self, rng: random.Random) -> tuple[Window, Iterator[Reading]]:
        """Return an old generation's last window, and the readings of the new one that follow it."""
        places = self._neighbouring(rng) if rng.random() < 0.5 else self._in_blocks(rng)
        old = Window.of(self._reading(next(places), is_new=False) for _ in range(OLD_READINGS))
        return old, (self._reading(next(places), is_new=True) for _ in range(NEW_READINGS))

    def _neighbouring(self, rng: random.Random) -> Iterator[int]:
        """Yield one place after another, from anywhere on, and round at the end."""
        start = rng.randrange(len(self.seen))
        return (place % len(self.seen) for place in count(start))

    def _in_blocks(self, rng: random.Random) -> Iterator[int]:
        while True:
            start, length = rng.randrange(len(self.seen)), rng.randint(*BLOCK_READINGS)
            yield from (place % len(self.seen) for place in range(start, start + length))

    def _reading(self, place: int, *, is_new: bool) -> Reading:
        if (place, is_new) not in self._made:
            rng = random.Random(f"{self.name} {place}")
            latency, calls = self.seen[place], self._calls[place]
            errors = _hits(calls, self._failing[place], rng)
            if is_new:
                latency, errors = self._change(latency, rng), errors + _hits(calls, self._errors, rng)
            own = {"level": Moments(50, self._levels[place], 16.0)}
            made = Reading(duration_s=READING_S, calls=calls, errors=errors, latency=latency, health_checks=1, own=own)
            self._made[place, is_new] = made
        return self._made[place, is_new]


def _bursts(count: int, rng: random.Random) -> list[float]:
    rates: list[float] = []
    while len(rates) < count:
        rates += [0.2] * rng.choice((1, 2)) if rng.random() < 0.02 else [0.001]
    return rates[:count]


def _wandering(count: int, rng: random.Random) -> list[float]:
    levels = [100.0]
    while len(levels) < count:
        levels.append(100 + 0.9 * (levels[-1] - 100) + rng.gauss(0, 4))
    return levels
