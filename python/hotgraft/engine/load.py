"""From an accepted candidate to instances with tables: map, bind imports, create, make the tables.

Everything here happens while the old generation serves. The candidate is dropped by whoever asked for it
when a step fails; what never returned is abandoned by the core and stays for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import LoadError
from hotgraft.engine.converting import check_offered, check_state_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hotgraft.core.plan import Side
    from hotgraft.engine.stage import Candidate
    from hotgraft.engine.timing import Stopwatch

__all__ = ["InstanceWish", "Prepared", "prepare", "serve_first"]


@dataclass(frozen=True, slots=True)
class InstanceWish:
    """One instance to make: its name, its config as JSON, and the slot of each interface by its key."""

    name: str
    config_json: str  # as it was told
    filled_json: str  # what create is given: with the defaults of this candidate's schema
    slots: Mapping[str, _core.Slot]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A candidate whose instances exist and are not started, with the tables to publish."""

    candidate: Candidate
    attempt: _core.Attempt
    wishes: tuple[InstanceWish, ...]
    tables: tuple[_core.Table, ...]
    pin_tables: tuple[tuple[_core.Table, ...], ...]  # by instance; for slots of pins, made now: no plugin code later


def prepare(
    candidate: Candidate,
    wishes: Sequence[InstanceWish],
    imports: Mapping[str, _core.Slot],
    *,
    not_yet: Collection[str] = (),
    deadline_s: float,
    watch: Stopwatch,
) -> Prepared:
    """Map the candidate and make its instances, each of the plugin's own functions within `deadline_s`.

    `not_yet`: imports through which nobody is to answer before they are bound once more.

    Raises:
        LoadError: the loader said no. ContractError: an interface is not what the descriptor says.
        StateError: its converters or its state's table are not what its manifest says. PluginError: create answered an
            error. PluginAbandoned: a function did not return.
    """
    attempt = _core.Attempt.of(candidate.generation)
    with watch("map"):
        attempt.map(deadline_s)
        check_offered(candidate.side, candidate.generation)
        check_state_table(candidate.side, candidate.generation)
        bind_imports(attempt, candidate, imports, not_yet)
    for wish in wishes:
        with watch(f"create {wish.name}"):
            attempt.create(wish.name, wish.filled_json, deadline_s)
    with watch("make tables"):
        made = [
            tuple(make_tables(attempt, candidate.side, index, wish.slots, deadline_s=deadline_s))
            for index, wish in [*enumerate(wishes), *enumerate(wishes)]
        ]
    tables = tuple(table for own in made[: len(wishes)] for table in own)
    return Prepared(candidate, attempt, tuple(wishes), tables, tuple(made[len(wishes) :]))


def bind_imports(
    attempt: _core.Attempt, candidate: Candidate, imports: Mapping[str, _core.Slot], not_yet: Collection[str] = ()
) -> None:
    """Lead every import of the library to its slot, and those that are `not_yet` to be answered to nobody.

    Raises:
        LoadError: the library imports what its manifest does not require.
    """
    wanted = candidate.generation.imports()
    for interface, _, _ in wanted:
        if interface in not_yet:
            attempt.bind_to_nobody(interface, imports[interface])
        elif interface in imports:
            attempt.bind_import(interface, imports[interface])
    missing = [
        f"it imports {interface!r} {accepts}, which its manifest does not require"
        for interface, accepts, is_optional in wanted
        if interface not in imports and not is_optional
    ]
    if missing:
        raise LoadError("bind its imports", on=candidate.generation.label, found=missing)


def make_tables(
    attempt: _core.Attempt, side: Side, index: int, slots: Mapping[str, _core.Slot], *, deadline_s: float
) -> list[_core.Table]:
    """Return one new table per interface of one instance, each for its slot."""
    return [
        attempt.make_table(
            index=index,
            interface=interface.key,
            slot=slots[interface.key],
            version=interface.packed_version,
            declared_bytes=interface.bytes,
            deadline_s=deadline_s,
        )
        for interface in side.interfaces
        if interface.key in slots
    ]


def serve_first(prepared: Prepared, *, deadline_s: float, watch: Stopwatch) -> None:
    """Start the first generation of a plugin and publish it: nobody is inside, no gate is needed.

    What was started is quiesced again when a later start fails; dropping the candidate is the caller's.
    """
    started: list[int] = []
    try:
        for index, wish in enumerate(prepared.wishes):
            with watch(f"start {wish.name}"):
                prepared.attempt.start(index, deadline_s)
            started.append(index)
        with watch("publish"):
            for table in prepared.tables:
                table.slot.publish(table)
            prepared.candidate.generation.mark_active()
    except BaseException:
        for index in reversed(started):
            prepared.attempt.stop(index, deadline_s)
        raise
