"""What a `Host` offers about draining: the rules of a plugin, and its breaker by hand."""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hotgraft.core.breaker import BreakerState
from hotgraft.engine.journal_asked import asked
from hotgraft.host.breaker import Breakers
from hotgraft.host.change import carry_out
from hotgraft.host.draining import apply_rules, set_drain, swap_deadline_s
from hotgraft.host.report import report_of
from hotgraft.host.wish import Wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.core.draining import DrainRules
    from hotgraft.core.options import Options
    from hotgraft.host.changing import Changes
    from hotgraft.host.events import HostEvent, HostEvents
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.report import SwapReport

__all__ = ["HostDraining", "make_breakers"]


class HostDraining:
    """A part of `Host`; see there for threads, interrupts and forks."""

    breaker: Breakers
    options: Options

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...

    def set_drain(self, name: str, rules: DrainRules) -> None:
        """Drain `name` by these rules from now on; a swap that is under way ends as it began.

        Raises:
            UnknownPlugin: nothing of that name. ConfigError: out of bounds, or not for a plugin like this.
        """
        self._check_control()
        set_drain(self._loaded(name), rules)

    def open_breaker(self, name: str, why: str) -> None:
        """Let the fallback of `name` answer from now on, and call nothing of it; `why` is what callers are told.

        Nobody who is inside is waited for. `close_breaker`, a reload or the fallback's own retry ends it.

        Raises:
            UnknownPlugin: nothing of that name. Busy: a change of it went on until the host's `control_deadline_s`.
        """
        self._check_control()
        loaded = self._loaded(name)
        provider = self.breaker.provider_of(loaded)
        _in_turn(loaded, lambda: self.breaker.open(loaded, why), self.options.control_deadline_s, provider=provider)

    def close_breaker(self, name: str) -> None:
        """Let what is loaded under `name` serve again.

        Raises:
            UnknownPlugin: nothing of that name. Busy: as `open_breaker`. PluginError, PluginAbandoned: its own code.
        """
        self._check_control()
        loaded = self._loaded(name)
        _in_turn(loaded, lambda: self.breaker.close(loaded), self.options.control_deadline_s)

    def _follow_rules(self, loaded: Loaded) -> None:
        """A generation was published: its slots may be new, and what answered in its place answers no more."""
        apply_rules(loaded)
        self.breaker.published(loaded)


def _in_turn(loaded: Loaded, work: Callable[[], None], deadline_s: float, *, provider: Loaded | None = None) -> None:
    def change() -> SwapReport:
        work()
        return report_of(loaded)

    carry_out(lambda: loaded.take_turn(change, deadline_s, provider=provider))


def make_breakers(
    events: HostEvents, options: Options, changes: Changes, listed: Callable[[], tuple[Loaded, ...]]
) -> Breakers:
    """Return the breakers of a host: they open by themselves where a rollback is blocked and a fallback was declared.

    A retry goes back to what is held, where something is; else it swaps to the image that is current.
    """

    def retry(loaded: Loaded) -> SwapReport:
        who, deadline_s = asked("reload", "its breaker is half open"), swap_deadline_s(loaded, options, None)
        if loaded.held is not None:
            return changes.roll_back(loaded, who, deadline_s)
        return changes.swap(loaded, Wish(asked=who, deadline_s=deadline_s))

    def find(name: str) -> Loaded | None:
        return next((one for one in listed() if one.name == name), None)

    breakers = Breakers(
        events,
        retry=retry,
        find=find,
        clock_s=time.monotonic,
        today=lambda: datetime.now(UTC).isoformat(timespec="seconds"),
        control_deadline_s=options.control_deadline_s,
    )

    def blocked(event: HostEvent) -> None:
        loaded = find(event.plugin)
        if loaded is None or loaded.fallback is None or loaded.name not in event.facts["error"].bad:
            return
        number = event.facts["report"].generation

        def open_it() -> None:
            is_closed = breakers.state(loaded.name) is BreakerState.CLOSED  # else this was a retry
            if is_closed and loaded.serving.generation.number == number:  # else something else serves by now
                error = event.facts["error"]
                breakers.open(loaded, error.why or str(error.found[0]))

        _in_turn(loaded, open_it, options.control_deadline_s, provider=breakers.provider_of(loaded))

    def out_of_service(event: HostEvent) -> None:
        """Say so to callers, who are refused already; declared or not, a fallback answers from now on."""
        loaded = find(event.plugin)
        if loaded is not None:
            open_it = functools.partial(_open_if_out_of_service, breakers, loaded)
            _in_turn(loaded, open_it, options.control_deadline_s, provider=breakers.provider_of(loaded))

    events.on("swap.out_of_service", out_of_service)
    events.on("swap.rollback_blocked", out_of_service)
    events.on("swap.rollback_blocked", blocked)
    return breakers


def _open_if_out_of_service(breakers: Breakers, loaded: Loaded) -> None:
    """In the plugin's turn: something else may serve by now."""
    if why := loaded.serving.generation.out_of_service:
        breakers.open(loaded, f"generation {loaded.serving.generation.number} is out of service: {why}")
