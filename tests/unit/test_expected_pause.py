"""Tests core/expected_pause.py: what swaps took before, added up, and nothing guessed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graph_scene import candidate, plugin
from hotgraft.core.expected_pause import MeasuredPause, expected_pause, measured_pause
from hotgraft.core.layout_plan import CopyPlan
from hotgraft.core.plan import Action, Place, Step
from hotgraft.core.state import Conversion, Crossing
from set_scene import BLOCK, System, incoming

if TYPE_CHECKING:
    from hotgraft.core.plan import Plan

ZIP, LOG = plugin("zip", "codec 1.2"), plugin("log", "log 1.0")
STEPS = [
    ("close gates", 4.0),
    ("drain", 10.0),
    ("quiesce main", 20.0),
    ("surrender main", 2.0),
    ("take main", 3.0),
    ("start main", 5.0),
    ("publish", 1.0),
]


def plans(*names: str) -> list[Plan]:
    """Return the plans of plugins whose state is handed over, replaced as one."""
    known = {"zip": ZIP, "log": LOG}
    system = System(*known.values(), state=BLOCK)
    plan = system.plan(*(incoming(candidate(known[name], "1.0.1"), state=BLOCK) for name in names))
    return [plan[name] for name in names]


def test_a_swap_without_a_gate_lets_nobody_wait() -> None:
    """That is known, whatever was measured."""
    system = System(ZIP)
    pause = system.plan(incoming(candidate(ZIP, "1.0.1"))).pause
    assert str(pause) == "no gate: calls never wait"
    assert pause.as_dict()["us"] == 0.0


def test_what_was_never_measured_is_said_to_be_unknown() -> None:
    """No number is better than a wrong one."""
    pause = expected_pause(plans("zip"), {})
    assert not pause.is_known
    assert str(pause) == "how long calls wait is not known: zip not swapped behind a gate before"
    assert pause.as_dict()["us"] is None


def test_the_last_swap_of_one_plugin_is_what_the_next_will_take() -> None:
    """With what was in no step: the pause is from the first gate to the last."""
    measured = measured_pause(50.0, STEPS)
    assert measured is not None
    assert measured.between_us == 5.0
    pause = expected_pause(plans("zip"), {"zip": measured})
    assert (pause.us, pause.is_known) == (50.0, True)
    assert str(pause) == "calls wait about 50 µs, as the last swaps took (all 20 µs, zip 30 µs)"


def test_of_several_what_is_done_once_counts_once() -> None:
    """The slowest gate and drain, and each member's own steps."""
    zip_took = measured_pause(50.0, STEPS)
    log_took = measured_pause(145.0, [("close gates", 1.0), ("drain", 100.0), *STEPS[2:]])
    assert zip_took is not None
    assert log_took is not None
    pause = expected_pause(plans("zip", "log"), {"zip": zip_took, "log": log_took})
    assert dict(pause.by) == {"all": 4.0 + 100.0 + 1.0 + 13.0, "zip": 30.0, "log": 30.0}
    least = expected_pause(plans("zip", "log"), {"zip": zip_took})
    assert str(least) == (
        "calls wait 50 µs at least (all 20 µs, zip 30 µs); not known: log not swapped behind a gate before"
    )


def test_a_step_that_the_last_swap_did_not_have_is_named() -> None:
    """It crossed another way then, so what it takes now nobody knows."""
    measured = measured_pause(50.0, [one for one in STEPS if "take" not in one[0]])
    assert measured is not None
    pause = expected_pause(plans("zip"), {"zip": measured})
    assert pause.unknown == ("take of zip",)
    assert not pause.is_known


def test_each_instance_has_its_steps() -> None:
    """Two instances take twice what one does."""
    measured = measured_pause(50.0, STEPS)
    assert measured is not None
    (plan,) = plans("zip")
    twice = replace(plan, steps=(*plan.steps, Step(action=Action.START, place=Place.WINDOW, instance="left")))
    assert expected_pause([twice], {"zip": measured}).us == 55.0


def test_a_conversion_is_scaled_by_its_bytes() -> None:
    """What was measured is the rate."""
    (plan,) = plans("zip")
    copy = CopyPlan(old_bytes=4_000, new_bytes=8_000, ops=())
    converts = replace(
        plan,
        crossing=Crossing.CONVERT,
        conversion=Conversion(plan=copy, old_layout_id=1, new_layout_id=2),
        steps=(Step(action=Action.CONVERT, place=Place.WINDOW, instance="main"),),
    )
    measured = MeasuredPause(steps={"convert": 10.0}, copied_bytes=1_000)
    assert expected_pause([converts], {"zip": measured}).us == 40.0
    assert expected_pause([converts], {"zip": replace(measured, copied_bytes=0)}).us == 10.0


def test_steps_of_many_are_told_apart_by_their_plugin() -> None:
    """A window of several names each step's plugin; what was done for another one is not this one's."""
    steps = [("close gates", 4.0), ("quiesce log main", 70.0), ("quiesce zip main", 20.0), ("publish", 1.0)]
    measured = measured_pause(95.0, steps, others={"log"})
    assert measured is not None
    assert measured.steps == {"close gates": 4.0, "quiesce": 20.0, "publish": 1.0}
    assert measured.between_us == 0.0
    assert measured_pause(0.0, steps) is None
