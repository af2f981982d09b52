"""What a `Host` does for handles: pins and sessions, which `Plugin.pin` and `Plugin.session` ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from hotgraft.host.instances import pin_instance
from hotgraft.host.moving_sessions import open_session

if TYPE_CHECKING:
    from hotgraft.core.options import Options
    from hotgraft.host.host import Host
    from hotgraft.host.loaded import Instance, Loaded
    from hotgraft.host.pin import Pin, PinClock
    from hotgraft.host.session import Session, SessionPin

__all__ = ["HostSessions"]

AnyPin = TypeVar("AnyPin", "Pin", "SessionPin")


class HostSessions:
    """A part of `Host`; see there for threads, interrupts and forks."""

    options: Options
    _pins: PinClock

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...

    def pin_instance(self, loaded: Loaded, instance: Instance, *, deadline_s: float | None, who: str) -> Pin:
        """Hold what runs now; `Plugin.pin` is the way to ask for it."""
        self._check_control()
        limit = self.options.pin_deadline_s if deadline_s is None else deadline_s
        return self.watch_pin(pin_instance(cast("Host", self), loaded, instance, deadline_s=limit, who=who))

    def open_session(self, loaded: Loaded, instance: Instance, *, who: str) -> Session:
        """Make a session; `Plugin.session` is the way to ask for it."""
        self._check_control()
        return open_session(cast("Host", self), loaded, instance, who)

    def watch_pin(self, pin: AnyPin) -> AnyPin:
        """Have it ended at its deadline."""
        self._pins.watch(pin)
        return pin
