"""The health of what a host has loaded: every check of a plugin put together, counted, and told of when it changes.

A check that fails is data here, a `HealthReport`; what follows from it is decided elsewhere.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.health import Answer, Depth, Health, ask_instance
from hotgraft.host.change import check_not_forked
from hotgraft.host.health_check import ProgramCheck
from hotgraft.host.loaded import MAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotgraft.host.events import HostEvent, HostEvents
    from hotgraft.host.loaded import Loaded

__all__ = ["HealthBook", "HealthReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """What all checks of a plugin said at one time."""

    plugin: str
    generation: int
    is_fit: bool  # nothing was found and nothing hung
    findings: tuple[str, ...] = ()  # a sentence for each check that says that it is not fit
    hung: tuple[str, ...] = ()  # the names of the checks that did not come back in time: they count as failed
    not_asked: tuple[str, ...] = ()  # why a check could not be run, where that is not the plugin's doing
    took_us: float = 0.0  # microseconds

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason why it is not fit."""
        return (*self.findings, *(f"{name} has not come back" for name in self.hung))

    def as_dict(self) -> dict[str, Any]:
        """Return it in plain values, for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __str__(self) -> str:
        head = f"{self.plugin}: generation {self.generation} is {'fit' if self.is_fit else 'not fit'}"
        return f"{head}: {'; '.join(self.reasons)}" if self.reasons else head


@dataclass(slots=True)
class _Known:
    """What is known of one plugin; under the book's lock."""

    program_checks: tuple[ProgramCheck, ...] = ()
    last: HealthReport | None = None
    checks: int = 0
    failures: int = 0


class HealthBook:
    """The checks of one host, and what came of them.

    Events: ``health.failed`` and ``health.recovered``, both with `report`, when a plugin's health changes; what is fit
    at the first look is not told of.

    Thread safety: any thread.
    """

    def __init__(self, events: HostEvents) -> None:
        self._events = events
        self._lock = threading.Lock()  # guards what is below
        self._known: dict[str, _Known] = {}
        self._is_closed = False
        events.on("plugin.closed", self._forget)

    def add(self, plugin: str, function: Callable[[Any], object]) -> None:
        """Ask `function` as well from now on, until the plugin is closed."""
        if not callable(function):
            raise TypeError(f"a health check must be callable, got {function!r}")
        with self._lock:
            known = self._known.setdefault(plugin, _Known())
            known.program_checks = (*known.program_checks, ProgramCheck(function))

    def check(
        self, loaded: Loaded, *, depth: Depth = Depth.QUICK, deadline_s: float, is_first: bool = False
    ) -> HealthReport:
        """Run every check of what serves, one after another: each instance's own, then the program's.

        Args:
            loaded: the plugin; it serves.
            depth: how closely its own check is to look.
            is_first: it was published a moment ago. What is still under way was asked of the generation before it and
                says nothing of this one; and whoever asks says what came of it, so nobody else is told.
            deadline_s: for each check. One that hangs takes it once; while it does not come back it is not waited for.

        Returns:
            The report. It counts and is told of unless the plugin was replaced meanwhile, or nothing could be said
            because a check could not be run.

        Raises:
            ForkedHostError: in a forked child.
        """
        check_not_forked()
        began_ns = time.monotonic_ns()
        generation = loaded.serving.generation
        answers = tuple(self._ask_all(loaded, depth, deadline_s, joins=not is_first))
        said = {kind: tuple(one for one in answers if one.health is kind) for kind in Health}
        report = HealthReport(
            plugin=loaded.name,
            generation=generation.number,
            is_fit=not said[Health.UNFIT] and not said[Health.HUNG],
            findings=tuple(one.sentence for one in said[Health.UNFIT]),
            hung=tuple(one.name for one in said[Health.HUNG]),
            not_asked=tuple(one.sentence for one in said[Health.NOT_ASKED]),
            took_us=(time.monotonic_ns() - began_ns) / 1_000,
        )
        self._note(loaded, report, tells=not is_first)
        return report

    def last(self, plugin: str) -> HealthReport | None:
        """Return the newest report on a plugin; None: it was never asked."""
        with self._lock:
            known = self._known.get(plugin)
            return None if known is None else known.last

    def counts(self, loaded: Loaded) -> tuple[int, int]:
        """Return how often a plugin was checked since it was loaded, and how often it was not fit."""
        with self._lock:
            known = self._known.get(loaded.name, _Known())
            return known.checks, known.failures

    def close(self) -> None:
        """Count and tell nothing any more: what the checks say now is that the host closes."""
        with self._lock:
            self._is_closed = True

    def _ask_all(self, loaded: Loaded, depth: Depth, deadline_s: float, *, joins: bool) -> Iterator[Answer]:
        generation = loaded.serving.generation
        instances = tuple(loaded.instances.values())
        for instance in instances:
            name = "health" if instance.name == MAIN else f"health of {instance.name}"
            yield ask_instance(generation, instance.index, name, depth=depth, deadline_s=deadline_s)
        with self._lock:
            known = self._known.get(loaded.name, _Known())
        for check in known.program_checks:
            for instance in instances:
                name = "" if instance.name == MAIN else instance.name
                yield check.ask(instance.handle, name, deadline_s=deadline_s, joins=joins)

    def _note(self, loaded: Loaded, report: HealthReport, *, tells: bool) -> None:
        current = loaded.current
        is_known = not (report.is_fit and report.not_asked)
        if current is None or current.generation.number != report.generation or not is_known:
            return
        with self._lock:
            if self._is_closed:
                return
            known = self._known.setdefault(loaded.name, _Known())
            known.checks += 1
            known.failures += not report.is_fit
            if not tells:
                return
            was_fit = known.last is None or known.last.is_fit
            known.last = report
        if was_fit != report.is_fit:
            self._events.tell("health.recovered" if report.is_fit else "health.failed", loaded.name, report=report)

    def _forget(self, event: HostEvent) -> None:
        with self._lock:
            self._known.pop(event.plugin, None)
