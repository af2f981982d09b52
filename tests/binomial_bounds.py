"""The exact bounds of a binomial chance, for tests that claim a rate from a number of trials."""

from __future__ import annotations

import math


def clopper_pearson_upper(events: int, trials: int, alpha: float = 0.05) -> float:
    """Return the one-sided upper bound: the chance at which so few events have the probability `alpha`.

    Source:
        Clopper & Pearson (1934), "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial".
    """
    if events >= trials:
        return 1.0
    low, high = events / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(events, trials, middle) > alpha else (low, middle)
    return high


def clopper_pearson_lower(events: int, trials: int, alpha: float = 0.05) -> float:
    """Return the one-sided lower bound: what is true of the events' bound is true of the others'."""
    return 1 - clopper_pearson_upper(trials - events, trials, alpha)


def at_most(events: int, trials: int, chance: float) -> float:
    """Return the probability of at most `events` among `trials`."""
    if chance in (0.0, 1.0):
        return 1.0 - chance
    heads, tails = math.log(chance), math.log1p(-chance)
    all_ways = math.lgamma(trials + 1)
    return math.fsum(
        math.exp(all_ways - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * heads + (trials - k) * tails)
        for k in range(events + 1)
    )
