"""layout_compile.py: which field becomes which, what is refused before anything runs, and what is given up."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from hotgraft.core.c_types import parse_type
from hotgraft.core.layout import StateLayout
from hotgraft.core.layout_compile import compile_copy
from hotgraft.core.layout_plan import Convert, Copy, CopyPlan, Expect, Fill, Forbid, Loop, Terminated, faults_of
from hotgraft.core.surface import Enumeration, Member, Record, TypeFacts
from layout_scene import program_of


def record(size: int, /, **fields: tuple[int, str] | tuple[int, str, int]) -> Record:
    """Return a struct: field = (offset in bytes, type), or (offset in bits, type, bits) of a bitfield."""
    members = tuple(
        Member(name=name, type=parse_type(one[1]), offset_bits=one[0], bits=one[2])
        if len(one) == 3
        else Member(name=name, type=parse_type(one[1]), offset_bits=one[0] * 8)
        for name, one in fields.items()
    )
    return Record(kind="struct", bytes=size, align=8, members=members)


def union(size: int, /, **fields: tuple[int, str]) -> Record:
    """Return a union."""
    return replace(record(size, **fields), kind="union")


def layout(state: Record, **types: TypeFacts) -> StateLayout:
    """Return a layout whose state is called s."""
    return StateLayout(struct="s", types={"s": state, **types})


def compiled(old: StateLayout, new: StateLayout, **wishes: Any) -> CopyPlan:
    """Return the plan, which there must be."""
    plan, reasons = compile_copy(old, new, **wishes)
    assert plan is not None, reasons
    assert faults_of(plan) == ()
    return plan


def refused(old: StateLayout, new: StateLayout, **wishes: Any) -> tuple[str, ...]:
    """Return why there is no plan."""
    plan, reasons = compile_copy(old, new, **wishes)
    assert plan is None
    return reasons


def converted(plan: CopyPlan, state: bytes, count: int = 1) -> bytes:
    """Return what a program makes of states."""
    made = bytearray(b"\xee" * (plan.new_bytes * count))
    assert program_of(plan).run(state, made, count) is None
    return bytes(made)


# --- what becomes what ---


def test_a_field_added_in_the_middle_leaves_two_copies_and_a_fill() -> None:
    """The usual edit: its cost is what figures are measured by."""
    old = layout(record(40, id=(0, "u64"), x=(8, "f32"), y=(12, "f32"), rest=(16, "u64[3]")))
    new = layout(record(48, id=(0, "u64"), x=(8, "f32"), y=(12, "f32"), z=(16, "f32"), rest=(24, "u64[3]")))
    plan = compiled(old, new)
    assert plan.ops == (Copy(0, 0, 16), Fill(16, 8), Copy(16, 24, 24))
    assert plan.fresh == ("z",)
    assert (plan.lost, plan.rounded, plan.texts) == ((), (), ())


def test_the_same_layout_is_one_copy_padding_included() -> None:
    """Neighbours whose distance is the same on both sides need no second look."""
    both = layout(
        record(32, a=(0, "u8"), b=(8, "f64"), c=(16, "u16"), d=(20, "part[2]")), part=record(6, e=(0, "u16[3]"))
    )
    assert compiled(both, both).ops == (Copy(0, 0, 32),)


def test_a_removed_field_does_not_live_on_as_padding() -> None:
    """What an author took out of the state must not be found in it again."""
    old = layout(record(16, a=(0, "u32"), secret=(4, "u32"), b=(8, "u64")))
    new = layout(record(16, a=(0, "u32"), b=(8, "u64")))
    plan = compiled(old, new)
    assert plan.lost == ("secret",)
    assert converted(plan, struct.pack("<IIQ", 1, 0xDEAD, 2)) == struct.pack("<IIQ", 1, 0, 2)


def test_arrays_of_structs_become_loops_and_fields_keep_their_path() -> None:
    """A block is converted element by element, and a refusal must say which."""
    old = layout(record(24, bands=(0, "band[3]")), band=record(8, gain=(0, "f32"), taps=(4, "i16[2]")))
    new = layout(record(96, bands=(0, "band[4]")), band=record(24, gain=(0, "f64"), taps=(8, "i32[3]")))
    (loop, fill) = compiled(old, new).ops
    assert loop == Loop(0, 0, 3, 8, 24, (
        Convert(0, 0, 1, "f32", "f64", "bands[].gain"), Convert(4, 8, 2, "i16", "i32", "bands[].taps[]"), Fill(16, 8),
    ))  # fmt: skip
    assert fill == Fill(72, 24)


def test_a_field_is_found_by_the_name_it_had() -> None:
    """And the plan says how to find it on the way back, in terms of the older version's structs."""
    old = layout(record(8, part=(0, "band")), band=record(8, level=(0, "f32"), gain=(4, "f32")))
    new = layout(record(8, part=(0, "tone")), tone=record(8, gain=(0, "f32"), level=(4, "f32")))
    swapped = {"tone.gain": "level", "tone.level": "gain"}
    plan = compiled(old, new, renamed_from=swapped)
    assert plan.ops == (Copy(0, 0, 8),)
    assert plan.renamed_back == {"band.level": "gain", "band.gain": "level"}
    assert compiled(new, old, renamed_from=plan.renamed_back).ops == (Copy(0, 0, 8),)
    assert compiled(old, new).ops == (Copy(4, 0, 4), Copy(0, 4, 4))


