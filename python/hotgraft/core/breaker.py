"""The breaker of a plugin: whether it is called, answered for, or being tried again. A table; times come in.

Closed, its callers reach the plugin. Open, its fallback answers them. Half open, a retry is under way and the fallback
answers on: a retry is a swap, and a swap that fails has shown its generation to nobody.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import LifecycleError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TRANSITIONS", "Breaker", "BreakerEvent", "BreakerState", "RetryRules", "advance"]


class BreakerState(StrEnum):
    """Who answers a plugin's callers."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


class BreakerEvent(StrEnum):
    """What happens to a breaker."""

    OPEN = "open"  # nothing of the plugin can serve
    RETRY = "retry"  # its time has come
    FAIL = "fail"  # the retry did not bring a generation up
    CLOSE = "close"  # a generation serves: the retry's, a reload's, or the one that was there


TRANSITIONS: Final[Mapping[BreakerState, Mapping[BreakerEvent, BreakerState]]] = MappingProxyType(
    {
        BreakerState.CLOSED: {BreakerEvent.OPEN: BreakerState.OPEN},
        BreakerState.OPEN: {
            BreakerEvent.OPEN: BreakerState.OPEN,  # for another reason
            BreakerEvent.RETRY: BreakerState.HALF_OPEN,
            BreakerEvent.CLOSE: BreakerState.CLOSED,
        },
        BreakerState.HALF_OPEN: {
            BreakerEvent.OPEN: BreakerState.OPEN,
            BreakerEvent.FAIL: BreakerState.OPEN,
            BreakerEvent.CLOSE: BreakerState.CLOSED,
        },
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRules:
    """When an open breaker lets a retry through; seconds.

    Args:
        after_s: from opening to the first retry; each that fails doubles the wait. None: never by itself.
        at_most_s: the longest wait.
    """

    after_s: float | None = None
    at_most_s: float = 300.0

    def wait_s(self, failures: int) -> float | None:
        """Return how long to wait after so many failed retries; None: for ever."""
        if self.after_s is None:
            return None
        doublings = min(failures, 63)  # beyond it the bound has long been reached, and a float ends
        return min(self.after_s * (1 << doublings), max(self.at_most_s, self.after_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """One plugin's breaker. `why` and `since_s` are of the opening; `retry_at_s`: None where no retry is to come."""

    state: BreakerState = BreakerState.CLOSED
    why: str = ""
    since_s: float = 0.0
    failures: int = 0  # of retries, since it opened
    retry_at_s: float | None = None


def advance(breaker: Breaker, event: BreakerEvent, *, now_s: float, rules: RetryRules, why: str = "") -> Breaker:
    """Return the breaker after `event` at `now_s`, or raise `LifecycleError` and change nothing."""
    after = TRANSITIONS[breaker.state].get(event)
    if after is None:
        known = ", ".join(TRANSITIONS[breaker.state])
        raise LifecycleError(f"{event} it", on="a breaker", found=f"it is {breaker.state}, where only {known} follows")
    if after is BreakerState.CLOSED:
        return Breaker()
    if after is BreakerState.HALF_OPEN:
        return replace(breaker, state=after, retry_at_s=None)
    failures = breaker.failures + 1 if event is BreakerEvent.FAIL else breaker.failures
    wait_s = rules.wait_s(failures)
    return Breaker(
        state=after,
        why=why or breaker.why,
        since_s=now_s if breaker.state is BreakerState.CLOSED else breaker.since_s,
        failures=failures,
        retry_at_s=None if wait_s is None else now_s + wait_s,
    )
