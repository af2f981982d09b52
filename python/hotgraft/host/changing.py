"""A change of what serves: in its turn, on record, told to whoever listens; deferred where it would wait for itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.snapshot_resume import Resume
from hotgraft.host.attempt import Attempt
from hotgraft.host.backwards import Backwards
from hotgraft.host.bound_turns import turns_to_load
from hotgraft.host.change import carry_out, is_deferred, start_change
from hotgraft.host.changing_sets import SetChanges
from hotgraft.host.closing import check_listed, check_may_load
from hotgraft.host.draining import back_deadline_s, swap_deadline_s
from hotgraft.host.instances import add_instance
from hotgraft.host.loaded import Loaded
from hotgraft.host.report import Outcome, SwapReport, report_of
from hotgraft.host.report_set import AnyReport, SetReport, set_of
from hotgraft.host.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping

    from hotgraft.core.draining import DrainRules
    from hotgraft.core.fallback import Fallback
    from hotgraft.core.verdict import Verdict
    from hotgraft.engine.journal_asked import Asked
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.around import Around
    from hotgraft.host.events import HostEvents
    from hotgraft.host.journal import Recorder
    from hotgraft.host.probation import Passed
    from hotgraft.host.wish import SetWish, Wish

__all__ = ["Changes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Carries out what a host is asked for."""

    around: Around
    recorder: Recorder
    events: HostEvents
    watch: Callable[[], Stopwatch]
    turns: Turns[AnyReport] = field(default_factory=Turns)

    @property
    def sets(self) -> SetChanges:
        """Return what makes swaps of one plugin or many, in their turns."""
        return SetChanges(around=self.around, recorder=self.recorder, watch=self.watch, turns=self.turns)

    def backwards(self, turns: frozenset[str]) -> Backwards:
        """Return what goes back, or ends the time in which one can; `turns`: whose turns the caller has."""
        return Backwards(
            around=self.around,
            recorder=self.recorder,
            watch=self.watch,
            swap_to=lambda loaded, wish: self.sets.swap_one(loaded, wish, turns),
        )

    def swap(self, loaded: Loaded, wish: Wish) -> SwapReport:
        """Do it and return its report, or one that says that it is deferred.

        Where it cannot be had alone those come along that must, and `set` of the report is that of all.
        """
        image = wish.source or loaded.serving.generation.path
        wants = {loaded.name: wish.key} if wish.key is not None else None
        return self._change(
            loaded, partial(self.sets.swap_one, loaded, wish), wish.deadline_s, wants=wants, image=image
        )

    def swap_set(self, wish: SetWish) -> SetReport:
        """Do it and return its report, or one that says that it is deferred."""
        listed = {one.name: one for one in self.around.others()}
        limits = [swap_deadline_s(listed[name], self.around.options, None) for name in wish.wishes if name in listed]
        deadline_s = wish.deadline_s
        if deadline_s is None:
            deadline_s = max(limits, default=self.around.options.swap_deadline_s)

        def take_turns() -> SetReport:
            try:
                done = self.turns.take(
                    partial(self.sets.turn_names, wish),
                    partial(self.sets.swap_all, wish, deadline_s),
                    deadline_s,
                    wants={name: one.key for name, one in wish.wishes.items()},
                )
            except Exception as error:
                self.events.tell_failure(error)
                raise
            finally:
                self.recorder.tell_events()
            report = set_of(done)  # perhaps that of another, which wants as much
            with suppress(MemoryError):
                self.events.tell_swapped(report)
            return report

        if not is_deferred():
            return carry_out(take_turns)
        later = start_change(take_turns)
        members = {}
        for name in wish.wishes:
            self.events.tell("swap.deferred", name)
            if name in listed:
                members[name] = replace(report_of(listed[name]), outcome=Outcome.DEFERRED)
        return SetReport(outcome=Outcome.DEFERRED, members=members, later=later)

    def load_set(self, wish: SetWish) -> None:
        """Load several plugins as one: all of them serve then, or none does; they may need each other."""

        def change() -> None:
            deadline_s = self.around.options.control_deadline_s
            work = partial(self.sets.swap_all, wish, deadline_s)
            report = cast("SetReport", self._take_turns(partial(self.sets.turn_names, wish), work, deadline_s))
            for name, one in report.members.items():
                self.events.tell("plugin.loaded", name, report=one)

        carry_out(change)

    def roll_back(self, loaded: Loaded, who: Asked, deadline_s: float) -> SwapReport:
        """Let the generation serve again that served before: the one that is held, or else the image before.

        Raises:
            RollbackBlocked: it cannot. And as a swap, where it is a new one.
        """
        return self._change(loaded, lambda turns: self.backwards(turns).go_back(loaded, who, deadline_s), deadline_s)

    def take_back(self, loaded: Loaded, number: int, verdict: Verdict) -> SwapReport:
        """Roll generation `number` back for what probation found, unless something else serves by now."""
        deadline_s = back_deadline_s(loaded, self.around.options, None)
        untold: list[dict[str, Any]] = []

        def work(turns: frozenset[str]) -> SwapReport:
            return self.backwards(turns).take_back(loaded, number, verdict, note=untold.append)

        report = self._change(loaded, work, deadline_s)
        for facts in untold:  # not in the plugin's turn: a handler may ask for a change of it
            self.events.tell("quarantine.added", loaded.name, **facts)
        return report

    def commit(
        self, loaded: Loaded, number: int | None, passed: Mapping[str, Passed] = MappingProxyType({})
    ) -> SwapReport:
        """End the probation of generation `number` (None: of what serves), and of all that would go back with it.

        They stay; where something else serves, nothing happens. `passed`: which of each must serve.
        """
        committed: list[tuple[str, int]] = []

        def work(turns: frozenset[str]) -> SwapReport:
            committed.extend(self.backwards(turns).commit(loaded, number, passed))
            return report_of(loaded)

        report = carry_out(lambda: self._take(loaded, work, self.around.options.swap_deadline_s))
        for name, generation in committed:  # as above
            notes = passed[name].notes if name in passed else ()
            self.events.tell("probation.passed", name, generation=generation, notes=notes)
        return report

    def _change(
        self,
        loaded: Loaded,
        work: Callable[[frozenset[str]], SwapReport],
        deadline_s: float,
        *,
        wants: Mapping[str, Hashable] | None = None,
        image: str = "",
    ) -> SwapReport:
        def take_turn() -> SwapReport:
            try:
                report = self._take(loaded, work, deadline_s, wants)
            except Exception as error:
                self.events.tell_failure(error)
                raise
            with suppress(MemoryError):  # it has happened, whoever is told of it
                self.events.tell_swapped(report)
            return report

        if not is_deferred():
            return carry_out(take_turn)
        later = start_change(take_turn)
        self.events.tell("swap.deferred", loaded.name)
        return replace(report_of(loaded, image=image), outcome=Outcome.DEFERRED, later=later)

    def load(
        self,
        name: str,
        source: str,
        configs: Mapping[str, str],
        who: Asked,
        image: str = "",
        *,
        drain: DrainRules | None = None,
        fallback: Fallback | None = None,
        resume: str | None = None,
        goes_back: bool = False,
    ) -> None:
        """Load a plugin with its instances; `image` is where it comes from if that is not `source`.

        `resume`: what they begin with, as `Host.load` says. `goes_back`: to the last good version.
        """

        def work(turns: frozenset[str]) -> SwapReport:
            check_may_load(name, self.around)
            loaded, watch = Loaded(name, self.turns, source=image, converters=self.around.converters), self.watch()
            loaded.drain, loaded.fallback = drain or loaded.drain, fallback
            record = self.recorder.attempt(loaded, who, image or source, configs, watch)
            attempt = Attempt(loaded, source, configs, self.around, watch, record, keeps_source=bool(image))
            known = self.around.converters
            found = self.around.snapshots.resume(name, tuple(configs), resume, who, known, goes_back=goes_back)
            attempt.resume = found
            report = record.carry_out(partial(attempt.load, turns))
            self.around.snapshots.note_resumed(found, who, loaded)
            attempt.resume = Resume()  # the other has the bytes of whole files
            return report

        def change() -> None:
            names = turns_to_load(name, source, self.around.others)
            report = self._take_turns(names, work, self.around.options.control_deadline_s)
            self.events.tell("plugin.loaded", name, report=report)

        carry_out(change)

    def add_instance(self, loaded: Loaded, name: str, config_json: str, who: Asked, resume: str | None = None) -> None:
        """Add an instance to what serves; `resume`: what it begins with."""

        def work(_: frozenset[str]) -> SwapReport:
            check_listed(loaded, self.around)
            watch = self.watch()
            configs = loaded.configs | {name: config_json}
            record = self.recorder.attempt(loaded, who, loaded.source, configs, watch)
            found = self.around.snapshots.resume(loaded.name, (name,), resume, who, self.around.converters)
            report = record.carry_out(
                lambda: add_instance(
                    loaded, name, config_json, around=self.around, watch=watch, record=record, resume=found
                )
            )
            self.around.snapshots.note_resumed(found, who, loaded)
            return report

        def change() -> None:
            self._take(loaded, work, self.around.options.control_deadline_s)
            self.events.tell("plugin.loaded", loaded.name, instance=name)

        carry_out(change)

    def _take(
        self,
        loaded: Loaded,
        work: Callable[[frozenset[str]], SwapReport],
        deadline_s: float,
        wants: Mapping[str, Hashable] | None = None,
    ) -> SwapReport:
        """Do it in the plugin's turn."""
        done = self._take_turns(lambda: loaded.turn_names, work, deadline_s, wants)
        return done.of(loaded.name) if isinstance(done, SetReport) else done

    def _take_turns(
        self,
        names: Callable[[], Collection[str]],
        work: Callable[[frozenset[str]], AnyReport],
        deadline_s: float,
        wants: Mapping[str, Hashable] | None = None,
    ) -> AnyReport:
        """Do it in the turns of these plugins; what is to be told of the journal is told after it."""
        try:
            return self.turns.take(names, work, deadline_s, wants=wants)
        finally:
            self.recorder.tell_events()
