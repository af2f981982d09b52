"""What stands behind a handle: which plugin, which instance, and the host that serves it.

The handle's type belongs to the call path and has no place for attributes; this object is its owner, and
keeps the slots alive that its functions read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotgraft import _core
from hotgraft.host.aio import Aio
from hotgraft.host.loaded import MAIN
from hotgraft.host.stats import read_stats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.host.host import Host
    from hotgraft.host.loaded import Instance, Loaded, Pinnable
    from hotgraft.host.pin import Pin
    from hotgraft.host.plugin import Plugin
    from hotgraft.host.report import SwapReport
    from hotgraft.host.session import Session
    from hotgraft.host.stats import Stats

__all__ = ["Link", "PinLink", "retype"]


def retype(handle: Plugin, call_type: type[Plugin], slots: tuple[_core.Slot, ...]) -> None:
    """Give a handle these functions, and the slots that they read; nothing happens where it has them. Twice is once."""
    link: Link = handle._owner
    if type(handle) is not call_type or link.called != slots:  # a new major: the same functions in another slot
        link.keep(slots)
        _core.retype_call_object(handle, call_type, slots)
        link.called = slots


class Link:
    """The owner of a plugin's handle."""

    __slots__ = ("_slots", "called", "host", "instance", "loaded")

    def __init__(self, host: Host, loaded: Loaded, instance: Instance, slots: tuple[_core.Slot, ...]) -> None:
        self.host = host
        self.loaded = loaded
        self.instance = instance
        self._slots = slots  # a slot must outlive every call through it
        self.called = slots  # those that the handle's functions read, in their order

    def keep(self, slots: tuple[_core.Slot, ...]) -> None:
        """Keep further slots alive: those of interfaces that a later generation brought."""
        self._slots += tuple(slot for slot in slots if slot not in self._slots)

    @property
    def name(self) -> str:
        """Return how the host knows it: ``gain``, or ``gain:left`` for an instance."""
        own = self.instance.name
        return self.loaded.name if own == MAIN else f"{self.loaded.name}:{own}"

    def generation(self) -> int:
        """Return the number of what runs now."""
        return self.loaded.serving.generation.number

    def version(self) -> str:
        """Return the version of what runs now."""
        return self.loaded.serving.side.version

    def features(self) -> tuple[str, ...]:
        """Return what callers of what runs now may rely on beyond its functions."""
        return self.loaded.serving.side.features

    def aio(self, plugin: Plugin) -> Aio:
        """Return the functions as coroutines."""
        return Aio(plugin, self.loaded.serving.blocking, self.host.gates)

    def pin(self, deadline_s: float | None, who: str) -> Pin:
        """Hold what runs now."""
        return self.host.pin_instance(self.loaded, self.instance, deadline_s=deadline_s, who=who)

    def session(self, who: str, resume: str | None = None) -> Session:
        """Open a session of the instance."""
        return self.host.open_session(self.loaded, self.instance, who=who, resume=resume)

    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the schemas of what the functions of what runs now return, by function; the same object for one."""
        return self.loaded.serving.outputs

    def stats(self) -> Stats:
        """Return what the meter of what runs now has counted."""
        serving = self.loaded.serving
        stats = read_stats(serving.generation, serving.side.version, self.instance.name)
        return replace(stats, turned_away=sum(slot.turned_away for slot in self._slots))

    def report(self, name: str, value: float) -> None:
        """Note one of the program's own numbers about what runs now."""
        self.loaded.own_numbers.report(self.loaded.name, self.loaded.serving.generation, name, value)

    def reload(self, image: str | None, deadline_s: float | None, *, allow_downgrade: bool) -> SwapReport:
        """Replace the plugin."""
        return self.host.reload(self.loaded.name, image, deadline_s=deadline_s, allow_downgrade=allow_downgrade)

    def tell(self, event: str, **facts: Any) -> None:
        """Tell whoever listens to the host of what came of a call."""
        self.host._events.tell(event, self.loaded.name, **facts)

    def describe(self) -> str:
        """Return one line for people."""
        return f"{self.name}: version {self.version()}, generation {self.generation()}"


class PinLink(Link):
    """The owner of a pinned handle: what runs now is what was pinned."""

    __slots__ = ("held", "slots")

    def __init__(
        self, host: Host, loaded: Loaded, instance: Instance, slots: Mapping[str, _core.Slot], held: Pinnable
    ) -> None:
        super().__init__(host, loaded, instance, tuple(slots.values()))
        self.slots = slots  # by interface key, in the order of what is pinned
        self.held = held

    def follow(self, slots: Mapping[str, _core.Slot], held: Pinnable) -> None:
        """What is pinned is `held` from now on."""
        self.keep(tuple(slots.values()))
        self.slots, self.held = slots, held

    def generation(self) -> int:
        """Return the number of the pinned generation."""
        return self.held.generation.number

    def version(self) -> str:
        """Return the version of the pinned generation."""
        return self.held.version

    def features(self) -> tuple[str, ...]:
        """Return those of the pinned generation."""
        return self.held.features

    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the schemas of the pinned generation's functions."""
        return self.held.outputs

    def stats(self) -> Stats:
        """Return what the meter of the pinned generation has counted."""
        return read_stats(self.held.generation, self.held.version, self.instance.name)

    def report(self, name: str, value: float) -> None:
        """Note one of the program's own numbers about the pinned generation."""
        self.loaded.own_numbers.report(self.loaded.name, self.held.generation, name, value)

    def describe(self) -> str:
        """Return one line for people."""
        return f"pin on {super().describe()}"
