"""A swap plan is data: its order, its undo and its refusals are checked without running any of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hotgraft.core.c_types import Scalar
from hotgraft.core.plan import UNDO, Action, Place, Plan, Running, Side, make_plan
from hotgraft.core.state import Crossing, StateFacts
from hotgraft.core.surface import Enumeration, Function, Interface, Parameter, Surface

I64 = Scalar("i64")
ADD = Function(name="add", offset=8, parameters=(Parameter(name="by", type=I64),), result=I64)
FLUSH = Function(name="flush", offset=16, parameters=(), result=Scalar("i32"), is_status=True)
COUNTER = Interface(name="counter", version=(1, 0), bytes=24, functions=(ADD, FLUSH))
STATE = StateFacts(kind="single", schema=1, layout_id=7, can_hand_over=True, can_save=True)
SURFACE = Surface(label="counter 1.0.0", version="1.0.0", interfaces=(COUNTER,), state=STATE)
SIDE = Side(surface=SURFACE)


def with_changes(side: Side, **changes: Any) -> Side:
    """Return a version that differs in these parts of its surface."""
    return Side(surface=replace(side.surface, **changes))


STATELESS = with_changes(SIDE, state=StateFacts())


def plan_of(running: Side, candidate: Side | None = None, *, instances: tuple[str, ...] = ("counter",)) -> Plan:
    """Plan a swap of a counter."""
    return make_plan("counter", Running(generation=3, side=running, instances=instances), candidate or running)


def actions(plan: Plan, place: Place) -> list[str]:
    """Return a place's steps as text."""
    return [str(step) for step in plan.at(place)]


def test_state_that_is_handed_over_crosses_in_this_order() -> None:
    """Every step of the window depends on the one before it: this order is the swap."""
    plan = plan_of(SIDE)

    assert actions(plan, Place.PREPARE) == [
        "settle",
        "stage",
        "inspect",
        "check needs",
        "compare contract",
        "probe",
        "map",
        "create counter",
    ]
    assert actions(plan, Place.WINDOW) == [
        "wait for pins",
        "close gates",
        "drain",
        "quiesce counter",
        "surrender counter",
        "take counter",
        "start counter",
        "publish",
    ]
    assert actions(plan, Place.AFTER) == ["quick health", "commit", "reclaim"]
    assert plan.refusals == ()


def test_other_layouts_are_saved_and_restored_in_the_window() -> None:
    """The plan says which way state goes before anything is touched."""
    plan = plan_of(SIDE, with_changes(SIDE, state=replace(STATE, layout_id=8)))

    assert plan.crossing is Crossing.RESTORE
    assert actions(plan, Place.WINDOW)[4:6] == ["save counter", "restore counter"]


def test_one_slot_without_state_needs_no_gate() -> None:
    """A single store publishes it: callers never wait."""
    plan = plan_of(STATELESS)

    assert not plan.is_gated
    assert actions(plan, Place.WINDOW) == ["start counter", "publish"]


def test_all_instances_of_a_library_are_replaced_as_one_set() -> None:
    """Two slots cannot be stored in one instant: without a gate a caller would see both sides."""
    plan = plan_of(STATELESS, instances=("left", "right"))

    assert plan.is_gated
    assert actions(plan, Place.WINDOW) == [
        "leave pins",
        "close gates",
        "drain",
        "quiesce left",
        "quiesce right",
        "start left",
        "start right",
        "publish",
    ]


def test_two_interfaces_are_two_slots() -> None:
    """One plugin that offers two interfaces changes both at once."""
    two = with_changes(STATELESS, interfaces=(COUNTER, replace(COUNTER, name="meter")))

    assert plan_of(two).is_gated
    added = plan_of(STATELESS, two)
    assert (added.is_gated, added.pins) == (True, "leave")  # the slot of what is new is published with the other


