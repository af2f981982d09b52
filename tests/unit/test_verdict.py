"""What is a breach and what is none: with made-up windows. How often it is wrong: test_verdict_streams.py."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft.core.histogram import BUCKETS, Histogram
from hotgraft.core.probation import Criterion, OwnRule, Rules, Worse, Yardstick
from hotgraft.core.verdict import Outcome, Verdict, judge
from hotgraft.core.window import Moments, Reading, Window
from hypothesis import given
from hypothesis import strategies as some

if TYPE_CHECKING:
    from collections.abc import Sequence

RULES = Rules()
OLD_READINGS, NEW_READINGS = 40, 20
CALM = Histogram.of([1_000 + 7 * (i % 50) for i in range(980)] + [3_000] * 20)


def window(count: int, latency: Histogram = CALM, **more: Any) -> Window:
    """Return a window of `count` half seconds of a thousand calls each."""
    return Window.of([replace(Reading(duration_s=0.5, calls=1_000, latency=latency), **more)] * count)


def calls_of(ns: int, tail_ns: int = 0) -> Histogram:
    """Return a thousand calls of `ns`, one in fifty of them of `tail_ns`."""
    return Histogram.of([ns] * 980 + [tail_ns or ns] * 20)


def criteria(verdict: Verdict) -> list[Criterion]:
    """Return what was breached."""
    return [breach.criterion for breach in verdict.breaches]


OLD = window(OLD_READINGS)


def test_the_same_goes_on_until_the_window_is_complete_and_passes_then() -> None:
    """The everyday case: nothing is wrong."""
    outcomes = [judge(OLD, window(count), RULES).outcome for count in range(1, NEW_READINGS + 1)]
    assert outcomes == [Outcome.GO_ON] * (NEW_READINGS - 1) + [Outcome.PASS]


def test_too_few_calls_are_waited_for_and_then_said_to_be_few() -> None:
    """A generation that nobody called has proven nothing; but it must not stay in probation for ever."""
    few = window(119, calls=10)
    assert judge(OLD, few, RULES).outcome is Outcome.GO_ON
    verdict = judge(OLD, few.extended(few.readings[0]), RULES)
    assert verdict.outcome is Outcome.PASS
    assert "only 1,200 of 2,000 calls came in 60 s" in verdict.notes


def test_a_reason_says_the_numbers() -> None:
    """It goes into the journal as it is, and somebody reads it on Saturday."""
    new = window(NEW_READINGS, calls_of(1_310, 7_600), errors=10)
    verdict = judge(window(OLD_READINGS, calls_of(1_000, 3_000)), new, RULES)
    assert verdict.outcome is Outcome.BREACH
    assert verdict.reason == (
        "errors 0 of 40,000 (0.00 %) → 200 of 20,000 (1.00 %), 0.21 % allowed; "
        "own time 992 ns → 1.28 µs, +29 %, at most +0 % before; "
        "p99 2.97 µs → 7.61 µs, 3.0 → 5.9 times the median, at most 3.0 before"
    )


def test_a_crash_is_enough() -> None:
    """There is no rate of crashes to get used to."""
    verdict = judge(OLD, window(1, crashes=1), RULES)
    assert criteria(verdict) == [Criterion.CRASH]
    assert verdict.reason == "crashes 0 of 40,000 → 1 of 1,000"


def test_crashes_as_before_are_no_reason_to_go_back() -> None:
    """What is gone back to crashes as often."""
    assert judge(window(OLD_READINGS, crashes=1), window(NEW_READINGS, crashes=1), RULES).outcome is Outcome.PASS


def test_one_failed_check_is_forgiven_and_two_are_not() -> None:
    """A check may have met its deadline because the machine was busy."""
    once = window(1, health_checks=1, health_failures=1)
    assert judge(OLD, once, RULES).outcome is Outcome.GO_ON
    verdict = judge(OLD, window(2, health_checks=1, health_failures=1), RULES)
    assert criteria(verdict) == [Criterion.HEALTH]
    assert verdict.reason == "health failed 0 of 0 → 2 of 2"


def test_health_as_bad_as_before_is_no_reason_to_go_back() -> None:
    """A database that both need is down."""
    ill: dict[str, Any] = {"health_checks": 1, "health_failures": 1}
    assert judge(window(OLD_READINGS, **ill), window(NEW_READINGS, **ill), RULES).outcome is Outcome.PASS


def test_errors_are_found_once_they_last() -> None:
    """One in a hundred; the four readings with the most of them are never counted."""
    outcomes = [judge(OLD, window(count, errors=10), RULES).outcome for count in range(1, 14)]
    assert outcomes[:4] == [Outcome.GO_ON] * 4
    assert outcomes[-1] is Outcome.BREACH


def test_a_window_as_short_as_a_burst_is_not_complete() -> None:
    """Found in a live host with a window of two seconds: all of it was left out as a burst, and what failed passed."""
    short = Rules(window_s=2.0)
    outcomes = [judge(OLD, window(count, errors=100), short).outcome for count in range(1, 9)]
    assert Outcome.PASS not in outcomes
    assert outcomes[-1] is Outcome.BREACH


def test_one_burst_of_errors_is_an_incident_and_no_version() -> None:
    """A second in which every call failed, and nothing before or after."""
    quiet = window(NEW_READINGS - 2).readings
    burst = window(2, errors=1_000).readings
    for at in range(NEW_READINGS - 1):
        assert judge(OLD, Window.of([*quiet[:at], *burst, *quiet[at:]]), RULES).outcome is Outcome.PASS


def test_errors_that_are_too_few_to_matter_do_not_count() -> None:
    """One in a thousand where there was none: sure enough, and no reason to roll back by itself."""
    assert judge(OLD, window(100, errors=1), RULES).outcome is Outcome.PASS


def test_every_call_failing_is_found_at_ten_calls_a_second() -> None:
    """A plugin that is called seldom must not fail for long."""
    seldom = window(OLD_READINGS, Histogram.of([1_000] * 5), calls=5)
    assert judge(seldom, window(8, Histogram.of([1_000] * 5), calls=5, errors=5), RULES).outcome is Outcome.BREACH


def test_own_time_up_by_a_fifth_is_found_and_by_a_hundredth_is_not() -> None:
    """A test that is sure of 1 % is right, and nobody wants the rollback."""
    assert criteria(judge(OLD, window(NEW_READINGS, calls_of(1_250)), RULES)) == [Criterion.OWN_TIME]
    assert judge(OLD, window(NEW_READINGS, calls_of(1_010, 3_030)), RULES).outcome is Outcome.PASS


def test_half_of_the_calls_slower_is_found_by_the_median() -> None:
    """Own time is what the quickest calls take, and they are as quick as before."""
    half = Histogram.of([1_000] * 450 + [2_000] * 530 + [3_000] * 20)
    assert criteria(judge(OLD, window(NEW_READINGS, half), RULES)) == [Criterion.P50]


def test_a_slow_path_is_found_by_the_99th_percentile() -> None:
    """One call in fifty takes twice as long as the slowest did."""
    assert criteria(judge(OLD, window(NEW_READINGS, calls_of(1_000, 6_000)), RULES)) == [Criterion.P99]


def test_a_busy_neighbour_for_most_of_the_window_is_no_breach() -> None:
    """Noise only adds: what the new generation can do shows while the machine is calm."""
    busy, calm = window(16, calls_of(2_000, 9_000)), window(4)
    assert (
        judge(OLD, Window.of([*busy.readings[:8], *calm.readings, *busy.readings[8:]]), RULES).outcome is Outcome.PASS
    )


def test_what_the_old_generation_did_by_itself_is_no_breach() -> None:
    """It was as slow for as long, more than once."""
    slow, quick = window(10, calls_of(1_500)).readings, window(10).readings
    old = Window.of([*quick, *slow, *quick, *slow])
    assert judge(old, Window.of(slow), RULES).outcome is Outcome.GO_ON
    assert judge(Window.of([*quick * 4]), Window.of(slow), RULES).outcome is Outcome.BREACH


def test_the_earlier_the_look_the_larger_a_shift_it_takes() -> None:
    """Two seconds of a busy machine look like a slow version."""
    found = {}
    for ns in (1_140, 1_250, 4_000):
        breached = (count for count in range(1, 21) if judge(OLD, window(count, calls_of(ns)), RULES).breaches)
        found[ns] = next(breached)
    assert found[4_000] < found[1_250] < found[1_140]


def test_a_shift_at_one_look_is_no_breach_yet() -> None:
    """The next may be as before; it must be there again."""
    far = calls_of(9_000, 90_000)
    assert [judge(OLD, window(count, far), RULES).outcome for count in (2, 4)] == [Outcome.GO_ON] * 2
    assert judge(OLD, window(6, far), RULES).outcome is Outcome.BREACH


def test_without_an_old_window_nothing_is_compared_and_that_is_said() -> None:
    """The first version of a plugin. Health and crashes still count."""
    new = window(NEW_READINGS, errors=900, own={"loss": Moments(5, 1.0)})
    verdict = judge(Window(), new, RULES)
    assert verdict.outcome is Outcome.PASS
    assert verdict.notes == (
        "errors are not compared: the old generation's window has no calls",
        "latencies are not compared: 0 slices of the old generation and 10 of the new, 8 and 2 are needed",
        "loss is not compared: the old generation reported it in 0 readings",
    )
    assert judge(Window(), window(1, crashes=1), RULES).outcome is Outcome.BREACH


def test_a_machine_with_more_to_do_than_processors_is_named() -> None:
    """Few calls are left to compare then, and whoever reads the verdict should know."""
    verdict = judge(OLD, window(NEW_READINGS, pushed_off=1_001), RULES)
    assert verdict.notes == ("of 40,020 timed calls 20,020 were pushed off their processor and are not compared",)


def reporting(count: int, *means: float) -> Window:
    """Return a window in which the author's number `loss` has these means in turn."""
    rng = random.Random(1)
    moments = [Moments(20, means[i % len(means)] * rng.uniform(0.98, 1.02), 0.01) for i in range(count)]
    return Window.of(Reading(duration_s=0.5, calls=1_000, own={"loss": one}) for one in moments)


