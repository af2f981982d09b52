"""How sure a difference is: two questions a verdict asks of numbers, each with its statistic.

`evidence_above` is for events that are counted (errors). It may be asked after every call for ever, because it bounds
the chance that it is *ever* too large. `beyond` is for what drifts with the machine (latencies, an author's own
numbers): it asks not what independent samples would do, which calls are not, but what the same statistic did on
stretches of the old generation of the same length.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Shift", "beyond", "evidence_above", "quantile", "upper_rate"]

# The alternatives `evidence_above` bets on: so many times the odds. From a rise worth a rollback to all calls failing.
_ODDS: Final = tuple(1.5**step for step in range(1, 21))


def upper_rate(events: int, trials: int, alpha: float) -> float:
    """Return a rate that the true one exceeds with probability at most `alpha`; 1.0 without trials.

    The largest p with trials x KL(events / trials, p) <= ln(1 / alpha): a little above the exact bound, the exact one
    where there are no events, and as quick for 10^12 trials as for ten.

    Source:
        Hoeffding (1963), "Probability Inequalities for Sums of Bounded Random Variables", theorem 1, first form.
    """
    if trials <= 0 or events >= trials:
        return 1.0
    rate, room = max(events, 0) / trials, math.log(1 / alpha) / trials
    low, high = rate, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _divergence(rate, middle) <= room else (low, middle)
    return high


def _divergence(rate: float, other: float) -> float:
    """Return the Kullback-Leibler divergence of two coins, in nats."""
    heads = rate * math.log(rate / other) if rate > 0 else 0.0
    tails = (1 - rate) * math.log((1 - rate) / (1 - other)) if other < 1 else math.inf
    return heads + tails


def evidence_above(events: int, trials: int, rate: float) -> float:
    """Return ln of the evidence that events come at more than `rate`: a mean likelihood ratio over higher rates.

    While the true rate is at most `rate` this is a supermartingale from 1, so the chance that it *ever* reaches 1 /
    alpha, at whatever moments it is looked at, is at most alpha. More events among as many trials never lessen it.

    Source:
        Wald (1945), "Sequential Tests of Statistical Hypotheses"; Robbins (1970), "Statistical Methods Related to the
        Law of the Iterated Logarithm" (mixtures); Ville (1939), "Etude critique de la notion de collectif" (the
        inequality); Johari, Koomen, Pekelis & Walsh (2022), "Always Valid Inference: Continuous Monitoring of A/B
        Tests".
    """
    if trials <= 0:
        return 0.0
    events = min(max(events, 0), trials)
    logs = [events * math.log(odds) - trials * math.log1p(rate * (odds - 1)) for odds in _ODDS]
    largest = max(logs)
    return largest + math.log(math.fsum(math.exp(one - largest) for one in logs) / len(logs))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the quantile of a non-empty series, between its neighbours in proportion.

    Source:
        Hyndman & Fan (1996), "Sample Quantiles in Statistical Packages", definition 7.
    """
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@dataclass(frozen=True, slots=True)
class Shift:
    """A statistic of the new generation beyond all that the old one did."""

    before: float  # what the old generation usually did
    worst: float  # the most it did over as long
    after: float


def beyond(
    old: Sequence[float],
    new: Sequence[float],
    statistic: Callable[[Sequence[float]], float],
    least: float,
    slack: float,
) -> Shift | None:
    """Return by how much `new` is above `old`, or None where that is no more than the old one shows by itself.

    Both are series over time. The statistic of `new` is compared with that of every stretch of `old` of the same length
    (at most half of it): it must lie `least` above their median and `slack` above the largest. How much of a shift is
    chance is thus measured where the streams' own dependence, drifts and bursts are in it, and on the time scale of
    the look.

    Source:
        Politis, Romano & Wolf (1999), "Subsampling", chapter 3: the law of a statistic of dependent data,
        approximated by its values on blocks of consecutive observations.
    """
    length = min(len(new), len(old) // 2)
    if length < 1:
        return None
    after = statistic(new)
    stretches: list[float] = []
    for start in range(len(old) - length + 1):
        stretches.append(statistic(old[start : start + length]))
        if after <= stretches[-1] + slack:
            return None
    before = quantile(stretches, 0.5)
    return Shift(before, max(stretches), after) if after > before + least else None
