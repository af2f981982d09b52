"""One attempt to change what serves: the steps of a plan in order, what undoes them, and the report.

Everything before the window can fail without touching what runs; the window undoes itself. Whatever ends an
attempt leaves here as an error that carries the report and says what runs now.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.call_types import call_description
from hotgraft.core.errors import ContractError, HealthError, HotgraftError, Quarantined, StateError
from hotgraft.core.lifecycle import Event, Stage
from hotgraft.core.options import OFF
from hotgraft.core.plan import DOWNGRADE, make_plan
from hotgraft.engine.config import filled_configs
from hotgraft.engine.load import InstanceWish, prepare, serve_first
from hotgraft.engine.snapshot_resume import Resume
from hotgraft.engine.stage import stage_candidate
from hotgraft.engine.swap import Part, carry_out
from hotgraft.engine.transfer import SeenBlocks, check_facts, member_of
from hotgraft.host.binding import bind_requires
from hotgraft.host.change import once_more
from hotgraft.host.commit import commit
from hotgraft.host.converters import Converters
from hotgraft.host.draining import check_rules, rules_of
from hotgraft.host.grants import check_granted
from hotgraft.host.lending import lent_tables
from hotgraft.host.moving import moved_pins
from hotgraft.host.moving_sessions import moved_sessions
from hotgraft.host.outputs import base_of_handles
from hotgraft.host.plugin import make_call_type
from hotgraft.host.probe import is_probing, probe
from hotgraft.host.quarantine import note_quarantine, quarantined
from hotgraft.host.report import Outcome, SwapReport, ended, running_words
from hotgraft.host.rollback import Rollback
from hotgraft.host.unit import unit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotgraft.core.options import Options
    from hotgraft.core.plan import Plan
    from hotgraft.core.probing import ProbeReport
    from hotgraft.engine.load import Prepared
    from hotgraft.engine.stage import Candidate, StagingPlace
    from hotgraft.engine.swap import Window
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.before_swap import BeforeSwap
    from hotgraft.host.grants import Grants
    from hotgraft.host.journal import AttemptRecord
    from hotgraft.host.loaded import Bound, Held, Loaded, Superseded
    from hotgraft.host.plugin import Plugin
    from hotgraft.host.quarantine import Quarantine
    from hotgraft.host.snapshots import Snapshots

__all__ = ["Around", "Attempt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What an attempt needs of its host."""

    options: Options
    place: StagingPlace
    others: Callable[[], tuple[Loaded, ...]]
    after_publish: Callable[[Loaded], None]
    quarantine: Quarantine
    grants: Grants
    check_health: Callable[[Loaded], tuple[str, ...]]  # quickly; every reason why what serves is not fit
    begin_probation: Callable[[Loaded], None]
    snapshots: Snapshots
    converters: Converters = field(default_factory=Converters)

    def without_settling(self) -> Around:
        """Return the same for an image whose writer is known to have finished."""
        return replace(self, place=replace(self.place, still_s=0.0))


