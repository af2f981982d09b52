"""What a host knows of one loaded plugin.

What serves, its instances and their slots, and what was replaced.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, cast

from hotgraft import _core
from hotgraft.core.contract import Consumer
from hotgraft.core.dataclass import dataclass
from hotgraft.core.draining import DrainRules
from hotgraft.core.plan import Running
from hotgraft.host.converters import Converters
from hotgraft.host.draining import rules_of
from hotgraft.host.open_sessions import OpenSessions
from hotgraft.host.own_numbers import OwnNumbers
from hotgraft.host.pin import OpenPins
from hotgraft.host.replaced import Replaced
from hotgraft.host.stats import calls_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotgraft.core.expected_pause import MeasuredPause
    from hotgraft.core.fallback import Fallback
    from hotgraft.core.state import Crossing, StateFacts
    from hotgraft.core.versions import Range
    from hotgraft.engine.load import Prepared
    from hotgraft.engine.stage import Candidate
    from hotgraft.host.before_swap import BeforeSwap
    from hotgraft.host.journal import AttemptRecord
    from hotgraft.host.lending import Loan
    from hotgraft.host.plugin import Plugin
    from hotgraft.host.previous import Previous
    from hotgraft.host.report import SwapReport
    from hotgraft.host.report_set import AnyReport
    from hotgraft.host.turns import Turns
    from hotgraft.host.unit import Unit

__all__ = ["MAIN", "Bound", "Held", "Instance", "Loaded", "Pinnable", "Superseded", "pinnable_of"]

MAIN = "main"  # the instance of a plugin that was loaded without naming one


@dataclass(frozen=True, slots=True)
class Bound:
    """One import of a plugin: which plugin's slot it leads to, the range it accepts, and the features it uses."""

    provider: str
    interface: str  # key
    accepts: Range
    slot: _core.Slot
    uses: frozenset[str] = frozenset()  # features of the provider


@dataclass(frozen=True, slots=True)
class Pinnable:
    """What a pin on an instance holds and publishes. Replaced whole, so that its parts belong together."""

    generation: _core.Generation
    version: str
    call_type: type[Plugin]
    tables: Mapping[str, _core.Table]  # by interface key
    outputs: Mapping[str, Mapping[str, Any]]  # of its functions, by name
    state: StateFacts
    features: tuple[str, ...] = ()


def pinnable_of(candidate: Candidate, tables: tuple[_core.Table, ...], call_type: type[Plugin] | None) -> Pinnable:
    """Return what pins on an instance of `candidate` hold; `tables` are those of its interfaces, in order."""
    assert call_type is not None  # made before it serves
    side = candidate.side
    keys = (one.key for one in side.interfaces)
    by_key = dict(zip(keys, tables, strict=True))
    return Pinnable(candidate.generation, side.version, call_type, by_key, candidate.outputs, side.state, side.features)


