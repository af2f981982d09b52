"""Tests core/descriptor.py and its checks: every key made wrong in every way, and hostile bytes."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft.core.descriptor import read_descriptor, signature, write_descriptor
from hotgraft.core.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator


def parameter(name: str, kind: str, direction: str | None = None, count: str | None = None, **more: Any) -> Any:
    """One parameter; a pointer where it has a direction."""
    pointer = int(direction is not None)
    return {
        "name": name, "type": kind, "pointer": pointer, "direction": direction, "count": count,
        "nullable": False, "const": False, **more,
    }  # fmt: skip


PROCESS: dict[str, Any] = {
    "name": "process",
    "offset": 8,
    "since": [1, 0],
    "blocking": False,
    "idempotent": True,
    "returns": {"kind": "status", "type": "i32", "ownership": None, "count": None},
    "parameters": [
        parameter("in", "f32", "in", "n", const=True),
        parameter("out", "f32", "out", "n", nullable=True),
        parameter("n", "u64"),
        parameter("p", "pair", "inout", "2"),
    ],
}
VIEW: dict[str, Any] = {
    "name": "view",
    "offset": 16,
    "since": [1, 2],
    "blocking": True,
    "idempotent": False,
    "returns": {"kind": "pointer", "type": "f64", "ownership": "leased", "count": "k"},
    "parameters": [parameter("k", "u64", "out", "1")],
}
GOOD: dict[str, Any] = {
    "hotgraft": 1,
    "name": "gain",
    "version": "1.2.0",
    "abi": [1, 0],
    "provides": [
        {"interface": "gain", "version": [1, 2], "struct": "gain_v1", "bytes": 24, "functions": [PROCESS, VIEW]}
    ],
    "requires": [{"interface": "codec", "range": "^1.2", "optional": False}],
    "structs": {
        "one": {
            "bytes": 8,
            "align": 8,
            "fields": [{"name": "a", "type": "i64", "offset": 0, "bytes": 8, "count": 1}],
        },
        "pair": {
            "bytes": 24,
            "align": 8,
            "fields": [
                {"name": "ones", "type": "one", "offset": 0, "bytes": 16, "count": 2},
                {"name": "b", "type": "f32", "offset": 16, "bytes": 4, "count": 1},
            ],
        },
    },
    "state": {"kind": "single", "schema": 1, "layout_id": 7, "handover": True, "save": False},
    "config_schema": {"type": "object", "default": 1.5},
    "pins": "wait",
}

F = "provides.0.functions.0"
P = F + ".parameters"
LEASED = "provides.0.functions.1.returns"
# path, the value put there, what must be said
LIES: tuple[tuple[str, Any, str], ...] = (
    ("hotgraft", 2, "has format 2; this host reads format 1"),
    ("hotgraft", 0, "has format 0"),
    ("name", "Gain", "has the name 'Gain'"),
    ("name", "../gain", "has the name '../gain'"),
    ("name", "", "has the name ''"),
    ("version", "1.2", "the version: '1.2' is not a SemVer"),
    ("abi", [2, 0], "was built for ABI 2.0; this host offers ABI 1.1"),
    ("abi", [1, 2], "was built for ABI 1.2; this host offers ABI 1.1"),
    ("abi", [1, -1], "was built for ABI 1.-1"),
    ("pins", "go", "expected one of 'move', 'wait'"),
    ("provides.0.interface", "a b", "has the name 'a b'"),
    ("provides.0.version", [1, -2], "has version 1.-2"),
    ("provides.0.version", [1, 65536], "has version 1.65536"),
    ("provides.0.version", [1], "1 elements instead of 2"),
    ("provides.0.struct", "x;y", "has the name 'x;y'"),
    ("provides.0.bytes", 32, "its functions end at 24"),
    ("provides.0.bytes", -1, "its functions end at 24"),
    (F + ".name", "view", "gain.view stands twice"),
    (F + ".name", "a.b", "has the name 'a.b'"),
    (F + ".offset", 16, "functions follow one another, 8 is next"),
    (F + ".offset", -8, "functions follow one another, 8 is next"),
    (F + ".offset", 10**30, "functions follow one another, 8 is next"),
    (F + ".since", [1, 3], "is since 1.3"),
    (F + ".since", [-1, 0], "is since -1.0"),
    ("provides.0.functions.1.since", [0, 9], "functions are appended, version by version"),
    (F + ".returns.kind", "pointer", "is a pointer that nobody owns"),
    (F + ".returns.kind", "void", "is a void of type 'i32'"),
    (F + ".returns.type", "f32", "is a status of type 'f32'"),
    (F + ".returns.ownership", "owned", "with what only a pointer has"),
    (F + ".returns.count", "n", "with what only a pointer has"),
    (LEASED + ".type", "pear", "has unknown type 'pear'"),
    (LEASED + ".ownership", None, "is a pointer that nobody owns"),
    (LEASED + ".ownership", "copied", "is copied, which is for terminated text"),
    (LEASED + ".count", None, "is leased without a count"),
    (LEASED + ".count", "q", "counts 'q', which is no parameter"),
    (P + ".0.name", "n", "two parameters are called n"),
    (P + ".0.name", "", "has the name ''"),
    (P + ".0.type", "f33", "has unknown type 'f33'"),
    (P + ".0.pointer", 0, "is a value, with what only a pointer has"),
    (P + ".0.pointer", 2, "has 2 stars"),
    (P + ".0.pointer", -1, "has -1 stars"),
    (P + ".0.direction", None, "is a pointer without a direction"),
    (P + ".0.direction", "out", "is const and written"),
    (P + ".0.direction", "sideways", "expected one of 'in', 'inout', 'out' or null"),
    (P + ".0.count", "0", "counts 0"),
    (P + ".0.count", "-1", "counts '-1', which is no parameter"),
    (P + ".0.count", "9" * 19, "counts 999"),
    (P + ".0.count", "m", "counts 'm', which is no parameter"),
    (P + ".0.count", "out", "counts out, which is no integer"),
    (P + ".0.count", "p", "counts p, which is no integer"),
    (P + ".2.type", "f64", "counts n, which is no integer"),
    (P + ".2.type", "pair", "crosses by value"),
    (P + ".2.type", "void", "crosses by value"),
    (P + ".2.nullable", True, "is a value, with what only a pointer has"),
    ("requires.0.interface", "", "has the name ''"),
    ("requires.0.range", "latest", "the range of codec: 'latest'"),
    ("structs.pair.bytes", 16, "bytes 16 to 20 of 16"),
    ("structs.pair.bytes", 0, "struct pair has 0 bytes"),
    ("structs.pair.bytes", 1 << 40, "struct pair has 1099511627776 bytes"),
    ("structs.pair.align", 3, "is aligned to 3"),
    ("structs.pair.align", 0, "is aligned to 0"),
    ("structs.pair.align", -8, "is aligned to -8"),
    ("structs.pair.fields.1.name", "ones", "field ones stands twice"),
    ("structs.pair.fields.1.offset", 15, "16 is next"),
    ("structs.pair.fields.1.offset", -4, "16 is next"),
    ("structs.pair.fields.1.offset", 24, "bytes 24 to 28 of 24"),
    ("structs.pair.fields.1.bytes", 8, "8 bytes for 1 elements of 4 bytes"),
    ("structs.pair.fields.1.bytes", -4, "-4 bytes for 1 elements"),
    ("structs.pair.fields.0.count", 0, "16 bytes for 0 elements"),
    ("structs.pair.fields.0.type", "void", "type 'void' is not known"),
    ("structs.one.fields.0.type", "one", "structs contain themselves: one in one"),
    ("structs.f32", GOOD["structs"]["one"], "struct f32 has the name of a scalar"),
    ("structs.a b", GOOD["structs"]["one"], "has the name 'a b'"),
    ("state.kind", "none", "state is none, and yet is handed over"),
    ("state.handover", False, "crosses neither by hand over nor by save"),
    ("state.schema", 0, "state.schema is 0"),
    ("state.schema", 1 << 32, "state.schema is 4294967296"),
    ("state.layout_id", 0, "state.layout_id is 0"),
    ("state.layout_id", 1 << 64, "state.layout_id is 18446744073709551616"),
    ("state.layout_id", -1, "state.layout_id is -1"),
    ("features", ["Stereo"], "a feature has the name 'Stereo', which is not of the form"),
    ("features", ["stereo", "stereo"], "feature stereo stands twice"),
    ("features", [f"f{number}" for number in range(257)], "has 257 features; they end at 256"),
    ("features", "stereo", "$.features: expected an array"),
    ("permissions", ["net work"], "a permission has the name 'net work'"),
    ("permissions", ["x", "x"], "permission x stands twice"),
    ("permissions", [1], "$.permissions[0]: expected a string, found 1"),
    ("requires.0.features", [""], "a feature of codec has the name ''"),
    ("requires.0.features", {}, "$.requires[0].features: expected an array"),
)


def put(path: str, value: Any) -> bytes:
    """The good descriptor with one value exchanged."""
    changed = copy.deepcopy(GOOD)
    *way, last = path.split(".")
    place = at(changed, way)
    place[int(last) if isinstance(place, list) else last] = value
    return json.dumps(changed).encode()


def every_place(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key and index of the good descriptor, but what lies inside the free config schema."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield f"{path}{key}", inner
        if key != "config_schema":
            yield from every_place(inner, f"{path}{key}.")


def at(value: Any, way: list[str]) -> Any:
    """What stands at the end of the way."""
    for step in way:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


PLACES = dict(every_place(GOOD))
MAY_BE_NULL = (".count", ".direction", ".ownership")


def refused(data: bytes) -> tuple[str, ...]:
    with pytest.raises(ManifestError) as caught:
        read_descriptor(data)
    return caught.value.found


def is_taken(data: bytes) -> bool:
    try:
        read_descriptor(data)
    except ManifestError:
        return False
    return True


def test_a_good_descriptor_is_read_and_written_back() -> None:
    """The control of all rows below: what they change is what is refused."""
    descriptor = read_descriptor(json.dumps(GOOD).encode())

    assert json.loads(write_descriptor(descriptor)) == GOOD
    assert read_descriptor(write_descriptor(descriptor)) == descriptor


def test_the_written_form_is_canonical_and_fills_words() -> None:
    """Two builds of one source must give one image; an ELF note is counted in words of four bytes."""
    shuffled = json.dumps(dict(reversed(GOOD.items())), indent=3).encode()

    data = write_descriptor(read_descriptor(shuffled))

    assert data == write_descriptor(read_descriptor(json.dumps(GOOD).encode()))
    assert len(data) % 4 == 0
    assert data.rstrip().endswith(b"}")


@pytest.mark.parametrize(("path", "value", "said"), LIES, ids=[f"{row[0]}={row[1]!r:.20}" for row in LIES])
def test_a_descriptor_that_lies_is_refused_in_words(path: str, value: Any, said: str) -> None:
    """An offset becomes an address and a count a length: well-formed is not yet true."""
    found = refused(put(path, value))

    assert said in "\n".join(found)


@pytest.mark.parametrize("value", [None, True, 7, 1.5, "x", [], {}], ids=repr)
def test_no_value_of_another_type_is_taken_in_any_place(value: Any) -> None:
    """What the author's build wrote has one type in each place; anything else was made by somebody else."""
    places = {path: was for path, was in PLACES.items() if not path.startswith("config_schema.")}
    others = [path for path, was in places.items() if type(was) is not type(value) and not path.endswith(MAY_BE_NULL)]

    assert len(others) > len(places) // 3
    assert [path for path in others if is_taken(put(path, value))] == []


