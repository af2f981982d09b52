"""cli/diff_layout.py and cli/diff_report.py: what an expert reads of a comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from contract_rows import function, interface, offering, parameter, record, typed
from contract_rows_functions import BOTH, FLUSH, OFFERS, STEP
from contract_rows_promises import FIELDS, STATE, STATES
from contract_rows_types import STRUCTS, UNIONS_ENUMS
from hotgraft.cli.diff_layout import WIDTH, draw
from hotgraft.cli.diff_report import report
from hotgraft.core.contract import Consumer
from hotgraft.core.contract_judge import compare
from hotgraft.core.versions import Range
from hotgraft.engine.comparison import Compared
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from contract_rows import Row
    from hotgraft.core.surface import Record, Surface

ROWS: Final = (*OFFERS, *STRUCTS, *UNIONS_ENUMS, *STATES)


def drawn(old: Record, new: Record) -> str:
    """Return two layouts as they are drawn, without the indent."""
    return "\n".join(line.removeprefix("    ") for line in draw(old, new, {}, {}))


def told(old: Surface, new: Surface, *consumers: Consumer) -> str:
    """Return the report on two surfaces."""
    return report(Compared(old, new, compare(old, new, consumers)), has_colour=False)


def squeezed(text: str) -> list[str]:
    """Return lines with one space for many: what stands there, not where."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_member_in_between_moves_what_follows() -> None:
    """The reader sees at once which offsets callers have compiled in."""
    old = record("x: i32 @0", "y: i32 @4", size=8)
    new = record("x: i32 @0", "z: f64 @8", "y: i32 @16", size=24, align=8)

    assert squeezed(drawn(old, new)) == [
        "at bytes before │ at bytes after",
        "0 4 i32 x │ 0 4 i32 x",
        "│ 4 4 (hole)",
        "│ 8 8 f64 z + new",
        "4 4 i32 y │ 16 4 i32 y > moved",
        "│ 20 4 (hole)",
        "8 bytes, aligned to 4 │ 24 bytes, aligned to 8",
    ]


def test_what_is_gone_retyped_and_renamed_is_marked() -> None:
    """Each in a word of its own."""
    old = record("a: i32 @0", "b: i32 @4", "c: i32 @8", "d: u32 @12", size=16)
    new = record("a: f32 @0", "c: i32 @8", "e: u32 @12", size=16)

    assert squeezed(drawn(old, new))[1:-1] == [
        "0 4 i32 a │ 0 4 f32 a ~ type",
        "4 4 i32 b │ 4 4 (hole) - gone",
        "8 4 i32 c │ 8 4 i32 c",
        "12 4 u32 d │ 12 4 u32 e ~ name",
    ]


def test_bitfields_say_byte_bit_and_width() -> None:
    """And no hole is drawn within a byte."""
    old = record("a: u32 @0 :3", "b: u32 @0.3 :5", "c: u16 @2", size=4)

    assert squeezed(drawn(old, old))[1:-1] == [
        "0.0 3 bit u32 a │ 0.0 3 bit u32 a",
        "0.3 5 bit u32 b │ 0.3 5 bit u32 b",
        "1 1 (hole) │ 1 1 (hole)",
        "2 2 u16 c │ 2 2 u16 c",
    ]


def test_long_structs_show_what_is_near_a_change() -> None:
    """A thousand rows that stay are not read by anybody."""
    members = [f"m{place}: i32 @{4 * place}" for place in range(100)]
    old = record(*members, size=400)
    new = record(*members[:50], "m50: f32 @200", *members[51:], size=400)

    rows = squeezed(drawn(old, new))[1:-1]
    assert rows[0] == "… 48 as before │ …"
    assert rows[3] == "200 4 i32 m50 │ 200 4 f32 m50 ~ type"
    assert rows[-1] == "… 47 as before │ …"
    assert len(rows) == 7


def test_members_of_a_union_lie_in_one_place() -> None:
    """So there are no holes between them."""
    old = record("i: i32 @0", "d: f64 @0", size=8, align=8, kind="union")

    assert "(hole)" not in drawn(old, old)


NAMES: Final = st.text("abcdefgh_", min_size=1, max_size=120)
KINDS: Final = st.sampled_from(["i8", "f64", "(fn(void*, i32) -> void)*", "a_struct_with_a_long_name const*", "i8[64]"])