@dataclass(slots=True)
class Attempt:
    """One load or swap of one plugin. Used once, by whoever has the plugin's turn."""

    loaded: Loaded
    source: str
    configs: Mapping[str, str]  # by instance: every instance that shall be there afterwards
    around: Around
    watch: Stopwatch
    record: AttemptRecord
    keeps_source: bool = False  # `source` is not where it comes from: a new config, or an image out of the journal
    allow_downgrade: bool = False
    goes_back: bool = False
    sha256: str = ""  # that the image must have; empty: any
    swap_deadline_s: float = 0.0  # of the swap; a load has none
    number: int = 0
    outcome: Outcome = Outcome.REFUSED
    plan: Plan | None = None
    candidate: Candidate | None = None
    filled: Mapping[str, str] = field(default_factory=dict)  # the configs with the candidate's defaults
    probed: ProbeReport | None = None
    seen: Mapping[str, SeenBlocks] = field(default_factory=dict)  # of state that is to be converted
    window: Window | None = None
    imports: Mapping[str, Bound] = field(default_factory=dict)
    call_type: type[Plugin] | None = None
    lost_calls: int | None = None  # by a rollback of it that took no state along
    why_lossy: tuple[str, ...] = ()
    resume: Resume = field(default_factory=Resume)  # what a load begins with
    before: BeforeSwap | None = None

    def load(self) -> SwapReport:
        """Bring up the first generation; on failure nothing of it stays."""
        with self._reporting("load generation"):
            prepared = self._prepare()
            with self._dropping(prepared.candidate):
                deadline_s, generation = self.around.options.control_deadline_s, prepared.candidate.generation
                indexes = {wish.name: index for index, wish in enumerate(prepared.wishes)}
                self.resume.give(generation, indexes, deadline_s=deadline_s, watch=self.watch)
                serve_first(prepared, deadline_s=deadline_s, watch=self.watch)
            once_more(lambda: self._adopt(prepared))
        return once_more(self.report)

    def swap(self, deadline_s: float) -> SwapReport:
        """Replace what serves; until publish any failure leaves it untouched."""
        self.swap_deadline_s = deadline_s
        with self._reporting("swap to generation"):
            prepared = self._prepare()
            assert self.plan is not None  # something serves, so there was something to plan against
            with ExitStack() as carried:  # to the end of what is noted: nobody may open a session in between
                with self._dropping(prepared.candidate):
                    check_facts(self.plan, self.loaded.serving.generation, prepared.candidate.generation)
                    self.outcome = Outcome.CALLED_OFF
                    assert self.plan.crossing is not None  # a plan without a way across was refused
                    unit = unit_of([self.loaded])
                    held = self.loaded.to_hold(self.plan.crossing, self.record, self.before, unit=unit)
                    superseded = self.loaded.superseded()
                    self._carry_out(prepared, deadline_s, carried)
                    if self.window is not None and self.window.failure is not None:
                        raise self.window.failure
                once_more(lambda: self._adopt(prepared, held, superseded))
            with suppress(MemoryError):  # it serves; what is not looked at now is held until the next swap
                self._prove(superseded)
        return once_more(self.report)

    def _carry_out(self, prepared: Prepared, deadline_s: float, carried: ExitStack) -> None:
        """Run the window; what is to outlast it is entered into `carried`."""
        loaded, plan, candidate = self.loaded, self.plan, prepared.candidate
        assert plan is not None  # as above
        old, leaves = loaded.serving.generation, rules_of(loaded).leaves
        old_indexes = {one.name: one.index for one in loaded.instances.values()}
        member = member_of(plan, old, prepared, old_indexes, leaves=leaves, seen=self.seen)
        indexes = {wish.name: index for index, wish in enumerate(prepared.wishes)}
        names = list(indexes)
        tables = dict(zip(indexes, prepared.pin_tables, strict=True))
        tried, control_s = f"swap to generation {self.number}", self.around.options.control_deadline_s
        carried.enter_context(moved_sessions(loaded, plan, member, candidate, indexes, names, deadline_s=control_s))
        try:
            with moved_pins(loaded, plan, member, candidate, tables, call_type=self.call_type, deadline_s=deadline_s):
                converting = loaded.converters.give(member, plan, old, candidate.generation)
                part = Part(plugin=loaded.name, member=member, names=names, converting=converting)
                self.window = carry_out([part], tried=tried, deadline_s=deadline_s)
            self.watch.steps.extend(self.window.steps)
        except MemoryError:
            # Past the point of no return only the report found no memory: what serves is not to be dropped.
            if candidate.generation.stage != Stage.ACTIVE:
                raise

    def report(self, error: HotgraftError | None = None) -> SwapReport:
        """Return what this attempt did so far."""
        window, serving = self.window, self.loaded.current
        return SwapReport(
            plugin=self.loaded.name,
            outcome=ended(self.outcome, serving),
            out_of_service=serving.generation.out_of_service if serving is not None else "",
            generation=serving.generation.number if serving is not None else 0,
            version=serving.side.version if serving is not None else "",
            candidate=self.number,
            image=self.source,
            sha256=self.candidate.generation.sha256 if self.candidate is not None else "",
            plan=self.plan,
            steps=tuple(self.watch.steps),
            pause_us=window.pause_us if window is not None else 0.0,
            pause_steps=window.pause_steps if window is not None else (),
            refusals=error.found if error is not None else (),
            after_undo=window.after_undo if window is not None else (),
            is_on_probation=self.record.is_on_probation,
            is_lossy=self.lost_calls is not None,
            lost_calls=self.lost_calls or 0,
            why_lossy=self.why_lossy,
            left_inside=window.left_inside if window is not None else "",
            probe=self.probed,
        )

    def _prepare(self) -> Prepared:
        """Everything before the window: stage, plan, bind, make the call type, probe, map, create, make tables."""
        loaded, options = self.loaded, self.around.options
        loaded.last_number += 1
        self.number = loaded.last_number
        place, sha256 = self.around.place, self.sha256
        candidate = stage_candidate(self.source, loaded.name, self.number, place=place, watch=self.watch, sha256=sha256)
        self.candidate = candidate
        with self._rejecting(candidate), self.watch("compare contract"):
            self._check_quarantine(candidate)
            self._check_plan(candidate)
            self.resume.choose(candidate.side)
            check_granted(self.around.grants, loaded.name, self.number, candidate.side.permissions)
            self.filled = filled_configs(loaded.name, candidate.descriptor.config_schema, self.configs)
            check_rules(loaded, candidate.descriptor)
            others = self.around.others()
            self.imports = bind_requires(loaded.name, candidate.descriptor, others)
            self.call_type = make_call_type(
                call_description(candidate.descriptor, loaded.name, catches_crashes=options.catch_crashes),
                previous=loaded.call_type,
                base=base_of_handles(options),
            )
        with self._rejecting(candidate):
            candidate.generation.advance(Event.ACCEPT)
            if is_probing(options):
                self._probe(candidate)
            if self.plan is not None:
                self.before = self.around.snapshots.before_swap(
                    loaded, self.plan.crossing, self.swap_deadline_s, self.watch
                )
            self.record.intend(candidate.generation, candidate.side.version)
        self.outcome = Outcome.FAILED
        with self._dropping(candidate):
            prepared = prepare(
                candidate,
                self._wishes(candidate),
                {name: bound.slot for name, bound in self.imports.items()},
                deadline_s=options.control_deadline_s,
                watch=self.watch,
            )
            return self._with_lent(prepared)

    def _with_lent(self, prepared: Prepared) -> Prepared:
        """Add tables for the slots of other plugins in which this one answers."""
        indexes = {wish.name: index for index, wish in enumerate(prepared.wishes)}
        lent = lent_tables(
            prepared.attempt,
            self.loaded,
            indexes,
            prepared.candidate.side,
            deadline_s=self.around.options.control_deadline_s,
        )
        return replace(prepared, tables=(*prepared.tables, *lent)) if lent else prepared

    def _probe(self, candidate: Candidate) -> None:
        """Try it in a process of its own; what crashes, hangs or fails there never comes into this one."""
        with self.watch("copy state"):
            copied = self.resume.to_probe(self.around.options.probe_state_bytes, candidate.generation)
            if self.plan is not None:
                copied = self.around.snapshots.copy_for_probe(self.loaded, self.plan, self.swap_deadline_s)
            self.seen = copied.seen
        with self.watch("probe"):
            self.probed, error = probe(
                candidate,
                source=self.source,
                configs=self.filled,
                imports=self.imports,
                copied=copied,
                others=self.around.others,
                options=self.around.options,
            )
            if error is not None:
                raise self.resume.blamed(error)
        candidate.generation.advance(Event.PROBE)

    def _check_quarantine(self, candidate: Candidate) -> None:
        refusals = self.around.quarantine.refusals(self.loaded.name, candidate.generation.sha256, self.configs)
        if refusals:
            raise Quarantined(f"swap to generation {self.number}", on=self.loaded.name, found=refusals)

    def _check_plan(self, candidate: Candidate) -> None:
        loaded, options = self.loaded, self.around.options
        if loaded.current is None:
            return
        if candidate.descriptor.name != loaded.serving.descriptor.name:
            raise ContractError(
                f"swap to generation {self.number}",
                on=loaded.name,
                found=f"the image is plugin {candidate.descriptor.name!r}",
            )
        consumers = tuple(need for other in self.around.others() for need in other.wants(loaded.name))
        running = loaded.running(consumers, self.around.grants.of(loaded.name))
        self.plan = make_plan(
            loaded.name,
            running,
            candidate.side,
            is_probed=is_probing(options),
            is_on_probation=options.probation != OFF,
            allow_downgrade=self.allow_downgrade,
            goes_back=self.goes_back,
            allows_unknown=options.unknown_contract == "allow",
        )
        plan = self.plan
        refusals = plan.version_refusals + plan.contract_refusals + plan.state_refusals
        if refusals:  # with those alone that wait for it, a grant is enough
            kind = StateError if refusals == plan.state_refusals else ContractError
            advice = DOWNGRADE if plan.refusals == plan.version_refusals else ""
            raise kind(f"swap to generation {self.number}", on=loaded.name, found=plan.refusals, advice=advice)

    def _wishes(self, candidate: Candidate) -> tuple[InstanceWish, ...]:
        return tuple(
            InstanceWish(
                name,
                config_json,
                self.filled[name],
                {one.key: self.loaded.slot_for(name, one.key) for one in candidate.side.interfaces},
            )
            for name, config_json in self.configs.items()
        )

    def _adopt(self, prepared: Prepared, held: Held | None = None, superseded: Superseded | None = None) -> None:
        """The candidate serves, and what it replaced is held. Twice is once."""
        loaded = self.loaded
        loaded.imports, loaded.call_type = self.imports, self.call_type
        loaded.adopt(prepared, held, superseded)
        if not self.keeps_source:
            loaded.source = self.source
        self.outcome = Outcome.PUBLISHED
        self.around.after_publish(loaded)

    def _prove(self, superseded: Superseded | None) -> None:
        """What was published is looked at, and stays, stays for a while, or is taken back.

        What was on probation until now is on its way out, whatever comes of that.
        """
        if superseded is not None:
            superseded.record.give_up()
            _core.retire(superseded.generation)
        with self.watch("quick health"):
            findings = self.around.check_health(self.loaded)
        if findings:
            self._take_back(findings)
        if self.around.options.probation != OFF:
            self.record.is_on_probation = True
            self.around.begin_probation(self.loaded)
            return
        with self.watch("commit"):
            commit(self.loaded, folder=self.around.place.folder)

    def _take_back(self, findings: tuple[str, ...]) -> None:
        """Let the generation serve again that served before.

        Raises:
            HealthError: it does. RollbackBlocked: it cannot.
        """
        loaded, options, why = self.loaded, self.around.options, "; ".join(findings)
        image = quarantined(loaded, why)
        rollback = Rollback(
            loaded=loaded,
            why=why,
            deadline_s=self.swap_deadline_s,
            options=options,
            watch=self.watch,
            after_publish=self.around.after_publish,
        )
        self.outcome = Outcome.BLOCKED
        report = rollback.carry_out()
        self.outcome = Outcome.ROLLED_BACK
        self.lost_calls = report.lost_calls if report.is_lossy else None
        self.why_lossy = report.why_lossy
        self.around.quarantine.add(loaded.name, image)
        note_quarantine(self.record.recorder, loaded.name, image, self.record.asked)
        raise HealthError(f"keep generation {self.number}", on=loaded.name, found=findings)

    @contextmanager
    def _rejecting(self, candidate: Candidate) -> Iterator[None]:
        """Remove the staged copy of a candidate that is refused before any of its code ran."""
        try:
            yield
        except BaseException:
            candidate.generation.reject()
            raise

    @contextmanager
    def _dropping(self, candidate: Candidate) -> Iterator[None]:
        """Send a candidate whose code ran on its way out of memory."""
        try:
            yield
        except BaseException:
            if not candidate.generation.is_abandoned:
                candidate.generation.drop()
            raise

    @contextmanager
    def _reporting(self, tried: str) -> Iterator[None]:
        """Let an error say what runs now, and carry the report."""
        try:
            yield
        except HotgraftError as error:
            error.on = error.on or self.loaded.name
            report = self.report(error)
            still = "serves again" if self.outcome is Outcome.ROLLED_BACK else "still serves"
            error.running = running_words(report, still)
            error.add_note(f"while trying to {tried} {self.number} of {self.loaded.name}: {report.outcome}")
            error.report = report  # type: ignore[attr-defined] # of a swap's errors only, and above the core's layer
            raise
