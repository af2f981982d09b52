"""What one swap of many did: the report that `Host.reload_set` returns, or that its error carries as `report`."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from hotgraft.core.dataclass import dataclass
from hotgraft.host.report import Outcome, SwapReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from hotgraft.core.plan import Plan
    from hotgraft.engine.timing import StepTime

__all__ = ["AnyReport", "SetReport", "set_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReport:
    """One attempt to replace several plugins as one: published whole, or not at all.

    Args:
        outcome: of all; where it failed, of the member that failed.
        members: what became of each, by name, providers first.
        why: why each is in the set, by name.
        steps: of all members, in the order they ran.
        pause_us: the time from closing the first gate to opening the last, 0 without a gate; one pause for all.
        pause_steps: the same, split.
        later: where it was deferred.
    """

    outcome: Outcome
    members: Mapping[str, SwapReport]
    why: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[StepTime, ...] = ()
    pause_us: float = 0.0
    pause_steps: tuple[StepTime, ...] = ()
    later: Future[SetReport] | None = field(default=None, repr=False, compare=False)

    @property
    def plan(self) -> tuple[Plan, ...]:
        """Return the members' plans, providers first; one that was loaded for the first time has none."""
        return tuple(one.plan for one in self.members.values() if one.plan is not None)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Return every reason why it was refused or failed, each with the plugin."""
        return tuple(f"{name}: {reason}" for name, one in self.members.items() for reason in one.refusals)

    @property
    def running(self) -> str:
        """Return the sentence that says what runs now, of all members."""
        return "; ".join(f"{name}: {one.running}" for name, one in self.members.items())

    def of(self, plugin: str) -> SwapReport:
        """Return the report of one member; where there are several, it leads to this one."""
        own = self.members[plugin]
        return replace(own, set=self) if len(self.members) > 1 else own

    def result(self, deadline_s: float | None = None) -> SetReport:
        """Return the final report: at once, or for a deferred swap when it has ended.

        Raises:
            TimeoutError: the deadline passed first. HotgraftError: the deferred swap failed.
        """
        return self if self.later is None else self.later.result(deadline_s)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "outcome": str(self.outcome),
            "members": {name: one.as_dict() for name, one in self.members.items()},
            "why": dict(self.why),
            "steps_us": [[time.step, time.us] for time in self.steps],
            "pause_us": self.pause_us,
            "pause_steps_us": [[time.step, time.us] for time in self.pause_steps],
        }

    def __str__(self) -> str:
        lines = [f"{' + '.join(self.members)}: {self.outcome}"]
        for name, one in self.members.items():
            own = [line for line in str(one).splitlines() if not line.startswith("  callers waited")]
            lines += [f"  {line}" for line in own]
            if self.why.get(name):
                lines.insert(len(lines) - len(own) + 1, f"    in the set: {self.why[name]}")
        if self.pause_us:
            lines.append(f"  callers waited at most {self.pause_us:,.0f} µs, for all of it")
        return "\n".join(lines)


AnyReport = SwapReport | SetReport


def set_of(report: AnyReport) -> SetReport:
    """Return the report of all: of a plugin that came alone, that of a set of one."""
    if isinstance(report, SetReport):
        return report
    if report.set is not None:
        return report.set
    return SetReport(
        outcome=report.outcome,
        members={report.plugin: report},
        steps=report.steps,
        pause_us=report.pause_us,
        pause_steps=report.pause_steps,
    )
