"""Events: what a host did, for whoever asked to be told.

Handlers run on the thread that carries the change out, after the gated window, one after another; that a result breaks
its schema is told on the caller's. One that raises is logged and never breaks a swap.
"""

from __future__ import annotations

import fnmatch
import logging
import threading
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["HostEvent", "HostEvents", "Subscription"]

LOG = logging.getLogger("hotgraft.events")


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
        """Call `handler` with every event whose name matches `pattern` (``*`` for any part)."""
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

    def tell_failure(self, plugin: str, error: Exception) -> None:
        """Emit how a swap failed, if it came as far as a report."""
        report = getattr(error, "report", None)
        if report is not None:
            self.tell(f"swap.{report.outcome.replace(' ', '_')}", plugin, report=report, error=error)

    @staticmethod
    def _tell(handler: Callable[[HostEvent], object], event: HostEvent) -> None:
        try:
            handler(event)
        except Exception:
            LOG.exception("handler %r failed on %s", handler, event.name)

    def _end(self, key: int) -> None:
        with self._lock:
            self._handlers.pop(key, None)
