"""The two statistics of a verdict, each against an exact answer."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from binomial_bounds import at_most, clopper_pearson_lower, clopper_pearson_upper
from hotgraft.core.evidence import Shift, beyond, evidence_above, quantile, upper_rate
from hypothesis import given
from hypothesis import strategies as some

if TYPE_CHECKING:
    from collections.abc import Sequence

rates = some.floats(0.0001, 0.9)


def chance_of_ever(rate: float, calls: int, needed: list[int]) -> float:
    """Return the exact probability that, after some call of `calls`, at least `needed[call]` have failed."""
    alive, stopped = {0: 1.0}, 0.0
    for call in range(1, calls + 1):
        following: dict[int, float] = {}
        for failed, chance in alive.items():
            following[failed] = following.get(failed, 0.0) + chance * (1 - rate)
            following[failed + 1] = following.get(failed + 1, 0.0) + chance * rate
        stopped += math.fsum(chance for failed, chance in following.items() if failed >= needed[call])
        alive = {failed: chance for failed, chance in following.items() if failed < needed[call]}
    return stopped


def needed_by_evidence(rate: float, calls: int, alpha: float) -> list[int]:
    """Return, for each number of calls, how many must fail for the evidence to be enough."""
    needed = [1]
    for call in range(1, calls + 1):
        failed = needed[-1]
        while failed <= call and evidence_above(failed, call, rate) < math.log(1 / alpha):
            failed += 1
        needed.append(failed)
    return needed


@pytest.mark.parametrize("rate", [0.002, 0.02, 0.2])
def test_the_chance_of_ever_being_too_sure_is_bounded(rate: float) -> None:
    """Computed exactly, looking after each of 600 calls: that is what allows a verdict at every look."""
    assert 0 < chance_of_ever(rate, 600, needed_by_evidence(rate, 600, 0.05)) <= 0.05


def test_a_test_for_one_look_is_wrong_far_too_often_when_it_is_used_at_each() -> None:
    """The same exact sum, with the bound that each look alone would have: why none of our tests is of that kind."""
    rate, needed = 0.02, [1]
    for call in range(1, 601):
        failed = needed[-1]
        while failed <= call and 1 - at_most(failed - 1, call, rate) > 0.05:
            failed += 1
        needed.append(failed)
    assert chance_of_ever(rate, 600, needed) > 0.1


@given(some.integers(0, 500), some.integers(1, 500), rates)
def test_more_errors_never_lessen_the_evidence(errors: int, calls: int, rate: float) -> None:
    """A breach must not go away because it got worse."""
    assert evidence_above(errors + 1, calls, rate) >= evidence_above(errors, calls, rate) - 1e-9


@given(some.integers(0, 10**15), some.integers(0, 10**15), some.floats(0, 1))
def test_evidence_is_a_number_whatever_is_counted(errors: int, calls: int, rate: float) -> None:
    """Also for more errors than calls, which a reading may hold."""
    assert math.isfinite(evidence_above(errors, calls, rate))


def test_no_calls_are_no_evidence() -> None:
    """And a rate that cannot be exceeded is not exceeded."""
    assert evidence_above(0, 0, 0.1) == evidence_above(5, 0, 0.1) == 0.0
    assert evidence_above(5, 5, 1.0) <= 1e-9


@given(some.integers(0, 60), some.integers(1, 600), some.sampled_from([0.05, 0.0025]))
def test_the_quick_upper_rate_is_never_below_the_exact_one(errors: int, calls: int, alpha: float) -> None:
    """It may be cautious, it must not be bold."""
    errors = min(errors, calls)
    exact = clopper_pearson_upper(errors, calls, alpha)
    assert exact - 1e-9 <= upper_rate(errors, calls, alpha) <= max(1.6 * exact, exact + 0.02)


def test_the_upper_rate_has_its_ends() -> None:
    """Without calls anything is possible; without errors it is the exact bound; and it takes any number."""
    assert upper_rate(0, 0, 0.05) == upper_rate(5, 5, 0.05) == upper_rate(9, 5, 0.05) == 1.0
    assert upper_rate(0, 100, 0.05) == pytest.approx(1 - 0.05**0.01)
    assert upper_rate(10**12, 10**14, 0.01) == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize(("events", "trials"), [(0, 300), (1, 10), (5, 20), (20, 300), (9, 10)])
def test_at_the_exact_bound_so_few_events_have_the_probability_asked_for(events: int, trials: int) -> None:
    """In whole numbers; what the held figures are judged by must itself be right."""
    chance = Fraction(clopper_pearson_upper(events, trials, 0.05)).limit_denominator(10**9)
    ways = (math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(events + 1))
    assert float(sum(ways)) == pytest.approx(0.05, rel=1e-4)
    assert clopper_pearson_lower(trials - events, trials, 0.05) == pytest.approx(1 - float(chance), abs=1e-8)


def test_when_all_were_events_any_chance_is_possible() -> None:
    """And with none, none at all."""
    assert clopper_pearson_upper(10, 10) == 1.0
    assert clopper_pearson_lower(0, 10) == 0.0


def test_a_quantile_lies_between_its_neighbours() -> None:
    """In proportion, and at the ends on them."""
    assert [quantile([4, 1, 3, 2], share) for share in (0.0, 0.5, 1.0)] == [1, 2.5, 4]
    assert quantile([7], 0.3) == 7


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return quantile(values, 0.5)


def test_what_the_old_one_did_by_itself_is_no_shift() -> None:
    """A stream that steps up for a while every now and then will do so after a swap as well."""
    steps = ([1.0] * 5 + [2.0] * 5) * 4
    assert beyond(steps, [2.0] * 5, middle, 0.1, 0.1) is None
    shift = beyond(steps, [2.2] * 5, middle, 0.1, 0.1)
    assert shift is not None
    assert (shift.worst, shift.after) == (2.0, 2.2)


def test_a_shift_must_be_large_enough_to_matter() -> None:
    """However steady the old one was: it is sure, and nobody cares."""
    assert beyond([1.0] * 40, [1.05] * 20, middle, 0.1, 0.0) is None
    assert beyond([1.0] * 40, [1.15] * 20, middle, 0.1, 0.0) == Shift(1.0, 1.0, 1.15)


def test_a_shift_needs_both_sides() -> None:
    """Nothing is compared with nothing."""
    assert beyond([], [1.0], middle, 0.1, 0.1) is None
    assert beyond([1.0], [9.0], middle, 0.1, 0.1) is None
    assert beyond([1.0] * 4, [], middle, 0.1, 0.1) is None
