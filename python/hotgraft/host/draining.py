"""A loaded plugin's rules while it is called: how it is drained, and what answers while nothing of it can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.draining import DrainRules, check_drain
from hotgraft.core.fallback import check_fallback
from hotgraft.host.change import carry_out
from hotgraft.host.report import Outcome, SwapReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.options import Options
    from hotgraft.host.breaker import Breakers
    from hotgraft.host.loaded import Loaded

__all__ = ["Draining", "apply_rules", "check_rules", "rules_of", "swap_deadline_s"]


def rules_of(loaded: Loaded) -> DrainRules:
    """Return the rules that a swap of what serves follows: the host's word over the author's wish."""
    return loaded.drain.over(wish_of(loaded.serving.descriptor))


def wish_of(descriptor: Descriptor) -> DrainRules:
    """Return what the author wished for."""
    wish = descriptor.drain
    return DrainRules() if wish is None else DrainRules(deadline_s=wish.deadline_s, at_deadline=wish.at_deadline)


def check_rules(loaded: Loaded, descriptor: Descriptor) -> None:
    """Hold the plugin's rules against an image that is to serve by them.

    Raises:
        ConfigError: they do not fit it.
    """
    rules = loaded.drain.over(wish_of(descriptor))
    check_drain(loaded.name, rules, has_state=descriptor.state.kind != "none")
    check_fallback(loaded.name, loaded.fallback, descriptor.provides)


def swap_deadline_s(loaded: Loaded, options: Options, asked_s: float | None) -> float:
    """Return how long a swap may take: as it was asked for, else by the plugin's rules, else as the host is set."""
    if asked_s is not None:
        return asked_s
    by_rule = rules_of(loaded).deadline_s
    return options.swap_deadline_s if by_rule is None else by_rule


class Draining:
    """The part of a `Host` that sets rules."""

    if TYPE_CHECKING:
        breaker: Breakers
        options: Options

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...

    def set_drain(self, name: str, rules: DrainRules) -> None:
        """Drain `name` by these rules from now on; a swap that is under way ends as it began.

        Raises:
            UnknownPlugin: nothing of that name. ConfigError: out of bounds, or not for a plugin like this.
        """
        self._check_control()
        _set_drain(self._loaded(name), rules)

    def open_breaker(self, name: str, why: str) -> None:
        """Let the fallback of `name` answer from now on, and call nothing of it; `why` is what callers are told.

        Nobody who is inside is waited for. `close_breaker`, a reload or the fallback's own retry ends it.

        Raises:
            UnknownPlugin: nothing of that name. Busy: a change of it went on until the host's `control_deadline_s`.
        """
        self._check_control()
        loaded = self._loaded(name)
        _in_turn(loaded, lambda: self.breaker.open(loaded, why), self.options.control_deadline_s)

    def close_breaker(self, name: str) -> None:
        """Let what is loaded under `name` serve again.

        Raises:
            UnknownPlugin: nothing of that name. Busy: as `open_breaker`. PluginError, PluginAbandoned: its own code.
        """
        self._check_control()
        loaded = self._loaded(name)
        _in_turn(loaded, lambda: self.breaker.close(loaded), self.options.control_deadline_s)


def _in_turn(loaded: Loaded, work: Callable[[], None], deadline_s: float) -> None:
    def change() -> SwapReport:
        work()
        generation = loaded.serving.generation.number
        return SwapReport(
            plugin=loaded.name,
            outcome=Outcome.PUBLISHED,
            generation=generation,
            version=loaded.serving.side.version,
            candidate=generation,
            image=loaded.source,
        )

    carry_out(lambda: loaded.turns.take(None, change, deadline_s))


def _set_drain(loaded: Loaded, rules: DrainRules) -> None:
    descriptor = loaded.serving.descriptor
    check_drain(loaded.name, rules.over(wish_of(descriptor)), has_state=descriptor.state.kind != "none")
    loaded.drain = rules
    apply_rules(loaded)


def apply_rules(loaded: Loaded) -> None:
    """Give every slot of the plugin its queue limit."""
    for instance in loaded.instances.values():
        for slot in instance.slots.values():
            slot.queue_limit = loaded.drain.queue_limit
