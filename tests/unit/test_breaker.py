"""core/breaker.py: the whole table, and when a retry is let through."""

from __future__ import annotations

import pytest
from hotgraft.core.breaker import (
    TRANSITIONS,
    Breaker,
    BreakerEvent,
    BreakerState,
    RetryRules,
    advance,
)
from hotgraft.core.errors import LifecycleError

NEVER = RetryRules()
SOON = RetryRules(after_s=1.0, at_most_s=10.0)


@pytest.mark.parametrize("state", BreakerState)
@pytest.mark.parametrize("event", BreakerEvent)
def test_each_event_in_each_state_does_what_the_table_says(state: BreakerState, event: BreakerEvent) -> None:
    """Every pair, not samples of it."""
    before = Breaker(state=state, why="it crashed", since_s=3.0)
    expected = TRANSITIONS[state].get(event)
    if expected is None:
        with pytest.raises(LifecycleError, match=f"it is {state}, where only"):
            advance(before, event, now_s=5.0, rules=SOON)
        return
    assert advance(before, event, now_s=5.0, rules=SOON).state is expected


def test_an_open_breaker_remembers_why_and_since_when() -> None:
    """It is what callers are told, over every retry that fails."""
    opened = advance(Breaker(), BreakerEvent.OPEN, now_s=10.0, rules=SOON, why="it crashed")
    half = advance(opened, BreakerEvent.RETRY, now_s=11.0, rules=SOON)
    failed = advance(half, BreakerEvent.FAIL, now_s=12.0, rules=SOON)
    assert [(one.why, one.since_s) for one in (opened, half, failed)] == [("it crashed", 10.0)] * 3
    again = advance(failed, BreakerEvent.OPEN, now_s=13.0, rules=SOON, why="it hangs")
    assert (again.why, again.since_s) == ("it hangs", 10.0)
    assert advance(again, BreakerEvent.CLOSE, now_s=14.0, rules=SOON) == Breaker()


def test_each_retry_that_fails_doubles_the_wait_up_to_its_bound() -> None:
    """A plugin that never comes up must not cost a swap a second for ever."""
    breaker, waits = advance(Breaker(), BreakerEvent.OPEN, now_s=0.0, rules=SOON), []
    for _ in range(6):
        assert breaker.retry_at_s is not None
        waits.append(breaker.retry_at_s)
        half = advance(breaker, BreakerEvent.RETRY, now_s=0.0, rules=SOON)
        assert half.retry_at_s is None
        breaker = advance(half, BreakerEvent.FAIL, now_s=0.0, rules=SOON)
    assert waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_without_a_wait_nothing_is_retried() -> None:
    """Only what an operator declared happens by itself."""
    assert advance(Breaker(), BreakerEvent.OPEN, now_s=0.0, rules=NEVER).retry_at_s is None


@pytest.mark.parametrize("failures", [0, 63, 64, 10_000])
def test_the_wait_stays_a_number_after_any_count_of_failures(failures: int) -> None:
    """A breaker that is open for a year doubles past what a float holds."""
    wait_s = SOON.wait_s(failures)
    assert wait_s is not None
    assert 1.0 <= wait_s <= 10.0
    assert RetryRules(after_s=60.0, at_most_s=5.0).wait_s(failures) == 60.0  # the bound is never below the first