@pytest.mark.parametrize(
    ("worse", "mean", "is_found"),
    [
        (Worse.UP, 20.0, True),
        (Worse.UP, 2.0, False),
        (Worse.DOWN, 2.0, True),
        (Worse.DOWN, 20.0, False),
        (Worse.BOTH, 20.0, True),
        (Worse.BOTH, 2.0, True),
        (Worse.BOTH, 11.0, False),
    ],
)
def test_an_own_number_has_its_direction(worse: Worse, mean: float, is_found: bool) -> None:
    """A hit rate gets worse downwards, a queue upwards; of most the author alone knows."""
    rules = Rules(own={"loss": OwnRule(worse)})
    assert bool(judge(reporting(40, 10.0), reporting(20, mean), rules).breaches) is is_found


def test_an_own_number_that_always_went_up_and_down_may_go_on_to() -> None:
    """For as long as it did before."""
    waves = (10.0,) * 8 + (20.0,) * 8
    assert judge(reporting(40, *waves), reporting(20, *waves), RULES).outcome is Outcome.PASS


def test_a_verdict_on_an_own_number_names_it() -> None:
    """And says from where to where."""
    verdict = judge(reporting(40, 10.0), reporting(20, 20.0), RULES)
    assert criteria(verdict) == [Criterion.OWN_NUMBER]
    assert verdict.reason.startswith("loss 9.9")


