"""State crosses by the cheapest way both sides offer, or every closed way is explained."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hotgraft.core.state import Crossing, StateFacts, choose_crossing

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
    crossing, reasons = choose_crossing(old, new)

    assert (crossing is None) == bool(reasons)
    if old.has_state:
        assert crossing is not Crossing.FRESH


def test_equal_layouts_change_hands() -> None:
    """A pointer costs the same whatever the size."""
    assert choose_crossing(BOTH, BOTH) == (Crossing.HAND_OVER, ())


def test_other_layouts_are_saved_and_restored() -> None:
    """The block means something else to the candidate, the keys do not."""
    assert choose_crossing(BOTH, OTHER_LAYOUT) == (Crossing.RESTORE, ())


def test_equal_layouts_of_another_schema_do_not_change_hands() -> None:
    """A field that now counts milliseconds has the bytes of one that counted seconds."""
    assert choose_crossing(BOTH, replace(BOTH, schema=2)) == (Crossing.RESTORE, ())

    crossing, reasons = choose_crossing(ONLY_HAND_OVER, replace(ONLY_HAND_OVER, schema=2))

    assert crossing is None
    assert "its schema is 1 and would be 2" in reasons[0]


def test_a_plugin_without_state_starts_fresh() -> None:
    """There is nothing to lose."""
    assert choose_crossing(NONE, BOTH) == (Crossing.FRESH, ())


def test_a_candidate_that_declares_no_state_is_refused() -> None:
    """Fault of a manifest that forgot its state line: the state would silently be lost."""
    assert choose_crossing(BOTH, NONE) == (None, ("its state would be lost: the candidate declares none",))


def test_both_closed_ways_are_explained_with_what_was_found() -> None:
    """The author learns which pair of functions would open a way."""
    crossing, reasons = choose_crossing(ONLY_HAND_OVER, replace(ONLY_HAND_OVER, layout_id=0xC))

    assert crossing is None
    assert "the block's layout is 0xa and would be 0xc" in reasons[0]
    assert "what runs and the candidate offer no save and restore" in reasons[1]
