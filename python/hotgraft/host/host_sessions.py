"""What a `Host` does for handles: pins and sessions, which `Plugin.pin` and `Plugin.session` ask for."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

from hotgraft.host.draining import checked_s
from hotgraft.host.host_state import check_resume
from hotgraft.host.instances import pin_instance
from hotgraft.host.moving_sessions import open_session
from hotgraft.host.pin_set import pin_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.options import Options
    from hotgraft.host.events import HostEvents
    from hotgraft.host.host import Host
    from hotgraft.host.loaded import Instance, Loaded
    from hotgraft.host.pin import Pin, PinClock
    from hotgraft.host.pin_set import PinSet
    from hotgraft.host.session import Session, SessionPin

__all__ = ["HostSessions"]

AnyPin = TypeVar("AnyPin", "Pin", "PinSet", "SessionPin")


class HostSessions:
    """A part of `Host`; see there for threads, interrupts and forks."""

    options: Options
    _pins: PinClock
    _events: HostEvents

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _instance(self, name: str, instance: str | None) -> Instance: ...
        def _loaded(self, name: str) -> Loaded: ...
        def __contains__(self, name: object) -> bool: ...

    def pin(self, *names: str | tuple[str, str], deadline_s: float | None = None, who: str = "") -> PinSet:
        """Hold what serves of several plugins, so that all calls see one side of any swap of them.

        ``with host.pin("decoder", "mixer:left") as (decoder, left): left.mix(decoder.decode(block))``

        Args:
            names: of plugins, as ``host[...]`` takes them; ``"mixer:left"`` is ``("mixer", "left")``.
            deadline_s: seconds after which all of it ends; None: the host's setting for pins.
            who: what it is for, in reports of what keeps a generation.

        Returns:
            A context manager that answers the handles, in the order of `names`, and ends all of it when it is left.
            Where swaps take pins along, one takes all of them along.

        Raises:
            UnknownPlugin: nothing of that name. ValueError: no name; or pins on some of them follow a swap and pins on
            others stay where they are. Busy: a swap waits for pins to end, or they were replaced again and again.
            PluginUnavailable: the breaker of one is open. Nothing is held then.
        """
        self._check_control()
        _check_who(who, "a pin")
        if not names:
            raise ValueError("pin at least one plugin: host.pin('gain', 'peak')")
        limit = self.options.pin_deadline_s if deadline_s is None else checked_s(deadline_s)
        found = []
        for name in names:
            plugin, instance = self._parts(name)
            found.append((self._loaded(plugin), self._instance(plugin, instance)))
        return self.watch_pin(pin_set(cast("Host", self), found, deadline_s=limit, who=who))

    def _parts(self, name: str | tuple[str, str]) -> tuple[str, str | None]:
        if isinstance(name, tuple):
            return name
        if not isinstance(name, str):
            raise TypeError(f"pin each by its name: host.pin('gain', 'peak'); {name!r:.80} is none")
        plugin, _, instance = name.rpartition(":")
        return (name, None) if name in self or not plugin else (plugin, instance)

    def pin_instance(self, loaded: Loaded, instance: Instance, *, deadline_s: float | None, who: str) -> Pin:
        """Hold what runs now; `Plugin.pin` is the way to ask for it."""
        self._check_control()
        _check_who(who, "a pin")
        limit = self.options.pin_deadline_s if deadline_s is None else checked_s(deadline_s)
        return self.watch_pin(pin_instance(cast("Host", self), loaded, instance, deadline_s=limit, who=who))

    def open_session(self, loaded: Loaded, instance: Instance, *, who: str, resume: str | None = None) -> Session:
        """Make a session; `Plugin.session` is the way to ask for it."""
        check_resume(resume)
        _check_who(who, "a session")
        self._check_control()
        session = open_session(cast("Host", self), loaded, instance, who, resume)
        if session.is_resumed:
            facts = {"instance": instance.name, "left_behind": session.left_behind}
            self._events.tell("session.resumed", loaded.name, session=session.who, **facts)
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


def _check_who(who: str, what: str) -> None:
    """Refuse a name that is no text: reports would say it, and sessions are found again by it."""
    if not isinstance(who, str):
        raise TypeError(f"{what} is called by a str, and {who!r:.80} is none")
