"""What crosses in a swap: which instance follows which, how its state goes, and what is published where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.errors import StateError
from hotgraft.core.state import Crossing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.plan import Plan
    from hotgraft.engine.load import Prepared

__all__ = ["check_facts", "member_of"]


def check_facts(plan: Plan, old: _core.Generation, new: _core.Generation) -> None:
    """Hold the descriptors' claims about state against the functions both libraries really offer.

    Raises:
        StateError: a claim is not kept. Nothing was touched.
    """
    found: list[str] = []
    for side, generation in (("what runs", old), ("the candidate", new)):
        if plan.crossing is Crossing.HAND_OVER and not generation.can_hand_over:
            found.append(f"{side} declares hand over and offers no surrender and take")
        if plan.crossing is Crossing.RESTORE and not generation.can_save:
            found.append(f"{side} declares save and offers no save and restore")
    if plan.crossing is Crossing.HAND_OVER and old.state_schema != new.state_schema:
        found.append(f"the block's schema is {old.state_schema} and would be {new.state_schema}")
    if plan.crossing is Crossing.HAND_OVER and old.layout_id != new.layout_id:
        found.append(f"the block's layout is {old.layout_id:#x} and would be {new.layout_id:#x}")
    if found:
        raise StateError("carry state over", on=plan.plugin, found=found)


def member_of(
    plan: Plan, old: _core.Generation, prepared: Prepared, indexes: Mapping[str, int], *, leaves: bool = False
) -> _core.Member:
    """Return the plugin's part of the native window; `indexes` says where the old generation has each instance.

    `leaves`: calls and pins that are there at the drain's deadline stay in the old generation; no state may cross then.
    """
    assert plan.crossing is not None  # a plan without a way across was refused
    leaves = leaves and plan.crossing is Crossing.FRESH
    member = _core.Member.make(
        old_generation=old,
        next_generation=prepared.candidate.generation,
        instances=[(indexes[wish.name], index) for index, wish in enumerate(prepared.wishes)],
        tables=list(prepared.tables),
        way=str(plan.crossing),
        waits_for_pins=plan.is_gated and not leaves,
    )
    if leaves:
        member.leaves_at_deadline()
    return member