def test_a_field_whose_name_another_took_is_new() -> None:
    """Its value went with the rename: it must not be carried twice."""
    old, new = layout(record(4, a=(0, "u32"))), layout(record(8, a=(0, "u32"), b=(4, "u32")))
    plan = compiled(old, new, renamed_from={"s.b": "a"})
    assert plan.ops == (Fill(0, 4), Copy(0, 4, 4))
    assert plan.fresh == ("a",)


def test_an_older_name_is_passed_over_where_the_rename_has_happened_already() -> None:
    """The annotation stays in the header; state of every version must find its way."""
    old, new = layout(record(4, gain=(0, "u32"))), layout(record(4, gain=(0, "u32")))
    assert compiled(old, new, renamed_from={"s.gain": "level"}).ops == (Copy(0, 0, 4),)


def test_new_fields_begin_with_their_default() -> None:
    """Defaults of structs are made of those of their fields, and an array that grows takes its part."""
    old = layout(record(8, taps=(0, "u16[2]"), n=(4, "u32")))
    new = layout(
        record(32, taps=(0, "u16[4]"), n=(8, "u32"), parts=(12, "part[2]")), part=record(8, on=(0, "u8"), v=(4, "f32"))
    )
    defaults = {"s.taps": struct.pack("<4H", 1, 2, 3, 4), "part.v": struct.pack("<f", 0.5)}
    plan = compiled(old, new, defaults=defaults)
    made = converted(plan, struct.pack("<2HI", 7, 8, 9))
    assert struct.unpack("<4HIB3xfB3xf4x", made) == (7, 8, 3, 4, 9, 0, 0.5, 0, 0.5)


def test_a_struct_that_begins_with_its_size_has_the_new_one() -> None:
    """New code reads its own size there; the old one's would tell it that the new fields are not there."""
    old = layout(record(8, struct_size=(0, "u32"), n=(4, "u32")))
    new = layout(record(12, struct_size=(0, "u32"), n=(4, "u32"), m=(8, "u32")))
    assert struct.unpack("<3I", converted(compiled(old, new), struct.pack("<2I", 8, 5))) == (12, 5, 0)
    assert struct.unpack("<2I", converted(compiled(new, old), struct.pack("<3I", 12, 5, 0))) == (8, 5)


def test_unions_and_bitfields_cross_whole_or_not_at_all() -> None:
    """Which member holds the value, the type does not say."""
    either = {"either": union(8, i=(0, "i64"), d=(0, "f64"))}
    bits = {"flags": (0, "u32", 3), "mode": (3, "u32", 5)}
    old = layout(record(16, e=(8, "either"), **bits), **either)
    new = layout(
        record(24, added=(0, "u64"), e=(8, "either"), **{k: (b[0] + 128, *b[1:]) for k, b in bits.items()}), **either
    )
    assert compiled(old, new).ops == (Fill(0, 8), Copy(8, 8, 8), Copy(0, 16, 8))  # the flags' padding goes along
    changed = layout(record(16, e=(8, "either"), **bits), either=union(8, i=(0, "i64"), f=(0, "f32")))
    assert refused(old, changed) == ("e: either would become either: that needs a converter",)
    wider = layout(record(16, e=(8, "either"), flags=(0, "u32", 4), mode=(4, "u32", 5)), **either)
    assert "shares bytes" in refused(old, wider)[0]


# --- numbers and texts ---


