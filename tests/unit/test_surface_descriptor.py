"""Tests core/surface_descriptor.py: what callers rely on, read out of a descriptor."""

from __future__ import annotations

import copy
import json
from typing import Any

from hotgraft.core.c_types import type_text
from hotgraft.core.descriptor import read_descriptor, write_descriptor
from hotgraft.core.surface import Interface, Record, Requirement, Surface
from hotgraft.core.surface_descriptor import surface_of
from test_descriptor import GOOD


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
    for parameter in process["parameters"][:2]:
        parameter["count"] = "frames"

    assert lines(surface(renamed).interfaces[0]) == lines(surface(GOOD).interfaces[0])


def test_a_surface_is_the_same_after_the_descriptor_was_written_anew() -> None:
    """What is compared later must be what was in the image."""
    descriptor = read_descriptor(json.dumps(GOOD).encode())

    assert surface_of(read_descriptor(write_descriptor(descriptor))) == surface_of(descriptor)
