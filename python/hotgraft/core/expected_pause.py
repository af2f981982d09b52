"""How long calls would wait at the gates of a swap, from what swaps of the same plugins took before; a pure sum.

Nothing is guessed: a step that was never measured is named, and what is left is then a least.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.plan import Action, Place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from hotgraft.core.plan import Plan

__all__ = ["ExpectedPause", "MeasuredPause", "expected_pause", "measured_pause"]

# While gates are closed, and once for all members.
_TOGETHER: Final = (Action.CLOSE_GATES, Action.DRAIN, Action.PUBLISH, Action.REOPEN_GATES)
ALL: Final = "all"  # in the place of a plugin
_BY_LENGTH: Final = sorted((str(one) for one in Action), key=len, reverse=True)
SHOWN: Final = 8  # names in a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPause:
    """What callers waited for in one swap of a plugin.

    Args:
        steps: microseconds of one instance by what the step did (``quiesce``), with those of the swap as a whole.
        between_us: of the pause, in no step.
        copied_bytes: of one state that was converted; 0: none was.
    """

    steps: Mapping[str, float] = field(default_factory=dict)
    between_us: float = 0.0
    copied_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPause:
    """How long calls are expected to wait.

    Args:
        is_gated: they wait at all.
        us: microseconds, of all that is known.
        by: of whom how much: plugins, and ``all`` for what is done once.
        unmeasured: plugins that were not swapped behind a gate before, in this process.
        unknown: steps of others that were not measured.
    """

    is_gated: bool
    us: float = 0.0
    by: tuple[tuple[str, float], ...] = ()
    unmeasured: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Tell whether every step was measured before, so that `us` is all of it."""
        return not self.unmeasured and not self.unknown

    def __str__(self) -> str:
        if not self.is_gated:
            return "no gate: calls never wait"
        parts = [f"{_listed(self.unmeasured)} not swapped behind a gate before"] if self.unmeasured else []
        parts += [_listed(self.unknown)] if self.unknown else []
        if not self.us:
            return f"how long calls wait is not known: {'; '.join(parts)}"
        known = ", ".join(f"{who} {us:,.0f} µs" for who, us in self.by)
        if parts:
            return f"calls wait {self.us:,.0f} µs at least ({known}); not known: {'; '.join(parts)}"
        return f"calls wait about {self.us:,.0f} µs, as the last swaps took ({known})"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "is_gated": self.is_gated,
            "us": None if self.is_gated and not self.us else self.us,
            "is_known": self.is_known,
            "by": [{"of": who, "us": us} for who, us in self.by],
            "unmeasured": list(self.unmeasured),
            "unknown": list(self.unknown),
        }


def measured_pause(
    pause_us: float, steps: Iterable[tuple[str, float]], *, others: Collection[str] = (), copied_bytes: int = 0
) -> MeasuredPause | None:
    """Return what a swap's report tells of a plugin's pause; None: there was none, so nothing was measured.

    Args:
        pause_us: from closing the first gate to opening the last.
        steps: of it, by title: ``quiesce main``, and ``quiesce gain main`` where there were several plugins.
        others: plugins that were replaced with this one.
        copied_bytes: of one state that was converted.
    """
    if pause_us <= 0:
        return None
    found: dict[str, list[float]] = {}
    total = 0.0
    for title, us in steps:
        total += us
        action = next((one for one in _BY_LENGTH if title == one or title.startswith(f"{one} ")), title)
        if title[len(action) :].strip().partition(" ")[0] not in others:
            found.setdefault(action, []).append(us)
    means = {action: sum(times) / len(times) for action, times in found.items()}
    return MeasuredPause(steps=means, between_us=max(0.0, pause_us - total), copied_bytes=copied_bytes)


def expected_pause(plans: Sequence[Plan], measured: Mapping[str, MeasuredPause]) -> ExpectedPause:
    """Return how long calls wait while all of `plans` are carried out as one swap.

    Args:
        plans: of the members.
        measured: by plugin, its last swap with a gate.

    A conversion of states of another size is taken to cost as much for a byte as the one that was measured.
    """
    gated = [one for one in plans if one.is_gated]
    if not gated:
        return ExpectedPause(is_gated=False)
    known = [measured[one.plugin] for one in gated if one.plugin in measured]
    by: list[tuple[str, float]] = []
    unknown: list[str] = []
    unmeasured = tuple(one.plugin for one in gated if one.plugin not in measured)
    if known:
        once = sum(max(one.steps.get(step, 0.0) for one in known) for step in _TOGETHER)
        by.append((ALL, once + max(one.between_us for one in known)))
    for plan in gated:
        if plan.plugin in measured:
            us, missing = _of_member(plan, measured[plan.plugin])
            unknown += missing
            by.append((plan.plugin, us))
    total = sum(us for _, us in by)
    return ExpectedPause(is_gated=True, us=total, by=tuple(by), unmeasured=unmeasured, unknown=tuple(unknown))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _of_member(plan: Plan, measured: MeasuredPause) -> tuple[float, list[str]]:
    """Return what the steps of one plugin take as far as that is known, and which are not."""
    total, missing = 0.0, dict[str, None]()
    for step in plan.at(Place.WINDOW):
        if not step.instance:
            continue
        us = measured.steps.get(step.action)
        if us is None:
            missing[step.action] = None
        elif step.action is Action.CONVERT and measured.copied_bytes and plan.conversion is not None:
            total += us * plan.conversion.plan.old_bytes / measured.copied_bytes
        else:
            total += us
    return total, [f"{', '.join(missing)} of {plan.plugin}"] if missing else []
