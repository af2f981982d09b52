"""Tests core/surface_descriptor.py: what callers rely on, read out of a descriptor."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hotgraft.core.c_types import type_text
from hotgraft.core.descriptor import read_descriptor, write_descriptor
from hotgraft.core.descriptor_types import SCALARS
from hotgraft.core.surface import Interface, Record, Requirement, Surface
from hotgraft.core.surface_descriptor import surface_of
from hypothesis import given
from hypothesis import strategies as st
from test_descriptor import GOOD, parameter
from test_descriptor_types import field

if TYPE_CHECKING:
    from collections.abc import Callable


def surface(descriptor: dict[str, Any]) -> Surface:
    """What is read out of a descriptor that stands as JSON in an image."""
    return surface_of(read_descriptor(json.dumps(descriptor).encode()))


def lines(interface: Interface) -> list[str]:
    """Each function of an interface as one line."""
    return [
        f"{one.offset} {one.since} {sorted(one.tags)} {one.name}("
        + ", ".join(f"{type_text(p.type)} {p.direction} {p.count}{' or NULL' * p.is_nullable}" for p in one.parameters)
        + f") -> {type_text(one.result)} {one.ownership} {one.count}"
        for one in interface.functions
    ]


def test_a_descriptor_becomes_what_callers_rely_on() -> None:
    """Counts stand by place and types as canonical ones, so that two spellings compare equal."""
    found = surface(GOOD)

    (gain,) = found.interfaces
    assert (found.label, found.version, found.abi, gain.key) == ("gain 1.2.0", "1.2.0", (1, 0), "gain/1")
    assert lines(gain) == [
        "8 (1, 0) ['idempotent'] process(f32 const* in #2, f32* out #2 or NULL, u64 None None, pair* inout 2)"
        " -> i32 None None",
        "16 (1, 2) ['blocking'] view(u64* out 1) -> f64 const* leased #0",
    ]
    assert [one.is_status for one in gain.functions] == [True, False]
    pair = found.types["pair"]
    assert isinstance(pair, Record)
    assert (pair.kind, pair.bytes, pair.align) == ("struct", 24, 8)
    assert [(one.name, type_text(one.type), one.offset_bits) for one in pair.members] == [
        ("ones", "one[2]", 0), ("b", "f32", 128),
    ]  # fmt: skip
    assert found.requires == (Requirement(interface="codec", range="^1.2", is_optional=False),)
    assert found.config_schema == GOOD["config_schema"]
    assert found.state is not None
    assert (found.state.kind, found.state.schema, found.state.layout_id) == ("single", 1, 7)


def test_a_renamed_parameter_is_the_same_surface_but_for_its_name() -> None:
    """Callers pass by place: a name that changes, and the counts that follow it, break nobody."""
    renamed = copy.deepcopy(GOOD)
    process = renamed["provides"][0]["functions"][0]
    process["parameters"][2]["name"] = "frames"
    for one in process["parameters"][:2]:
        one["count"] = "frames"

    assert lines(surface(renamed).interfaces[0]) == lines(surface(GOOD).interfaces[0])


def test_a_surface_is_the_same_after_the_descriptor_was_written_anew() -> None:
    """What is compared later must be what was in the image."""
    descriptor = read_descriptor(json.dumps(GOOD).encode())

    assert surface_of(read_descriptor(write_descriptor(descriptor))) == surface_of(descriptor)


@st.composite
def rich(draw: Callable[[st.SearchStrategy[Any]], Any]) -> dict[str, Any]:
    """A descriptor with enums, unions, structs of them and of arrays of arrays, and functions that pass them."""
    sizes: dict[str, int] = dict(SCALARS)
    enums: dict[str, Any] = {}
    for index in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(["i32", "u32"]))
        values = draw(st.lists(st.integers(0, (1 << 31) - 1), min_size=1, max_size=3))
        enums[f"e{index}"] = {"type": kind, "values": [[f"E{index}_{at}", value] for at, value in enumerate(values)]}
        sizes[f"e{index}"] = 4
    records: dict[str, dict[str, Any]] = {"structs": {}, "unions": {}}
    for index in range(draw(st.integers(0, 4))):
        where = draw(st.sampled_from(["structs", "unions"]))
        fields, end, largest = [], 0, 0
        for at in range(draw(st.integers(1, 4))):
            name = draw(st.sampled_from(sorted(sizes)))
            counts = draw(st.lists(st.integers(1, 4), max_size=3))
            size = sizes[name]
            for count in counts:
                size *= count
            text = name + "".join(f"[{count}]" for count in counts) if len(counts) > 1 else name
            offset = 0 if where == "unions" else end
            fields.append(field(f"f{at}", text, offset, size, counts[0] if len(counts) == 1 else 1))
            end, largest = offset + size, max(largest, offset + size)
        records[where][f"r{index}"] = {"bytes": largest, "align": 1, "fields": fields}
        sizes[f"r{index}"] = largest
    name = draw(st.sampled_from(sorted(sizes)))
    parameters = [
        parameter("n", draw(st.sampled_from([*sorted(enums), "i64", "f32"]))),
        parameter("x", name, draw(st.sampled_from(["in", "out", "inout"])), draw(st.sampled_from(["1", "007", None]))),
        parameter("done", f"(fn(void*, {name} const*) -> i32)*", nullable=draw(st.booleans())),
        parameter("user", "void*", nullable=True),
    ]
    function = {
        "name": "f", "offset": 8, "since": [1, 0], "blocking": False, "idempotent": draw(st.booleans()),
        "returns": {"kind": "void", "type": "void", "ownership": None, "count": None}, "parameters": parameters,
        **({"serial": True} if draw(st.booleans()) else {}),
    }  # fmt: skip
    interface = {"interface": "gain", "version": [1, 0], "struct": "gain_v1", "bytes": 16, "functions": [function]}
    return {**GOOD, "provides": [interface], **records, "enums": enums, "constants": {"A": draw(st.sampled_from("1x"))}}


@given(rich())
def test_every_surface_is_the_same_after_its_descriptor_was_written_anew(value: dict[str, Any]) -> None:
    """Whatever is described: text, value and surface are one another's."""
    descriptor = read_descriptor(json.dumps(value).encode())
    data = write_descriptor(descriptor)

    assert surface_of(read_descriptor(data)) == surface_of(descriptor)
    assert write_descriptor(read_descriptor(data)) == data
