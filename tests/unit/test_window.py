"""Readings become slices that are long enough to compare, and nothing is lost on the way."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hotgraft.core.histogram import Histogram
from hotgraft.core.window import SLICE_S, SLICE_SAMPLES, Moments, Reading, Window
from hypothesis import given
from hypothesis import strategies as some

ENOUGH = Histogram.of([1_000] * SLICE_SAMPLES)
readings = some.builds(
    lambda duration_s, samples: Reading(duration_s=duration_s, latency=Histogram.of([500] * samples), calls=samples),
    some.sampled_from([0.0, 0.1, 0.5, 3.0]),
    some.sampled_from([0, 1, 150, 250]),
)


@given(some.lists(readings, max_size=12))
def test_slices_hold_every_latency_and_all_but_the_last_are_whole(series: list[Reading]) -> None:
    """Whatever the host reads and however often."""
    window = Window.of(series)
    assert window.latency == Histogram.pooled(reading.latency for reading in series)
    assert math.isclose(math.fsum(one.duration_s for one in window.slices), window.duration_s)
    assert all(one.is_whole for one in window.slices[:-1])
    assert all(one.latency.total >= SLICE_SAMPLES for one in window.whole_slices)


def test_a_slice_needs_time_and_samples() -> None:
    """Many samples of one moment say what that moment was like; a long time with few says nothing about its tail."""
    assert Window.of([Reading(duration_s=SLICE_S, latency=ENOUGH)]).whole_slices
    assert not Window.of([Reading(duration_s=0.1, latency=ENOUGH)]).whole_slices
    assert not Window.of([Reading(duration_s=60, latency=Histogram.of([1] * (SLICE_SAMPLES - 1)))]).whole_slices


def test_short_readings_are_put_together() -> None:
    """A host that looks ten times a second gets the same slices as one that looks twice."""
    often = Window.of(Reading(duration_s=0.1, latency=Histogram.of([1_000] * 100)) for _ in range(20))
    seldom = Window.of(Reading(duration_s=0.5, latency=Histogram.of([1_000] * 500)) for _ in range(4))
    assert [one.latency for one in often.slices] == [one.latency for one in seldom.slices]


def test_counts_are_added_up() -> None:
    """The totals are what a report shows."""
    one = Reading(duration_s=1, calls=10, errors=2, crashes=1, pushed_off=7, health_checks=3, health_failures=1)
    window = Window.of([one, one])
    counts = (window.duration_s, window.calls, window.errors, window.crashes, window.pushed_off)
    assert counts == (2, 20, 4, 2, 14)
    assert (window.health_checks, window.health_failures) == (6, 2)


def test_the_last_readings_are_a_window() -> None:
    """What a host keeps of a generation that has served for months."""
    series = [Reading(duration_s=1, calls=n) for n in range(5)]
    assert Window.of(series).last(2) == Window.of(series[3:])
    assert Window.of(series).last(9) == Window.of(series)
    with pytest.raises(ValueError, match="last 0 readings"):
        Window().last(0)


def test_own_numbers_are_found_by_name() -> None:
    """A reading in which none was reported is left out, not taken for 0."""
    series = [Reading(duration_s=1, own={"loss": Moments.of([1, 3])}), Reading(duration_s=1), Reading(duration_s=1)]
    window = Window.of([*series, Reading(duration_s=1, own={"loss": Moments(0, 0.0), "size": Moments(1, 7.0)})])
    assert window.own("loss") == (Moments(2, 2.0, 1.0),)
    assert window.own_names == ("loss", "size")
    assert window.own("nothing") == ()


def test_an_empty_window_is_a_window() -> None:
    """Of a generation that was never called, or never read."""
    empty = Window()
    assert (empty.calls, empty.duration_s, empty.latency, empty.whole_slices) == (0, 0.0, Histogram(), ())


@pytest.mark.parametrize("wrong", [{"duration_s": -1.0}, {"duration_s": math.nan}, {"duration_s": 1.0, "calls": -1}])
def test_a_reading_below_zero_is_refused(wrong: dict[str, Any]) -> None:
    """Readings taken the wrong way round."""
    with pytest.raises(ValueError, match="counts up from 0"):
        Reading(**wrong)


def test_errors_may_exceed_calls() -> None:
    """A call that was inside at the first look fails in this reading and entered in the one before."""
    assert Reading(duration_s=0.5, calls=0, errors=1).errors == 1


@pytest.mark.parametrize(("count", "mean", "variance"), [(-1, 0.0, 0.0), (1, math.nan, 0.0), (1, 0.0, -1.0)])
def test_moments_of_nothing_are_refused(count: int, mean: float, variance: float) -> None:
    """An author may report an infinity; it stops where values are counted."""
    with pytest.raises(ValueError, match="none such"):
        Moments(count, mean, variance)


def test_moments_of_no_values() -> None:
    """Nothing was reported."""
    assert Moments.of([]) == Moments(0, 0.0, 0.0)
