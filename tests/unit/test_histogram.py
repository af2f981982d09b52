"""The buckets are the core's, and no percentile is further off than its bucket is wide."""

from __future__ import annotations

import math

import pytest
from hotgraft.core.histogram import BUCKETS, OVERFLOW_NS, Histogram, bucket_of, lower_edge_ns, width_ns
from hypothesis import given
from hypothesis import strategies as some

durations = some.integers(0, OVERFLOW_NS - 1) | some.integers(0, 100_000)
series = some.lists(durations, min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("ns", "bucket"),
    [
        (0, 0),
        (63, 63),
        (64, 64),
        (65, 64),
        (127, 95),
        (128, 96),
        (1_000, 190),
        (1_000_000, 509),
        (1_000_000_000, 827),
        (OVERFLOW_NS - 1, 1183),
        (OVERFLOW_NS, 1183),
        (1 << 80, 1183),
    ],
)
def test_a_duration_falls_into_the_bucket_the_core_puts_it_in(ns: int, bucket: int) -> None:
    """The meters count in C++ and a verdict reads in Python: both must mean the same."""
    assert bucket_of(ns) == bucket


def test_buckets_lie_side_by_side_from_0_to_the_last() -> None:
    """A gap would lose durations, an overlap would count them twice."""
    for bucket in range(BUCKETS):
        edge, width = lower_edge_ns(bucket), width_ns(bucket)
        assert bucket_of(edge) == bucket_of(edge + width - 1) == bucket
        following = lower_edge_ns(bucket + 1) if bucket + 1 < BUCKETS else OVERFLOW_NS
        assert edge + width == following


def test_no_bucket_is_wider_than_a_32nd_of_its_edge() -> None:
    """That is where the promised 3.2 % come from."""
    assert all(width_ns(bucket) == 1 or width_ns(bucket) * 32 <= lower_edge_ns(bucket) for bucket in range(BUCKETS))


@given(durations, durations)
def test_a_longer_duration_never_falls_into_an_earlier_bucket(one: int, other: int) -> None:
    """Percentiles count on the order."""
    assert bucket_of(min(one, other)) <= bucket_of(max(one, other))


@given(series, some.floats(0.1, 100))
def test_a_percentile_is_off_by_less_than_its_bucket_is_wide(values: list[int], percent: float) -> None:
    """Compared with the exact one of the durations themselves."""
    exact = sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]
    found = Histogram.of(values).percentile(percent)
    assert bucket_of(math.floor(found)) == bucket_of(exact)
    assert abs(found - exact) < width_ns(bucket_of(exact))


@given(series)
def test_short_durations_are_exact(values: list[int]) -> None:
    """Below 64 ns a bucket is one nanosecond."""
    short = [value % 64 for value in values]
    assert Histogram.of(short).percentile(100) == max(short)


@given(series, series)
def test_a_window_is_the_difference_of_two_readings(before: list[int], since: list[int]) -> None:
    """Meters only count up; what happened in between is what one reading has more than the other."""
    earlier, between = Histogram.of(before), Histogram.of(since)
    later = earlier.plus(between)
    assert later.total == len(before) + len(since)
    assert later.minus(earlier) == between
    assert later.minus(later) == Histogram()


@given(some.lists(series, max_size=3))
def test_pooled_is_all_of_them_together(parts: list[list[int]]) -> None:
    """In whatever order."""
    pooled = Histogram.pooled(Histogram.of(part) for part in parts)
    assert pooled == Histogram.of(value for part in reversed(parts) for value in part)


def test_a_reading_of_the_meter_keeps_its_counts() -> None:
    """A dense reading and a series of durations are the same thing."""
    counts = [0] * BUCKETS
    counts[bucket_of(1_000)] = 2
    counts[bucket_of(7)] = 1
    assert Histogram.of_counts(counts) == Histogram.of([1_000, 7, 1_000])


def test_counts_may_be_as_large_as_they_like() -> None:
    """A meter that ran for years at a billion calls a second."""
    huge = Histogram((5, 600), (10**18, 10**18))
    assert huge.total == 2 * 10**18
    assert huge.percentile(50) == 5
    assert bucket_of(math.ceil(huge.percentile(50.1))) == 600


def test_an_earlier_reading_that_holds_more_is_refused() -> None:
    """Taken the wrong way round, or of another generation's meter: a negative count would look like a fast call."""
    with pytest.raises(ValueError, match="not an earlier reading"):
        Histogram.of([5]).minus(Histogram.of([5, 5]))


@pytest.mark.parametrize("percent", [0, -1, 100.1, math.nan])
def test_a_percentile_out_of_bounds_is_refused(percent: float) -> None:
    """The 0th is nobody's duration."""
    with pytest.raises(ValueError, match="at most 100"):
        Histogram.of([5]).percentile(percent)


def test_an_empty_histogram_has_no_percentiles() -> None:
    """0 would be read as: very fast."""
    with pytest.raises(ValueError, match="empty"):
        Histogram().percentile(50)


@pytest.mark.parametrize(
    ("buckets", "counts", "why"),
    [
        ((1, 2), (1,), "2 buckets and 1 counts"),
        ((2, 1), (1, 1), "ascend"),
        ((1, 1), (1, 1), "ascend"),
        ((-1,), (1,), "from 0"),
        ((BUCKETS,), (1,), "from 0"),
        ((1,), (0,), "a count of 0"),
        ((1,), (-3,), "a count of -3"),
    ],
)
def test_what_is_no_histogram_is_refused(buckets: tuple[int, ...], counts: tuple[int, ...], why: str) -> None:
    """Whoever hands over nonsense hears it at once, with the number."""
    with pytest.raises(ValueError, match=why):
        Histogram(buckets, counts)


def test_wrong_readings_and_durations_are_refused() -> None:
    """A buffer of another size is of another protocol."""
    with pytest.raises(ValueError, match="1183 counts"):
        Histogram.of_counts([0] * (BUCKETS - 1))
    with pytest.raises(ValueError, match="a count of -1"):
        Histogram.of_counts([-1] + [0] * (BUCKETS - 1))
    with pytest.raises(ValueError, match="-5 ns"):
        Histogram.of([-5])
    with pytest.raises(ValueError, match="bucket 1184"):
        lower_edge_ns(BUCKETS)
    with pytest.raises(ValueError, match="bucket -1"):
        width_ns(-1)