@given(st.lists(st.tuples(NAMES, KINDS), max_size=30, unique_by=lambda one: one[0]), st.data())
def test_no_picture_is_wider_than_its_limit(members: list[tuple[str, str]], data: st.DataObject) -> None:
    """It is read in a terminal and in a log, and names in C have no end."""
    old, new = (
        record(*[f"{name}: {kind} @{64 * place}" for place, (name, kind) in enumerate(side)], size=64 * len(side) + 8)
        for side in (members, data.draw(st.permutations(members)))
    )
    assert all(len(line) <= WIDTH for line in draw(old, new, {}, {}))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_fact_is_in_the_report_with_its_rule(row: Row) -> None:
    """A report that leaves one out costs an author a build; one without a next step costs a search."""
    text = told(row.old, row.new)
    flat = " ".join(text.split())

    for one in compare(row.old, row.new).facts:
        assert one.rule in flat
        assert one.change in flat
    assert text.splitlines()[-1].startswith(("to do: ", "  "))
    assert all(len(line) <= WIDTH for line in text.splitlines())


def test_a_report_reads_from_the_verdict_to_the_next_step() -> None:
    """In full, as it is printed."""
    old, new = typed("inout", FIELDS, record("a: i32 @0", "c: i32 @4", "b: i32 @8", size=12))

    assert (
        told(old, new)
        == """\
gain 1.2.0 → gain 1.2.0
major: who calls today would break (3 major)
claim mismatch: interface gain stays 1.2, and the facts ask for 2.0: struct thing, member b moved:
  byte 4 → byte 8 and 2 more
claim mismatch: plugin stays 1.2.0, and the facts ask for 2.0.0: struct thing, member b moved: byte
  4 → byte 8 and 2 more

struct thing
  major    member b moved: byte 4 → byte 8
             callers read it at its old place; met through gain/1.process
  major    size changed: 8 bytes → 12 bytes
             callers make room for its old size; met through gain/1.process
  major    member c added: i32 at byte 4
             callers make the struct without it, or step over it by its old size; met through
             gain/1.process

        at  bytes before                       │     at  bytes after
         0      4 i32 a                        │      0      4 i32 a
                                               │      4      4 i32 c                        + new
         4      4 i32 b                        │      8      4 i32 b                        > moved
                  8 bytes, aligned to 4        │               12 bytes, aligned to 4

to do: take back what broke; or declare interface gain 2.0 and plugin 2.0.0, and offer the old major
  beside the new one, or replace all callers in the same swap"""
    )


def test_who_relies_on_it_is_named_where_it_is_known() -> None:
    """And whose range is left, above all."""
    mixer = Consumer(plugin="mixer", interface="gain/1", accepts=Range.parse("^1.2"))
    text = told(BOTH, offering(FLUSH, interfaces=(interface(FLUSH, version=(1, 1)),)), mixer)

    assert "callers call it; relied on by mixer" in text
    assert "mixer needs gain/1\n  major    range unmet: ^1.2 → gain 1.1" in text


def test_a_member_that_is_called_like_a_function_is_told_with_its_ways() -> None:
    """`f` of a struct that `f` passes is not said by the member's name."""
    called = {"thing": record("a: i32 @0", "f: i32 @4", size=8)}
    old = offering(functions={"f": function("f", parameter("it", "thing*"))}, types=called)
    text = told(old, replace(old, types={"thing": record("a: i32 @0", "f: f32 @4", size=8)}))

    assert "member f retyped: i32 → f32\n             callers read what it was; met through f" in text


def test_many_ways_to_a_type_are_counted() -> None:
    """Three are enough to find it."""
    functions = [function(f"f{place}", parameter("it", "thing*"), offset=8 + 8 * place) for place in range(9)]
    old = offering(*functions, types={"thing": FIELDS})
    text = told(old, offering(*functions, types={"thing": record("a: i32 @0", "b: f32 @4", size=8)}))

    assert "met through gain/1.f0, gain/1.f1, gain/1.f2 and 6 more" in " ".join(text.split())


def test_the_state_s_layout_is_drawn_too() -> None:
    """It is what a converter has to be written from."""
    old = offering(STEP, state=STATE, state_type="block", types={"block": FIELDS})
    text = told(old, offering(STEP, state=STATE, state_type="block", types={"block": record("a: i32 @0", size=4)}))

    assert "state layout changed: what the old one holds cannot be handed over as it lies" in text
    assert "state, struct block\n  patch    member b: state field removed" not in text
    assert "member b removed: i32 at byte 4\n             lossy" in text
    assert " - gone" in text


def test_colours_are_for_those_who_see_them() -> None:
    """A log full of escapes is not read."""
    compared = Compared(BOTH, offering(STEP), compare(BOTH, offering(STEP)))

    assert "\x1b[31m" in report(compared, has_colour=True)
    assert "\x1b" not in report(compared, has_colour=False)
