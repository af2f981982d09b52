"""A change of what serves: in its turn, on record, told to whoever listens; deferred where it would wait for itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hotgraft.engine.snapshot_resume import Resume
from hotgraft.host.attempt import Attempt
from hotgraft.host.backwards import Backwards
from hotgraft.host.change import carry_out, is_deferred, start_change
from hotgraft.host.draining import swap_deadline_s
from hotgraft.host.instances import add_instance
from hotgraft.host.lending import in_providers_turn
from hotgraft.host.loaded import Loaded
from hotgraft.host.report import Outcome, SwapReport, report_of
from hotgraft.host.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.core.draining import DrainRules
    from hotgraft.core.fallback import Fallback
    from hotgraft.core.verdict import Verdict
    from hotgraft.engine.journal_asked import Asked
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.around import Around
    from hotgraft.host.events import HostEvents
    from hotgraft.host.journal import Recorder
    from hotgraft.host.wish import Wish

__all__ = ["Changes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Carries out what a host is asked for."""

    around: Around
    recorder: Recorder
    events: HostEvents
    watch: Callable[[], Stopwatch]

    @property
    def backwards(self) -> Backwards:
        """Return what goes back, or ends the time in which one can."""
        return Backwards(
            around=self.around,
            recorder=self.recorder,
            watch=self.watch,
            swap_to=lambda loaded, wish: self._attempt(loaded, wish),
        )

    def swap(self, loaded: Loaded, wish: Wish) -> SwapReport:
        """Do it and return its report, or one that says that it is deferred."""
        image = wish.source or loaded.serving.generation.path
        return self._change(loaded, lambda: self._attempt(loaded, wish), wish.deadline_s, key=wish.key, image=image)

    def roll_back(self, loaded: Loaded, who: Asked, deadline_s: float) -> SwapReport:
        """Let the generation serve again that served before: the one that is held, or else the image before.

        Raises:
            RollbackBlocked: it cannot. And as a swap, where it is a new one.
        """
        return self._change(loaded, lambda: self.backwards.go_back(loaded, who, deadline_s), deadline_s)

    def take_back(self, loaded: Loaded, number: int, verdict: Verdict) -> SwapReport:
        """Roll generation `number` back for what probation found, unless something else serves by now."""
        deadline_s = swap_deadline_s(loaded, self.around.options, None)
        untold: list[dict[str, Any]] = []
        work = partial(self.backwards.take_back, loaded, number, verdict, note=untold.append)
        report = self._change(loaded, work, deadline_s)
        for facts in untold:  # not in the plugin's turn: a handler may ask for a change of it
            self.events.tell("quarantine.added", loaded.name, **facts)
        return report

    def commit(self, loaded: Loaded, number: int | None, notes: tuple[str, ...] = ()) -> SwapReport:
        """End the probation of generation `number` (None: of what serves): it stays; nothing else, nothing happens."""
        committed: list[int] = []

        def work() -> SwapReport:
            if self.backwards.commit(loaded, number):
                committed.append(loaded.serving.generation.number)
            return report_of(loaded)

        report = carry_out(lambda: self._take(loaded, work, self.around.options.swap_deadline_s))
        for generation in committed:  # as above
            self.events.tell("probation.passed", loaded.name, generation=generation, notes=notes)
        return report

    def _change(
        self, loaded: Loaded, work: Callable[[], SwapReport], deadline_s: float, *, key: object = None, image: str = ""
    ) -> SwapReport:
        def take_turn() -> SwapReport:
            try:
                report = self._take(loaded, work, deadline_s, key)
            except Exception as error:
                self.events.tell_failure(loaded.name, error)
                raise
            with suppress(MemoryError):  # it has happened, whoever is told of it
                self.events.tell(f"swap.{report.outcome.replace(' ', '_')}", loaded.name, report=report)
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
        loaded, watch = Loaded(name, Turns(name), source=image, converters=self.around.converters), self.watch()
        loaded.drain, loaded.fallback = drain or loaded.drain, fallback
        record = self.recorder.attempt(loaded, who, image or source, configs, watch)
        attempt = Attempt(loaded, source, configs, self.around, watch, record, keeps_source=bool(image))

        def work() -> SwapReport:
            known = self.around.converters
            found = self.around.snapshots.resume(name, tuple(configs), resume, who, known, goes_back=goes_back)
            attempt.resume = found
            report = record.carry_out(attempt.load)
            self.around.snapshots.note_resumed(found, who, loaded)
            attempt.resume = Resume()  # the other has the bytes of whole files
            return report

        def change() -> None:
            report = self._take(loaded, work, self.around.options.control_deadline_s)
            self.events.tell("plugin.loaded", name, report=report)

        carry_out(change)

    def add_instance(self, loaded: Loaded, name: str, config_json: str, who: Asked, resume: str | None = None) -> None:
        """Add an instance to what serves; `resume`: what it begins with."""

        def work() -> SwapReport:
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
        self, loaded: Loaded, work: Callable[[], SwapReport], deadline_s: float, key: object = None
    ) -> SwapReport:
        """Do it in the plugin's turn; what is to be told of the journal is told after it."""
        try:
            return loaded.turns.take(key, lambda: in_providers_turn(loaded, work, deadline_s), deadline_s)
        finally:
            self.recorder.tell_events()

    def _attempt(self, loaded: Loaded, wish: Wish) -> SwapReport:
        configs = {**loaded.configs, **(wish.configs or {})}
        if wish.config_json is not None:
            configs.update((one, wish.config_json) for one in ([wish.instance] if wish.instance else configs))
        around, watch = self.around.without_settling() if wish.is_settled else self.around, self.watch()
        record = self.recorder.attempt(loaded, wish.asked, wish.source or loaded.source, configs, watch)
        image, keeps_source = wish.source or loaded.serving.generation.path, wish.keeps_source or wish.source is None
        attempt = Attempt(
            loaded,
            image,
            configs,
            around,
            watch,
            record,
            keeps_source=keeps_source,
            allow_downgrade=wish.allow_downgrade,
            goes_back=wish.goes_back,
            sha256=wish.sha256,
        )
        return record.carry_out(lambda: attempt.swap(wish.deadline_s))
