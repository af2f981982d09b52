"""Going back to the generation that is held: the steps, as data, and whether the state gained since comes along.

A rollback is a swap whose next generation served before, so it may fail like one. What is left then is decided here as
well: whether the held generation may serve again with the state it had when it was replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.plan import (
    PIN_STEPS,
    SESSIONS,
    Action,
    Place,
    Plan,
    Side,
    Step,
    must_rest,
    needs_gate,
    pin_rule,
    transfers,
)
from hotgraft.core.state import Choice, Crossing, choose_crossing

if TYPE_CHECKING:
    from hotgraft.core.plan import PinRule, Running

__all__ = ["keeps_own_state", "loses_state", "needs_fresh", "plan_rollback"]


def keeps_own_state(forward: Crossing) -> bool:
    """Tell whether the held generation still has what it had when it was replaced, `forward` being how state left it.

    Saving is a copy, and what was converted is kept; a block that was handed over or shared is in use.
    """
    return forward not in (Crossing.HAND_OVER, Crossing.SHARE)


def loses_state(running: Side, held: Side) -> bool:
    """Tell whether anything is lost if the held generation serves again without what the running one has."""
    return running.state.has_state or held.state.has_state


def needs_fresh(plan: Plan) -> bool:
    """Tell whether instances are made anew: restore knows only fresh ones. Sessions are, whichever way they cross."""
    return not plan.is_per_session and any(step.action is Action.RESTORE for step in plan.steps)


def plan_rollback(
    plugin: str,
    running: Running,
    held: Side,
    *,
    keeps: bool = False,
    leaves: bool = True,
    keeps_pins: bool = True,
) -> Plan:
    """Return the plan that lets the held generation serve again.

    Args:
        plugin: its name.
        running: what serves now, and its instances.
        held: what the held generation offers.
        keeps: with the state that it had when it was replaced; else with what was gained since. Then nobody's state is
            touched, so nobody has to be waited for.
        leaves: where no state is taken, whoever is inside stays there; else it drains with those that go back with it.
        keeps_pins: pins may stay on what serves now; else they are waited for, as those that would meet it beside
            others that have gone back.
    """
    choice = (
        Choice(crossing=Crossing.FRESH)
        if keeps
        else choose_crossing(running.side.state, held.state, goes_back=True, converters=running.converters)
    )
    crossing = choice.crossing
    per_session = running.side.state.is_per_session
    rests = must_rest(crossing) or not leaves
    is_gated = needs_gate(running, held, crossing) or rests
    pins = pin_rule(running, crossing) if rests else "any"
    if pins in ("any", "leave") and not keeps_pins:
        pins = "wait"
    return Plan(
        plugin=plugin,
        kept=running.generation,
        version=running.side.version,
        candidate_version=held.version,
        crossing=crossing,
        conversion=choice.conversion,
        chain=choice.chain,
        walk=choice.walk,
        is_gated=is_gated,
        pins=pins,
        is_per_session=per_session,
        steps=_steps(
            running.instances,
            choice,
            pins,
            is_gated=is_gated,
            rests=rests,
            of=(SESSIONS,) if per_session else running.instances,
        ),
        state_refusals=choice.refusals,
    )


def _steps(
    instances: tuple[str, ...],
    choice: Choice,
    pins: PinRule,
    *,
    is_gated: bool,
    rests: bool,
    of: tuple[str, ...],
) -> tuple[Step, ...]:
    """`of`: whose state crosses, the instances' or their sessions'."""

    def each(action: Action, place: Place = Place.WINDOW) -> list[Step]:
        return [Step(action=action, place=place, instance=one) for one in instances]

    def carry(*actions: Action) -> list[Step]:
        return [Step(action=action, place=Place.WINDOW, instance=one) for action in actions for one in of]

    def once(action: Action, place: Place = Place.WINDOW) -> list[Step]:
        return [Step(action=action, place=place)]

    steps: list[Step] = []
    moves = transfers(choice)
    is_fresh = Action.RESTORE in moves and of == instances
    if is_fresh:
        steps += each(Action.CREATE, Place.PREPARE)
    steps += once(PIN_STEPS[pins]) if pins in PIN_STEPS else []
    if not rests:
        steps += once(Action.CLOSE_GATES) if is_gated else []
    else:
        steps += once(Action.CLOSE_GATES) + once(Action.DRAIN) + each(Action.QUIESCE)
    steps += carry(*moves)
    steps += each(Action.START if is_fresh else Action.RESUME)
    return tuple(steps + once(Action.PUBLISH) + once(Action.RECLAIM, Place.AFTER))
