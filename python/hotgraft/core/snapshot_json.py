"""A snapshot as one JSON object that people read and edit, and the snapshot again; nothing is lost on the way.

    {"hotgraft_state": 1, "plugin": "gain", "version": "1.1.0", "schema": 2, …,
     "instances": [{"name": "main", "config": "{}", "align": 16, "state": {"gain": 0.5, …}, "values": {…}}],
     "descriptor": "…"}

`state` is the declared block by field name (`state_tree` says how; a list where many states lie side by side), `values`
is what save put. A block that nobody described is its bytes: ``"block": {"$bytes": …}`` with those it leads to in
``"blocks"``. The descriptor is the image's own text: it says what the fields are, and is not for editing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.descriptor import read_descriptor
from hotgraft.core.errors import ManifestError
from hotgraft.core.saved_values import unfit_values
from hotgraft.core.snapshot import InstanceState, Snapshot, read_values, write_values
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.state_json import from_json, to_json
from hotgraft.core.state_tree import UnfitValues, decode_states, encode_states
from hotgraft.core.surface_descriptor import state_layout_of

if TYPE_CHECKING:
    from hotgraft.core.layout import StateLayout

__all__ = ["InstanceValues", "layout_in", "snapshot_from_json", "snapshot_to_json", "values_in"]

FORMAT: Final = 1
# What the object has beside `instances`, by type; a snapshot has each under the same name.
_FACTS: Final = {
    "plugin": str, "version": str, "generation": int, "image_sha256": str, "number": int, "taken_ns": int,
    "reason": str,
}  # fmt: skip
_INSTANCE: Final = {"name": str, "config": str, "align": int}
_LOADED_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")  # what a host takes for a plugin's name
_PARTS: Final = ("state", "block", "blocks", "values")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceValues:
    """What one instance has, as values."""

    name: str
    config_json: str
    align: int
    states: list[dict[str, Any]] | None = None  # of its block; None: it has none, or nobody described it
    block: bytes | None = None  # one that nobody described
    blocks: tuple[bytes, ...] = ()
    values: dict[str, Any] | None = None  # what save put


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
    found, reasons = [], []
    for one in snapshot.instances:
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
    facts = {name: getattr(snapshot, name) for name in _FACTS}
    return {
        "hotgraft_state": FORMAT,
        **facts,
        "schema": snapshot.read_descriptor().state.schema,
        "instances": [_instance_to_json(one) for one in values_in(snapshot, on=on)],
        "descriptor": bytes(snapshot.descriptor).decode(),
    }


def _instance_to_json(one: InstanceValues) -> dict[str, Any]:
    made: dict[str, Any] = {"name": one.name, "config": one.config_json, "align": one.align}
    if one.states is not None:
        made["state"] = to_json(one.states[0] if len(one.states) == 1 else one.states)
    if one.block is not None:
        made |= {"block": to_json(one.block), "blocks": to_json(one.blocks)}
    if one.values is not None:
        made["values"] = to_json(one.values)
    return made


def snapshot_from_json(given: Any, *, on: str) -> Snapshot:
    """Return the snapshot that an object stands for; every reason at once where it is none.

    Raises:
        SnapshotError: it is none; nothing was written.
    """
    reasons: list[str] = []
    made = _snapshot(given, reasons) if isinstance(given, dict) else None
    if made is None and not reasons:
        reasons.append("it is no object of a state, as hotgraft state export writes it")
    if reasons or made is None:
        advice = "mend what is named, or begin with what hotgraft state export writes"
        raise SnapshotError("import the state", on=on, found=reasons, advice=advice, running="nothing was written")
    return made


def _snapshot(given: dict[str, Any], reasons: list[str]) -> Snapshot | None:
    if given.get("hotgraft_state") != FORMAT:
        reasons.append(f"hotgraft_state is {given.get('hotgraft_state')!r:.40}; this hotgraft reads {FORMAT}")
        return None
    facts = _facts(given, _FACTS, "", reasons)
    known = {"hotgraft_state", "schema", "instances", "descriptor", *_FACTS}
    reasons += [f"{name[:64]}: there is no such field" for name in given if name not in known]
    if isinstance(facts["plugin"], str) and not _LOADED_NAME.fullmatch(facts["plugin"]):
        reasons.append(f"plugin: {facts['plugin'][:64]!r} is no name that a host loads a plugin by")
    text, layout = given.get("descriptor"), None
    try:
        descriptor = read_descriptor(text.encode() if isinstance(text, str) else b"")
        layout = state_layout_of(descriptor)
        told = {"version": descriptor.version, "schema": descriptor.state.schema}  # the plugin may be loaded otherwise
        reasons += [
            f"{name} is {given[name]!r:.80}, and the descriptor says {known}"
            for name, known in told.items()
            if given.get(name, known) != known
        ]
    except (ManifestError, UnicodeEncodeError) as error:
        found = error.found if isinstance(error, ManifestError) else (str(error),)
        reasons += [f"descriptor: {one}" for one in found]
    listed = given.get("instances")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        reasons.append("instances: it is no list of objects")
        return None
    instances = [_instance(one, f"instances[{at}]", layout, reasons) for at, one in enumerate(listed)]
    names = [one.name for one in instances]
    reasons += [
        f"instances: {name[:64]!r} stands twice" for name in sorted({one for one in names if names.count(one) > 1})
    ]
    return None if reasons else Snapshot(**facts, descriptor=str(text).encode(), instances=tuple(instances))


def _facts(given: dict[str, Any], kinds: dict[str, type], path: str, reasons: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, kind in kinds.items():
        value = given.get(name)
        facts[name] = value
        if not isinstance(value, kind) or isinstance(value, bool):
            words = "a text" if kind is str else "a whole number"
            reasons.append(
                f"{path}{name}: it is missing" if name not in given else f"{path}{name}: it is no {words[2:]}"
            )
        elif isinstance(value, int) and not 0 <= value < 1 << 62:
            reasons.append(f"{path}{name}: it is below 0 or beyond 62 bits")
    return facts


def _instance(given: dict[str, Any], path: str, layout: StateLayout | None, reasons: list[str]) -> InstanceState:
    facts = _facts({"align": 0, **given}, _INSTANCE, f"{path}.", reasons)
    if isinstance(facts["align"], int) and facts["align"].bit_count() > 1:
        reasons.append(f"{path}.align: {facts['align']} is no power of 2")
    name = facts["name"] if isinstance(facts["name"], str) else path
    reasons += [f"{path}.{key[:64]}: there is no such field" for key in given if key not in (*_INSTANCE, *_PARTS)]
    values: bytes | None = None
    block: bytes | None = None
    blocks: tuple[bytes, ...] = ()
    if "values" in given:
        values = _keyed(from_json(given["values"], f"{name}: values", reasons), f"{name}: values", reasons)
    if "state" in given:
        block, blocks = _declared(from_json(given["state"], f"{name}: state", reasons), name, layout, reasons)
    elif "block" in given:
        inner = given.get("blocks", [])
        parts = [given["block"], *(inner if isinstance(inner, list) else [inner])]
        block, *found = (from_json(one, f"{name}: block {at}", reasons) for at, one in enumerate(parts))
        blocks = tuple(found)
        reasons += [
            f"{name}: block {at}: it is no bytes"
            for at, one in enumerate((block, *blocks))
            if not isinstance(one, bytes)
        ]
    return InstanceState(
        name=name,
        config_json=str(facts["config"]),
        values=values,
        block=block,
        align=facts["align"] if isinstance(facts["align"], int) else 0,
        blocks=blocks,
    )


def _keyed(values: Any, path: str, reasons: list[str]) -> bytes | None:
    if not isinstance(values, dict):
        reasons.append(f"{path}: it is no object")
        return None
    if unfit := unfit_values(values):
        reasons += [f"{path}: {one}" for one in unfit]
        return None
    return write_values(values)


def _declared(
    state: Any, name: str, layout: StateLayout | None, reasons: list[str]
) -> tuple[bytes | None, tuple[bytes, ...]]:
    if layout is None:
        reasons.append(f"{name}: state: the descriptor describes none, so that its fields are not known")
        return None, ()
    is_one = isinstance(state, dict)
    if not is_one and not isinstance(state, list):
        reasons.append(f"{name}: state: it is no object of fields, and no list of them")
        return None, ()
    try:
        return encode_states(layout, [state] if is_one else state)
    except UnfitValues as error:
        begin = "[0]"
        reasons += [f"{name}: state{one.removeprefix(begin) if is_one else one}" for one in error.reasons]
    except ValueError as error:
        reasons.append(f"{name}: state: {error}")
    return None, ()
