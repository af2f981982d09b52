"""A change of what serves: in its turn, on record, told to whoever listens; deferred where it would wait for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotgraft.host.attempt import Attempt
from hotgraft.host.change import carry_out, is_deferred, start_change
from hotgraft.host.instances import add_instance
from hotgraft.host.loaded import Loaded
from hotgraft.host.report import Outcome, SwapReport
from hotgraft.host.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.engine.journal_asked import Asked
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.attempt import Around
    from hotgraft.host.events import HostEvents
    from hotgraft.host.journal import Recorder

__all__ = ["Changes", "Wish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a caller wants of a plugin."""

    asked: Asked
    deadline_s: float
    source: str | None = None  # None: the image that serves
    config_json: str | None = None  # None: each instance keeps its own
    instance: str | None = None  # whose config it is; None: of all
    key: object = None  # equal ones are one
    is_settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Carries out what a host is asked for."""

    around: Around
    recorder: Recorder
    events: HostEvents
    watch: Callable[[], Stopwatch]

    def swap(self, loaded: Loaded, wish: Wish) -> SwapReport:
        """Do it and return its report, or one that says that it is deferred."""

        def take_turn() -> SwapReport:
            try:
                report = self._take(loaded, lambda: self._attempt(loaded, wish), wish.deadline_s, wish.key)
            except Exception as error:
                self.events.tell_failure(loaded.name, error)
                raise
            self.events.tell("swap.published", loaded.name, report=report)
            return report

        if not is_deferred():
            return carry_out(take_turn)
        later = start_change(take_turn)
        self.events.tell("swap.deferred", loaded.name)
        serving = loaded.serving
        return SwapReport(
            plugin=loaded.name,
            outcome=Outcome.DEFERRED,
            generation=serving.generation.number,
            version=serving.side.version,
            candidate=0,
            image=wish.source or serving.generation.path,
            later=later,
        )

    def load(self, name: str, source: str, configs: Mapping[str, str], who: Asked, image: str = "") -> None:
        """Load a plugin with its instances; `image` is where it comes from if that is not `source`."""
        loaded, watch = Loaded(name, Turns(name), source=image), self.watch()
        record = self.recorder.attempt(loaded, who, image or source, configs, watch)
        attempt = Attempt(loaded, source, configs, self.around, watch, record, keeps_source=bool(image))

        def change() -> None:
            deadline_s = self.around.options.control_deadline_s
            report = self._take(loaded, lambda: record.carry_out(attempt.load), deadline_s)
            self.events.tell("plugin.loaded", name, report=report)

        carry_out(change)

    def add_instance(self, loaded: Loaded, name: str, config_json: str, who: Asked) -> None:
        """Add an instance to what serves."""

        def work() -> SwapReport:
            watch = self.watch()
            configs = {one.name: one.config_json for one in loaded.instances.values()} | {name: config_json}
            record = self.recorder.attempt(loaded, who, loaded.source, configs, watch)
            return record.carry_out(
                lambda: add_instance(loaded, name, config_json, around=self.around, watch=watch, record=record)
            )

        def change() -> None:
            self._take(loaded, work, self.around.options.control_deadline_s)
            self.events.tell("plugin.loaded", loaded.name, instance=name)

        carry_out(change)

    def _take(
        self, loaded: Loaded, work: Callable[[], SwapReport], deadline_s: float, key: object = None
    ) -> SwapReport:
        """Do it in the plugin's turn; what is to be told of the journal is told after it."""
        try:
            return loaded.turns.take(key, work, deadline_s)
        finally:
            self.recorder.tell_events()

    def _attempt(self, loaded: Loaded, wish: Wish) -> SwapReport:
        configs = {one.name: one.config_json for one in loaded.instances.values()}
        if wish.config_json is not None:
            configs.update((one, wish.config_json) for one in ([wish.instance] if wish.instance else configs))
        around, watch = self.around.without_settling() if wish.is_settled else self.around, self.watch()
        record = self.recorder.attempt(loaded, wish.asked, wish.source or loaded.source, configs, watch)
        image = wish.source or loaded.serving.generation.path
        attempt = Attempt(loaded, image, configs, around, watch, record, keeps_source=wish.source is None)
        return record.carry_out(lambda: attempt.swap(wish.deadline_s))