counts = some.integers(0, 3_000)
small_windows = some.lists(
    some.builds(
        lambda duration_s, calls, errors, timed, crashes, failures: Reading(
            duration_s=duration_s,
            calls=calls,
            errors=errors,
            latency=Histogram.of([1_000 + errors] * timed),
            crashes=crashes,
            health_checks=1,
            health_failures=failures,
        ),
        some.sampled_from([0.0, 0.1, 0.5, 7.0]),
        counts,
        counts,
        some.integers(0, 300),
        some.integers(0, 1),
        some.integers(0, 1),
    ),
    max_size=12,
).map(Window.of)


@given(small_windows, small_windows)
def test_any_two_windows_have_a_verdict(old: Window, new: Window) -> None:
    """Empty ones, of one call, of no time; errors without calls."""
    verdict = judge(old, new, RULES)
    assert (verdict.outcome is Outcome.BREACH) == bool(verdict.breaches) == bool(verdict.reason)


@given(small_windows, small_windows, some.integers(0, 11), some.integers(1, 500))
def test_more_errors_never_turn_a_breach_into_a_pass(old: Window, new: Window, at: int, more: int) -> None:
    """Nor more crashes, nor more failed checks."""
    if not judge(old, new, RULES).breaches:
        return
    readings = list(new.readings)
    worse = readings[at % len(readings)]
    for name in ("errors", "crashes", "health_failures"):
        readings[at % len(readings)] = replace(worse, **{name: getattr(worse, name) + more})
        assert judge(old, Window.of(readings), RULES).outcome is Outcome.BREACH


