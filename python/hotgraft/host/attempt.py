"""One plugin's part in an attempt to change what serves: what is done with its candidate, step by step.

`attempt_set.py` says in which order the parts of all members are done, and what undoes them. Everything before the
window can fail without touching what runs.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import field, replace
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.call_types import call_description
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError
from hotgraft.core.lifecycle import Event, Stage
from hotgraft.engine.config import filled_configs
from hotgraft.engine.load import InstanceWish, prepare, serve_first
from hotgraft.engine.snapshot_resume import Resume
from hotgraft.engine.stage import stage_candidate
from hotgraft.engine.swap import Part
from hotgraft.engine.transfer import SeenBlocks, member_of
from hotgraft.host.attempt_report import report_of_attempt, reporting
from hotgraft.host.binding import bind_requires
from hotgraft.host.bound_turns import check_bound
from hotgraft.host.change import once_more
from hotgraft.host.closing import refuse
from hotgraft.host.draining import check_rules, rules_of
from hotgraft.host.grants import check_granted
from hotgraft.host.instances import expect_retype
from hotgraft.host.judging import check_is_plugin, check_planned, check_quarantine, plan_alone
from hotgraft.host.known_pause import pause_of
from hotgraft.host.lending import lent_tables
from hotgraft.host.moving import moved_pins
from hotgraft.host.moving_sessions import moved_sessions
from hotgraft.host.outputs import base_of_handles
from hotgraft.host.plugin import make_call_type
from hotgraft.host.probe import is_probing, probe
from hotgraft.host.provider import Provider, provider_of
from hotgraft.host.report import Outcome, SwapReport
from hotgraft.host.slots import dropped_slots, slot_of
from hotgraft.host.unknown import check_own_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from contextlib import ExitStack

    from hotgraft.core.plan import Plan
    from hotgraft.core.probing import ProbeReport
    from hotgraft.core.set_plan import PlannedMember
    from hotgraft.engine.load import Prepared
    from hotgraft.engine.stage import Candidate
    from hotgraft.engine.swap import Window
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.around import Around
    from hotgraft.host.before_swap import BeforeSwap
    from hotgraft.host.journal import AttemptRecord
    from hotgraft.host.loaded import Bound, Held, Loaded, Superseded
    from hotgraft.host.plugin import Plugin
    from hotgraft.host.unit import Unit

__all__ = ["Attempt"]


@dataclass(slots=True)
class Attempt:
    """One load of one plugin, or its part in one swap. Used once, by whoever has the plugin's turn."""

    loaded: Loaded
    source: str
    configs: Mapping[str, str]  # by instance: every instance that shall be there afterwards
    around: Around
    watch: Stopwatch
    record: AttemptRecord
    keeps_source: bool = False  # `source` is not where it comes from: a new config, or an image out of the journal
    allow_downgrade: bool = False
    goes_back: bool = False
    is_anew: bool = False  # in the image that serves, because it is bound to others
    by_own_name: bool = False  # its image must be of this name
    sha256: str = ""  # that the image must have; empty: any
    swap_deadline_s: float = 0.0  # of the swap; a load has none
    number: int = 0
    is_load: bool = False  # nothing of it served when it began
    outcome: Outcome = Outcome.REFUSED
    plan: Plan | None = None
    candidate: Candidate | None = None
    prepared: Prepared | None = None
    filled: Mapping[str, str] = field(default_factory=dict)  # the configs with the candidate's defaults
    probed: ProbeReport | None = None
    seen: Mapping[str, SeenBlocks] = field(default_factory=dict)  # of state that is to be converted
    window: Window | None = None  # its part of it
    imports: Mapping[str, Bound] = field(default_factory=dict)
    call_type: type[Plugin] | None = None
    lost_calls: int | None = None  # by a rollback of it that took no state along
    why_lossy: tuple[str, ...] = ()
    resume: Resume = field(default_factory=Resume)  # what a load begins with
    before: BeforeSwap | None = None
    held: Held | None = None  # what will be once it is published
    superseded: Superseded | None = None
    unbound: Mapping[str, _core.Slot] = field(default_factory=dict)  # imports through which nobody answers yet
    _slots: dict[tuple[str, str], _core.Slot] = field(default_factory=dict)  # by instance and key

    @property
    def name(self) -> str:
        """Return the plugin's name."""
        return self.loaded.name

    @property
    def staged(self) -> Candidate:
        """Return the candidate, which is staged."""
        assert self.candidate is not None  # asked after stage()
        return self.candidate

    def load(self, turns: frozenset[str]) -> SwapReport:
        """Bring up the first generation; on failure nothing of it stays. `turns`: those that are had; `Wider`: more."""
        with reporting(self, "load generation"):
            with self.dropping():
                self.stage()
                self.check(self.others)
                check_bound(self.imports, {}, turns)
                self.try_out(self.others)
                self.intend()
                self.make()
                self.serve_first()
            once_more(self.adopt)
        return once_more(self.report)

    # --- the steps, in their order ---

    def others(self) -> Iterable[Provider]:
        """Return whom it finds, where it comes alone."""
        return (provider_of(one, self.name) for one in self.around.others())

    def stage(self) -> None:
        """Copy, hash and inspect its image."""
        self.loaded.last_number += 1
        self.number, self.is_load = self.loaded.last_number, self.loaded.current is None
        is_known, place = not self.is_load and self.source == self.loaded.source, self.around.place
        self.candidate = stage_candidate(
            self.source, self.name, self.number, place=place, watch=self.watch, sha256=self.sha256, is_known=is_known
        )
        if self.by_own_name:
            check_own_name(self.name, self.source, self.staged.descriptor.name, self.around.others())

    def check(self, providers: Callable[[], Iterable[Provider]], planned: PlannedMember | None = None) -> None:
        """Judge the candidate by what it says of itself, and find what its imports lead to.

        Args:
            providers: whom it finds.
            planned: what it does as one of many; None: it comes alone.

        Raises:
            Quarantined, ContractError, StateError, PermissionRequired, ConfigError, LoadError: it is refused.
        """
        loaded, candidate = self.loaded, self.staged
        with self.watch("compare contract"):
            check_quarantine(self)
            self._check_plan(planned.plan if planned is not None else None)
            self.resume.choose(candidate.side)
            check_granted(self.around.grants, loaded.name, self.number, candidate.side.permissions)
            self.filled = filled_configs(loaded.name, candidate.descriptor.config_schema, self.configs)
            check_rules(loaded, candidate.descriptor)
            there = providers() if candidate.descriptor.requires else ()
            prefer = planned.member.providers if planned is not None else None
            self.imports = bind_requires(loaded.name, candidate.descriptor, there, prefer)
            options = self.around.options
            self.call_type = make_call_type(
                call_description(candidate.descriptor, loaded.name, catches_crashes=options.catch_crashes),
                previous=loaded.call_type,
                base=base_of_handles(options),
            )

    def try_out(self, providers: Callable[[], Iterable[Provider]]) -> None:
        """Accept the candidate, try it in a process of its own, and keep the state that it may be given."""
        self.staged.generation.advance(Event.ACCEPT)
        if is_probing(self.around.options):
            self._probe(providers)
        if self.plan is not None:
            self.before = self.around.snapshots.before_swap(
                self.loaded, self.plan.crossing, self.swap_deadline_s, self.watch
            )

    def intend(self) -> None:
        """Put on record what is about to be done; durably, before any of the candidate's code runs."""
        self.record.intend(self.staged.generation, self.staged.side.version)

    def make(self, not_yet: Collection[str] = ()) -> None:
        """Map the candidate, create its instances and make their tables; `not_yet`: see `prepare`."""
        self.outcome = Outcome.FAILED
        candidate, control_s = self.staged, self.around.options.control_deadline_s
        prepared = prepare(
            candidate,
            self._wishes(),
            {name: bound.slot for name, bound in self.imports.items()},
            not_yet=not_yet,
            deadline_s=control_s,
            watch=self.watch,
        )
        asked_for = {interface for interface, _, _ in candidate.generation.imports()}  # less than it may require
        self.unbound = {name: self.imports[name].slot for name in asked_for.intersection(not_yet)}
        # Slots of other plugins in which it answers; one that is replaced as well has its own again.
        lent = lent_tables(
            prepared.attempt,
            [one for one in self.loaded.lent if one.borrower not in self.record.together],
            {wish.name: index for index, wish in enumerate(prepared.wishes)},
            candidate.side,
            deadline_s=control_s,
        )
        self.prepared = replace(prepared, tables=(*prepared.tables, *lent)) if lent else prepared

    def bind(self, member: _core.Member) -> None:
        """Lead its imports to those who are about to be replaced: nothing of it runs before their gates are closed.

        Where it runs already, as what is loaded does, it is the window of `member` that does so.
        """
        assert self.prepared is not None  # made before
        for interface, slot in self.unbound.items():
            if self.is_load:
                member.binds(self.staged.generation, interface, slot)
            else:
                self.prepared.attempt.bind_import(interface, slot)

    def serve_first(self) -> None:
        """Let the first generation of the plugin serve; nobody knows of it yet."""
        prepared = self.prepared
        assert prepared is not None  # made before
        deadline_s = self.around.options.control_deadline_s
        indexes = {wish.name: index for index, wish in enumerate(prepared.wishes)}
        self.resume.give(self.staged.generation, indexes, deadline_s=deadline_s, watch=self.watch)
        serve_first(prepared, deadline_s=deadline_s, watch=self.watch)

    def close_first(self) -> None:
        """Let the first generation of a plugin, which nobody knows of, serve no more: its set was not published."""
        generation, deadline_s = self.staged.generation, self.around.options.control_deadline_s
        _core.close_plugin(generation, list(self._slots.values()), deadline_s)

    def take_out(self) -> None:
        """Let the first generation of a plugin serve no more that the host knows of: what it came with goes back.

        Where calls are inside that do not leave, it serves on.
        """
        refuse(self.loaded, "closed", f"it was loaded with others that did not stay: {self.name} is not loaded")
        try:
            self.close_first()
        except HotgraftError:
            refuse(self.loaded, "none", "")
            return
        self.outcome = Outcome.FAILED
        self.loaded.current = None
        for instance in self.loaded.instances.values():
            instance.pinnable = None
        self.around.forget(self.loaded)

    def hold(self, unit: Unit) -> None:
        """Note what will be held, and what is on its way out, once it is published."""
        self.outcome = Outcome.CALLED_OFF
        assert self.plan is not None  # something serves, so there was something to plan against
        assert self.plan.crossing is not None  # a plan without a way across was refused
        self.held = self.loaded.to_hold(self.plan.crossing, self.record, self.before, unit=unit)
        self.superseded = self.loaded.superseded()

    def enter(self, carried: ExitStack, moved: ExitStack) -> Part:
        """Return its part in the window.

        Args:
            carried: what outlasts the window, to the end of what is noted: nobody may open a session in between.
            moved: what ends with the window.
        """
        loaded, plan, prepared = self.loaded, self.plan, self.prepared
        assert plan is not None  # as above
        assert prepared is not None  # made before
        old, candidate = loaded.serving.generation, self.staged
        leaves = rules_of(loaded).leaves and not plan.must_leave
        old_indexes = {one.name: one.index for one in loaded.instances.values()}
        member = member_of(plan, old, prepared, old_indexes, leaves=leaves, seen=self.seen)
        if dropped := dropped_slots(loaded, self._slots.values(), candidate.side, together=self.record.together):
            member.empties(dropped)
        indexes = {wish.name: index for index, wish in enumerate(prepared.wishes)}
        names, tables = list(indexes), dict(zip(indexes, prepared.pin_tables, strict=True))
        control_s = self.around.options.control_deadline_s
        limits = {"deadline_s": control_s, "rest_s": self.swap_deadline_s}
        carried.callback(_core.end_retype, expect_retype(loaded))
        carried.enter_context(moved_sessions(loaded, plan, member, candidate, indexes, names, **limits))
        moved.enter_context(
            moved_pins(
                loaded, plan, member, candidate, tables, call_type=self.call_type, deadline_s=self.swap_deadline_s
            )
        )
        converting = loaded.converters.give(member, plan, old, candidate.generation)
        return Part(plugin=loaded.name, member=member, names=names, converting=converting)

    def adopt(self) -> None:
        """The candidate serves, and what it replaced is held. Twice is once."""
        loaded = self.loaded
        assert self.prepared is not None  # made before
        loaded.imports, loaded.call_type = self.imports, self.call_type
        loaded.adopt(self.prepared, self.held, self.superseded, goes_back=self.goes_back)
        if not self.keeps_source:
            loaded.source = self.source
        loaded.last_pause = pause_of(self.plan, self.window) or loaded.last_pause
        self.outcome = Outcome.PUBLISHED
        self.around.after_publish(loaded)

    # --- what others find of it ---

    def slot(self, instance: str, key: str) -> _core.Slot:
        """Return the slot of an interface of its candidate; one that is new is made once."""
        known = self._slots.get((instance, key))
        if known is None:
            keeps = self.call_type is not None and self.call_type is self.loaded.call_type
            known = slot_of(self.loaded, instance, key, self.staged.side, keeps_handles=keeps)
            self._slots[instance, key] = known
        return known

    def as_provider(self) -> Provider:
        """Return it as those find it that are replaced together with it: they go back together, too."""
        first = next(iter(self.configs))
        return Provider(
            name=self.name,
            candidate=self.staged,
            source=self.source,
            configs=self.configs,
            imports=self.imports,
            slot=lambda key: self.slot(first, key),
            priority=self.loaded.priority,
        )

    def report(self, error: HotgraftError | None = None) -> SwapReport:
        """Return what this attempt did so far."""
        return report_of_attempt(self, error)

    # --- inside ---

    def _probe(self, providers: Callable[[], Iterable[Provider]]) -> None:
        """Try it in a process of its own; what crashes, hangs or fails there never comes into this one."""
        candidate, options = self.staged, self.around.options
        with self.watch("copy state"):
            copied = self.resume.to_probe(options.probe_state_bytes, candidate.generation)
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
                others=providers,
                options=options,
            )
            if error is not None:
                raise self.resume.blamed(error)
        candidate.generation.advance(Event.PROBE)

    def _check_plan(self, planned: Plan | None) -> None:
        loaded, candidate = self.loaded, self.staged
        if loaded.current is None:
            return
        check_is_plugin(loaded, candidate, self.number)
        self.plan = planned if planned is not None else plan_alone(self)
        check_planned(self.plan, self.number)

    def _wishes(self) -> tuple[InstanceWish, ...]:
        keys = [one.key for one in self.staged.side.interfaces]
        return tuple(
            InstanceWish(name, config_json, self.filled[name], {key: self.slot(name, key) for key in keys})
            for name, config_json in self.configs.items()
        )

    # --- how it ends ---

    @contextmanager
    def dropping(self) -> Iterator[None]:
        """Let go of its candidate where what is done within fails."""
        try:
            yield
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Remove the staged copy of a candidate none of whose code ran; send another on its way out of memory."""
        if self.candidate is None:
            return
        generation = self.candidate.generation
        if self.outcome is Outcome.REFUSED:
            generation.reject()
        elif self.is_load and generation.stage == Stage.ACTIVE:
            with suppress(HotgraftError):  # who is still inside keeps it; nobody else knows of it
                self.close_first()
        elif not generation.is_abandoned:
            generation.drop()
