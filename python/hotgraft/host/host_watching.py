"""What a `Host` offers to who looks on: watching images, and being told of what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.host.events import HostEvent, HostEvents, Subscription
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.watch import Watch
    from hotgraft.host.watches import Watches

__all__ = ["HostWatching"]


class HostWatching:
    """A part of `Host`; see there for threads, interrupts and forks."""

    _events: HostEvents
    _watches: Watches

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...

    def watch(self, *names: str) -> Watch:
        """Reload a plugin whenever its image has a new whole content, until the watch or the host is closed.

        Args:
            names: of loaded plugins; none: all, those included that are loaded later.

        Raises:
            UnknownPlugin: nothing of that name is loaded.
        """
        self._check_control()
        for name in names:
            self._loaded(name)
        return self._watches.add(names)

    def on(self, pattern: str, handler: Callable[[HostEvent], object]) -> Subscription:
        """Call `handler` with every event that matches: ``swap.*``, ``plugin.loaded``, ``*``.

        Handlers run after the gated window and before the change is answered, on the thread that carries it out,
        which is not the caller's. One that raises is logged.

        Raises:
            ValueError: no event can match `pattern`; the text names all there are. TypeError: it is no text, or
            `handler` cannot be called.
        """
        return self._events.on(pattern, handler)
