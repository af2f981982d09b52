"""Rows of types: structs, unions and enums, by the way in which callers meet them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from contract_rows import Row, enum, function, offering, parameter, passing, record, typed, variable
from hotgraft.core.surface import Record, Surface

OPAQUE: Final = Record(kind="struct", is_opaque=True)
PAIR: Final = record("a: i32 @0", "b: i32 @4", size=8)
HOLE: Final = record("a: i64 @0", "b: i32 @8", size=16, align=8)
SIZED: Final = record("struct_size: u32 @0", "a: i32 @4", size=8)
GROWN: Final = record("struct_size: u32 @0", "a: i32 @4", "b: i32 @8", size=12)
MODES: Final = enum(("OFF", 0), ("ON", 1))
MORE: Final = enum(("OFF", 0), ("ON", 1), ("AUTO", 2))
EITHER: Final = record("i: i32 @0", "f: f32 @0", size=4, kind="union")
NODE: Final = record("value: i32 @0", "next: thing* @8", size=16, align=8)
WRITES: Final = record("at: i8* @0", size=8, align=8)
READS: Final = record("at: i8 const* @0", size=8, align=8)
HOLDER: Final = record("inner: thing @0", size=8)
ARRAY: Final = record("inner: thing[2] @0", size=16)


def _held(holder: Record, old: Record, new: Record, how: str = "holder const*") -> tuple[Surface, Surface]:
    was = offering(function("process", parameter("it", how)), types={"holder": holder, "thing": old})
    return was, replace(was, types={"holder": holder, "thing": new})


def _renamed(old: Record, new: Record) -> tuple[Surface, Surface]:
    was = offering(function("process", parameter("it", "thing*")), types={"thing": old})
    return was, offering(function("process", parameter("it", "object*")), types={"object": new})


R: Final = record
IN_RESERVED: Final = R("a: i32 @0", "b: i32 @4", "reserved: u32[2] @8", size=16)
OF_RESERVED: Final = R("a: i32 @0", "b: i32 @4", "c: u32 @8", "reserved: u32 @12", size=16)
STRUCTS: Final = (
    # DESIGN §8: struct without size changed → major
    Row(
        "struct without a size grew",
        *typed("inout", PAIR, R("a: i32 @0", "b: i32 @4", "c: i32 @8", size=12)),
        ("member-added", "size-changed"),
    ),
    Row("member removed", *typed("in", HOLE, R("a: i64 @0", size=16, align=8)), ("member-removed",)),
    Row(
        "last member and its room removed",
        *typed("in", PAIR, R("a: i32 @0", size=4)),
        ("member-removed", "size-changed"),
    ),
    Row("members changed places", *typed("in", PAIR, R("b: i32 @0", "a: i32 @4", size=8)), ("member-moved",) * 2),
    Row("member retyped", *typed("in", PAIR, R("a: f32 @0", "b: i32 @4", size=8)), ("member-retyped",)),
    Row("member renamed", *typed("in", PAIR, R("a: i32 @0", "last: i32 @4", size=8)), ("member-renamed",)),
    Row(
        "member renamed and retyped",
        *typed("in", PAIR, R("a: i32 @0", "last: f32 @4", size=8)),
        ("member-added", "member-removed"),
    ),
    Row("alignment alone", *typed("in", PAIR, replace(PAIR, align=8)), ("alignment-changed",)),
    Row("size alone", *typed("in", PAIR, replace(PAIR, bytes=16)), ("size-changed",)),
    Row(
        "bitfield widened",
        *typed("in", R("a: u32 @0 :3", "b: u32 @0.8 :4", size=4), R("a: u32 @0 :5", "b: u32 @0.8 :4", size=4)),
        ("member-bits-changed",),
    ),
    Row(
        "bitfield moved",
        *typed("in", R("a: u32 @0 :3", size=4), R("a: u32 @0.1 :3", size=4)),
        ("member-moved",),
    ),
    Row("atomic", *typed("in", PAIR, R("a: atomic(i32) @0", "b: i32 @4", size=8)), ("atomic-changed",)),
    Row(
        "no longer atomic",
        *typed("in", R("a: atomic(i32) @0", size=4), R("a: i32 @0", size=4)),
        ("atomic-changed",),
    ),
    Row("array longer", *typed("in", R("a: i8[4] @0", size=8), R("a: i8[8] @0", size=8)), ("array-length-changed",)),
    Row("flexible array retyped", *typed("in", R("a: i8[] @0", size=4), R("a: u8[] @0", size=4)), ("member-retyped",)),
    Row(
        "flexible array fixed",
        *typed("in", R("a: i8[] @0", size=4), R("a: i8[4] @0", size=4)),
        ("array-length-changed",),
    ),
    Row(
        "call-back within a struct",
        *typed("in", R("call: (fn(i32) -> void)* @0", size=8), R("call: (fn(i64) -> void)* @0", size=8)),
        ("callback-changed",),
    ),
    Row(
        "struct to union",
        *typed("in", R("a: i32 @0", size=4), R("a: i32 @0", size=4, kind="union")),
        ("record-kind-changed",),
    ),
    Row("struct to enum", *typed("value", PAIR, MODES), ("parameter-retyped",)),
    Row(
        "reserved grew within the size",
        *typed("in", R("a: i32 @0", "reserved: u8[2] @4", size=8), R("a: i32 @0", "reserved: u8[4] @4", size=8)),
        ("reserved-changed",),
    ),
    Row(
        "no word for a member, before and now",
        *typed("in", R("a: ? @0", size=4), R("a: ? @0", size=4)),
        ("type-unseen",),
    ),
    # DESIGN §8: a struct with its size may grow
    Row("struct with its size grew, taken", *typed("in", SIZED, GROWN), ("member-appended",)),
    Row("struct with its size grew, filled", *typed("out", SIZED, GROWN), ("member-appended",)),
    Row("struct with its size grew, answered", *typed("result", SIZED, GROWN), ("member-appended",)),
    Row("struct with its size grew, passed to a call-back", *typed("callback", SIZED, GROWN), ("member-appended",)),
    Row("struct with its size grew, by value", *typed("value", SIZED, GROWN), ("member-added", "size-changed")),
    Row("struct with its size grew, one of many", *typed("buffer", SIZED, GROWN), ("member-added", "size-changed")),
    Row(
        "struct with its size grew, a variable",
        *typed("const variable", SIZED, GROWN),
        ("member-added", "size-changed"),
    ),
    Row("struct with its size grew, within another", *_held(HOLDER, SIZED, GROWN), ("member-added", "size-changed")),
    Row("struct with its size grew, in an array", *_held(ARRAY, SIZED, GROWN), ("member-added", "size-changed")),
    Row(
        "struct with its size grew, behind a member",
        *_held(R("it: thing* @0", size=8, align=8), SIZED, GROWN),
        ("member-appended",),
    ),
    Row(
        "struct with its size grew by a pointer",
        *typed("in", SIZED, R("struct_size: u32 @0", "a: i32 @4", "b: i64 @8", size=16, align=8)),
        ("member-appended",),
    ),
    Row(
        "struct with its size grew by what must lie at a multiple of 16",
        *typed("in", SIZED, R("struct_size: u32 @0", "a: i32 @4", "b: i128 @16", size=32, align=16)),
        ("alignment-changed", "member-added", "size-changed"),
    ),
    Row(
        "struct with its size grew in the middle",
        *typed("in", SIZED, R("struct_size: u32 @0", "b: i32 @4", "a: i32 @8", size=12)),
        ("member-added", "member-moved", "size-changed"),
    ),
    Row(
        "struct with its size, into the hole at its end",
        *typed(
            "in",
            R("struct_size: u32 @0", "a: i64 @8", "b: i32 @16", size=24, align=8),
            R("struct_size: u32 @0", "a: i64 @8", "b: i32 @16", "c: i32 @20", size=24, align=8),
        ),
        ("member-added",),
    ),
    Row(
        "struct with its size, into the hole at its end and beyond",
        *typed(
            "in",
            R("struct_size: u32 @0", "a: i64 @8", "b: i32 @16", size=24, align=8),
            R("struct_size: u32 @0", "a: i64 @8", "b: i32 @16", "c: i32 @20", "d: i64 @24", size=32, align=8),
        ),
        ("member-added", "member-appended", "size-changed"),
    ),
    Row(
        "into a hole, taken",
        *typed("in", HOLE, R("a: i64 @0", "b: i32 @8", "c: i32 @12", size=16, align=8)),
        ("member-added",),
    ),
    Row(
        "into a hole, only answered",
        *typed("result", HOLE, R("a: i64 @0", "b: i32 @8", "c: i32 @12", size=16, align=8)),
        ("member-added-unseen",),
    ),
    Row(
        "onto another, only answered",
        *typed("result", HOLE, R("a: i64 @0", "b: i32 @8", "c: i32 @10", size=16, align=8)),
        ("member-added",),
    ),
    Row("what was reserved, taken", *typed("in", IN_RESERVED, OF_RESERVED), ("member-added", "reserved-changed")),
    Row(
        "what was reserved, filled",
        *typed("out", IN_RESERVED, OF_RESERVED),
        ("member-added-unseen", "reserved-changed"),
    ),
    Row(
        "what was reserved, both ways", *typed("inout", IN_RESERVED, OF_RESERVED), ("member-added", "reserved-changed")
    ),
    Row(
        "member named twice, taken",
        *typed("in", PAIR, R("a: i32 @0", "first: i32 @0", "b: i32 @4", size=8)),
        ("member-named-twice",),
    ),
    Row(
        "another meaning for a member's bytes",
        *typed("in", PAIR, R("a: i32 @0", "first: f32 @0", "b: i32 @4", size=8)),
        ("member-added",),
    ),
    Row("const added to what a member points to, taken", *typed("in", WRITES, READS), ("member-const-added-to-input",)),
    Row("const dropped there, taken", *typed("in", READS, WRITES), ("member-retyped",)),
    Row("const added there, answered", *typed("result", WRITES, READS), ("member-retyped",)),
    Row("const dropped there, answered", *typed("result", READS, WRITES), ("member-const-dropped-from-output",)),
    Row("const added there, both ways", *typed("inout", WRITES, READS), ("member-retyped",)),
    # Names
    Row("tag renamed", *_renamed(PAIR, PAIR), ("tag-renamed",)),
    Row(
        "tag and a member renamed: timespec, then timeval",
        *_renamed(PAIR, record("a: i32 @0", "other: i32 @4", size=8)),
        ("member-renamed", "record-replaced"),
    ),
    Row("tag renamed and changed", *_renamed(PAIR, replace(PAIR, align=8)), ("alignment-changed", "tag-renamed")),
    Row(
        "another type of the same bytes, that was there before",
        *passing(parameter("it", "thing*"), parameter("it", "object*"), {"thing": PAIR, "object": PAIR}),
        ("parameter-retyped",),
    ),
    Row("opaque under another name", *_renamed(OPAQUE, OPAQUE), ("opaque-renamed",)),
    Row("opaque as before", *typed("inout", OPAQUE, OPAQUE), ()),
    Row("opaque completed", *typed("inout", OPAQUE, PAIR), ("opaque-completed",)),
    Row("hidden", *typed("inout", PAIR, OPAQUE), ("record-hidden",)),
    Row(
        "refers to itself, value changed",
        *typed(
            "in",
            NODE,
            replace(NODE, members=(replace(NODE.members[0], type=parameter("", "f32").type), NODE.members[1])),
        ),
        ("member-retyped",),
    ),
    Row("refers to itself, as before", *typed("in", NODE, NODE), ()),
)
INPUT: Final = ("enum-value-added-to-input",)
REMOVED: Final = ("enum-value-removed",)
UNIONS_ENUMS: Final = (
    Row(
        "union member added, taken",
        *typed("in", EITHER, replace(EITHER, members=(*EITHER.members, *R("u: u32 @0", size=4).members))),
        ("union-member-added-to-input",),
    ),
    Row(
        "union member added, answered",
        *typed("result", EITHER, replace(EITHER, members=(*EITHER.members, *R("u: u32 @0", size=4).members))),
        ("union-member-added-to-output",),
    ),
    Row(
        "union grew",
        *typed("in", EITHER, R("i: i32 @0", "f: f32 @0", "d: f64 @0", size=8, kind="union")),
        ("size-changed", "union-member-added-to-input"),
    ),
    Row("union member removed", *typed("in", EITHER, R("i: i32 @0", size=4, kind="union")), ("member-removed",)),
    Row("union in another order", *typed("in", EITHER, R("f: f32 @0", "i: i32 @0", size=4, kind="union")), ()),
    Row("enum value added, taken", *typed("value", MODES, MORE), ("enum-value-added-to-input",)),
    # DESIGN §8: enum value added to an output → major
    Row("enum value added, answered", *typed("result", MODES, MORE), ("enum-value-added-to-output",)),
    Row("enum value added, both ways", *typed("inout", MODES, MORE), ("enum-value-added-to-output",)),
    Row("enum value added, passed to a call-back", *typed("callback", MODES, MORE), ("enum-value-added-to-output",)),
    Row(
        "enum value added, a call-back's result", *typed("callback result", MODES, MORE), ("enum-value-added-to-input",)
    ),
    Row("enum value added, a variable", *typed("const variable", MODES, MORE), ("enum-value-added-to-output",)),
    Row("enum value removed", *typed("value", MORE, MODES), ("enum-value-removed",)),
    Row("enum value renamed", *typed("value", MODES, enum(("OFF", 0), ("RUNNING", 1))), ("enum-value-renamed",)),
    Row("enum value changed", *typed("value", MODES, enum(("OFF", 0), ("ON", 2))), ("enum-value-changed",)),
    Row(
        "enum's count moved",
        *typed("value", enum(("OFF", 0), ("_COUNT", 1)), enum(("OFF", 0), ("ON", 1), ("_COUNT", 2))),
        ("enum-value-added-to-input", "enum-value-changed"),
    ),
    Row(
        "enum value named twice, answered",
        *typed("result", MODES, enum(("OFF", 0), ("ON", 1), ("RUNNING", 1))),
        ("enum-value-named-twice",),
    ),
    Row(
        "enum value renamed that is a constant too, as descriptors have it",
        offering(
            function("set", parameter("it", "x")), types={"x": MODES}, constants={"OFF": "0", "ON": "1", "N": "4"}
        ),
        offering(
            function("set", parameter("it", "x")),
            types={"x": enum(("OFF", 0), ("RUNNING", 1))},
            constants={"OFF": "0", "RUNNING": "1", "N": "4"},
        ),
        ("enum-value-renamed",),
    ),
    Row("enum in another order", *typed("value", MODES, enum(("ON", 1), ("OFF", 0))), ()),
    Row("enum narrowed", *typed("value", MODES, replace(MODES, type="u8")), ("enum-type-changed",)),
    # What nothing reaches
    Row("unused type changed", offering(types={"x": PAIR}), offering(types={"x": HOLE}), ("unused-type-changed",)),
    Row("unused type added", offering(), offering(types={"x": PAIR}), ("unused-type-added",)),
    Row("unused type removed", offering(types={"x": PAIR}), offering(), ("unused-type-removed",)),
    Row(
        "type behind void changed",
        offering(function("send", parameter("it", "void*")), types={"x": PAIR}),
        offering(function("send", parameter("it", "void*")), types={"x": HOLE}),
        ("type-behind-void-changed",),
    ),
    Row(
        "type behind void removed",
        offering(function("send", result="void*"), types={"x": PAIR}),
        offering(function("send", result="void*")),
        ("type-behind-void-removed",),
    ),
    # Callers are compiled with an enum's numbers, whether or not a function names it
    Row("unused enum, value added", offering(types={"x": MODES}), offering(types={"x": MORE}), INPUT),
    Row("unused enum, value removed", offering(types={"x": MORE}), offering(types={"x": MODES}), REMOVED),
    Row("unused enum removed", offering(types={"x": MODES}), offering(), REMOVED * 2),
    Row("unused enum added", offering(), offering(types={"x": MODES}), ("unused-type-added",)),
    Row(
        "constant becomes an enum's value",
        offering(constants={"ON": "1"}),
        offering(types={"x": MODES}),
        ("number-moved", "unused-type-added"),
    ),
    Row(
        "constant becomes an enum's value of another number",
        offering(constants={"ON": "2"}),
        offering(types={"x": MODES}),
        ("constant-removed", "unused-type-added"),
    ),
    Row(
        "unused enum, values become constants",
        offering(types={"x": MODES}),
        offering(constants={"OFF": "0", "ON": "1"}),
        ("constant-added", "constant-added", "number-moved", "number-moved"),
    ),
    Row(
        "unused enum gets another tag",
        offering(types={"x": MODES}),
        offering(types={"y": MODES}),
        ("number-moved", "number-moved", "unused-type-added"),
    ),
    Row(
        "unused enum, value changed, beside a void pointer",
        offering(function("send", parameter("it", "void*")), types={"x": MODES}),
        offering(function("send", parameter("it", "void*")), types={"x": enum(("OFF", 0), ("ON", 2))}),
        ("enum-value-changed",),
    ),
    Row(
        "type of a function that is gone",
        offering(types={}, functions={"f": function("f", parameter("it", "thing"))}),
        offering(),
        ("function-removed",),
    ),
    Row(
        "type of a new function",
        offering(),
        replace(offering(types={"thing": PAIR}), variables={"it": variable("thing*")}),
        ("variable-added",),
    ),
)