@dataclass(slots=True)
class Instance:
    """One instance of a plugin: its config and its slots stay over every swap."""

    name: str
    config_json: str
    slots: dict[str, _core.Slot] = field(default_factory=dict)  # by interface key
    handle: Plugin | None = None
    index: int = 0  # in the generation that serves; one that failed to start may hold a lower one
    pinnable: Pinnable | None = None  # of what serves


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The last good generation of a plugin while a newer one serves that is not committed.

    Args:
        candidate: what served.
        indexes: of its instances in it, by name.
        configs: of its instances, as JSON, by name.
        imports: what its imports lead to.
        source: where it came from.
        crossing: how its state left it when it was replaced.
        record: of the attempt that replaced it, and is not committed.
        unit: what goes back with it.
        calls_since: of generations that served after it and were replaced as well, on probation.
    """

    candidate: Candidate
    indexes: Mapping[str, int]
    configs: Mapping[str, str]
    imports: Mapping[str, Bound]
    source: str
    crossing: Crossing
    record: AttemptRecord
    unit: Unit
    before: BeforeSwap | None = None
    calls_since: int = 0

    @property
    def generation(self) -> _core.Generation:
        """Return the generation that is held."""
        return self.candidate.generation


@dataclass(frozen=True, slots=True)
class Superseded:
    """A generation that was replaced before its probation was over, and the record of the attempt that published it."""

    generation: _core.Generation
    record: AttemptRecord


@dataclass(slots=True)
class Loaded:
    """One plugin.

    Thread safety: written only by whoever has the plugin's turn; what is replaced is replaced whole.
    """

    name: str
    turns: Turns[AnyReport]  # of its host
    source: str = ""
    last_number: int = 0
    current: Candidate | None = None
    instances: dict[str, Instance] = field(default_factory=dict)
    imports: Mapping[str, Bound] = field(default_factory=dict)  # by interface name
    call_type: type[Plugin] | None = None
    replaced: Replaced = field(default_factory=Replaced)
    own_numbers: OwnNumbers = field(default_factory=OwnNumbers)
    held: Held | None = None  # what a rollback goes back to, until what serves is committed
    previous: Previous | None = None  # the image before the one that was committed last
    open_pins: OpenPins = field(default_factory=OpenPins)
    sessions: OpenSessions = field(default_factory=OpenSessions)
    lent: tuple[Loan, ...] = ()  # slots of others in which it answers
    borrows_from: Loaded | None = None  # who answers in its slots
    drain: DrainRules = field(default_factory=DrainRules)  # the host's word; set by any thread, at any time
    fallback: Fallback | None = None  # declared by the host; None: nothing was
    relied_on: frozenset[str] = frozenset()  # features that the program uses
    converters: Converters = field(default_factory=Converters)  # of its host
    last_pause: MeasuredPause | None = None  # of the last swap with a gate
    priority: int = 0  # among providers of one version the highest is bound; for consumers that are bound later
    taken_back: str = ""  # hash of the image that was last rolled back from: it comes in only when it is asked for
    looks: int = 0  # begun and ended at its state; odd: one goes on, and is over in a moment

    @contextmanager
    def looked_at(self) -> Iterator[None]:
        """Within, its state is copied or read while it rests: who wants a pin waits for that, and is not refused."""
        self.looks += 1
        try:
            yield
        finally:
            self.looks += 1

    @property
    def serving(self) -> Candidate:
        """What serves."""
        assert self.current is not None  # a plugin is listed only once it serves
        return self.current

    @property
    def turn_names(self) -> frozenset[str]:
        """Return whose turns a change of it needs: who answers for it, and what goes back with it, changes with it."""
        unit = self.held.unit.names if self.held is not None else ()
        provider = (self.borrows_from.name,) if self.borrows_from is not None else ()
        return frozenset((self.name, *provider, *unit))

    def take_turn(
        self, work: Callable[[], SwapReport], deadline_s: float, *, provider: Loaded | None = None
    ) -> SwapReport:
        """Do it in the plugin's turn, and in that of who is to answer for it, if `provider` is.

        Raises:
            Busy: the turn did not come within `deadline_s`. What `work` raises.
        """
        also = (provider.name,) if provider is not None else ()
        done = self.turns.take(lambda: self.turn_names.union(also), lambda _: work(), deadline_s)
        return cast("SwapReport", done)  # work's: without wishes nothing joins it

    def running(self, consumers: tuple[Consumer, ...], granted: frozenset[str] = frozenset()) -> Running:
        """Return what serves, as a plan wants it; `granted` is what its candidates may ask for."""
        return Running(
            generation=self.serving.generation.number,
            side=self.serving.side,
            instances=tuple(self.instances),
            consumers=consumers,
            relied_on=self.relied_on,
            granted=granted,
            moves_pins=rules_of(self).moves_pins,
            converters=self.converters.of(self.name),
        )

    def wants(self, provider: str) -> tuple[Consumer, ...]:
        """Return what this plugin needs of `provider`."""
        return tuple(
            Consumer(plugin=self.name, interface=bound.interface, accepts=bound.accepts, uses=bound.uses)
            for bound in self.imports.values()
            if bound.provider == provider
        )

    @property
    def providers(self) -> frozenset[str]:
        """Return the plugins that it calls."""
        return frozenset(bound.provider for bound in self.imports.values())

    def slot_for(self, instance: str, interface: str) -> _core.Slot:
        """Return the slot of an interface, a new one where this instance never had it."""
        known = self.instances[instance].slots if instance in self.instances else {}
        title = interface if instance == MAIN else f"{instance}:{interface}"
        return known.get(interface) or _core.Slot.named(title)

    @property
    def configs(self) -> dict[str, str]:
        """Return the config of each instance, by its name."""
        return {one.name: one.config_json for one in self.instances.values()}

    def to_hold(
        self, crossing: Crossing, record: AttemptRecord, before: BeforeSwap | None = None, *, unit: Unit
    ) -> Held:
        """Return what is held once the attempt has published: the last good, which what serves now need not be."""
        if self.held is not None:
            return replace(self.held, record=record, unit=unit)
        return Held(
            candidate=self.serving,
            indexes={one.name: one.index for one in self.instances.values()},
            configs=self.configs,
            imports=self.imports,
            source=self.source,
            crossing=crossing,
            record=record,
            unit=unit,
            before=before,
        )

    def superseded(self) -> Superseded | None:
        """Return what is on probation, and is on its way out once another candidate serves."""
        return Superseded(self.serving.generation, self.held.record) if self.held is not None else None

    def adopt(
        self,
        prepared: Prepared,
        held: Held | None = None,
        superseded: Superseded | None = None,
        *,
        goes_back: bool = False,
    ) -> None:
        """The candidate serves: note it, and what is held for it. Twice is once: memory may have run out in between."""
        if self.current is not prepared.candidate:
            if goes_back and self.current is not None:
                self.take_back(self.current.generation, prepared.candidate.generation)
            elif self.taken_back == prepared.candidate.generation.sha256:
                self.taken_back = ""
            if superseded is not None and held is not None:
                held = replace(held, calls_since=held.calls_since + calls_of(superseded.generation))
                self.replaced.add(superseded.generation)
            self.held = held
            self.current = prepared.candidate
        for index, wish in enumerate(prepared.wishes):
            instance = self.instances.get(wish.name)
            if instance is None:
                instance = self.instances[wish.name] = Instance(wish.name, wish.config_json)
            instance.config_json = wish.config_json
            instance.index = index
            instance.slots.update(wish.slots)
            instance.pinnable = self.pinnable(prepared.pin_tables[index])

    def take_back(self, leaving: _core.Generation, back: _core.Generation) -> None:
        """It was rolled back from: no replacement of another plugin lets that image in again."""
        if leaving.sha256 != back.sha256:
            self.taken_back = leaving.sha256

    def release_held(self) -> Held:
        """What was held is held no more: it is on its way out, and the caller retires it."""
        held = self.held
        assert held is not None  # asked by whoever has the turn
        self.replaced.add(held.generation)
        self.held = None
        return held

    def recall(
        self,
        held: Held,
        indexes: Mapping[str, int],
        pin_tables: Mapping[str, tuple[_core.Table, ...]],
        call_type: type[Plugin],
    ) -> None:
        """The held generation serves again: note it, and that what it follows is on its way out. Twice is once."""
        if self.current is not held.candidate:
            self.replaced.add(self.serving.generation)
        self.current, self.held = held.candidate, None
        self.imports, self.call_type, self.source = held.imports, call_type, held.source
        for name, index in indexes.items():
            instance = self.instances[name]
            instance.index, instance.config_json = index, held.configs[name]
            instance.pinnable = self.pinnable(pin_tables[name])

    def pinnable(self, tables: tuple[_core.Table, ...]) -> Pinnable:
        """Return what pins on an instance of what serves hold."""
        return pinnable_of(self.serving, tables, self.call_type)
