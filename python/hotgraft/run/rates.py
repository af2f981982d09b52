"""Calls per second, from two looks at what a host has counted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hotgraft.host.status import HostStatus, PluginStatus

__all__ = ["Rates"]

LEAST_S: Final = 0.5  # between two looks that are compared: less is noise


class Rates:
    """Remembers the looks that were taken; the first of a generation is compared with its beginning.

    Thread safety: any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: dict[tuple[str, int], tuple[float, int, float]] = {}  # when, calls, the rate until then

    def look(self, status: HostStatus) -> tuple[float, ...]:
        """Return the rate of each plugin since the look before, and remember this one."""
        with self._lock:
            known, self._before = self._before, {}
            return tuple(self._rate(one, status.at_s, known) for one in status.plugins)

    def _rate(self, plugin: PluginStatus, at_s: float, known: dict[tuple[str, int], tuple[float, int, float]]) -> float:
        key = (plugin.plugin, plugin.generation)
        when, calls, rate = known.get(key, (plugin.since_s or at_s, 0, 0.0))
        if at_s - when >= LEAST_S:
            when, calls, rate = at_s, plugin.calls, (plugin.calls - calls) / (at_s - when)
        elif key not in known:
            rate = plugin.calls / (at_s - when) if at_s > when else 0.0
        self._before[key] = (when, calls, rate)
        return rate
