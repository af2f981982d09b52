"""One attempt to replace plugins as one: the members' steps in order, what undoes them, and the report.

A swap of one plugin is a set of one. Everything before the window can fail without touching what runs; the window
undoes itself. Whatever ends an attempt leaves here as an error that carries the report and says what runs now.

Invariants
  (1) `members` stand in the order in which they come up: each after those that it is bound to, but for cycles.
  (2) None of a candidate's code runs in this process before the intents of all are on record.
  (3) Until the window publishes, every failure lets go of every candidate and leaves what runs as it was.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import ContractError, HotgraftError, LoadError
from hotgraft.core.lifecycle import Stage
from hotgraft.engine.swap import carry_out
from hotgraft.engine.transfer import check_facts
from hotgraft.host.bound_graph import is_in_cycle
from hotgraft.host.bound_turns import check_bound
from hotgraft.host.change import once_more
from hotgraft.host.draining import swap_deadline_s
from hotgraft.host.early_calls import not_yet
from hotgraft.host.judging import BACK_AS_ONE
from hotgraft.host.leases import has_leased
from hotgraft.host.proof import prove
from hotgraft.host.provider import provider_of
from hotgraft.host.report import Outcome, running_words
from hotgraft.host.report_set import SetReport
from hotgraft.host.turns import Wider
from hotgraft.host.unit import join, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotgraft.core.set_plan import SetPlan
    from hotgraft.engine.swap import Part, Window
    from hotgraft.engine.timing import StepTime
    from hotgraft.host.around import Around
    from hotgraft.host.attempt import Attempt
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.planning import Planner
    from hotgraft.host.provider import Provider

__all__ = ["AttemptSet"]

Answer = TypeVar("Answer")


@dataclass(slots=True, kw_only=True)
class AttemptSet:
    """One swap of one plugin or many. Used once, by whoever has the turns of `turns`.

    Args:
        members: what was asked for.
        turns: whose turns the caller has.
        around: the host.
        planner: decides who must be replaced together.
        join: makes the attempt of one more: its name, and its image; None: it is bound anew in its own.
        is_longest: the deadline is the longest of all members'; else it was asked for, and is the first one's.
        allow_downgrade: of whoever asked.
        asked_for: the plugin whose report an error is to carry; empty: that of all.
    """

    members: list[Attempt]
    turns: frozenset[str]
    around: Around
    planner: Planner
    join: Callable[[str, str | None], Attempt]
    is_longest: bool = False
    allow_downgrade: bool = False
    asked_for: str = ""
    window: Window | None = None
    why: Mapping[str, str] = field(default_factory=dict)
    failed: Attempt | None = None
    told: SetReport | None = None  # what the error carries

    def swap(self) -> SetReport:
        """Replace what serves; until publish any failure leaves all of it untouched."""
        with self._reporting(), ExitStack() as carried:  # to the end of what is noted
            with self._dropping():
                self._agree()
                for one in self.members:
                    check_bound(one.imports, one.loaded.imports, self.turns)
                self._prepare()
                self._run_window(carried)
            once_more(self._adopt)
            carried.close()
            with suppress(MemoryError):  # it serves; what is not looked at now is held until the next swap
                self._prove()
        return once_more(self.report)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the members' names, providers first."""
        return tuple(one.name for one in self.members)

    @property
    def swaps(self) -> list[Attempt]:
        """Return the members of which something serves."""
        return [one for one in self.members if not one.is_load]

    @property
    def deadline_s(self) -> float:
        """Return how long the window may take."""
        return self.members[0].swap_deadline_s

    def report(self, error: HotgraftError | None = None) -> SetReport:
        """Return what this attempt did so far."""
        members = {one.name: one.report(error if one is self.failed else None) for one in self.members}
        outcomes = [one.outcome for one in members.values()]
        failed = members[self.failed.name].outcome if self.failed is not None else outcomes[0]
        is_out = Outcome.OUT_OF_SERVICE in outcomes
        window = self.window
        return SetReport(
            outcome=Outcome.OUT_OF_SERVICE if is_out else failed,
            members=members,
            why=self.why,
            steps=self._steps() if len(members) > 1 else tuple(self.members[0].watch.steps),
            pause_us=window.pause_us if window is not None else 0.0,
            pause_steps=window.pause_steps if window is not None else (),
        )

    # --- who is in it ---

    def _agree(self) -> None:
        """Stage what was asked for, and find out whether it can be had alone, or who must come along."""
        self._note_together()
        for one in self.members:
            self._do(one, one.stage)
        first = self.members[0]
        is_one = len(self.members) == 1 and (first.goes_back or not self._has_company(first.loaded))
        refused = self._why_not_alone(first) if is_one else None
        if is_one and refused is None:
            return
        try:
            planned = self._plan()
            if refused is not None and (planned.is_refused or len(planned) == 1):
                raise self._with_reasons(refused, planned)
        finally:
            refused = None  # its traceback holds this frame: no circle
        self._enlarge(planned)

    def _has_company(self, loaded: Loaded) -> bool:
        """Tell whether others come along whatever its candidate is like."""
        return has_leased(loaded) or is_in_cycle(loaded, self.around.others)

    def _why_not_alone(self, first: Attempt) -> HotgraftError | None:
        """Judge a candidate by what runs; return what others could help against."""
        try:
            self._do(first, partial(first.check, first.others))
        except (ContractError, LoadError) as error:
            if first.is_load or first.goes_back:
                if not first.is_load:
                    error.advice = BACK_AS_ONE
                raise
            return error
        return None

    @staticmethod
    def _with_reasons(refused: HotgraftError, planned: SetPlan) -> HotgraftError:
        """Say why those who would have to come along do not help."""
        if len(planned) > 1:  # what stands against itself it says already
            others = [one for one in planned if one.plugin != refused.on]
            own = (f"{one.plugin}: {reason}" for one in others for reason in one.refusals)
            refused.found += (*own, *map(str, planned.set_refusals))
            names = ", ".join(one.plugin for one in others)
            refused.advice = (
                f"have builds ready of {names} that fit, where they were loaded from, or keep what they rely on"
            )
        return refused

    def _plan(self) -> SetPlan:
        """Decide by the staged copies, and by files where nothing is staged."""
        changes = {
            one.name: self.planner.incoming(
                one.name,
                one.staged.descriptor,
                one.staged.side,
                loaded=None if one.is_load else one.loaded,
                image=one.source,
                sha256=one.staged.generation.sha256,
                configs=one.configs,
                priority=one.loaded.priority,
            )
            for one in self.members
            if not one.is_anew
        }
        return self.planner.plan(self.around.others(), changes, allow_downgrade=self.allow_downgrade)

    def _enlarge(self, planned: SetPlan) -> None:
        """Let those join who must, and judge all as they will be together."""
        self.failed = None
        why = {one.plugin: one.member.sentence for one in planned}
        while True:
            self._check_turns(planned)
            missing = [one for one in planned if one.plugin not in self.names]
            for one in missing:
                joined = self.join(one.plugin, one.image if one.member.is_candidate else None)
                self.members.append(joined)
                self._do(joined, joined.stage)
            if not missing:
                break
            planned = self._plan()
            why = {one.plugin: one.member.sentence for one in planned} | why
        there = {one.name: one for one in self.members}
        for name in there.keys() - set(planned.names):  # files changed meanwhile, and it is not needed any more
            there[name].drop()
        self.members = [there[name] for name in planned.names]
        self._note_together()
        self.why = {name: why[name] for name in planned.names}
        if self.is_longest:
            limits = [swap_deadline_s(one.loaded, self.around.options, None) for one in self.swaps]
            for member in self.members:
                member.swap_deadline_s = max(limits, default=member.swap_deadline_s)
        self._check(planned)

    def _note_together(self) -> None:
        for one in self.members:
            one.record.together = self.names if len(self.members) > 1 else ()

    def _check_turns(self, planned: SetPlan) -> None:
        """Raise Wider where it is about plugins whose turn this is not."""
        listed = {one.name: one for one in self.around.others()}
        needed = {name for one in planned.names if one in listed for name in listed[one].turn_names}
        if missing := needed.union(planned.names) - self.turns:
            raise Wider(missing)

    def _check(self, planned: SetPlan) -> None:
        plans = {one.plugin: one for one in planned}
        for one in self.members:
            self._do(one, partial(one.check, self._providers, plans[one.name]))
        if planned.set_refusals:
            about = planned.set_refusals[0].plugin
            self.failed = next((one for one in self.members if one.name == about), self.members[0])
            tried = f"swap to generation {self.failed.number}"
            raise ContractError(tried, on=about, found=map(str, planned.set_refusals))

    def _providers(self) -> Iterator[Provider]:
        """Whom each finds: what runs, with the members' candidates in the place of what they replace."""
        names = dict.fromkeys(self.names)
        yield from (one.as_provider() for one in self.members)
        yield from (provider_of(one, *names) for one in self.around.others() if one.name not in names)

    # --- before the window ---

    def _prepare(self) -> None:
        """Everything before the window, the members in their order at each step."""
        providers = self._providers if len(self.members) > 1 else self.members[0].others
        for one in self.members:
            self._do(one, partial(one.try_out, providers))
        for one in self.members:
            self._do(one, one.intend)
        replaced = {one.name: one.loaded.serving.side for one in self.swaps}
        for one in self.members:
            self._do(one, partial(one.make, not_yet(one.imports, replaced)))
        for one in self.members:
            if one.is_load:
                self._do(one, one.serve_first)
        for one in self.swaps:
            self._do(one, partial(self._check_facts, one))
        unit = unit_of([one.loaded for one in self.swaps])
        for one in self.swaps:
            one.hold(unit)

    @staticmethod
    def _check_facts(one: Attempt) -> None:
        assert one.plan is not None  # something serves, so there was something to plan against
        check_facts(one.plan, one.loaded.serving.generation, one.staged.generation)

    # --- the window, and after it ---

    def _run_window(self, carried: ExitStack) -> None:
        """Run the window of all; what is to outlast it is entered into `carried`."""
        swaps = self.swaps[::-1]  # consumers first
        if not swaps:
            return
        try:
            with ExitStack() as moved:
                parts = self._enter(swaps, carried, moved)
                for one in self.members:
                    one.bind(parts[0].member)
                window = self.window = carry_out(parts, tried=self._tried(swaps), deadline_s=self.deadline_s)
            for index, one in enumerate(swaps):
                one.window = window.of(index) if len(swaps) > 1 else window
                one.watch.steps.extend(one.window.steps)
        except MemoryError:
            # Past the point of no return only the report found no memory: what serves is not to be dropped.
            if swaps[0].staged.generation.stage != Stage.ACTIVE:
                raise
        if self.window is not None and self.window.failure is not None:
            self.failed = swaps[self.window.failed] if self.window.failed is not None else swaps[-1]
            raise self.window.failure

    def _enter(self, swaps: list[Attempt], carried: ExitStack, moved: ExitStack) -> list[Part]:
        """Return the part of each; where one fails, nobody runs the converters of the others."""
        parts: list[Part] = []
        try:
            for one in swaps:
                parts.append(self._do(one, partial(one.enter, carried, moved)))
        except BaseException:
            for part in parts:
                if part.converting is not None:
                    part.converting.end()
            raise
        return parts

    @staticmethod
    def _tried(swaps: list[Attempt]) -> str:
        if len(swaps) == 1:
            return f"swap to generation {swaps[0].number}"
        return "swap to " + ", ".join(f"generation {one.number} of {one.name}" for one in swaps[::-1])

    def _adopt(self) -> None:
        """All candidates serve. Twice is once."""
        for one in self.members:
            one.adopt()
        for one in self.swaps:
            assert one.held is not None  # noted before the window
            join(one.held.unit)  # others went on probation with one of these before

    def _prove(self) -> None:
        """What was published is looked at, and stays, stays for a while, or is taken back."""
        try:
            prove(self.swaps, self.around, [one for one in self.members if one.is_load])
        except HotgraftError as error:
            self.failed = next((one for one in self.members if one.name == error.on), self.members[0])
            raise

    # --- how it ends ---

    def _do(self, one: Attempt, step: Callable[[], Answer]) -> Answer:
        """Do a step of one member, and note whose it was if it fails."""
        try:
            return step()
        except HotgraftError as error:
            error.on = error.on or one.name
            self.failed = one
            raise

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        """Let go of all candidates where anything fails, consumers first."""
        try:
            yield
        except Wider:  # it is begun again, and nobody knows of these candidates: their numbers are free
            for one in reversed(self.members):
                one.drop()
                one.loaded.last_number -= one.candidate is not None
            raise
        except BaseException:
            for one in reversed(self.members):
                one.drop()
            raise

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Let an error say what runs now of all members, and carry the report."""
        try:
            yield
        except HotgraftError as error:
            failed = self.failed = self.failed or self.members[0]
            error.on = error.on or failed.name
            if self.window is None or self.window.failed is not None:  # else it was the window of all
                for one in self.members:
                    one.record.at_fault = failed.name
            report = self.told = self.report(error)
            said = [(one.name, _running(one, report)) for one in self.members]
            error.running = said[0][1] if len(said) == 1 else "; ".join(f"{name}: {words}" for name, words in said)
            outcome = report.members[failed.name].outcome
            error.add_note(f"while trying to swap to generation {failed.number} of {failed.name}: {outcome}")
            told = report.of(self.asked_for) if self.asked_for else report
            error.report = told  # type: ignore[attr-defined] # of a swap's errors only, and above the core's layer
            raise

    def _steps(self) -> tuple[StepTime, ...]:
        """Return the steps of all, each with its plugin, in the order they ran; those of the window once."""
        in_window = set(map(id, self.window.steps)) if self.window is not None else set()
        shared = [id(time) for one in self.members if one.window is not None for time in one.window.steps]
        own = [
            replace(time, step=f"{one.name}: {time.step}")
            for one in self.members
            for time in one.watch.steps
            if id(time) not in in_window and id(time) not in shared
        ]
        return tuple(sorted([*own, *(self.window.steps if self.window is not None else ())], key=_began))


def _began(time: StepTime) -> int:
    return time.began_ns


def _running(one: Attempt, report: SetReport) -> str:
    own = report.members[one.name]
    return running_words(own, "serves again" if own.outcome is Outcome.ROLLED_BACK else "still serves")