@given(small_windows)
def test_a_window_is_no_worse_than_itself(one: Window) -> None:
    """With nothing changed there is nothing to roll back for; crashes and failed checks included."""
    assert judge(one, one, RULES).outcome is not Outcome.BREACH


def test_a_single_call_breaches_nothing() -> None:
    """Even one that failed and took long."""
    one = Window.of([Reading(duration_s=0.5, calls=1, errors=1, latency=Histogram.of([10**12]))])
    assert judge(OLD, one, RULES).outcome is Outcome.GO_ON
    assert judge(one, one, RULES).outcome is Outcome.GO_ON


def test_counts_may_be_as_large_as_they_like() -> None:
    """Every bucket in use, a hundred million million calls in each reading."""
    full = Histogram(tuple(range(BUCKETS)), (10**11,) * BUCKETS)
    more: dict[str, Any] = {"latency": full, "calls": 10**14}
    assert judge(window(40, **more), window(20, **more), RULES).outcome is Outcome.PASS
    failing = window(20, **more, errors=10**12)
    assert criteria(judge(window(40, **more), failing, RULES)) == [Criterion.ERRORS]


def test_time_that_stands_still_is_no_complete_window() -> None:
    """A clock that does not move cannot end a probation."""
    assert judge(OLD, window(50, duration_s=0.0), RULES).outcome is Outcome.GO_ON


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_s": 0.0},
        {"error_alpha": -0.1},
        {"error_alpha": 1.0},
        {"burst_readings": -1},
        {"error_rise": -0.1},
        {"error_ratio": 0.5},
        {"burst_share": 1.0},
        {"health_failures": 0},
        {"slices_least": 0},
        {"yardsticks": (Yardstick(Criterion.P50, 0.0, 0.1, 8, 2),)},
    ],
)
def test_rules_that_would_always_or_never_breach_are_refused(wrong: dict[str, Any]) -> None:
    """A typing error in a configuration must not roll everything back, nor let everything in."""
    with pytest.raises(ValueError, match=f"out of bounds: {'p50' if 'yardsticks' in wrong else next(iter(wrong))}"):
        Rules(**wrong)


def looks(old: Window, readings: Sequence[Reading]) -> list[Outcome]:
    """Return what is said after each reading."""
    return [judge(old, Window.of(readings[:count]), RULES).outcome for count in range(1, len(readings) + 1)]


def test_asking_more_often_changes_no_answer() -> None:
    """One look belongs to a slice, not to a question: reading ten times as often is not ten times as many chances."""
    seldom = window(20, calls_of(1_250)).readings
    tenth = Reading(duration_s=0.1, calls=200, latency=Histogram.of([1_250] * 200))
    assert looks(OLD, seldom) == looks(OLD, [tenth] * 100)[4::5]