@pytest.mark.parametrize(
    ("before", "after"),
    [("i32", "f32"), ("f64", "i64"), ("f64", "u8"), ("i128", "i64"), ("f80", "f64"), ("bool", "f32")],
)
def test_kinds_of_numbers_do_not_mix(before: str, after: str) -> None:
    """A count that became a share, or a whole number that became a fraction, changed its meaning as well."""
    (reason,) = refused(layout(record(16, n=(0, before))), layout(record(16, n=(0, after))))
    assert reason == f"n: {before} would become {after}: not every value has its like; that needs a converter"


def test_f64_to_f32_is_listed_as_rounded() -> None:
    """Whether that is a loss is for the author to say, so it must not go unseen."""
    plan = compiled(layout(record(8, x=(0, "f64"))), layout(record(4, x=(0, "f32"))))
    assert plan.rounded == ("x",)


def test_a_constant_that_is_gone_is_forbidden_and_one_that_moved_refused() -> None:
    """A value of the state would mean nothing, or something else."""
    old = layout(record(4, m=(0, "mode")), mode=Enumeration(type="i32", values=(("A", 0), ("B", 1), ("C", 2))))
    gone = layout(record(4, m=(0, "mode")), mode=Enumeration(type="i32", values=(("A", 0), ("D", 1))))
    assert compiled(old, gone).ops == (Forbid(0, 1, "i32", "m", (2,)), Copy(0, 0, 4))
    moved = layout(record(4, m=(0, "mode")), mode=Enumeration(type="i32", values=(("B", 0), ("A", 1), ("C", 2))))
    assert refused(old, moved) == (
        "m: A is 0 and would be 1: that needs a converter",
        "m: B is 1 and would be 0: that needs a converter",
    )


def test_a_text_gets_a_shorter_buffer_where_its_end_fits() -> None:
    """Without its end the older code reads past the buffer."""
    old, new = layout(record(64, t=(0, "i8[64]"))), layout(record(32, t=(0, "i8[32]")))
    plan = compiled(old, new)
    assert plan.ops == (Terminated(0, 32, "t"), Copy(0, 0, 32))
    assert plan.texts == ("t",)
    assert converted(plan, b"x" * 31 + b"\0" + b"stale" * 6 + b"\0\0") == b"x" * 31 + b"\0"
    begin = 'a text that begins "' + "x" * 32 + '"'
    sentence = f"t holds {begin}, and its buffer holds 31 bytes and the zero that ends it"
    assert program_of(plan).run(b"x" * 32 + bytes(32), bytearray(32)) == (sentence, 0, 0, 0, "t", begin)
    longer = compiled(new, old)
    assert longer.ops == (Copy(0, 0, 32), Fill(32, 32))


def test_i8_arrays_that_are_numbers_follow_the_rule_of_arrays() -> None:
    """What stands behind a zero is a value there."""
    old, new = layout(record(4, t=(0, "i8[4]"))), layout(record(2, t=(0, "i8[2]")))
    assert compiled(old, new, numbers={"s.t"}).ops == (Expect(2, 2, "i8", "t[2]"), Copy(0, 0, 2))


# --- what is lost ---


def test_an_array_gets_shorter_only_where_its_end_is_as_by_default() -> None:
    """Elements would be lost with nobody told; or they are given up by name."""
    parts = {"part": record(8, on=(0, "u8"), v=(4, "f32"))}
    old, new = layout(record(32, p=(0, "part[4]")), **parts), layout(record(16, p=(0, "part[2]")), **parts)
    half = {"part.v": struct.pack("<f", 0.5)}
    program = program_of(compiled(old, new, old_defaults=half))
    unused = struct.pack("<BBHf", 0, 9, 9, 0.5)  # its padding may be as it likes
    assert program.run(b"\1" * 16 + unused * 2, bytearray(16)) is None
    answer = program.run(b"\1" * 16 + unused + struct.pack("<If", 0, 0.75), bytearray(16))
    assert answer is not None
    assert answer[0] == "p[3].v holds 0.75, not its default, and has no place in the new layout"
    plan = compiled(old, new, dropped={"s.p[2:]"})
    assert plan.ops == (Copy(0, 0, 16),)
    assert plan.given_up == ("p[2:]",)


def test_what_is_given_up_is_told_from_what_is_lost() -> None:
    """A lossy change without consent is refused by whoever asked for the plan."""
    old = layout(record(12, a=(0, "u32"), b=(4, "u32"), cache=(8, "u32")))
    new = layout(record(8, b=(0, "u32"), cache=(4, "u32")))
    plan = compiled(old, new, dropped={"s.cache"}, defaults={"s.cache": b"\7\0\0\0"})
    assert (plan.lost, plan.given_up, plan.fresh) == (("a",), ("cache",), ("cache",))
    assert plan.ops == (Copy(4, 0, 4), Fill(4, 4, b"\7\0\0\0"))


