"""What a plugin's meter says: calls, failures, and how long some of the calls took.

Calls are counted by the callers themselves, wherever they come from: Python, C and C++, other plugins. Not counted are
those of a plugin or host that was compiled for guard protocol 1, or that calls `host->enter`. One `hotgraft::Batch` is
one call.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotgraft import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Stats", "percentile_ns", "read_stats"]


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
        samples: calls whose latency was taken. None are, unless something asks for them.
        latency: the samples by bucket, 1184 of them: below 64 ns one for each nanosecond, above 32 for each power of
            two, the last one for 2**41 ns and more.
        since_s: `time.monotonic` when the meter was opened.
    """

    generation: int
    version: str
    is_metered: bool
    calls: int
    errors: int
    samples: int
    latency: tuple[int, ...] = field(repr=False)
    since_s: float

    @property
    def p50_ns(self) -> float | None:
        """The median latency, within 1.6 %; None without samples."""
        return percentile_ns(self.latency, 0.50)

    @property
    def p99_ns(self) -> float | None:
        """The latency that 99 of 100 samples do not exceed, within 1.6 %; None without samples."""
        return percentile_ns(self.latency, 0.99)


def read_stats(generation: _core.Generation, version: str, instance: str) -> Stats:
    """Read the meter of the newest instance of that name."""
    names = generation.instances
    index = max((i for i, name in enumerate(names) if name == instance), default=len(names))
    is_metered, calls, errors, samples, since_ns, latency = _core.read_meter(generation, index)
    return Stats(
        generation=generation.number,
        version=version,
        is_metered=is_metered,
        calls=calls,
        errors=errors,
        samples=samples,
        latency=latency,
        since_s=since_ns / 1e9,
    )


def percentile_ns(latency: Sequence[int], share: float) -> float | None:
    """Return the middle of the bucket that the smallest sample lies in which `share` of all do not exceed.

    Args:
        latency: samples by bucket, as in `Stats`.
        share: above 0, up to 1.
    """
    rank = max(1, math.ceil(share * sum(latency)))
    seen = 0
    for bucket, count in enumerate(latency):
        seen += count
        if seen >= rank:
            return (_edge_ns(bucket) + _edge_ns(bucket + 1) - 1) / 2
    return None


def _edge_ns(bucket: int) -> int:
    """Return the smallest value of a bucket."""
    if bucket < 64:
        return bucket
    shift = bucket // 32 - 1
    return (bucket - shift * 32) << shift
