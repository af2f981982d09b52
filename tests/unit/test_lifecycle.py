"""The life of a generation is a table: every pair of it is looked at."""

from __future__ import annotations

import itertools

import pytest
from hotgraft import _core
from hotgraft.core.errors import LifecycleError
from hotgraft.core.lifecycle import ENDS, TRANSITIONS, Event, Stage, advance, diagram


@pytest.mark.parametrize(("stage", "event"), list(itertools.product(Stage, Event)))
def test_every_stage_takes_exactly_the_events_of_the_table(stage: Stage, event: Event) -> None:
    """An event nobody thought of must be refused, not lead somewhere by accident."""
    expected = TRANSITIONS[stage].get(event)
    if expected is None:
        with pytest.raises(LifecycleError, match=f"in stage {stage}"):
            advance(stage, event)
    else:
        assert advance(stage, event) is expected


def test_every_stage_is_reached_and_every_event_is_used() -> None:
    """A stage nobody reaches, or an event nobody takes, is a hole in the table."""
    reached = {after for events in TRANSITIONS.values() for after in events.values()}
    used = {event for events in TRANSITIONS.values() for event in events}

    assert reached | {Stage.SEEN} == set(Stage)
    assert used == set(Event)
    assert set(TRANSITIONS) == set(Stage)


def test_every_life_can_end() -> None:
    """A generation that can never leave would be a leak written into the table."""
    ends = set(ENDS)
    while True:
        more = {stage for stage, events in TRANSITIONS.items() if ends & set(events.values())} - ends
        if not more:
            break
        ends |= more

    assert ends == set(Stage)


@pytest.mark.parametrize("stage", [Stage.SEEN, Stage.STAGED, Stage.INSPECTED, Stage.ACCEPTED, Stage.PROBED])
def test_what_never_ran_is_rejected_for_good(stage: Stage) -> None:
    """Before any of its code ran there is nothing to unload: rejected is an end."""
    assert advance(stage, Event.REJECT) is Stage.REJECTED
    assert Stage.REJECTED in ENDS


@pytest.mark.parametrize("stage", [Stage.MAPPED, Stage.CREATED, Stage.RESTORED, Stage.READY, Stage.TRIAL])
def test_what_ran_and_failed_still_has_to_leave_memory(stage: Stage) -> None:
    """A failed candidate is mapped: it must be unloaded with proof, or named stuck."""
    failed = advance(stage, Event.FAIL)

    assert advance(failed, Event.UNLOAD) is Stage.UNLOADED
    assert advance(failed, Event.STICK) is Stage.STUCK
    assert Event.REJECT not in TRANSITIONS[stage]


@pytest.mark.parametrize(
    ("stage", "event"),
    [(Stage.DRAINING, Event.REOPEN), (Stage.QUIESCED, Event.RESUME), (Stage.HELD, Event.RECALL)],
)
def test_every_stage_of_giving_up_service_has_a_way_back(stage: Stage, event: Event) -> None:
    """A swap that is called off, and a rollback, put the old generation back in service."""
    assert advance(stage, event) is Stage.ACTIVE


def test_the_native_core_carries_the_same_table() -> None:
    """Two tables that drift apart would report a stage that the other side never was in."""
    rows = {(str(stage), str(event)): str(after) for stage, e in TRANSITIONS.items() for event, after in e.items()}

    assert {(stage, event): after for stage, event, after in _core.transitions()} == rows


def test_the_diagram_names_every_transition() -> None:
    """The docs' picture is drawn from the table, so it cannot be out of date."""
    lines = diagram().splitlines()

    assert len(lines) == sum(len(events) for events in TRANSITIONS.values())
    assert "ready --publish--> active" in lines
