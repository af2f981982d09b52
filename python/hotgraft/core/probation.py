"""The rules of probation: how long it lasts, and how much worse a new generation may be.

A smallest effect stands beside every test, because with enough calls a test is sure of a slowdown of 1 %, and nobody
wants a rollback for it. A breach must also last, over readings or looks: what passes by itself is no reason to swap
again.
"""

from __future__ import annotations

import math
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OWN_NUMBER", "Criterion", "OwnRule", "Rules", "Worse", "Yardstick"]


class Criterion(StrEnum):
    """What a breach is about."""

    ERRORS = "errors"
    OWN_TIME = "own time"
    P50 = "p50"
    P99 = "p99"
    HEALTH = "health"
    CRASH = "crash"
    OWN_NUMBER = "own number"


class Worse(StrEnum):
    """Which way one of the author's own numbers gets worse."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """How one percentile of the latencies is compared.

    Args:
        criterion: what it is called.
        rise: the smallest rise that counts, as a share: 0.14 is + 14 %.
        calm: which of the slices stands for all, from the calmest (0.0) to the busiest (1.0).
        full_slices: from how many on `rise` itself is enough; before that, proportionally more.
        persists: at how many looks in a row, one a slice.
        slack: above the most that the old generation did over as long, as a share.
        per_median: whether it is taken as so many times the median of its slice: what makes all calls slower, as a
            neighbour on the same cache does, is no longer tail.
    """

    criterion: Criterion
    rise: float
    calm: float
    full_slices: int
    persists: int
    slack: float = 0.06
    per_median: bool = False


# How an author's own number is compared; its rise is in its rule, and nothing in it is calm.
OWN_NUMBER: Final = Yardstick(Criterion.OWN_NUMBER, rise=0.5, calm=0.5, full_slices=8, persists=2)


@dataclass(frozen=True, slots=True)
class OwnRule:
    """When an author's own number is a breach: `rise` is a share of its size, or of its spread where that is larger."""

    worse: Worse = Worse.BOTH
    rise: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is complete, and what counts as worse; for the defaults see tests/unit/test_verdict_streams.py."""

    window_s: float = 10.0
    window_calls: int = 2_000
    window_max_s: float = 60.0  # with fewer calls than that, how long to wait for them
    error_rise: float = 0.002  # share of calls; what fails less often more does not count
    error_ratio: float = 1.5
    error_alpha: float = 0.005  # of ever breaching by chance
    burst_share: float = 0.25  # of the readings with calls, those with the most errors, are left out, ...
    burst_readings: int = 4  # ... and so many at least
    health_failures: int = 2
    yardsticks: tuple[Yardstick, ...] = (
        Yardstick(Criterion.OWN_TIME, rise=0.12, calm=0.0, full_slices=4, persists=2, slack=0.04),
        Yardstick(Criterion.P50, rise=0.5, calm=0.1, full_slices=6, persists=2, slack=0.1),
        Yardstick(Criterion.P99, rise=0.7, calm=0.1, full_slices=8, persists=3, slack=0.1, per_median=True),
    )
    slices_least: int = 2  # of the new generation
    slices_most: int = 10  # so many last ones are looked at
    old_slices_least: int = 8
    old_slices_most: int = 20
    own: Mapping[str, OwnRule] = field(default_factory=dict)
    own_default: OwnRule = OwnRule()

    def __post_init__(self) -> None:
        """Refuse rules under which nothing, or everything, would be a breach, with a ValueError that names each."""
        wrong = [name for name in ("window_s", "window_max_s") if not 0 < getattr(self, name) < math.inf]
        wrong += ["error_alpha"] if not 0 < self.error_alpha < 1 else []
        wrong += [
            name for name in ("error_rise", "window_calls", "burst_readings") if not 0 <= getattr(self, name) < math.inf
        ]
        wrong += ["burst_share"] if not 0 <= self.burst_share < 1 else []
        wrong += [name for name in ("slices_least", "old_slices_least", "health_failures") if getattr(self, name) < 1]
        wrong += ["error_ratio"] if self.error_ratio < 1 else []
        wrong += [str(one.criterion) for one in self.yardsticks if not (one.rise > 0 <= one.calm <= 1 <= one.persists)]
        if wrong:
            raise ValueError(f"rules out of bounds: {', '.join(wrong)}")