def test_every_key_is_required() -> None:
    """A default would be a guess."""
    free = ("config_schema.", "structs.")
    keys = [path for path in PLACES if not path.split(".")[-1].isdigit() and not path.startswith(free)]
    keys += [path for path in PLACES if path.startswith("structs.pair.") and not path.split(".")[-1].isdigit()]
    taken = []
    for path in keys:
        changed = copy.deepcopy(GOOD)
        *way, last = path.split(".")
        del at(changed, way)[last]
        if f"the key {last!r} is missing" not in "\n".join(refused(json.dumps(changed).encode())):
            taken.append(path)

    assert taken == []


def test_no_other_key_is_known() -> None:
    """An unknown key is a promise that this host would not keep."""
    objects = [path for path, was in PLACES.items() if isinstance(was, dict)]
    taken = []
    for path in ["", *objects]:
        changed = copy.deepcopy(GOOD)
        at(changed, path.split(".") if path else [])["beyond"] = 1
        if is_taken(json.dumps(changed).encode()):
            taken.append(path)

    assert taken == ["config_schema"]  # the author's own


def test_all_violations_of_shape_are_listed() -> None:
    """An author mends them in one build."""
    changed = copy.deepcopy(GOOD)
    changed["abi"] = "1.0"
    changed["provides"][0]["functions"][0]["offset"] = "8"
    changed["structs"]["pair"]["fields"] = 5
    del changed["pins"]

    assert refused(json.dumps(changed).encode()) == (
        "$: the key 'pins' is missing",
        '$.abi: expected an array, found "1.0"',
        '$.provides[0].functions[0].offset: expected a whole number, found "8"',
        "$.structs.pair.fields: expected an array, found 5",
    )


