"""Let what is held for a unit serve again: with the state gained since, or else, where a host allows it, without.

It runs in the turns of all its plugins, after publish and before commit. All of them go back in one window, consumers
first, or none. Every way it can end has a word: *rolled back*, the same and lossy, *rollback blocked*. Until it
publishes, what is to be rolled back serves on.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import field
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError, RollbackBlocked
from hotgraft.core.lifecycle import Stage
from hotgraft.engine.swap import carry_out
from hotgraft.engine.timing import Stopwatch
from hotgraft.host.change import once_more
from hotgraft.host.closing import consumers_first
from hotgraft.host.report import Outcome, running_words
from hotgraft.host.report_set import SetReport
from hotgraft.host.rollback_member import WayBack
from hotgraft.host.unit import called_by, lacking_after, lacking_back, on_probation_with

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft.engine.swap import Part, Window
    from hotgraft.host.around import Around
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.unit_records import UnitRecords

__all__ = ["Rollback"]

PIN_STEPS: Final = ("wait for pins", "move pins")


@dataclass(slots=True, kw_only=True)
class Rollback:
    """One attempt to let the held generations serve again. Used once, by whoever has the turns of the whole unit.

    Args:
        loaded: the plugin that is to go back; something is held. Its unit goes with it.
        why: what is to be rolled back for.
        deadline_s: for each gated window: there is another one where a plugin has to go back another way.
        around: the host.
        watches: for the steps, by plugin; the others get their own.
        records: puts it on record.
        bad: the plugins that it is for; the others of the unit only go with them. Empty: `loaded`.
    """

    loaded: Loaded
    why: str
    deadline_s: float
    around: Around
    watches: Mapping[str, Stopwatch]
    records: UnitRecords
    bad: tuple[str, ...] = ()
    window: Window | None = None
    _ways: Sequence[WayBack] = ()  # consumers first
    _windows: list[Window] = field(default_factory=list)

    def carry_out(self) -> SetReport:
        """Do it and return what became of each, providers first.

        Raises:
            RollbackBlocked: it could not be done. What was to be rolled back serves on; the error carries the report of
            `loaded`, which leads to that of all.
        """
        self._ways = self._find_ways()
        self.records.intend([(one.loaded, one.held, one.watch) for one in self._ways])
        try:
            self._check_others()
            self._go_back()
        except BaseException as error:
            self.records.fail(error, once_more(lambda: self._report(Outcome.BLOCKED)))
            raise
        return self.records.end(once_more(lambda: self._report(Outcome.ROLLED_BACK)))

    def _find_ways(self) -> list[WayBack]:
        plugins = consumers_first(on_probation_with(self.loaded))
        names = tuple(one.name for one in reversed(plugins))
        clock_ns = self.watches[self.loaded.name].clock_ns
        return [
            WayBack.of(
                one,
                unit=names,
                calls=called_by(one, plugins),
                needs_more=lacking_after(one, plugins),
                is_bad=one.name in (self.bad or (self.loaded.name,)),
                options=self.around.options,
                watch=self.watches.get(one.name) or Stopwatch(clock_ns),
            )
            for one in plugins
        ]

    def _check_others(self) -> None:
        """Who needs more than a provider has would call past the end of its table: those beside them, and they."""
        unit = [one.loaded for one in self._ways]
        beside = [one for one in self.around.others() if all(one is not other for other in unit)]
        if lacking := {one.name: found for one in beside if (found := lacking_after(one, unit))}:
            self._ways[-1].found += [f"{name} {one}" for name, found in lacking.items() for one in found]
            raise self._blocked(f"reload {', '.join(lacking)} with a build that needs no more, and try again")
        for way in self._ways:
            way.found += [
                f"generation {way.held.generation.number} {one}" for one in lacking_back(way.loaded, unit, beside)
            ]
        if any(way.found for way in self._ways):
            raise self._blocked()

    def _go_back(self) -> None:
        while stopped := self._publish():
            if not self._find_other_ways(stopped):
                raise self._blocked()
        for way in reversed(self._ways):
            once_more(lambda one=way: self.around.after_publish(one.loaded))  # type: ignore[misc] # a default binds it
        for way in self._ways:
            with way.watch("retire"):
                once_more(lambda one=way: _core.retire(one.leaving))  # type: ignore[misc] # as above

    def _publish(self) -> list[WayBack]:
        """Try it as it is chosen; return who has to go another way, empty: all are back."""
        self.window = None
        if refused := [one for one in self._ways if not one.choose()]:
            return refused
        parts: list[Part] = []
        try:
            with ExitStack() as carried:  # to the end of what is noted: nobody may open a session in between
                self._prepare(parts, carried)
                self._run(parts)
        except HotgraftError as error:
            failed = self._ways[min(len(parts), len(self._ways) - 1)]
            failed.found += error.found
            return [failed]
        return self._stopped()

    def _prepare(self, parts: list[Part], carried: ExitStack) -> None:
        """Make the part of each; where one fails, nobody runs the converters of the others."""
        try:
            for way in self._ways:
                parts.append(way.prepare(carried, self.deadline_s))
        except BaseException:
            for part in parts:
                if part.converting is not None:
                    part.converting.end()
            raise

    def _run(self, parts: Sequence[Part]) -> None:
        """Run the window; if it published, all of it is noted."""
        try:
            self.window = carry_out(parts, tried=self._tried, deadline_s=self.deadline_s)
        except MemoryError:
            if self._ways[0].held.generation.stage != Stage.ACTIVE:  # else they serve, and only the report found none
                raise
        if self.window is None or self.window.failure is None:
            for way in self._ways:
                once_more(way.note)

    def _stopped(self) -> list[WayBack]:
        """Return who the window stopped at: nobody, if it published; all of them, if it was nobody's own step."""
        window = self.window
        if window is None:
            return []
        self._windows.append(window)
        for index, way in enumerate(self._ways):
            way.window = window.of(index) if len(self._ways) > 1 else window
            way.watch.steps.extend(way.window.steps)
        if window.failure is None:
            return []
        step = next((one.step for one in window.steps if one.failure), "")
        if window.failed is not None:
            stopped = [self._ways[window.failed]]
        elif step in PIN_STEPS:
            stopped = [one for one in self._ways if one.has_pins]
        else:
            stopped = [self._ways[index] for index in window.inside]
        for way in stopped or self._ways:
            way.found += window.failure.found
        return stopped or list(self._ways)

    def _find_other_ways(self, stopped: Sequence[WayBack]) -> bool:
        """Choose another way for each, once it is known that each has one: nothing is given back for nothing."""
        inside = {self._ways[index].name for index in self.window.inside} if self.window is not None else set()
        # Of each, so that every reason is found.
        has_all = [one.has_another(is_entered=one.name in inside or one.has_pins) for one in stopped]
        return all(has_all) and all(one.take_another() for one in stopped)

    @property
    def _tried(self) -> str:
        back = [(one.held.generation.number, one.name) for one in reversed(self._ways)]
        if len(back) == 1:
            return f"roll back to generation {back[0][0]}"
        return "roll back to " + ", ".join(f"generation {number} of {name}" for number, name in back)

    def _blocked(self, advice: str = "") -> RollbackBlocked:
        """Return the error, with the report of `loaded`."""
        report, back = self._report(Outcome.BLOCKED), list(reversed(self._ways))
        running = {one.name: running_words(report.members[one.name], "still serves") for one in back}
        is_alone = len(back) == 1
        error = RollbackBlocked(
            self._tried,
            on=", ".join(running),
            why=self.why,
            advice=advice,
            bad=self.bad or (self.loaded.name,),
            found=dict.fromkeys(one if is_alone else f"{way.name}: {one}" for way in back for one in way.found),
            running=running[self.loaded.name] if is_alone else "; ".join(f"{one}: {running[one]}" for one in running),
        )
        error.report = report.of(self.loaded.name)  # type: ignore[attr-defined] # as attempt.py
        return error

    def _report(self, outcome: Outcome) -> SetReport:
        back, window = list(reversed(self._ways)), self.window
        own = {one.name: one.report(outcome) for one in back}
        shared = [time for one in self._windows for time in one.steps]
        return SetReport(
            outcome=outcome,
            members=own,
            why={one: f"it was replaced together with {self.loaded.name}" for one in own if one != self.loaded.name},
            steps=tuple(shared) if len(back) > 1 else back[0].steps,
            pause_us=window.pause_us if window is not None else 0.0,
            pause_steps=window.pause_steps if window is not None else (),
        )
