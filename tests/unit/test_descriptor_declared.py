"""core/descriptor_declared.py: what a made-up descriptor says of counts, tags and handles is held against itself."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hotgraft.core.descriptor import read_descriptor, write_descriptor
from hotgraft.core.errors import ManifestError
from hotgraft.core.surface_descriptor import state_layout_of
from test_descriptor import GOOD
from test_descriptor_types import field

SAID: dict[str, Any] = {
    **GOOD,
    "state": {**GOOD["state"], "kind": "single", "struct": "scene", "handover": True, "layout_id": 7},
    "structs": {
        **GOOD["structs"],
        "particle": {"bytes": 4, "align": 4, "fields": [field("x", "f32", 0, 4)]},
        "scene": {
            "bytes": 40,
            "align": 8,
            "fields": [
                field("count", "u32", 0, 4),
                field("kind", "u8", 4, 1),
                field("all", "particle*", 8, 8, counted="count"),
                field("body", "shape", 16, 8, tag="kind"),
                field("id", "u64", 24, 8, handle=True),
                field("more", "f64", 32, 8),
            ],
        },
    },
    "unions": {
        "shape": {
            "bytes": 8,
            "align": 8,
            "fields": [field("a", "u64", 0, 8, when=0), field("b", "f32", 0, 4, when=255)],
        }
    },
}


def read(value: dict[str, Any]) -> Any:
    """Read a descriptor from its JSON."""
    return read_descriptor(json.dumps(value).encode())


def test_what_a_field_declares_is_read_and_written_as_it_was() -> None:
    """And the layout that comes of it can be worked with."""
    descriptor = read(SAID)
    assert read_descriptor(write_descriptor(descriptor)) == descriptor
    layout = state_layout_of(descriptor)
    assert layout is not None
    assert layout.reasons() == ()
    assert layout.has_blocks


@pytest.mark.parametrize(
    ("name", "said", "sentence"),
    [
        ("all", {"counted": "all"}, "field all: its count 'all' is no integer beside it"),
        ("all", {"counted": "more"}, "field all: its count 'more' is no integer beside it"),
        ("all", {"counted": "id"}, "field all: its count 'id' is no integer beside it"),
        ("all", {"counted": "nobody"}, "field all: its count 'nobody' is no integer beside it"),
        ("all", {"counted": ""}, "field all: type 'particle*' is not known"),
        ("all", {"type": "particle const*"}, "field all: type 'particle const*' is not known"),
        ("all", {"type": "particle**"}, "field all: type 'particle**' is not known"),
        ("all", {"type": "void*"}, "field all: type 'void*' is not known"),
        ("all", {"type": "ghost*"}, "field all: type 'ghost*' is not known"),
        ("all", {"type": "(fn(i32) -> i32)*"}, "is not known"),
        ("all", {"type": "scene*"}, "structs contain themselves"),
        ("all", {"type": "u64"}, "field all: is counted, and is no pointer"),
        ("all", {"bytes": 4}, "field all: 4 bytes for 1 elements of 8 bytes"),
        ("all", {"bytes": 16, "count": 2}, "field all: is counted, and is no pointer"),
        ("body", {"tag": "more"}, "field body: its tag 'more' is no integer or enum beside it"),
        ("body", {"tag": "all"}, "field body: its tag 'all' is no integer or enum beside it"),
        ("more", {"tag": "kind"}, "field more: has a tag, and is no union"),
        ("more", {"handle": True}, "field more: is a handle of type 'f64'"),
        ("more", {"when": 1}, "field more: is alive by a tag, and stands in no union"),
        ("count", {"type": "u16", "bytes": 2, "handle": True}, "field count: is a handle of type 'u16'"),
    ],
)
def test_a_field_that_lies_is_refused_by_its_name(name: str, said: dict[str, Any], sentence: str) -> None:
    """A pointer is followed and a union read by what stands here."""
    value = copy.deepcopy(SAID)
    for one in value["structs"]["scene"]["fields"]:
        if one["name"] == name:
            one.update(said)
    with pytest.raises(ManifestError) as refused:
        read(value)
    assert any(sentence in one for one in refused.value.found), refused.value.found


@pytest.mark.parametrize(("when", "sentence"), [(256, "b of union shape is alive by no value"), (0, "0 means a and b")])
def test_an_arm_is_alive_by_a_value_of_its_own_that_the_tag_can_have(when: int, sentence: str) -> None:
    """Else nobody could tell which it is."""
    value = copy.deepcopy(SAID)
    value["unions"]["shape"]["fields"][1]["when"] = when
    with pytest.raises(ManifestError) as refused:
        read(value)
    assert any(sentence in one for one in refused.value.found), refused.value.found