def test_an_address_never_crosses_unless_it_is_given_up() -> None:
    """What it leads to is not part of the state; a new one begins as NULL."""
    old, new = layout(record(16, p=(0, "u8*"), n=(8, "u32"))), layout(record(16, n=(0, "u32"), p=(8, "u8*")))
    assert refused(old, new) == ("p: an address: what it leads to is not part of the state",)
    assert compiled(old, new, dropped={"s.p"}).ops == (Copy(8, 0, 8), Fill(8, 8))
    holder = {"either": union(8, p=(0, "void*"), n=(0, "u64"))}
    both = layout(record(8, e=(0, "either")), **holder)
    assert refused(both, both) == ("e: an address: what it leads to is not part of the state",)


def test_every_reason_is_given_by_path() -> None:
    """An author mends them in one build."""
    inner = {"a": (0, "i32"), "b": (8, "f64"), "c": (16, "u32")}
    old = layout(record(72, p=(0, "part[3]")), part=record(24, **inner))
    new = layout(record(72, p=(0, "part[3]")), part=record(24, a=(0, "f32"), b=(8, "i64"), c=(16, "u32[2]")))
    assert refused(old, new) == (
        "p[].a: i32 would become f32: not every value has its like; that needs a converter",
        "p[].b: f64 would become i64: not every value has its like; that needs a converter",
        "p[].c: u32 would become u32[2]: that needs a converter",
    )


def test_a_wish_that_names_nothing_is_refused() -> None:
    """A typo in an annotation would lose a value in silence."""
    both = layout(record(8, a=(0, "u32"), b=(4, "u32")))
    assert refused(both, both, renamed_from={"s.aa": "b"}) == (
        "renamed_from names s.aa, and the new layout has no such field",
    )
    assert refused(both, both, renamed_from={"s.a": "b", "s.b": "b"})[0].startswith("s.b: b is what another field")
    assert refused(both, both, defaults={"s.c": b"", "s.a": b"1"}) == (
        "a default for s.c: there is no such field",
        "a default for s.a: 1 bytes, and it has 4",
    )


# --- layouts that somebody made up ---


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (layout(record(8, a=(4, "u64"))), "s.a: bytes 4 to 12 do not lie inside the 8 of s"),
        (layout(record(8, a=(0, "u8[]"))), "s.a: an array without a count"),
        (layout(record(8, a=(0, "gone"))), "s.a: what gone holds is not described"),
        (layout(record(8, a=(0, "?"))), "s.a: a type without a word for it"),
        (layout(record(8, a=(0, "void"))), "s.a: void is no type of a field"),
        (layout(record(8, a=(0, "s"))), "types inside types go deeper"),
        (layout(record(8, a=(0, "u32", -1))), "s.a: a bitfield of -1 bits"),
        (layout(record(8, a=(3, "u8"), b=(-1, "u8"))), "s.b: bytes -1 to 0 do not lie"),
        (layout(record(1 << 60, a=(0, "u8"))), f"s: {1 << 60} bytes"),
        (layout(Record(kind="struct", is_opaque=True)), "s: its fields are not described"),
        (layout(record(4, a=(0, "e")), e=Enumeration(type="f32", values=())), "s.a: an enum that is no integer"),
        (StateLayout(struct="t", types={}), "t: its fields are not described"),
    ],
)  # fmt: skip
def test_a_layout_that_cannot_be_is_refused_with_its_reason(bad: StateLayout, found: str) -> None:
    """A descriptor may say anything; nothing is read or written by it before it was looked at."""
    good = layout(record(8, a=(0, "u64")))
    assert any(found in reason for reason in refused(bad, good))
    assert any(found in reason for reason in refused(good, bad))


def test_structs_that_hold_each_other_twice_do_not_take_for_ever() -> None:
    """Twenty-four levels are sixteen million fields."""
    types = {f"t{n}": record(2 << n, a=(0, f"t{n - 1}"), b=(1 << n, f"t{n - 1}")) for n in range(1, 22)}
    types["t0"] = record(2, a=(0, "u8"), b=(1, "u8"))
    big = StateLayout(struct="t21", types=types)
    assert refused(big, big) == ("what runs: t21: more than 20000 fields", "the candidate: t21: more than 20000 fields")
