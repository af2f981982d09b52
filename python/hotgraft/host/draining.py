"""A loaded plugin's rules while it is called: how it is drained, and what answers while nothing of it can serve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hotgraft.core.call_types import called_interfaces
from hotgraft.core.descriptor import Drain
from hotgraft.core.draining import DrainRules, check_drain
from hotgraft.core.fallback import check_fallback
from hotgraft.host.unit import on_probation_with

if TYPE_CHECKING:
    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.options import Options
    from hotgraft.host.loaded import Loaded

__all__ = ["apply_rules", "back_deadline_s", "check_rules", "checked_s", "rules_of", "set_drain", "swap_deadline_s"]


def rules_of(loaded: Loaded) -> DrainRules:
    """Return the rules that a swap of what serves follows: the host's word over the author's wish."""
    return loaded.drain.over(wish_of(loaded.serving.descriptor))


def wish_of(descriptor: Descriptor) -> DrainRules:
    """Return what the author wished for."""
    wish = descriptor.drain or Drain()
    return DrainRules(deadline_s=wish.deadline_s, at_deadline=wish.at_deadline, pins=descriptor.pins)


def check_rules(loaded: Loaded, descriptor: Descriptor) -> None:
    """Hold the plugin's rules against an image that is to serve by them.

    Raises:
        ConfigError: they do not fit it.
    """
    _check_drain(loaded.name, loaded.drain, descriptor, is_said_now=loaded.current is None)
    if loaded.fallback is not None:
        check_fallback(loaded.name, loaded.fallback, called_interfaces(descriptor))


def swap_deadline_s(loaded: Loaded, options: Options, asked_s: float | None) -> float:
    """Return how long a swap may take: as it was asked for, else by the plugin's rules, else as the host is set."""
    if asked_s is not None:
        return checked_s(asked_s)
    by_rule = rules_of(loaded).deadline_s
    return options.swap_deadline_s if by_rule is None else by_rule


def checked_s(asked_s: float) -> float:
    """Return a deadline that was asked for.

    Raises:
        TypeError, ValueError: it is none.
    """
    if isinstance(asked_s, bool) or not isinstance(asked_s, int | float):
        raise TypeError(f"deadline_s is a number of seconds, and {asked_s!r:.80} is none")
    if math.isnan(asked_s) or asked_s < 0:
        raise ValueError(f"deadline_s is a number of seconds, and {asked_s} is none")
    return asked_s


def back_deadline_s(loaded: Loaded, options: Options, asked_s: float | None) -> float:
    """Return how long a rollback of a plugin may take: as long as any of those may that go back with it."""
    return max(swap_deadline_s(one, options, asked_s) for one in on_probation_with(loaded) or (loaded,))


def set_drain(loaded: Loaded, rules: DrainRules) -> None:
    """Drain the plugin by these rules from now on.

    Raises:
        ConfigError: they are out of bounds, or do not fit what serves.
    """
    _check_drain(loaded.name, rules, loaded.serving.descriptor, is_said_now=True)
    loaded.drain = rules
    apply_rules(loaded)


def _check_drain(name: str, rules: DrainRules, descriptor: Descriptor, *, is_said_now: bool) -> None:
    """Hold the host's word against an image; a swap is not refused for a word about pins that were another one's."""
    kind = descriptor.state.kind
    says_move = is_said_now and rules.moves_pins
    check_drain(
        name,
        rules.over(wish_of(descriptor)),
        has_state=kind != "none",
        can_move=not (says_move and kind in ("none", "session")),
    )


def apply_rules(loaded: Loaded) -> None:
    """Give every slot of the plugin its queue limit."""
    for instance in loaded.instances.values():
        for slot in instance.slots.values():
            slot.queue_limit = loaded.drain.queue_limit
