"""Snapshots of a mixer, made by hand: of two versions, with everything that a state can have."""

from __future__ import annotations

import json
from typing import Any

from hotgraft.core.descriptor import read_descriptor
from hotgraft.core.snapshot import InstanceState, Snapshot, write_values
from hotgraft.core.state_tree import encode_states
from hotgraft.core.surface_descriptor import state_layout_of
from sample_plugins import Sample


def field(name: str, kind: str, offset: int, size: int, count: int = 1, **more: Any) -> dict[str, Any]:
    """Return one field of a struct; `size`: of all its elements."""
    return {"name": name, "type": kind, "offset": offset, "bytes": size, "count": count, **more}


def struct(size: int, *fields: dict[str, Any]) -> dict[str, Any]:
    """Return a struct or union aligned to 8."""
    return {"bytes": size, "align": 8, "fields": list(fields)}


TYPES: dict[str, Any] = {
    "enums": {"mode": {"type": "u32", "values": [["OFF", 0], ["ON", 1], ["AUTO", 7]]}},
    "unions": {
        "shape": struct(8, field("round", "f32", 0, 4, when=0), field("box", "u16", 0, 8, 4, when=7)),
    },
}
BAND = struct(16, field("hz", "f32", 0, 4), field("q", "f32", 4, 4), field("on", "u8", 8, 1))
ONE = {
    "band": BAND,
    "mixer": struct(
        608, field("level", "f64", 0, 8), field("mode", "mode", 8, 4), field("bands", "band", 16, 320, 20),
        field("name", "i8", 336, 16, 16), field("key", "u8", 352, 64, 64), field("taps", "i16", 416, 100, 50),
        field("body", "shape", 520, 8, tag="mode"), field("notes", "u8*", 528, 8, counted="length"),
        field("length", "u64", 536, 8), field("connection", "u64", 544, 8, handle=True), field("old", "i32", 552, 4),
        field("wide", "f64", 560, 48, 6),
    ),
}  # fmt: skip
TWO = {
    "band": BAND,
    "mixer": struct(
        64, field("volume", "f64", 0, 8), field("mode", "mode", 8, 4), field("taps", "i32", 12, 12, 3),
        field("bands", "band", 24, 32, 2), field("fresh", "u32", 56, 4),
    ),
}  # fmt: skip
BANDS = [{"hz": 440.1, "q": 0.7, "on": 1}, {"hz": 880.0, "q": 0.7, "on": 1}, *[{"hz": 0.0, "q": 0.0, "on": 0}] * 18]
VALUES_ONE: dict[str, Any] = {
    "level": 0.5, "mode": 7, "bands": BANDS, "name": "linker Kanal", "key": bytes(range(64)),
    "taps": [*range(10), *[0] * 40],
    "body": {"box": [1, 2, 3, 4]}, "notes": b"loud", "length": 4, "notes.room": 16, "connection": 9, "old": -1,
    "wide": [0.1, float("nan"), float("inf"), -0.0, 1e300, 5e-324],
}  # fmt: skip
VALUES_TWO: dict[str, Any] = {"volume": 0.75, "mode": 1, "taps": [0, 1, 5], "bands": BANDS[:2], "fresh": 3}
SAVED: dict[str, Any] = {
    "count": 2**63 - 1, "gain": 0.1, "name": "größer", "blob": bytes(range(100)), "none": None, "on": True,
    "map": {1: "one", "$odd": float("-inf")}, "list": [1, [2.5, {"a": b""}]],
}  # fmt: skip


def descriptor(structs: dict[str, Any], version: str, **state: Any) -> bytes:
    """Return the descriptor of a version whose state is the mixer."""
    said = {"kind": "single", "schema": 1, "layout_id": 7, "handover": True, "save": True, "struct": "mixer", **state}
    plain = Sample(name="mixer", version=version).descriptor
    return json.dumps({**plain, **TYPES, "structs": structs, "state": said}).encode()


def snapshot(
    structs: dict[str, Any],
    values: dict[str, Any],
    version: str = "1.0.0",
    saved: dict[str, Any] | None = None,
    **state: Any,
) -> Snapshot:
    """Return a snapshot of the mixer with these values; its second instance has two states side by side."""
    data = descriptor(structs, version, **state)
    layout = state_layout_of(read_descriptor(data))
    assert layout is not None
    parts = {"main": [values], "aux": [values, values]}
    instances = []
    for name, states in parts.items():
        block, blocks = encode_states(layout, states)
        keyed = write_values(saved) if saved is not None and name == "main" else None
        instances.append(InstanceState(name=name, block=block, blocks=blocks, align=64, values=keyed))
    return Snapshot(
        plugin="mixer", version=version, generation=3, image_sha256="ab" * 32, descriptor=data, number=7,
        taken_ns=1_924_992_000_000_000_000, reason="before swap", instances=tuple(instances),
    )  # fmt: skip


def snapshot_one() -> Snapshot:
    """Return a snapshot of the first version."""
    return snapshot(ONE, VALUES_ONE, saved=SAVED)


def snapshot_two() -> Snapshot:
    """Return one of the second, which renamed a field."""
    return snapshot(TWO, VALUES_TWO, "2.0.0", renamed_from={"mixer.volume": "level"})
