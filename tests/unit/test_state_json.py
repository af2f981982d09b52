"""Values as JSON and back: nothing is lost, and whatever is no value is named."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from hotgraft.core.snapshot import Snapshot
from hotgraft.core.snapshot_bytes import encode_snapshot
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.snapshot_import import snapshot_from_json
from hotgraft.core.snapshot_json import snapshot_to_json
from hotgraft.core.state_json import from_json, to_json
from hypothesis import given
from hypothesis import strategies as st
from state_scene import snapshot_one, snapshot_two

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8)
KEYS = st.text(max_size=4) | st.sampled_from(["$bytes", "$map", "$"]) | st.integers()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


def again(value: Any) -> Any:
    """Return what is left of a value that went to a file and came back."""
    reasons: list[str] = []
    found = from_json(json.loads(json.dumps(to_json(value), allow_nan=False)), "it", reasons)
    assert reasons == []
    return found


@given(VALUES)
def test_every_value_comes_back(value: Any) -> None:
    """Integers beyond 53 bits, bytes, keys that look like tags, and what is no finite number."""
    assert repr(again(value)) == repr(value)


@pytest.mark.parametrize("bits", [0x7FF8000000000000, 0xFFF8000000000001, 0x7FF80000DEADBEEF, 0x8000000000000000, 1])
def test_a_float_comes_back_bit_for_bit(bits: int) -> None:
    """Also a nan that carries something, the zero that is negative, the smallest number."""
    (number,) = struct.unpack("<d", struct.pack("<Q", bits))
    assert struct.pack("<d", again(number)) == struct.pack("<Q", bits)
    assert math.isnan(number) == isinstance(to_json(number), dict)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"$bytes": "no base64"}, "it: $bytes is no base64"),
        ({"$bytes": 5}, "it: $bytes is base64 as text, not 5"),
        ({"$float": "much"}, "it: $float is nan, inf, -inf or 64 bits as 0x…, not 'much'"),
        ({"$map": [[1, 2], [1, 3]]}, "it: $map: 1 is no key, or stands twice"),
        ({"$map": {"a": 1}}, "it: $map is a list of pairs"),
        ({"$other": 1}, "it: $other is none of $bytes, $float, $map, alone in its object"),
        ({"a": [{"$float": "nan", "b": 1}]}, "it.a[0]: $float is none of"),
    ],
)
def test_what_is_no_value_is_a_reason_with_its_path(value: Any, why: str) -> None:
    """Such a file is written by hand."""
    reasons: list[str] = []
    from_json(value, "it", reasons)
    assert [why in one for one in reasons] == [True]


@pytest.mark.parametrize("snapshot", [snapshot_one(), snapshot_two()], ids=["one", "two"])
def test_a_snapshot_comes_back_byte_for_byte(snapshot: Snapshot) -> None:
    """With nested structs, arms, counted blocks with room, saved values, several states side by side."""
    made = json.loads(json.dumps(snapshot_to_json(snapshot, on="it"), allow_nan=False))
    back = snapshot_from_json(made, on="it.json")
    assert b"".join(encode_snapshot(back)) == b"".join(encode_snapshot(snapshot))


def test_a_block_that_nobody_described_comes_back_as_bytes() -> None:
    """What its plugin alone knows can still be kept and moved."""
    plain = snapshot_two()
    data = json.loads(bytes(plain.descriptor))
    del data["state"]["struct"], data["state"]["renamed_from"]
    opaque = Snapshot(
        **{name: getattr(plain, name) for name in plain.__slots__} | {"descriptor": json.dumps(data).encode()}
    )
    made = snapshot_to_json(opaque, on="it")
    assert "state" not in made["instances"][0]
    for wrong in (5, None, {"$bytes": "?"}):
        changed = json.loads(json.dumps(made))
        changed["instances"][1] |= {"block": "text", "blocks": wrong}
        with pytest.raises(SnapshotError, match="aux: block 0: it is no bytes"):
            snapshot_from_json(changed, on="it.json")
    assert snapshot_from_json(made, on="it.json") == opaque


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """Fields with their path, facts of the snapshot, and names that nobody reads."""
    made = snapshot_to_json(snapshot_two(), on="it")
    main, aux = made["instances"]
    main["state"]["bands"][1]["on"] = 300
    main["state"]["mode"] = "NEVER"
    del aux["state"][1]["volume"]
    aux["align"] = 48
    was = made["version"]
    made |= {"number": "7", "schema": 2, "sums": 1, "version": "9.9.9", "plugin": "../gain"}

    with pytest.raises(SnapshotError) as error:
        snapshot_from_json(made, on="it.json")

    assert set(error.value.found) == {
        "number: it is no whole number",
        "sums: there is no such field",
        "schema is 2, and the descriptor says 1",
        "plugin: '../gain' is no name that a host loads a plugin by",
        f"version is '9.9.9', and the descriptor says {was}",
        "instances[1].align: 48 is no power of 2",
        "main: state.mode: 'NEVER' is none of OFF, ON, AUTO",
        "main: state.bands[1].on: 300 is not between 0 and 255",
        "aux: state[1].volume: it is missing",
    }
    assert error.value.running == "nothing was written"


@pytest.mark.parametrize("given", [None, [], 5, {}, {"hotgraft_state": 2}, {"hotgraft_state": 1, "instances": [1]}])
def test_what_is_no_such_object_is_refused(given: Any) -> None:
    """Any file may be named."""
    with pytest.raises(SnapshotError):
        snapshot_from_json(given, on="it.json")
