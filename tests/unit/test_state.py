"""State crosses by the cheapest way both sides offer, or every closed way is explained."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hotgraft.core.c_types import SCALAR_BYTES, Scalar
from hotgraft.core.layout import StateLayout
from hotgraft.core.state import Choice, Crossing, StateEdits, StateFacts, choose_crossing
from hotgraft.core.surface import Member, Record

NONE = StateFacts()
BOTH = StateFacts(kind="single", schema=1, layout_id=0xA, can_hand_over=True, can_save=True)
ONLY_HAND_OVER = replace(BOTH, can_save=False)
ONLY_SAVE = replace(BOTH, can_hand_over=False, layout_id=0)
OTHER_SCHEMA = replace(BOTH, schema=2)
OTHER_LAYOUT = replace(BOTH, layout_id=0xB)
NEITHER = replace(BOTH, can_hand_over=False, can_save=False)
ALL = [NONE, BOTH, ONLY_HAND_OVER, ONLY_SAVE, OTHER_LAYOUT, OTHER_SCHEMA, NEITHER]


@pytest.mark.parametrize(("old", "new"), list(itertools.product(ALL, ALL)))
def test_either_there_is_a_way_or_there_are_reasons(old: StateFacts, new: StateFacts) -> None:
    """Promise 4: state survives, or the swap is refused with the reason; there is no third."""
    choice = choose_crossing(old, new)

    assert (choice.crossing is None) == bool(choice.refusals)
    if old.has_state:
        assert choice.crossing is not Crossing.FRESH


def test_equal_layouts_change_hands() -> None:
    """A pointer costs the same whatever the size."""
    assert choose_crossing(BOTH, BOTH) == Choice(crossing=Crossing.HAND_OVER)


def test_other_layouts_are_saved_and_restored() -> None:
    """The block means something else to the candidate, the keys do not."""
    assert choose_crossing(BOTH, OTHER_LAYOUT) == Choice(crossing=Crossing.RESTORE)


def test_equal_layouts_of_another_schema_do_not_change_hands() -> None:
    """A field that now counts milliseconds has the bytes of one that counted seconds."""
    assert choose_crossing(BOTH, replace(BOTH, schema=2)) == Choice(crossing=Crossing.RESTORE)

    choice = choose_crossing(ONLY_HAND_OVER, replace(ONLY_HAND_OVER, schema=2))

    assert choice.crossing is None
    assert "its schema is 1 and would be 2" in choice.refusals[0]


def test_a_plugin_without_state_starts_fresh() -> None:
    """There is nothing to lose."""
    assert choose_crossing(NONE, BOTH) == Choice(crossing=Crossing.FRESH)


def test_a_candidate_that_declares_no_state_is_refused() -> None:
    """Fault of a manifest that forgot its state line: the state would silently be lost."""
    assert choose_crossing(BOTH, NONE) == Choice(
        crossing=None, refusals=("its state would be lost: the candidate declares none",)
    )


def test_both_closed_ways_are_explained_with_what_was_found() -> None:
    """The author learns which pair of functions would open a way."""
    choice = choose_crossing(ONLY_HAND_OVER, replace(ONLY_HAND_OVER, layout_id=0xC))

    assert choice.crossing is None
    assert "the block's layout is 0xa and would be 0xc" in choice.refusals[0]
    assert "what runs and the candidate offer no save and restore" in choice.refusals[1]


def _with_fields(*fields: tuple[str, str], layout_id: int = 0xA, schema: int = 1, **edits: Any) -> StateFacts:
    members, end = [], 0
    for name, kind in fields:
        size = SCALAR_BYTES[kind]
        end = -(-end // size) * size
        members.append(Member(name=name, type=Scalar(kind), offset_bits=8 * end))
        end += size
    record = Record(kind="struct", bytes=-(-end // 8) * 8, align=8, members=tuple(members))
    layout = StateLayout(struct="gain_state", types={"gain_state": record})
    return replace(ONLY_HAND_OVER, layout=layout, layout_id=layout_id, schema=schema, edits=StateEdits(**edits))


OLD = _with_fields(("level", "f64"), ("calls", "u32"))


def test_a_field_that_is_new_is_converted_to() -> None:
    """An author adds a field and saves: the program keeps its data."""
    choice = choose_crossing(OLD, _with_fields(("level", "f64"), ("mix", "f64"), ("calls", "u64"), layout_id=0xB))

    assert choice.crossing is Crossing.CONVERT
    assert choice.conversion is not None
    assert (choice.conversion.old_layout_id, choice.conversion.new_layout_id) == (0xA, 0xB)
    assert choice.conversion.plan.fresh == ("mix",)


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (
            _with_fields(("level", "f64"), layout_id=0xB),
            "calls: name it under renamed_from in [state] if it is called otherwise now, or under dropped",
        ),
        (_with_fields(("level", "f32"), ("calls", "u32"), layout_id=0xB), "level would be rounded"),
        (_with_fields(("level", "f64"), ("calls", "u32"), layout_id=0xB, schema=2), "schema 2 says that they mean"),
        (_with_fields(("level", "f64"), ("calls", "u32"), layout_id=0xB), "layout 0xb says that they mean"),
    ],
)
def test_a_conversion_that_would_lose_something_is_refused(new: StateFacts, reason: str) -> None:
    """A lossy change without consent is refused; so is one whose meaning nobody told."""
    choice = choose_crossing(OLD, new)

    assert choice.crossing is None
    assert any(reason in one for one in choice.refusals), choice.refusals
    tells = any("no converter is known between schemas 1 and 2" in one for one in choice.refusals)
    assert tells == (new.schema == 2)  # a converter for another plugin's name, say


def test_a_restore_that_is_told_another_schema_goes_before_a_conversion_that_cannot_know() -> None:
    """Names that stayed may mean something else since; only the author's restore knows."""
    both = [replace(one, can_save=True) for one in (OLD, _with_fields(("level", "f64"), layout_id=0xB, schema=2))]

    assert choose_crossing(*both).crossing is Crossing.RESTORE


