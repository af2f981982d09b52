"""Events: what a host did, for whoever asked to be told.

Handlers run on the thread that carries the change out, after the gated window, one after another; that a result breaks
its schema is told on the caller's. One that raises is logged and never breaks a swap.
"""

from __future__ import annotations

import fnmatch
import logging
import threading
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from hotgraft.core.dataclass import dataclass
from hotgraft.core.graph_violations import nearest
from hotgraft.host.report import Outcome
from hotgraft.host.report_set import SetReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotgraft.host.report import SwapReport
    from hotgraft.host.report_set import AnyReport

__all__ = ["EVENTS", "HostEvent", "HostEvents", "Subscription"]

LOG = logging.getLogger("hotgraft.events")

# All that a host tells; docs/calling-from-python.md says what comes with each.
EVENTS: Final = (
    "plugin.loaded",
    "plugin.closed",
    *(f"swap.{outcome.replace(' ', '_')}" for outcome in Outcome),
    "probation.passed",
    "quarantine.added",
    "health.failed",
    "health.recovered",
    "breaker.opened",
    "breaker.half_open",
    "breaker.closed",
    "snapshot.taken",
    "snapshot.failed",
    "snapshot.resumed",
    "snapshot.passed_over",
    "session.resumed",
    "session.kept",
    "watch.refused",
    "watch.postponed",
    "watch.polling",
    "output.violation",
    "journal.failed",
    "journal.works",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEvent:
    """One thing that happened: its name (``swap.published``), to which plugin, and what is known of it."""

    name: str
    plugin: str
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class Subscription:
    """What `Host.on` returns: `off()` ends it, and so does leaving it as a context manager."""

    __slots__ = ("_end",)

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def off(self) -> None:
        """Call the handler no more. Twice is once."""
        self._end()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.off()


class HostEvents:
    """The handlers of one host.

    Thread safety: any thread. A handler may subscribe, end subscriptions and reload.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handlers: dict[int, tuple[str, Callable[[HostEvent], object]]] = {}
        self._next = 0
        self._here = threading.local()

    @property
    def is_inside(self) -> bool:
        """Whether this thread is inside a handler: what waits for the change that it was told of would never end."""
        return getattr(self._here, "depth", 0) > 0

    def on(self, pattern: str, handler: Callable[[HostEvent], object]) -> Subscription:
        """Call `handler` with every event whose name matches `pattern` (``*`` for any part).

        Raises:
            ValueError: no event can match `pattern`. TypeError: it is no text, or `handler` cannot be called.
        """
        _check_pattern(pattern)
        if not callable(handler):
            raise TypeError(f"an event handler must be callable, got {handler!r}")
        with self._lock:
            key = self._next
            self._next += 1
            self._handlers[key] = (pattern, handler)
        return Subscription(lambda: self._end(key))

    def emit(self, event: HostEvent) -> None:
        """Tell everybody who asked; a handler's exception is logged with the event that it broke on."""
        with self._lock:
            handlers = list(self._handlers.values())
        self._here.depth = getattr(self._here, "depth", 0) + 1
        try:
            for pattern, handler in handlers:
                if fnmatch.fnmatchcase(event.name, pattern):
                    self._tell(handler, event)
        finally:
            self._here.depth -= 1

    def tell(self, event: str, plugin: str, **facts: Any) -> None:
        """Emit the event of that name."""
        self.emit(HostEvent(name=event, plugin=plugin, facts=facts))

    def tell_swapped(self, report: AnyReport) -> None:
        """Emit how a swap ended, for each of its members."""
        for one, facts in _each(report):
            is_first = "set" in facts and one.plan is None and one.outcome is Outcome.PUBLISHED
            event = "plugin.loaded" if is_first else f"swap.{one.outcome.replace(' ', '_')}"
            self.tell(event, one.plugin, report=one, **facts)

    def tell_failure(self, error: Exception) -> None:
        """Emit how a swap failed, for each of its members, if it came as far as a report."""
        report = getattr(error, "report", None)
        for one, facts in _each(report) if report is not None else ():
            self.tell(f"swap.{one.outcome.replace(' ', '_')}", one.plugin, report=one, error=error, **facts)

    @staticmethod
    def _tell(handler: Callable[[HostEvent], object], event: HostEvent) -> None:
        try:
            handler(event)
        except Exception:
            LOG.exception("handler %r failed on %s", handler, event.name)

    def _end(self, key: int) -> None:
        with self._lock:
            self._handlers.pop(key, None)


def _check_pattern(pattern: str) -> None:
    """Refuse a pattern that would never be told anything: it is misspelt, and silence would look like good news."""
    if not isinstance(pattern, str):
        raise TypeError(f"a pattern of events is text such as 'swap.*', and {pattern!r:.80} is none")
    if any(fnmatch.fnmatchcase(name, pattern) for name in EVENTS):
        return
    kinds = [f"{kind}.*" for kind in dict.fromkeys(name.partition(".")[0] for name in EVENTS)]
    asked = pattern[:80].lower()
    near = nearest(asked, kinds if asked.endswith(".*") else EVENTS)
    hint = f"did you mean {near!r}? " if near else ""
    raise ValueError(f"{pattern[:80]!r} matches no event of a host: {hint}it tells {', '.join(EVENTS)}")


def _each(report: AnyReport) -> Iterator[tuple[SwapReport, dict[str, Any]]]:
    """Return the report of each member, and what else is known of it: that of all, where it does not come alone."""
    whole = report if isinstance(report, SetReport) else report.set
    if whole is None:
        yield cast("SwapReport", report), {}
    else:
        facts = {"set": whole} if len(whole.members) > 1 else {}
        yield from ((one, facts) for one in whole.members.values())
