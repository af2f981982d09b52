"""What crosses in a swap: which instance follows which, how its state goes, and what is published where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import StateError
from hotgraft.core.layout_plan import encode_plan
from hotgraft.core.state import Crossing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotgraft.core.layout_plan import CopyPlan
    from hotgraft.core.plan import Plan
    from hotgraft.engine.load import Prepared

__all__ = [
    "SeenBlocks",
    "check_facts",
    "keep_copies",
    "make_convert",
    "member_of",
    "program_of",
    "walk_of",
    "way_of_instances",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBlocks:
    """How large an instance's blocks were in a copy; 0: nobody looked."""

    block_bytes: int = 0  # its own, before it is converted
    pointed_bytes: tuple[int, ...] = ()  # those that it leads to, converted, in order


def check_facts(plan: Plan, old: _core.Generation, new: _core.Generation) -> None:
    """Hold the descriptors' claims about state against the functions both libraries really offer.

    Raises:
        StateError: a claim is not kept. Nothing was touched.
    """
    found: list[str] = []
    moves = plan.crossing in (Crossing.HAND_OVER, Crossing.CONVERT)
    for side, generation in (("what runs", old), ("the candidate", new)):
        if moves and not generation.can_hand_over:
            found.append(f"{side} declares hand over and offers no surrender and take")
        if plan.crossing in (Crossing.SHARE, Crossing.CONVERT_SHARED) and not generation.can_share:
            found.append(f"{side} declares a concurrent state and does not offer hotgraft.shared/1")
        if plan.is_per_session and not generation.can_make_sessions:
            found.append(f"{side} declares state of sessions and does not offer hotgraft.session/1")
        if plan.crossing is Crossing.RESTORE and not generation.can_save:
            found.append(f"{side} declares save and offers no save and restore")
    is_same_block = plan.crossing in (Crossing.HAND_OVER, Crossing.SHARE)
    if is_same_block and old.state_schema != new.state_schema:
        found.append(f"the block's schema is {old.state_schema} and would be {new.state_schema}")
    if is_same_block and old.layout_id != new.layout_id:
        found.append(f"the block's layout is {old.layout_id:#x} and would be {new.layout_id:#x}")
    if plan.conversion is not None:
        declared = (plan.conversion.old_layout_id, plan.conversion.new_layout_id)
        found += [
            f"{side} declares layout {layout_id:#x} of its block and offers {generation.layout_id:#x}"
            for side, generation, layout_id in zip(("what runs", "the candidate"), (old, new), declared, strict=True)
            if generation.layout_id != layout_id
        ]
    if found:
        raise StateError("carry state over", on=plan.plugin, found=found)


def program_of(copy: CopyPlan) -> _core.CopyProgram:
    """Return a copy plan as the core carries it out."""
    plan = encode_plan(copy)
    return _core.CopyProgram.make(plan.rows, plan.pool, plan.paths, old_bytes=plan.old_bytes, new_bytes=plan.new_bytes)


def way_of_instances(plan: Plan) -> str:
    """Return how the instances' own state crosses: where it is of sessions, they have none."""
    return str(Crossing.FRESH if plan.is_per_session else plan.crossing)


def walk_of(plan: CopyPlan | None) -> _core.CopyProgram | None:
    """Return what finds the blocks that a state leads to; None: it leads to none."""
    return program_of(plan) if plan is not None else None


def make_convert(
    member: _core.Member, plan: Plan, names: Iterable[str], seen: Mapping[str, SeenBlocks] | None = None
) -> None:
    """Let the blocks of a member's instances be converted, if the plan says so; or billed with what they lead to.

    Args:
        member: of the native window.
        plan: of the swap.
        names: of its instances, in its order.
        seen: how large the blocks of each were when they were looked at; else as large as the core may know them to be.
    """
    if plan.conversion is not None:
        known = [(seen or {}).get(name, SeenBlocks()) for name in names]
        member.converts(
            program_of(plan.conversion.plan),
            [one.block_bytes for one in known],
            expected_pointed=[one.pointed_bytes for one in known],
            old_walk=walk_of(plan.conversion.old_walk),
            next_walk=walk_of(plan.conversion.new_walk),
        )
    elif plan.walk is not None:
        member.walks(program_of(plan.walk))


def keep_copies(member: _core.Member, plan: Plan) -> None:
    """Let a copy of each block go back if the swap is called off: the next generation writes to it before it serves.

    Raises:
        StateError: a state leads to further blocks, of which nobody makes a copy.
    """
    if plan.walk is not None:
        found = 'handover = "copy" is for one block, and its state leads to others'
        advice = "write to none of them in take and start, and declare handover = true"
        raise StateError("keep a copy of the state", on=plan.plugin, found=found, advice=advice)
    member.keeps_copies()


def member_of(
    plan: Plan,
    old: _core.Generation,
    prepared: Prepared,
    indexes: Mapping[str, int],
    *,
    leaves: bool = False,
    seen: Mapping[str, SeenBlocks] | None = None,
) -> _core.Member:
    """Return the plugin's part of the native window; `indexes` says where the old generation has each instance.

    `leaves`: calls and pins that are there at the drain's deadline stay in the old generation; no state may cross then.
    `seen`: as in `make_convert`.
    """
    assert plan.crossing is not None  # a plan without a way across was refused
    leaves = leaves and plan.crossing is Crossing.FRESH
    member = _core.Member.make(
        old_generation=old,
        next_generation=prepared.candidate.generation,
        instances=[(indexes[wish.name], index) for index, wish in enumerate(prepared.wishes)],
        tables=list(prepared.tables),
        way=way_of_instances(plan),
        pins=plan.pins,
    )
    make_convert(member, plan, [wish.name for wish in prepared.wishes], seen)
    if prepared.candidate.descriptor.state.copies:
        keep_copies(member, plan)
    if leaves:
        member.leaves_at_deadline()
    return member
