"""A plugin that is rolled back again and again stops being swapped, until a person says so."""

from __future__ import annotations

import math

import pytest
from hotgraft.core.start_limit import StartLimit
from hypothesis import given
from hypothesis import strategies as some


def after(*times_s: float, most: int = 3, within_s: float = 600.0) -> StartLimit:
    """Return the limit after rollbacks at these times."""
    limit = StartLimit(most=most, within_s=within_s)
    for now_s in times_s:
        limit = limit.rolled_back(now_s)
    return limit


def test_as_many_as_are_allowed_close_nothing() -> None:
    """The limit is the last that is still allowed."""
    assert not after(0, 1, 2).is_closed
    assert after(0, 1, 2).refusal == ""


def test_one_more_closes_it_and_says_why() -> None:
    """Whoever is refused hears the numbers."""
    closed = after(0, 1, 2, 3)
    assert closed.is_closed
    assert closed.refusal == "4 rollbacks within 600 s, where 3 are allowed"


def test_what_lies_further_back_is_forgotten() -> None:
    """Three bad builds a week are a bad week, not a broken pipeline."""
    assert not after(0, 300, 600, 900).is_closed
    assert after(0, 300, 599, 599.9).is_closed


def test_time_alone_never_opens_it() -> None:
    """Or a broken pipeline would go on for ever at the rate that is just allowed."""
    closed = after(0, 1, 2, 3).rolled_back(1e9)
    assert closed.is_closed
    assert closed.refusal.startswith("1 rollback within")


def test_a_person_opens_it_and_it_counts_from_none() -> None:
    """What was before was dealt with."""
    opened = after(0, 1, 2, 3).opened()
    assert not opened.is_closed
    assert not opened.rolled_back(4).is_closed


def test_none_may_be_allowed() -> None:
    """One rollback, and a person looks at it."""
    assert after(5, most=0).is_closed


@given(some.lists(some.floats(0, 10_000), max_size=12), some.integers(0, 4), some.floats(1, 1_000))
def test_it_closes_exactly_when_too_many_lie_within(times_s: list[float], most: int, within_s: float) -> None:
    """Against the definition, counted by hand."""
    ordered = sorted(times_s)
    crowded = any(sum(0 <= now - then < within_s for then in ordered[: i + 1]) > most for i, now in enumerate(ordered))
    assert after(*ordered, most=most, within_s=within_s).is_closed is crowded


@pytest.mark.parametrize(("most", "within_s"), [(-1, 5.0), (1, 0.0), (1, math.inf)])
def test_bounds_that_make_no_sense_are_refused(most: int, within_s: float) -> None:
    """A limit that never, or always, holds is a typing error."""
    with pytest.raises(ValueError, match="rollbacks within"):
        StartLimit(most=most, within_s=within_s)
