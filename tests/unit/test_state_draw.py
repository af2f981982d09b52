"""A state as a tree, and what differs between two: as a person reads it, in as many columns as there are."""

# ruff: noqa: RUF001 - the times sign is meant

from __future__ import annotations

from typing import Any

import pytest
from hotgraft.core.snapshot_json import layout_in, values_in
from hotgraft.core.state_diff import differences
from hotgraft.core.state_draw import draw, value_text
from hotgraft.core.state_rows import declared_rows, keyed_rows
from state_scene import SAVED, VALUES_ONE, snapshot_one, snapshot_two

TREE = """\
level          f64         0.5
mode           mode        AUTO (7)
bands          band[20]
  [0]          band
    hz         f32         440.1
    q          f32         0.7
    on         u8          1
  [1]          band
    hz         f32         880.0
    q          f32         0.7
    on         u8          1
  [2] to [19]  band
    hz         f32         0.0
    q          f32         0.0
    on         u8          0
name           i8[16]      "linker Kanal"
key            u8[64]      00 01 02 03 04 05 06 07 08 09 0a 0b 0c … 64 bytes
taps           i16[50]     0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0 × 40
body           shape
  box          u16[4]      1, 2, 3, 4
notes          u8[length]  6c 6f 75 64, 4 bytes, room for 16
length         u64         4
connection     u64 handle  9
old            i32         -1
wide           f64[6]      0.1, nan, inf, -0.0, 1e+300, 5e-324"""
SAVED_TREE = """\
count    int         9223372036854775807
gain     float       0.1
name     text        "größer"
blob     bytes[100]  00 01 02 03 04 05 06 07 08 … 100 bytes
none     nil         none
on       bool        true
map      map[2]
  1      text        "one"
  $odd   float       -inf
list     list[2]
  [0]    int         1
  [1]    list[2]
    [0]  float       2.5
    [1]  map[1]
      a  bytes[0]    0 bytes"""


def rows_of(values: dict[str, Any]) -> Any:
    """Return the rows of the first version's state."""
    layout = layout_in(snapshot_one())
    assert layout is not None
    return declared_rows(layout, values)


def test_a_declared_state_is_a_tree_of_names_types_and_values() -> None:
    """Constants by name, elements that are the same once, bytes with their number, numbers in a row counted."""
    assert "\n".join(draw(rows_of(VALUES_ONE), width=80)) == TREE


def test_saved_values_are_a_tree_as_well() -> None:
    """Their types are those they were put with."""
    assert "\n".join(draw(keyed_rows(SAVED), width=64)) == SAVED_TREE


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """A line that breaks breaks the columns."""
    values = {**VALUES_ONE, "taps": [*range(-25, 25)], "name": "x" * 15}
    more = {"text": "y" * 500, "blob": bytes(500), "k" * 90: 1}
    lines = draw((*rows_of(values), *keyed_rows(more)), width=width)
    assert max(map(len, lines)) <= max(width, 34 + 2 + 11 + 2 + 16 + len("… 500 characters"))
    assert width < 80 or max(map(len, lines)) > width - 12  # and the room is used
    assert any("k" * 90 in line for line in draw(keyed_rows(more), width=width, is_whole=True))


def test_of_a_long_array_the_first_and_the_last_are_shown_unless_all_is_asked_for() -> None:
    """A million particles are no reading matter; what was left out is counted."""
    bands = [{"hz": float(at), "q": 0.0, "on": 0} for at in range(20)]
    names = [line.split()[0] for line in draw(rows_of({**VALUES_ONE, "bands": bands}), width=80) if "  band" in line]
    assert names == ["bands", "[0]", "[1]", "[2]", "[3]", "[4]", "[5]", "[19]"]
    folded = draw(rows_of({**VALUES_ONE, "bands": bands}), width=80)
    assert any(line.split() == ["…", "13", "more"] for line in folded)
    whole = draw(rows_of(VALUES_ONE), width=80, is_whole=True)
    assert sum("  band" in line for line in whole) == 21
    assert any("3d 3e 3f, 64 bytes" in line for line in whole)


def test_what_a_name_or_text_holds_cannot_write_to_the_terminal() -> None:
    """A plugin's bytes are not the reader's."""
    (line,) = draw(keyed_rows({"a\x1b[31m\n": "b\x1b]0;title\x07\n"}), width=80)
    assert line.isprintable()


@pytest.mark.parametrize(
    ("value", "room", "text"),
    [
        ([0] * 9, 20, "0 × 9"), ([1, 1, 1], 20, "1, 1, 1"), ([*range(100)], 24, "0, 1, 2, 3, 4, … 95 more"),
        ([], 20, "empty"),
        (b"", 20, "0 bytes"), (b"\x01", 20, "01, 1 byte"), ("a" * 99, 30, '"aaaaaaaaaaaaa"… 99 characters'),
        (True, 20, "true"), (-0.0, 20, "-0.0"), (None, 20, "none"), ({}, 20, "empty"),
    ],
)  # fmt: skip
def test_a_value_says_how_much_of_it_is_not_shown(value: Any, room: int, text: str) -> None:
    """Cut off without a word, a state would look like another."""
    assert value_text(value, room) == text


def test_a_later_version_is_compared_by_the_names_it_gave() -> None:
    """What was renamed is one field; what only one side has is said with its value."""
    old, new = snapshot_one(), snapshot_two()
    sides = []
    for snapshot in (old, new):
        layout, values = layout_in(snapshot), values_in(snapshot, on="it", shortens=False)[0]
        assert layout is not None
        assert values.states is not None
        sides.append(declared_rows(layout, values.states[0]))

    found = list(differences(*sides, struct="mixer", renamed_from={"mixer.volume": "level"}))

    said = [(one.kind, one.path, one.was, one.now) for one in found]
    assert said[:6] == [
        ("changed", "volume (was level)", "0.5", "0.75"),
        ("changed", "mode", "AUTO (7)", "ON (1)"),
        ("changed", "taps[2]", "2", "5"),
        ("gone", "taps[3:]", "3, 4, 5, 6, 7, 8, 9, 0 × 40", ""),
        ("gone", "bands[2:]", "18 of band", ""),
        ("new", "fresh", "", "3"),
    ]
    assert {one[0] for one in said[6:]} == {"gone"}
    assert list(differences(sides[0], sides[0])) == []


@pytest.mark.parametrize(("was", "now"), [(1, 1.0), (0, False), (0.0, -0.0), ("1", 1), (b"", ""), (None, 0)])
def test_values_that_python_calls_equal_may_differ(was: object, now: object) -> None:
    """Of another type, a value is another one."""
    (found,) = differences(keyed_rows({"x": was}), keyed_rows({"x": now}))
    assert found.kind == "changed"
    assert list(differences(keyed_rows({"x": float("nan")}), keyed_rows({"x": float("nan")}))) == []
