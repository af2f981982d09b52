"""What a host knows of one loaded plugin.

What serves, its instances and their slots, and what was replaced.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.contract import Consumer
from hotgraft.core.plan import Running
from hotgraft.host.own_numbers import OwnNumbers
from hotgraft.host.replaced import Replaced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.versions import Range
    from hotgraft.engine.load import Prepared
    from hotgraft.engine.stage import Candidate
    from hotgraft.host.plugin import Plugin
    from hotgraft.host.report import SwapReport
    from hotgraft.host.turns import Turns

__all__ = ["MAIN", "Bound", "Instance", "Loaded", "Pinnable"]

MAIN = "main"  # the instance of a plugin that was loaded without naming one


@dataclass(frozen=True, slots=True)
class Bound:
    """One import of a plugin: which plugin's slot it leads to, and the range it accepts."""

    provider: str
    interface: str  # key
    accepts: Range
    slot: _core.Slot


@dataclass(frozen=True, slots=True)
class Pinnable:
    """What a pin on an instance holds and publishes. Replaced whole, so that its parts belong together."""

    generation: _core.Generation
    version: str
    tables: tuple[_core.Table, ...]


@dataclass(slots=True)
class Instance:
    """One instance of a plugin: its config and its slots stay over every swap."""

    name: str
    config_json: str
    slots: dict[str, _core.Slot] = field(default_factory=dict)  # by interface key
    handle: Plugin | None = None
    index: int = 0  # in the generation that serves; one that failed to start may hold a lower one
    pinnable: Pinnable | None = None  # of what serves


@dataclass(slots=True)
class Loaded:
    """One plugin.

    Thread safety: written only by whoever has the plugin's turn; what is replaced is replaced whole.
    """

    name: str
    turns: Turns[SwapReport]
    source: str = ""
    last_number: int = 0
    current: Candidate | None = None
    instances: dict[str, Instance] = field(default_factory=dict)
    imports: Mapping[str, Bound] = field(default_factory=dict)  # by interface name
    call_type: type[Plugin] | None = None
    replaced: Replaced = field(default_factory=Replaced)
    own_numbers: OwnNumbers = field(default_factory=OwnNumbers)

    @property
    def serving(self) -> Candidate:
        """What serves."""
        assert self.current is not None  # a plugin is listed only once it serves
        return self.current

    def running(self, consumers: tuple[Consumer, ...]) -> Running:
        """Return what serves, as a plan wants it."""
        return Running(
            generation=self.serving.generation.number,
            side=self.serving.side,
            instances=tuple(self.instances),
            consumers=consumers,
        )

    def wants(self, provider: str) -> tuple[Consumer, ...]:
        """Return what this plugin needs of `provider`."""
        return tuple(
            Consumer(plugin=self.name, interface=bound.interface, accepts=bound.accepts)
            for bound in self.imports.values()
            if bound.provider == provider
        )

    def slot_for(self, instance: str, interface: str) -> _core.Slot:
        """Return the slot of an interface, a new one where this instance never had it."""
        known = self.instances[instance].slots if instance in self.instances else {}
        title = interface if instance == MAIN else f"{instance}:{interface}"
        return known.get(interface) or _core.Slot.named(title)

    def adopt(self, prepared: Prepared) -> None:
        """The candidate serves: note it, and what it replaced."""
        if self.current is not None:
            self.replaced.add(self.current.generation)
        self.current = prepared.candidate
        for index, wish in enumerate(prepared.wishes):
            instance = self.instances.setdefault(wish.name, Instance(wish.name, wish.config_json))
            instance.config_json = wish.config_json
            instance.index = index
            instance.slots.update(wish.slots)
            instance.pinnable = self.pinnable(prepared.pin_tables[index])

    def pinnable(self, tables: tuple[_core.Table, ...]) -> Pinnable:
        """Return what pins on an instance of what serves hold."""
        return Pinnable(self.serving.generation, self.serving.side.version, tables)
