"""The object of `snapshot_json` made a snapshot again; every reason at once where it is none."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.descriptor import read_descriptor
from hotgraft.core.errors import ManifestError
from hotgraft.core.saved_values import unfit_values
from hotgraft.core.snapshot import InstanceState, Origin, SessionState, Snapshot, write_values
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.snapshot_json import FACTS, JSON_FORMAT, ORIGIN_FACTS
from hotgraft.core.state_json import from_json
from hotgraft.core.state_tree import UnfitValues, encode_states
from hotgraft.core.surface_descriptor import state_layout_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.layout import StateLayout

__all__ = ["snapshot_from_json"]

_INSTANCE: Final = {"name": str, "config": str, "align": int}
_SESSION: Final = {"name": str, "instance": str, "align": int, "origin": int, "since_ns": int}
_MAY_LACK: Final = {"align": 0, "origin": 0, "since_ns": 0}
_LOADED_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")  # what a host takes for a plugin's name
_PARTS: Final = ("state", "block", "blocks", "values")


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
    number = given.get("hotgraft_state")
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= JSON_FORMAT:
        reasons.append(f"hotgraft_state is {number!r:.40}; this hotgraft reads 1 to {JSON_FORMAT}")
        return None
    facts = _facts(given, FACTS, "", reasons)
    known = {"hotgraft_state", "schema", "instances", "descriptor", "sessions", "origins", "at_rest", *FACTS}
    reasons += [f"{name[:64]}: there is no such field" for name in given if name not in known]
    if isinstance(facts["plugin"], str) and not _LOADED_NAME.fullmatch(facts["plugin"]):
        reasons.append(f"plugin: {facts['plugin'][:64]!r} is no name that a host loads a plugin by")
    descriptor = _descriptor(given, "", reasons)
    layout = state_layout_of(descriptor) if descriptor is not None else None
    is_shared = descriptor is not None and descriptor.state.kind == "concurrent"
    lists = {name: given.get(name, []) for name in ("instances", "sessions", "origins")}
    lists["instances"] = given.get("instances")
    wrong = [
        name
        for name, listed in lists.items()
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed)
    ]
    if wrong:
        reasons += [f"{name}: it is no list of objects" for name in wrong]
        return None
    if not isinstance(given.get("at_rest", True), bool):
        reasons.append("at_rest: it is neither true nor false")
    instances = [
        _instance(one, f"instances[{at}]", layout, reasons, is_shared=is_shared)
        for at, one in enumerate(lists["instances"])
    ]
    origins, layouts = _origins(lists["origins"], layout, reasons)
    sessions = [
        _session(one, f"sessions[{at}]", origins, layouts, {one.name for one in instances}, reasons)
        for at, one in enumerate(lists["sessions"])
    ]
    names = [one.name for one in instances]
    reasons += [
        f"instances: {name[:64]!r} stands twice" for name in sorted({one for one in names if names.count(one) > 1})
    ]
    if reasons:
        return None
    return Snapshot(
        **facts,
        descriptor=given["descriptor"].encode(),
        instances=tuple(instances),
        sessions=tuple(sessions),
        is_at_rest=given.get("at_rest", True),
    )


def _descriptor(given: Mapping[str, Any], path: str, reasons: list[str]) -> Descriptor | None:
    """Return the descriptor that stands in an object, which says no other version or schema than it."""
    text = given.get("descriptor")
    try:
        descriptor = read_descriptor(text.encode() if isinstance(text, str) else b"")
    except (ManifestError, UnicodeEncodeError) as error:
        found = error.found if isinstance(error, ManifestError) else (str(error),)
        reasons += [f"{path}descriptor: {one}" for one in found]
        return None
    told = {"version": descriptor.version, "schema": descriptor.state.schema}  # the plugin may be loaded otherwise
    reasons += [
        f"{path}{name} is {given[name]!r:.80}, and the descriptor says {known}"
        for name, known in told.items()
        if given.get(name, known) != known
    ]
    return descriptor


def _origins(
    listed: list[dict[str, Any]], own: StateLayout | None, reasons: list[str]
) -> tuple[list[Origin | None], list[StateLayout | None]]:
    """Return the versions that sessions are of, and how their blocks lie; first the snapshot's own."""
    origins: list[Origin | None] = [None]
    layouts = [own]
    for at, one in enumerate(listed):
        path = f"origins[{at}]."
        facts = _facts(one, ORIGIN_FACTS, path, reasons)
        reasons += [
            f"{path}{key[:64]}: there is no such field" for key in one if key not in (*ORIGIN_FACTS, "descriptor")
        ]
        descriptor = _descriptor(one, path, reasons)
        if descriptor is not None:
            origins.append(Origin(**facts, descriptor=one["descriptor"].encode()))
            layouts.append(state_layout_of(descriptor))
    return origins, layouts


def _session(
    given: dict[str, Any],
    path: str,
    origins: list[Origin | None],
    layouts: list[StateLayout | None],
    instances: set[str],
    reasons: list[str],
) -> SessionState:
    facts = _facts({**_MAY_LACK, **given}, _SESSION, f"{path}.", reasons)
    origin = facts["origin"] if isinstance(facts["origin"], int) else 0
    if not 0 <= origin < len(origins):
        reasons.append(f"{path}.origin: there is no origin {origin}")
        origin = 0
    if facts["instance"] not in instances:
        reasons.append(f"{path}.instance: {str(facts['instance'])[:64]!r} is none of the instances")
    state = _state(given, path, facts, _SESSION, layouts[origin], reasons)
    return SessionState(
        state=state, instance=str(facts["instance"]), origin=origins[origin], since_ns=facts["since_ns"]
    )


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


def _instance(
    given: dict[str, Any], path: str, layout: StateLayout | None, reasons: list[str], *, is_shared: bool
) -> InstanceState:
    facts = _facts({"align": 0, **given}, _INSTANCE, f"{path}.", reasons)
    if given.get("shared", False) not in (False, is_shared):
        reasons.append(f"{path}.shared: the descriptor says otherwise of its state")
    state = _state(given, path, facts, {**_INSTANCE, "shared": bool}, layout, reasons)
    return replace(state, config_json=str(facts["config"]), is_shared=given.get("shared", False) is True)


def _state(
    given: dict[str, Any],
    path: str,
    facts: dict[str, Any],
    known: Mapping[str, type],
    layout: StateLayout | None,
    reasons: list[str],
) -> InstanceState:
    """Return what an object of an instance or a session has of state."""
    if isinstance(facts["align"], int) and facts["align"].bit_count() > 1:
        reasons.append(f"{path}.align: {facts['align']} is no power of 2")
    name = facts["name"] if isinstance(facts["name"], str) else path
    reasons += [f"{path}.{key[:64]}: there is no such field" for key in given if key not in (*known, *_PARTS)]
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
