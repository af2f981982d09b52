"""The watches of one host: made by `Host.watch`, ended with the host."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hotgraft.core.errors import HostClosed
from hotgraft.engine.journal_asked import asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hotgraft.host.events import HostEvents
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.report import SwapReport
    from hotgraft.host.watch import Watch

__all__ = ["Watches"]


class Watches:
    """Makes watches and closes those that are open.

    Thread safety: any thread.
    """

    def __init__(
        self,
        listed: Callable[[], tuple[Loaded, ...]],
        reload: Callable[..., SwapReport],
        events: HostEvents,
        settle_deadline_s: float,
    ) -> None:
        self._listed = listed
        self._reload = reload
        self._events = events
        self._settle_deadline_s = settle_deadline_s
        self._lock = threading.Lock()
        self._open: set[Watch] = set()
        self._is_closed = False

    def add(self, names: Iterable[str]) -> Watch:
        """Start a watch.

        Raises:
            HostClosed: the host closed meanwhile.
        """
        from hotgraft.host.watch import Watch  # with what it needs: paid by who watches
        from hotgraft.host.watch_target import WatchAround

        around = WatchAround(
            listed=self._listed,
            reload=lambda name, image: self._reload(name, image, None, None, asked("watch"), is_settled=True),
            events=self._events,
            settle_deadline_s=self._settle_deadline_s,
            ended=self._forget,
        )
        watch = Watch(around, names)
        with self._lock:
            self._open.add(watch)
            is_closed = self._is_closed
        if is_closed:
            watch.close()
            raise HostClosed("watch", on="the host", found="it is closed")
        return watch

    def granted(self, plugin: str) -> None:
        """Something was granted to `plugin`: tell every watch."""
        with self._lock:
            watches = tuple(self._open)
        for watch in watches:
            watch.granted(plugin)

    def close(self) -> None:
        """Close all; later ones are refused."""
        with self._lock:
            self._is_closed = True
            watches = tuple(self._open)
        for watch in watches:
            watch.close()

    def _forget(self, watch: Watch) -> None:
        with self._lock:
            self._open.discard(watch)