def test_what_is_given_up_by_name_may_go() -> None:
    """Consent is a line in plugin.toml."""
    new = _with_fields(("level", "f64"), layout_id=0xB, dropped=("gain_state.calls",))

    assert choose_crossing(OLD, new).crossing is Crossing.CONVERT


def test_the_way_back_is_read_out_of_what_the_later_version_says() -> None:
    """The earlier version knows nothing of what came after it: names go back, and what is new is left behind."""
    later = _with_fields(
        ("volume", "f64"), ("mix", "f64"), ("calls", "u32"), layout_id=0xB, renamed_from={"gain_state.volume": "level"}
    )

    choice = choose_crossing(later, OLD, goes_back=True)

    assert choice.crossing is Crossing.CONVERT
    assert choice.conversion is not None
    assert choice.conversion.plan.lost == ("mix",)
    assert choice.conversion.plan.fresh == ()


def test_back_from_a_downgrade_names_are_what_the_later_version_called_them() -> None:
    """What is rolled back to may be the later version: read backwards, its own edits would lose the renamed field."""
    earlier = replace(OLD, version="1.0.0")
    later = _with_fields(
        ("volume", "f64"), ("calls", "u64"), layout_id=0xB, renamed_from={"gain_state.volume": "level"}
    )

    choice = choose_crossing(earlier, replace(later, version="2.0.0"), goes_back=True)

    assert choice.conversion is not None
    assert (choice.conversion.plan.lost, choice.conversion.plan.fresh) == ((), ())


def test_where_no_way_up_is_known_the_way_back_does_not_lose_what_was_renamed() -> None:
    """It came by save and restore: so it goes back, and not by the names that happen to be the same."""
    earlier = _with_fields(("level", "u64"), ("calls", "u32"))
    later = _with_fields(
        ("volume", "f64"), ("calls", "u32"), layout_id=0xB, renamed_from={"gain_state.volume": "level"}
    )

    both = [replace(one, can_save=True) for one in (later, earlier)]
    assert choose_crossing(*both, goes_back=True).crossing is Crossing.RESTORE
    choice = choose_crossing(later, earlier, goes_back=True)
    assert choice.crossing is None
    assert "volume: u64 would become f64" in choice.refusals[1]
