"""A snapshot as one JSON object that people read and edit; nothing is lost on the way. `snapshot_import` reads it.

    {"hotgraft_state": 1, "plugin": "gain", "version": "1.1.0", "schema": 2, …,
     "instances": [{"name": "main", "config": "{}", "align": 16, "state": {"gain": 0.5, …}, "values": {…}}],
     "descriptor": "…"}

Where there are any, ``"sessions"`` follow the instances, each like one, with the ``"instance"`` that it is of;
``"origin"`` is the place, from 1, in the list of ``"origins"`` of the version that it is of, if it is not the
snapshot's own, and ``"since_ns"`` when it was open, if it waits to be opened again.

`state` is the declared block by field name (`state_tree` says how; a list where many states lie side by side), `values`
is what save put. A block that nobody described is its bytes: ``"block": {"$bytes": …}`` with those it leads to in
``"blocks"``. The descriptor is the image's own text: it says what the fields are, and is not for editing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.snapshot import InstanceState, Origin, Snapshot, read_values
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.state_json import to_json
from hotgraft.core.state_tree import decode_states
from hotgraft.core.surface_descriptor import state_layout_of

if TYPE_CHECKING:
    from hotgraft.core.layout import StateLayout

__all__ = ["InstanceValues", "layout_in", "session_values_in", "snapshot_to_json", "values_in"]

JSON_FORMAT: Final = 2  # what has nothing of it is written as 1
# What the object has beside `instances`, by type; a snapshot has each under the same name.
FACTS: Final = {
    "plugin": str, "version": str, "generation": int, "image_sha256": str, "number": int, "taken_ns": int,
    "reason": str,
}  # fmt: skip
ORIGIN_FACTS: Final = {"version": str, "generation": int, "image_sha256": str}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceValues:
    """What one instance or session has, as values."""

    name: str
    config_json: str
    align: int
    states: list[dict[str, Any]] | None = None  # of its block; None: it has none, or nobody described it
    block: bytes | None = None  # one that nobody described
    blocks: tuple[bytes, ...] = ()
    values: dict[str, Any] | None = None  # what save put
    layout: StateLayout | None = None  # of its block


def layout_in(snapshot: Snapshot) -> StateLayout | None:
    """Return how the blocks of a snapshot lie; None: nobody described it.

    Raises:
        SnapshotError: this hotgraft does not read its descriptor.
    """
    return state_layout_of(snapshot.read_descriptor())


def values_in(snapshot: Snapshot, *, on: str, shortens: bool = True) -> list[InstanceValues]:
    """Return the values of each instance; `shortens`: an f32 in the fewest digits, which are no less exact.

    Raises:
        SnapshotError: its descriptor, values or blocks are none that could be read.
    """
    layout = layout_in(snapshot)
    return _all_values([(one, layout) for one in snapshot.instances], on, shortens=shortens)


def session_values_in(snapshot: Snapshot, *, on: str, shortens: bool = True) -> list[InstanceValues]:
    """Return the values of each session, by the layout of the version that it is of.

    Raises:
        SnapshotError: as `values_in`.
    """
    layouts: dict[Origin | None, StateLayout | None] = {}
    for one in snapshot.sessions:
        if one.origin not in layouts:
            layouts[one.origin] = state_layout_of(snapshot.descriptor_of(one))
    return _all_values([(one.state, layouts[one.origin]) for one in snapshot.sessions], on, shortens=shortens)


def _all_values(
    given: list[tuple[InstanceState, StateLayout | None]], on: str, *, shortens: bool
) -> list[InstanceValues]:
    found, reasons = [], []
    for one, layout in given:
        values = None if one.values is None else read_values(one.values, on=on)
        states, block = None, None if one.block is None else bytes(one.block)
        if layout is not None and one.block is not None:
            try:
                states, block = decode_states(layout, one.block, one.blocks, shortens=shortens), None
            except ValueError as error:
                reasons.append(f"{one.name}: {error}")
        blocks = () if block is None else tuple(bytes(inner) for inner in one.blocks)
        found.append(
            InstanceValues(
                name=one.name,
                config_json=one.config_json,
                align=one.align,
                states=states,
                block=block,
                blocks=blocks,
                values=values,
                layout=layout,
            )
        )
    if reasons:
        raise SnapshotError("read the snapshot", on=on, found=reasons, advice="take another one, or use one before it")
    return found


def snapshot_to_json(snapshot: Snapshot, *, on: str) -> dict[str, Any]:
    """Return the object.

    Raises:
        SnapshotError: as `values_in`.
    """
    facts = {name: getattr(snapshot, name) for name in FACTS}
    instances = [
        {"name": one.name, "config": one.config_json, **({"shared": True} if state.is_shared else {}), **_state_of(one)}
        for one, state in zip(values_in(snapshot, on=on), snapshot.instances, strict=True)
    ]
    later: dict[str, Any] = {}
    if snapshot.format > 1:
        later = {"at_rest": snapshot.is_at_rest, **_sessions_to_json(snapshot, on)}
    return {
        "hotgraft_state": snapshot.format,
        **facts,
        "schema": snapshot.read_descriptor().state.schema,
        "instances": instances,
        **later,
        "descriptor": bytes(snapshot.descriptor).decode(),
    }


def _sessions_to_json(snapshot: Snapshot, on: str) -> dict[str, Any]:
    found = dict.fromkeys(one.origin for one in snapshot.sessions if one.origin is not None)
    places = {one: place for place, one in enumerate(found, 1)}
    return {
        "sessions": [
            {
                "name": one.name,
                "instance": one.instance,
                **({"origin": places[one.origin]} if one.origin is not None else {}),
                **({"since_ns": one.since_ns} if one.since_ns else {}),
                **_state_of(values),
            }
            for one, values in zip(snapshot.sessions, session_values_in(snapshot, on=on), strict=True)
        ],
        "origins": [
            {**{name: getattr(one, name) for name in ORIGIN_FACTS}, "descriptor": bytes(one.descriptor).decode()}
            for one in places
        ],
    }


def _state_of(one: InstanceValues) -> dict[str, Any]:
    made: dict[str, Any] = {"align": one.align}
    if one.states is not None:
        made["state"] = to_json(one.states[0] if len(one.states) == 1 else one.states)
    if one.block is not None:
        made |= {"block": to_json(one.block), "blocks": to_json(one.blocks)}
    if one.values is not None:
        made["values"] = to_json(one.values)
    return made
