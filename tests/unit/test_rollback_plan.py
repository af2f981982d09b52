"""The plan of a rollback: which way state goes, and when nobody has to be waited for."""

from __future__ import annotations

import pytest
from hotgraft.core.plan import Place, Running, Side
from hotgraft.core.rollback import keeps_own_state, loses_state, plan_rollback
from hotgraft.core.state import Crossing, StateFacts
from hotgraft.core.surface import Surface

NONE = StateFacts()
HANDS_OVER = StateFacts(kind="single", schema=1, layout_id=7, can_hand_over=True)
SAVES = StateFacts(kind="single", schema=1, can_save=True)


def side(state: StateFacts) -> Side:
    """A version without interfaces: only its state matters here."""
    return Side(surface=Surface(label="gain 1.0.0", version="1.0.0", state=state))


def running(state: StateFacts, *instances: str) -> Running:
    """What serves as generation 2."""
    return Running(generation=2, side=side(state), instances=instances or ("main",))


def words(*facts: StateFacts, keeps: bool = False, instances: tuple[str, ...] = ("main",)) -> list[str]:
    """Return the steps of a rollback from the first to the second."""
    return [str(one) for one in plan_rollback("gain", running(facts[0], *instances), side(facts[1]), keeps=keeps).steps]


def test_a_block_goes_back_by_hand_and_the_held_instance_resumes() -> None:
    """It served before: it is not started a second time."""
    assert words(HANDS_OVER, HANDS_OVER) == [
        "wait for pins", "close gates", "drain", "quiesce main", "surrender main", "take main", "resume main",
        "publish", "reclaim",
    ]  # fmt: skip


def test_saved_state_goes_back_into_a_fresh_instance_made_before_the_gates_close() -> None:
    """Restore is only for an instance that has not served; making one is no part of the pause."""
    plan = plan_rollback("gain", running(SAVES), side(SAVES))
    assert [str(one) for one in plan.at(Place.PREPARE)] == ["create main"]
    assert words(SAVES, SAVES)[1:] == [
        "wait for pins", "close gates", "drain", "quiesce main", "save main", "restore main", "start main", "publish",
        "reclaim",
    ]  # fmt: skip


def test_without_state_nobody_is_waited_for() -> None:
    """No drain: whoever is inside finishes in the code that is rolled back."""
    assert words(NONE, NONE, instances=("left", "right")) == [
        "close gates", "resume left", "resume right", "publish", "reclaim",
    ]  # fmt: skip


def test_what_was_kept_comes_back_without_touching_what_is_in_use() -> None:
    """The second way: nothing crosses, so nobody has to rest."""
    assert words(SAVES, SAVES, keeps=True) == ["close gates", "resume main", "publish", "reclaim"]


def test_state_that_has_no_way_back_is_said() -> None:
    """Both reasons, as in a swap."""
    plan = plan_rollback("gain", running(SAVES), side(HANDS_OVER))
    assert plan.crossing is None
    assert len(plan.refusals) == 2


@pytest.mark.parametrize(
    ("crossing", "keeps"), [(Crossing.FRESH, True), (Crossing.RESTORE, True), (Crossing.HAND_OVER, False)]
)
def test_only_a_block_that_was_handed_over_is_not_kept(crossing: Crossing, keeps: bool) -> None:
    """Saving is a copy."""
    assert keeps_own_state(crossing) is keeps


def test_nothing_is_lost_where_neither_has_state() -> None:
    """Either side's state counts."""
    assert not loses_state(side(NONE), side(NONE))
    assert loses_state(side(SAVES), side(NONE))
    assert loses_state(side(NONE), side(SAVES))