@pytest.mark.parametrize("side", [SIDE, STATELESS, with_changes(SIDE, state=replace(STATE, can_hand_over=False))])
def test_every_step_before_publish_that_changes_something_has_an_undo(side: Side) -> None:
    """Until publish, any failure leaves what was running untouched: that takes an undo for each step."""
    harmless = {
        Action.SETTLE,
        Action.INSPECT,
        Action.CHECK_NEEDS,
        Action.COMPARE,
        Action.PROBE,  # in another process
        Action.DRAIN,  # waiting
        Action.SAVE,  # a copy
        Action.RESTORE,  # into the candidate, which is destroyed
        Action.PUBLISH,  # the point of no return
    }
    steps = plan_of(side, instances=("left", "right")).steps
    before = steps[: [step.action for step in steps].index(Action.PUBLISH)]

    for step in before:
        assert (step.undo is None) == (step.action in harmless), step


def test_nothing_after_publish_can_be_undone() -> None:
    """After the point of no return only another swap goes back."""
    assert all(step.undo is None for step in plan_of(SIDE).at(Place.AFTER))
    assert Action.PUBLISH not in UNDO


def test_undo_is_never_a_step_itself() -> None:
    """What only undoes has no undo, so that undoing ends."""
    assert not set(UNDO.values()) & set(UNDO)


def test_contract_and_state_refusals_are_all_listed() -> None:
    """An author fixes every violation in one build."""
    candidate = with_changes(STATELESS, interfaces=(replace(COUNTER, functions=(ADD,)),))
    plan = plan_of(SIDE, candidate)

    assert plan.contract_refusals == ('lacks function "flush" (interface counter/1)',)
    assert plan.state_refusals == ("its state would be lost: the candidate declares none",)
    assert plan.refusals == plan.contract_refusals + plan.state_refusals
    lower = plan_of(SIDE, with_changes(candidate, version="0.9.0"))
    assert lower.refusals == lower.version_refusals + plan.refusals


@pytest.mark.parametrize(
    ("was", "now", "is_downgrade"),
    [
        *(("1.2.0", "1.1.9", True), ("1.2.0", "1.2.0", False), ("1.2.0", "1.2.1", False), ("1.10.0", "1.9.0", True)),
        *(("1.2.0", "1.2.0-rc.1", True), ("1.2.0-rc.2", "1.2.0-rc.10", False), ("1.2.0-rc.1", "1.2.0", False)),
        *(("1.2.0+b", "1.2.0+a", False), ("1.2.0+a", "1.2.0", False), ("1.2.0", "1.1.0+z", True)),
    ],
)
def test_a_lower_version_is_refused_unless_it_is_asked_for(was: str, now: str, is_downgrade: bool) -> None:
    """Fault C11. By precedence (SemVer §11): pre-releases count, builds of one version do not."""
    running = Running(generation=3, side=with_changes(SIDE, version=was), instances=("counter",))
    candidate = with_changes(SIDE, version=now)
    plan = make_plan("counter", running, candidate)
    asked_for = make_plan("counter", running, candidate, allow_downgrade=True)

    why = f"version {now} is lower than {was}, which serves: ask for the downgrade if it is meant"
    assert plan.refusals == plan.version_refusals == ((why,) if is_downgrade else ())
    assert asked_for.refusals == ()
    assert plan.is_downgrade is asked_for.is_downgrade is is_downgrade
    assert (", a downgrade that was asked for;" in str(asked_for)) is is_downgrade
    assert "asked for;" not in str(plan)


def test_back_from_a_downgrade_is_a_way_up_and_may_add() -> None:
    """The version that is gone back to is the later one: what it has more is no removal."""
    later = with_changes(SIDE, version="1.1.0", types={"mode": Enumeration(type="u32", values=(("ON", 0), ("OFF", 1)))})
    earlier = with_changes(SIDE, types={"mode": Enumeration(type="u32", values=(("ON", 0),))})
    running = Running(generation=3, side=earlier, instances=("counter",))

    assert make_plan("counter", running, later, goes_back=True).refusals == ()


def test_a_printed_plan_shows_steps_undo_and_refusals() -> None:
    """The dry run is read by people."""
    text = str(plan_of(SIDE, with_changes(STATELESS, version="1.1.0")))

    assert text.startswith("counter: version 1.0.0 → 1.1.0; generation 3 serves; state: no way across;")
    assert "refused: its state would be lost" in text
    assert "(undo: reopen gates)" in text
