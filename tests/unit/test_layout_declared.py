"""layout_declared.py: blocks that are counted, unions with a tag, handles: what becomes of them, what is refused."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from hotgraft import _core
from hotgraft.core.c_types import parse_type
from hotgraft.core.layout import StateLayout
from hotgraft.core.layout_compile import compile_copy, compile_walk
from hotgraft.core.layout_plan import Case, Choose, Convert, Copy, CopyPlan, Fill, Pointed, encode_plan, faults_of
from hotgraft.core.surface import Enumeration, Member, Record, TypeFacts


def field(name: str, at: int, kind: str, **said: Any) -> Member:
    """Return a field at a byte."""
    return Member(name=name, type=parse_type(kind), offset_bits=at * 8, **said)


def record(size: int, *fields: Member, kind: Any = "struct") -> Record:
    """Return a struct or union."""
    return Record(kind=kind, bytes=size, align=8, members=fields)


def layout(*fields: Member, size: int, **types: TypeFacts) -> StateLayout:
    """Return a layout whose state is called s."""
    return StateLayout(struct="s", types={"s": record(size, *fields), **types})


def counted(element: Record, count: str = "u32") -> StateLayout:
    """Return a state of a count and elements."""
    return layout(field("n", 0, count), field("all", 8, "one*", counted="n"), size=16, one=element)


def tagged(*arms: Member, size: int = 8, tag: str = "u32", **types: TypeFacts) -> StateLayout:
    """Return a state of a tag and a union."""
    either = record(size, *arms, kind="union")
    return layout(field("kind", 0, tag), field("body", 8, "either", tag="kind"), size=8 + size, either=either, **types)


POINT = record(4, field("x", 0, "f32"))
WIDE = record(16, field("y", 0, "f64"), field("x", 8, "f64"))
INT, FLOAT = field("i", 0, "i32", when=1), field("f", 0, "f32", when=2)


def compiled(old: StateLayout, new: StateLayout, **wishes: Any) -> CopyPlan:
    """Return the plan, which there must be, and which the native side takes."""
    plan, reasons = compile_copy(old, new, **wishes)
    assert plan is not None, reasons
    assert faults_of(plan) == ()
    coded = encode_plan(plan)
    _core.CopyProgram.make(coded.rows, coded.pool, coded.paths, old_bytes=coded.old_bytes, new_bytes=coded.new_bytes)
    return plan


def refused(old: StateLayout, new: StateLayout, **wishes: Any) -> str:
    """Return why there is no plan."""
    plan, reasons = compile_copy(old, new, **wishes)
    assert plan is None
    return "\n".join(reasons)


def test_what_a_count_counts_is_converted_element_by_element() -> None:
    """The pointer is written anew; the count crosses as any number."""
    plan = compiled(counted(POINT), counted(WIDE, "u64"))
    assert plan.ops == (
        Convert(0, 0, 1, "u32", "u64", "n"),
        Pointed(
            8, 8, 0, "u32", "all", "n", 4, 16, (Fill(0, 8), Convert(0, 8, 1, "f32", "f64", "all[].x"))
        ),
    )  # fmt: skip
    assert plan.fresh == ("all[].y",)


def test_the_arm_that_is_alive_is_converted_by_its_name() -> None:
    """Whatever place the arms have; one that nobody knows any more has no case, and is refused when it is met."""
    gone = field("gone", 0, "u8[8]", when=7)
    plan = compiled(
        tagged(INT, FLOAT, gone), tagged(replace(FLOAT, type=parse_type("f64")), replace(INT, type=parse_type("i64")))
    )
    assert plan.ops == (
        Copy(0, 0, 8),
        Choose(8, 8, 8, 8, 0, "u32", "kind", (
            Case(2, (Convert(0, 0, 1, "f32", "f64", "body.f"),)), Case(1, (Convert(0, 0, 1, "i32", "i64", "body.i"),)),
        )),
    )  # fmt: skip


def test_a_union_whose_layout_is_the_same_is_copied_whole_whatever_its_tag() -> None:
    """Nothing has to be known of what is only copied."""
    old, either = tagged(INT, FLOAT), record(8, INT, FLOAT, kind="union")
    more = layout(
        field("kind", 0, "u32"),
        field("body", 8, "either", tag="kind"),
        field("more", 16, "u64"),
        size=24,
        either=either,
    )
    assert compiled(old, more).ops == (Copy(0, 0, 16), Fill(16, 8))


def test_an_arm_that_was_renamed_is_found() -> None:
    """And the way back finds it too."""
    new = tagged(replace(INT, name="number", type=parse_type("i64")), FLOAT)
    plan = compiled(tagged(INT, FLOAT), new, renamed_from={"either.number": "i"})
    assert plan.renamed_back == {"either.i": "number"}
    choose = plan.ops[1]
    assert isinstance(choose, Choose)
    assert [case.value for case in choose.cases] == [1, 2]


def test_a_handle_crosses_as_it_is_and_gets_no_other_type() -> None:
    """It names something elsewhere: half of it names something else."""
    handle = layout(field("id", 0, "u64", is_handle=True), size=8)
    assert compiled(handle, layout(field("id", 8, "u64", is_handle=True), field("a", 0, "u64"), size=16)).ops == (
        Fill(0, 8),
        Copy(0, 8, 8),
    )
    assert compiled(handle, layout(field("id", 0, "u64"), field("b", 8, "u8"), size=16)).ops[0] == Copy(0, 0, 8)
    for narrow in (layout(field("id", 0, "u32"), size=4), layout(field("id", 0, "i64"), size=8)):
        assert "id: a handle, which is carried as it is: u64 would become" in refused(handle, narrow)
        assert "a handle" in refused(narrow, handle)


@pytest.mark.parametrize(
    ("old", "new", "wishes", "sentence"),
    [
        (
            counted(POINT),
            layout(field("m", 0, "u32"), field("all", 8, "one*", counted="m"), size=16, one=POINT),
            {},
            "all: it was counted by n, and m is another field",
        ),
        (
            layout(field("n", 0, "u32"), size=4),
            counted(POINT),
            {},
            "all: it begins as no block, and its count n is there already",
        ),
        (layout(field("z", 0, "u32"), size=4), counted(POINT), {"defaults": {"s.n": b"\1\0\0\0"}}, "it counts a block"),
        (
            layout(field("n", 0, "u32"), field("all", 8, "one*"), size=16, one=POINT),
            counted(POINT),
            {},
            "all: an address",
        ),
        (counted(POINT), counted(record(4, field("x", 0, "u32"))), {}, "all[].x: f32 would become u32"),
        (
            tagged(INT, FLOAT),
            tagged(INT, replace(FLOAT, when=3)),
            {},
            "body.f: it is alive by 2 and would be by 3: that needs a converter",
        ),
        (tagged(INT), tagged(field("other", 0, "u64", when=1)), {}, "body: none of what may be alive in it is there"),
        (
            tagged(INT, FLOAT),
            layout(
                field("what", 0, "u32"), field("body", 8, "either", tag="what"), size=16,
                either=record(8, INT, FLOAT, kind="union"),
            ),
            {},
            "body: its tag was kind, and what is another field",
        ),
        (tagged(INT, tag="f32"), tagged(INT), {}, "s.body: its tag is kind, and it is no union that an integer"),
        (tagged(replace(INT, when=None)), tagged(INT), {}, "s.body: its tag is kind, and it is no union"),
        (counted(POINT, "f64"), counted(POINT), {}, "s.all: it is counted by n, and is no pointer with an integer"),
        (counted(record(0)), counted(POINT), {}, "s.all: it is counted, and what it leads to has no size"),
        (
            layout(field("n", 0, "u32"), field("all", 8, "s*", counted="n"), size=16),
            counted(POINT),
            {},
            "types inside types go deeper than 24",
        ),
    ],
)  # fmt: skip
def test_what_no_rule_carries_is_refused_by_its_field(
    old: StateLayout, new: StateLayout, wishes: dict[str, Any], sentence: str
) -> None:
    """Nothing is guessed."""
    assert sentence in refused(old, new, **wishes)


def test_a_struct_that_leads_to_itself_twice_is_found_at_once() -> None:
    """A layout may come from a file that somebody made up: 2**24 ways through it are too many to walk."""
    pointers = [field(name, 8 * at, "t*", counted="n") for at, name in enumerate("abc", 1)]
    twice = record(32, field("n", 0, "u32"), *pointers)
    assert layout(field("root", 0, "t"), size=32, t=twice).reasons()


def test_a_walk_is_there_only_where_something_is_led_to() -> None:
    """What it is for costs a state without pointers nothing."""
    assert compile_walk(tagged(INT, FLOAT)) is None
    walk = compile_walk(counted(POINT))
    assert walk is not None
    assert walk.ops == (Copy(0, 0, 8), Pointed(8, 8, 0, "u32", "all", "n", 4, 4, (Copy(0, 0, 4),)))


def test_a_tag_may_be_an_enum_and_an_arm_may_lead_on() -> None:
    """The walk then goes by the tag, even between equal layouts."""
    kinds = Enumeration(type="i32", values=(("LIST", -1), ("NONE", 0)))
    some = record(16, field("n", 0, "u16"), field("all", 8, "u8*", counted="n"))
    arms = (field("some", 0, "list", when=-1), field("none", 0, "u8", when=0))
    walk = compile_walk(tagged(*arms, size=16, tag="kinds", kinds=kinds, list=some))
    assert walk is not None
    (choose,) = (one for one in walk.ops if isinstance(one, Choose))
    assert choose.scalar == "i32"
    assert [case.value for case in choose.cases] == [-1, 0]
    coded = encode_plan(walk)
    assert [row[10] for row in coded.rows if row[0] == 9] == [2**64 - 1, 0]


def test_an_image_is_converted_and_what_lies_in_it_is_refused() -> None:
    """For the probe, and for what lay on a disk."""

    def program(plan: CopyPlan) -> _core.CopyProgram:
        coded = encode_plan(plan)
        return _core.CopyProgram.make(
            coded.rows, coded.pool, coded.paths, old_bytes=coded.old_bytes, new_bytes=coded.new_bytes
        )

    old, new = counted(POINT), counted(WIDE)
    walks = [compile_walk(one) for one in (old, new)]
    assert walks[0] is not None and walks[1] is not None
    by = program(compiled(old, new)), program(walks[0]), program(walks[1])
    state = struct.pack("<IxxxxQ", 2, 1)
    made, refusal = _core.convert_image(*by, [state, struct.pack("<3f", 1.5, 2.5, 9.0)])
    assert refusal == ""
    assert made[0] == state
    assert made[1] == struct.pack("<6d", 0, 1.5, 0, 2.5, 0, 0)
    assert _core.links_of(by[2], made) == [(0, 8, 1)]
    _, refusal = _core.convert_image(*by, [state, b""])
    assert refusal == "n holds 2, and the block that all leads to has 0 bytes for elements of 4"
    _, refusal = _core.convert_image(*by, [state])
    assert refusal == "all leads to block 1, and 0 are there"
