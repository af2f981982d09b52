"""Tests core/descriptor_types.py: unions, enums, constants and types as text, and each made wrong."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hotgraft.core.c_types import type_text
from hotgraft.core.descriptor import read_descriptor, signature, write_descriptor
from hotgraft.core.errors import ManifestError
from hotgraft.core.surface import Enumeration, Record
from hotgraft.core.surface_descriptor import surface_of
from test_descriptor import GOOD, at, parameter

CALLBACK = "(fn(void*, mode, value const*) -> i32)*"


def field(name: str, kind: str, offset: int, size: int, count: int = 1, **more: Any) -> dict[str, Any]:
    """One field of a struct or union."""
    return {"name": name, "type": kind, "offset": offset, "bytes": size, "count": count, **more}


WATCH: dict[str, Any] = {
    "name": "watch",
    "offset": 8,
    "since": [1, 0],
    "blocking": False,
    "idempotent": False,
    "serial": True,
    "realtime": True,
    "returns": {"kind": "value", "type": "mode", "ownership": None, "count": None},
    "parameters": [
        parameter("how", "mode"),
        parameter("done", CALLBACK, nullable=True),
        parameter("user", "void*", nullable=True),
        parameter("modes", "mode", "out", "2"),
        parameter("one", "value", "in", "1", const=True),
    ],
}
FIND: dict[str, Any] = {
    "name": "find",
    "offset": 16,
    "since": [1, 0],
    "blocking": False,
    "idempotent": False,
    "returns": {
        "kind": "pointer", "type": "table", "ownership": "leased", "count": "1", "nullable": True, "const": False,
    },
    "parameters": [],
}  # fmt: skip
RICH: dict[str, Any] = {
    **GOOD,
    "provides": [
        {"interface": "gain", "version": [1, 2], "struct": "gain_v1", "bytes": 24, "functions": [WATCH, FIND]}
    ],
    "structs": {
        **GOOD["structs"],
        "table": {
            "bytes": 64,
            "align": 8,
            "fields": [
                field("cells", "i32[2][4]", 0, 32),
                field("of", "value", 32, 8),
                field("how", "mode", 40, 8, 2),
                field("a", "i32", 48, 4),
                field("b", "f32", 48, 4, shares=True),
                field("c", "i16", 50, 2, shares=True),
                field("d", "i64", 56, 8),
            ],
        },
    },
    "unions": {
        "value": {
            "bytes": 8,
            "align": 8,
            "fields": [field("i", "i64", 0, 8), field("f", "f32", 0, 8, 2), field("pair", "one", 0, 8)],
        }
    },
    "enums": {"mode": {"type": "i32", "values": [["SLOW", -1], ["FAST", 4]]}},
    "constants": {"CHANNELS": "2", "TITLE": '"gain"'},
}

P = "provides.0.functions.0.parameters"
R = "provides.0.functions.1.returns"
TABLE = "structs.table.fields"
VALUE = "unions.value"
MODE = "enums.mode"
# path, the value put there, what must be said
LIES: tuple[tuple[str, Any, str], ...] = (
    (VALUE + ".bytes", 4, "union value of 4 bytes is aligned to 8"),
    (VALUE + ".bytes", 0, "union value has 0 bytes"),
    (VALUE + ".bytes", 16, "8 bytes for 1 elements of 16 bytes"),
    (VALUE + ".align", 3, "union value of 8 bytes is aligned to 3"),
    (VALUE + ".fields.1.offset", 4, "begins at byte 4; what is in a union begins at 0"),
    (VALUE + ".fields.1.offset", -4, "begins at byte -4; what is in a union begins at 0"),
    (VALUE + ".fields.1.bytes", 16, "16 bytes for 2 elements of 4 bytes"),
    (VALUE + ".fields.1.count", 4, "8 bytes for 4 elements of 4 bytes"),
    (VALUE + ".fields.1.name", "i", "field i stands twice"),
    (VALUE + ".fields.1.shares", True, "lies over a field before it, and there is none"),
    (VALUE + ".fields.2.type", "table", "structs contain themselves"),
    (VALUE + ".fields.2.type", "gone", "type 'gone' is not known"),
    ("unions.a b", RICH["unions"]["value"], "a union has the name 'a b'"),
    ("unions.f32", RICH["unions"]["value"], "union f32 has the name of a scalar"),
    ("unions.bool", RICH["unions"]["value"], "union bool has the name of a scalar"),
    ("unions.pair", RICH["unions"]["value"], "the type pair stands twice"),
    ("unions.mode", RICH["unions"]["value"], "the type mode stands twice"),
    ("enums.table", RICH["enums"]["mode"], "the type table stands twice"),
    (MODE + ".type", "u8", "is of type 'u8'; one that crosses is an i32 or u32"),
    (MODE + ".type", "mode", "is of type 'mode'"),
    (MODE + ".type", "u32", "SLOW is -1, no u32"),
    (MODE + ".values.1.1", 1 << 31, "FAST is 2147483648, no i32"),
    (MODE + ".values.1.1", 10**30, "FAST is beyond 64 bits, no i32"),
    (MODE + ".values.1.0", "SLOW", "enum mode: SLOW stands twice"),
    (MODE + ".values.1.0", "a b", "a constant of enum mode has the name 'a b'"),
    (MODE + ".values", [], "enum mode has no constants"),
    (MODE + ".values.1", ["FAST"], "1 elements instead of 2"),
    (MODE + ".values.1.1", "4", "expected a whole number"),
    ("enums.other", RICH["enums"]["mode"], "the constant SLOW stands in enum mode and in enum other"),
    ("constants.FAST", "4", "the constant FAST stands in enum mode too"),
    ("constants.a b", "4", "a constant has the name 'a b'"),
    ("constants.LONG", "x" * 5000, "constant LONG has 5000 characters"),
    ("constants.ESCAPE", "\x1b[2J", "constant ESCAPE holds characters that cannot be shown"),
    ("constants.NUMBER", 4, "expected a string"),
    (TABLE + ".0.type", "i32[2][5]", "32 bytes for 1 elements of 40 bytes"),
    (TABLE + ".0.type", "i32[2][]", "type 'i32[2][]' is not known"),
    (TABLE + ".0.type", "i32[0][4]", "type 'i32[0][4]' is not known"),
    (TABLE + ".0.type", "i32 [2][4]", "type 'i32 [2][4]' is not known"),
    (TABLE + ".0.type", "i32[02][4]", "type 'i32[02][4]' is not known"),
    (TABLE + ".0.type", "gone[2][4]", "type 'gone[2][4]' is not known"),
    (TABLE + ".0.type", "void[32]", "type 'void[32]' is not known"),
    (TABLE + ".0.type", "i32*[4]", "type 'i32*[4]' is not known"),
    (TABLE + ".0.type", "i32[2" + "][9999999999" * 300 + "]", "is not known"),
    (TABLE + ".0.type", "table[1]", "structs contain themselves"),
    (TABLE + ".0.type", CALLBACK, "is not known"),
    (TABLE + ".0.shares", True, "lies over a field before it, and there is none"),
    (TABLE + ".4.shares", False, "bytes 48 to 52 of 64, 52 is next"),
    (TABLE + ".5.offset", -2, "bytes -2 to 0 of 64"),
    (TABLE + ".5.offset", 63, "bytes 63 to 65 of 64"),
    (P + ".0.type", "modes", "unknown type 'modes'"),
    (P + ".0.type", "value", "crosses by value"),
    (P + ".1.type", "(fn(void*, modes) -> i32)*", "unknown type"),
    (P + ".1.type", "(fn(void*, value) -> i32)*", "unknown type"),
    (P + ".1.type", "(fn(void) -> i32)*", "unknown type"),
    (P + ".1.type", "(fn(void*, ...) -> i32)*", "unknown type"),
    (P + ".1.type", "(fn(void*) -> bool)*", "unknown type"),
    (P + ".1.type", "(fn(void**) -> i32)*", "unknown type"),
    (P + ".1.type", "(fn(void*) -> i32) const*", "unknown type"),
    (P + ".1.type", "fn(void*) -> i32", "unknown type"),
    (P + ".1.type", "(" * 2000 + "i32", "unknown type"),
    (P + ".1.pointer", 1, "is an address, with what only a buffer has"),
    (P + ".1.direction", "in", "is an address, with what only a buffer has"),
    (P + ".1.const", True, "is an address, with what only a buffer has"),
    (P + ".2.type", "void const*", "unknown type 'void const*'"),
    (P + ".2.type", "i32*", "unknown type 'i32*'"),
    (P + ".2.count", "2", "is an address, with what only a buffer has"),
    (P + ".3.count", "how", "counts how, which is no integer"),
    ("provides.0.functions.0.blocking", True, "never waits (realtime), and may take long (blocking)"),
    ("provides.0.functions.0.serial", 1, "expected true or false"),
    ("provides.0.functions.0.returns.nullable", True, "with what only a pointer has"),
    ("provides.0.functions.0.returns.const", False, "with what only a pointer has"),
    ("provides.0.functions.0.returns.type", "value", "is a value of type 'value'"),
    (R + ".const", True, "is const as usual, which is not written down"),
    (R + ".nullable", 1, "expected true or false"),
)


def put(path: str, value: Any) -> bytes:
    """The rich descriptor with one value exchanged."""
    changed = copy.deepcopy(RICH)
    *way, last = path.split(".")
    place = at(changed, way)
    place[int(last) if isinstance(place, list) else last] = value
    return json.dumps(changed).encode()


def test_a_rich_descriptor_is_read_and_written_back() -> None:
    """The control of all rows below: what they change is what is refused."""
    descriptor = read_descriptor(json.dumps(RICH).encode())

    assert json.loads(write_descriptor(descriptor)) == RICH
    assert surface_of(read_descriptor(write_descriptor(descriptor))) == surface_of(descriptor)


def test_who_uses_nothing_new_has_no_new_key() -> None:
    """A host of before the new keys refuses what it does not know."""
    text = write_descriptor(read_descriptor(json.dumps(GOOD).encode())).decode()

    for key in ("unions", "enums", "constants", "serial", "realtime", "shares"):
        assert f'"{key}"' not in text


@pytest.mark.parametrize(("path", "value", "said"), LIES, ids=[f"{row[0]}={row[1]!r:.20}" for row in LIES])
def test_a_type_that_lies_is_refused_in_words(path: str, value: Any, said: str) -> None:
    """A size becomes the length of a buffer: well-formed is not yet true."""
    with pytest.raises(ManifestError) as caught:
        read_descriptor(put(path, value))

    assert said in "\n".join(caught.value.found)


@pytest.mark.parametrize("key", ["unions", "enums", "constants"])
def test_more_than_anybody_declares_is_refused_at_once(key: str) -> None:
    """The limit must be one that the checks can bear."""
    with pytest.raises(ManifestError, match=r"at most [25]000 are read"):
        read_descriptor(put(key, {f"n{i}": _small(key) for i in range(2_001 if key != "constants" else 5_001)}))


def _small(key: str) -> Any:
    return {"unions": {"bytes": 1, "align": 1, "fields": []}, "enums": {"type": "i32", "values": []}}.get(key, "1")


def test_what_callers_rely_on_is_read_out_of_all_of_it() -> None:
    """Types as text become the same values as types by name."""
    found = surface_of(read_descriptor(json.dumps(RICH).encode()))

    watch, find = found.interfaces[0].functions
    assert [type_text(one.type) for one in watch.parameters] == ["mode", CALLBACK, "void*", "mode*", "value const*"]
    assert [one.is_nullable for one in watch.parameters] == [False, True, True, False, False]
    assert watch.tags == {"serial", "realtime"}
    assert (type_text(find.result), find.is_nullable, find.ownership, find.count) == ("table*", True, "leased", "1")
    table, value = found.types["table"], found.types["value"]
    assert isinstance(table, Record)
    assert isinstance(value, Record)
    assert value.kind == "union"
    assert [f"{one.name} {type_text(one.type)} {one.offset_bits // 8}" for one in table.members] == [
        "cells i32[2][4] 0", "of value 32", "how mode[2] 40", "a i32 48", "b f32 48", "c i16 50", "d i64 56",
    ]  # fmt: skip
    assert found.types["mode"] == Enumeration(type="i32", values=(("SLOW", -1), ("FAST", 4)))
    assert found.constants == {"CHANNELS": "2", "TITLE": '"gain"'}


def test_signatures_show_tags_and_null() -> None:
    """They stand in reports and in `inspect`."""
    functions = read_descriptor(json.dumps(RICH).encode()).provides[0].functions

    assert [signature(one) for one in functions] == [
        f"watch(self, how: mode, done: {CALLBACK} or NULL, user: void* or NULL, modes: mode[2] out, one: value[1] in)"
        " -> mode, serial, realtime",
        "find(self) -> table leased or NULL",
    ]
