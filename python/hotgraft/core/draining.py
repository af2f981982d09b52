"""The rules by which a plugin is drained: how long a swap waits for calls, what then, and how many may wait for it.

The author may wish for a deadline and what happens at it (``[drain]`` in plugin.toml); the host's word counts first,
setting by setting. How many callers may wait at the gate is the operator's alone to say: it decides who is refused.
"""

from __future__ import annotations

import math
from typing import Final, Literal, get_args

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import ConfigError

__all__ = [
    "CALL_OFF", "DEADLINE_LIMIT_S", "LEAVE", "MOVE", "QUEUE_LIMIT_MOST", "WAIT", "AtDeadline", "DrainRules", "Pins",
    "check_drain",
]  # fmt: skip

AtDeadline = Literal["call off", "leave"]
CALL_OFF: Final[AtDeadline] = "call off"
LEAVE: Final[AtDeadline] = "leave"
Pins = Literal["wait", "move"]
WAIT: Final[Pins] = "wait"
MOVE: Final[Pins] = "move"
DEADLINE_LIMIT_S: Final = 3600.0
QUEUE_LIMIT_MOST: Final = 1 << 31


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainRules:
    """What a swap of one plugin may ask of its callers; None: what the author wished for, or else the default.

    Args:
        deadline_s: seconds a swap waits for calls that are inside; default: the host's `swap_deadline_s`.
        at_deadline: what then: "call off" the swap (the default), or "leave" who is inside in the old generation, which
            is reclaimed when the last of them is done. Only for a plugin without state: nothing crosses then.
        queue_limit: how many callers may wait at the closed gate of each of its interfaces; the next one is refused
            with `Backpressure` before it entered. 0: nobody waits. Default: no limit.
        pins: where the state has to come to rest, a swap has to "wait" for open pins (the default) until its deadline,
            and is called off then; or they "move": what they are on is replaced under them, with the state carried
            over. Pins on a plugin without state, or with one for each session, stay where they are: not "move" for it.
            Where both versions may use the state at once, it counts when the state has to be converted.
    """

    deadline_s: float | None = None
    at_deadline: AtDeadline | None = None
    queue_limit: int | None = None
    pins: Pins | None = None

    def over(self, author: DrainRules) -> DrainRules:
        """Return these rules, with the author's wish where they say nothing."""
        return DrainRules(
            deadline_s=author.deadline_s if self.deadline_s is None else self.deadline_s,
            at_deadline=author.at_deadline if self.at_deadline is None else self.at_deadline,
            queue_limit=self.queue_limit,
            pins=author.pins if self.pins is None else self.pins,
        )

    @property
    def leaves(self) -> bool:
        """Whether calls that are inside at the deadline are left there, instead of calling the swap off."""
        return self.at_deadline == LEAVE

    @property
    def moves_pins(self) -> bool:
        """Whether open pins follow a swap that carries state over, instead of being waited for."""
        return self.pins == MOVE


def check_drain(plugin: str, rules: DrainRules, *, has_state: bool, can_move: bool = True) -> None:
    """Hold rules against their bounds, and against what the plugin is.

    Args:
        plugin: its name.
        rules: the host's word over the author's wish.
        has_state: a call that is left behind would go on changing it.
        can_move: it has one state for all, so that pins have something to follow; or nobody asks now whether they do.

    Raises:
        ConfigError: with every violation.
    """
    if found := _violations(rules, has_state=has_state, can_move=can_move):
        raise ConfigError("drain it by these rules", on=plugin, found=found)


def _violations(rules: DrainRules, *, has_state: bool, can_move: bool) -> list[str]:
    found: list[str] = []
    if rules.deadline_s is not None and not _is_deadline(rules.deadline_s):
        found.append(
            f"deadline_s is {rules.deadline_s!r}; it must be a number of seconds above 0, at most {DEADLINE_LIMIT_S:g}"
        )
    if rules.at_deadline is not None and rules.at_deadline not in get_args(AtDeadline):
        found.append(f"at_deadline is {rules.at_deadline!r}; it must be one of {', '.join(get_args(AtDeadline))}")
    if rules.queue_limit is not None and not _is_limit(rules.queue_limit):
        found.append(
            f"queue_limit is {rules.queue_limit!r}; it must be a whole number of callers, 0 to {QUEUE_LIMIT_MOST}"
        )
    if rules.pins is not None and rules.pins not in get_args(Pins):
        found.append(f"pins is {rules.pins!r}; it must be one of {', '.join(get_args(Pins))}")
    if rules.moves_pins and not can_move:
        found.append(
            'pins is "move" and the plugin has no state that is one for all: no swap waits for its pins, and what is '
            "pinned stays on the generation that it was pinned on; leave it out"
        )
    if rules.leaves and has_state:
        found.append(
            'at_deadline is "leave" and the plugin has state: a call left in the old generation would go on changing '
            'what the new one has; use "call off"'
        )
    return found


def _is_deadline(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 < value <= DEADLINE_LIMIT_S  # type: ignore[arg-type,operator] # a number


def _is_limit(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= QUEUE_LIMIT_MOST
