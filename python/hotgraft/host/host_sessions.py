"""What a `Host` does for handles: pins and sessions, which `Plugin.pin` and `Plugin.session` ask for."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

from hotgraft.host.host_state import check_resume
from hotgraft.host.instances import pin_instance
from hotgraft.host.moving_sessions import open_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.options import Options
    from hotgraft.host.events import HostEvents
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
    _events: HostEvents

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...

    def pin_instance(self, loaded: Loaded, instance: Instance, *, deadline_s: float | None, who: str) -> Pin:
        """Hold what runs now; `Plugin.pin` is the way to ask for it."""
        self._check_control()
        limit = self.options.pin_deadline_s if deadline_s is None else deadline_s
        return self.watch_pin(pin_instance(cast("Host", self), loaded, instance, deadline_s=limit, who=who))

    def open_session(self, loaded: Loaded, instance: Instance, *, who: str, resume: str | None = None) -> Session:
        """Make a session; `Plugin.session` is the way to ask for it."""
        check_resume(resume)
        self._check_control()
        session = open_session(cast("Host", self), loaded, instance, who, resume)
        if session.is_resumed:
            self._events.tell("session.resumed", loaded.name, session=session.who, instance=instance.name)
        return session

    def waiting_sessions(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Return by instance of `name` the sessions that were open when a process before this one ended.

        Each waits until `Plugin.session` opens one of its name, and every snapshot holds it until then; one that is
        opened with ``resume="none"`` is given up.

        Raises:
            UnknownPlugin: nothing of that name is loaded.
        """
        self._check_control()
        found: dict[str, tuple[str, ...]] = {}
        for one in self._loaded(name).sessions.waiting():
            found[one.session.instance] = (*found.get(one.session.instance, ()), one.name)
        return MappingProxyType(found)

    def watch_pin(self, pin: AnyPin) -> AnyPin:
        """Have it ended at its deadline."""
        self._pins.watch(pin)
        return pin