def test_all_lies_are_listed() -> None:
    """Not the first only, and not one function's only."""
    changed = copy.deepcopy(GOOD)
    changed["provides"][0]["functions"][0]["offset"] = 0
    changed["provides"][0]["functions"][1]["offset"] = 8
    changed["state"]["schema"] = 0

    assert len(refused(json.dumps(changed).encode())) == 3


def test_signatures_are_shown_as_people_read_them() -> None:
    """They stand in reports of what a candidate lacks."""
    shown = [signature(one) for one in read_descriptor(json.dumps(GOOD).encode()).provides[0].functions]

    assert shown == [
        "process(self, in: f32[n] in, out: f32[n] out or NULL, n: u64, p: pair[2] inout) -> status",
        "view(self, k: u64[1] out) -> f64 leased",
    ]


def test_features_and_permissions_are_carried_and_silence_leaves_no_trace() -> None:
    """An image that was bound before they were there is, byte for byte, what it would be now."""
    wanted = [{**GOOD["requires"][0], "features": ["stereo"]}]
    said = GOOD | {"features": ["seek"], "permissions": ["network"], "requires": wanted}

    descriptor = read_descriptor(json.dumps(said).encode())

    assert (descriptor.features, descriptor.permissions) == (("seek",), ("network",))
    assert descriptor.requires[0].features == ("stereo",)
    assert json.loads(write_descriptor(descriptor)) == said
    silent = write_descriptor(read_descriptor(json.dumps(GOOD).encode()))
    assert b'"features"' not in silent
    assert b'"permissions"' not in silent


@pytest.mark.parametrize(
    ("drain", "sentence"),
    [
        (5, "$.drain"),
        ({"deadline_s": "5"}, "$.drain"),
        ({"deadline_s": True}, "$.drain"),
        ({"at_deadline": "stop"}, "$.drain"),
        ({"queue_limit": 3}, "$.drain"),
    ],
)
def test_a_wish_for_draining_that_is_none_is_refused(drain: Any, sentence: str) -> None:
    """The key may be absent; what stands there is checked like everything else."""
    with pytest.raises(ManifestError) as caught:
        read_descriptor(json.dumps({**GOOD, "drain": drain}).encode())
    assert sentence in str(caught.value)
