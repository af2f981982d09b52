"""What one swap did: the report that `Host.reload` returns, or that its error carries as `report`."""

from __future__ import annotations

import textwrap
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from hotgraft import _core
from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from hotgraft.core.plan import Plan
    from hotgraft.core.probing import ProbeReport
    from hotgraft.engine.stage import Candidate
    from hotgraft.engine.timing import StepTime
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.report_set import SetReport

__all__ = ["Outcome", "SwapReport", "ended", "report_of", "running_words"]

WIDTH: Final = 100  # of a line of steps
HARD_SPACE: Final = "\N{NO-BREAK SPACE}"


class Outcome(StrEnum):
    """How an attempt ended; none is "unknown"."""

    PUBLISHED = "published"  # the candidate serves
    REFUSED = "refused"  # before any of the candidate's code ran in this process
    FAILED = "failed"  # the candidate's code ran and failed before the gates closed; nothing changed
    CALLED_OFF = "called off"  # inside the window; everything was undone
    ROLLED_BACK = "rolled back"  # the generation that served before serves again
    OUT_OF_SERVICE = "out of service"  # called off, and what served did not get its state back: nothing of it serves
    BLOCKED = "rollback blocked"  # it cannot; what was to be rolled back serves on
    DEFERRED = "deferred"  # asked for from inside a plugin call: goes on when that call is over


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapReport:
    """One attempt: what was planned, how long each step took, what callers saw, and what runs now.

    `pause_us` is the time from closing the first gate to opening the last, 0 without a gate; `pause_steps`
    splits it.
    """

    plugin: str
    outcome: Outcome
    generation: int  # what runs now
    version: str  # of what runs now
    candidate: int  # the number this attempt gave its candidate; used once, whatever became of it
    image: str
    sha256: str = ""
    plan: Plan | None = None
    steps: tuple[StepTime, ...] = ()
    pause_us: float = 0.0
    pause_steps: tuple[StepTime, ...] = ()
    refusals: tuple[str, ...] = ()
    after_undo: tuple[str, ...] = ()
    out_of_service: str = ""  # why what runs now may not be called; empty: it serves
    is_on_probation: bool = False  # what it replaced is held until the window is over
    lost_calls: int = 0  # made since what is back was replaced, whose state a rollback could not take along
    is_lossy: bool = False  # a rollback without the state gained since
    why_lossy: tuple[str, ...] = ()  # why that could not come along
    left_inside: str = ""  # who was inside at the drain's deadline and was left in the old generation; empty: nobody
    probe: ProbeReport | None = None  # None: it did not come so far, or the host probes nothing
    tainted: str = field(default_factory=_core.taint)  # why results no longer count; empty: no crash was caught
    journal: str = ""  # why the journal does not have all of this attempt yet; empty: it has, or there is none
    set: SetReport | None = field(default=None, repr=False, compare=False)  # of all, if it did not come alone
    later: Future[SwapReport] | None = field(default=None, repr=False, compare=False)

    @property
    def running(self) -> str:
        """Return the sentence that says what runs now."""
        if self.out_of_service:
            return f"nothing of it serves: generation {self.generation} is out of service, {self.out_of_service}"
        return f"generation {self.generation} (version {self.version}) serves"

    def result(self, deadline_s: float | None = None) -> SwapReport:
        """Return the final report: at once, or for a deferred swap when it has ended.

        Raises:
            TimeoutError: the deadline passed first. HotgraftError: the deferred swap failed.
        """
        return self if self.later is None else self.later.result(deadline_s)

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return the fields of the state that did not come along, on a way back to a version without them."""
        has_gone = self.outcome in (Outcome.PUBLISHED, Outcome.ROLLED_BACK) and not self.is_lossy
        return self.plan.left_behind if has_gone and self.plan is not None else ()

    @property
    def given_up(self) -> tuple[str, ...]:
        """Return the fields that begin with their default on a way back: what served until now had dropped them."""
        plan = self.plan
        if plan is None or plan.conversion is None or self.is_lossy:
            return ()
        goes_back = self.outcome is Outcome.ROLLED_BACK or (self.outcome is Outcome.PUBLISHED and plan.is_downgrade)
        return plan.conversion.plan.fresh if goes_back else ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "plugin": self.plugin,
            "outcome": str(self.outcome),
            "generation": self.generation,
            "version": self.version,
            "candidate": self.candidate,
            "image": self.image,
            "sha256": self.sha256,
            "steps_us": [[time.step, time.us] for time in self.steps],
            "pause_us": self.pause_us,
            "pause_steps_us": [[time.step, time.us] for time in self.pause_steps],
            "refusals": list(self.refusals),
            "after_undo": list(self.after_undo),
            "out_of_service": self.out_of_service,
            "is_on_probation": self.is_on_probation,
            "is_lossy": self.is_lossy,
            "why_lossy": list(self.why_lossy),
            "left_behind": list(self.left_behind),
            "given_up": list(self.given_up),
            "lost_calls": self.lost_calls,
            "left_inside": self.left_inside,
            "probe": self.probe.as_dict() if self.probe is not None else None,
            "tainted": self.tainted,
            "journal": self.journal,
            **({"set": list(self.set.members)} if self.set is not None else {}),
        }

    def __str__(self) -> str:
        lines = [f"{self.plugin}: {self.outcome}; {self.running}"]
        lines += (
            [f"  as one with {', '.join(one for one in self.set.members if one != self.plugin)}"] if self.set else []
        )
        lines += [f"  because {reason}" for reason in self.refusals]
        lines += [f"  not put back: {one}" for one in self.after_undo]
        if self.is_lossy:
            gained = f"{self.lost_calls:,} call{'s' * (self.lost_calls != 1)}"
            lines.append(f"  lossy: the state gained in {gained} since publish is lost")
            lines += [f"  it could not come along: {reason}" for reason in self.why_lossy]
        if self.left_behind:
            lines.append(f"  left behind, there is no place for it: {', '.join(self.left_behind)}")
        if self.given_up:
            lines.append(f"  begins with its default, its value was given up: {', '.join(self.given_up)}")
        if self.is_on_probation:
            lines.append("  on probation: what it replaced is held until its window is over")
        lines += [f"  left in the old generation: {self.left_inside}"] if self.left_inside else []
        if self.probe is not None:
            lines += [f"  not probed: {self.probe.not_probed}"] if self.probe.not_probed else []
            lines += [f"  seen in the probe: {one}" for one in self.probe.warnings]
        if self.journal:
            lines.append(f"  not on record yet: {self.journal}")
        if self.tainted:
            lines.append(f"  this process is tainted: {self.tainted}; start it anew before its results count")
        if self.steps:
            lines += _in_lines(self.steps)
        if self.pause_us:
            lines.append(f"  callers waited at most {self.pause_us:,.0f} µs")
        return "\n".join(lines)


def _in_lines(times: Sequence[StepTime]) -> list[str]:
    """Return the steps with their times in lines that a terminal shows as they are; the further ones stand deeper."""
    told = (f"{time.step} {time.us:,.0f} µs".replace(" ", HARD_SPACE) for time in times)
    lines = textwrap.wrap(", ".join(told), WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    return [line.replace(HARD_SPACE, " ") for line in lines]


def ended(outcome: Outcome, serving: Candidate | None) -> Outcome:
    """Return how an attempt ended that left `serving` as it is now."""
    is_out = serving is not None and serving.generation.out_of_service
    return Outcome.OUT_OF_SERVICE if is_out and outcome is Outcome.CALLED_OFF else outcome


def running_words(report: SwapReport, still: str) -> str:
    """Return what an error says of what runs now: that it `still` does."""
    if not report.generation:
        return "nothing of it is loaded"
    if report.out_of_service:
        return f"generation {report.generation} is out of service: {report.out_of_service}"
    return f"generation {report.generation} {still}"


def report_of(loaded: Loaded, *, image: str = "") -> SwapReport:
    """Return a report of what serves, with nothing changed; `image`: what was asked for, if that is another."""
    serving = loaded.serving
    return SwapReport(
        plugin=loaded.name,
        outcome=Outcome.PUBLISHED,
        generation=serving.generation.number,
        version=serving.side.version,
        candidate=0,
        image=image or loaded.source,
        sha256=serving.generation.sha256,
        out_of_service=serving.generation.out_of_service,
        is_on_probation=loaded.held is not None,
    )
