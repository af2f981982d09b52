"""A copy of the live state for a probe, taken while callers wait for a moment."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import Busy, DrainTimeout, StateError
from hotgraft.core.state import Crossing
from hotgraft.engine.probe_converters import converted_copies
from hotgraft.engine.probe_request import StateToProbe
from hotgraft.engine.transfer import SeenBlocks, program_of, walk_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft.core.plan import Plan
    from hotgraft.core.state import Conversion
    from hotgraft.engine.converter_thread import ConverterThreads

__all__ = ["CopiedState", "copy_state"]

# For calls to leave and quiesce to be over: what takes longer makes the probe begin fresh; the swap waits for it.
REST_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedState:
    """The copies by instance, the pause that they cost, and why there is none (empty: there is one)."""

    states: Mapping[str, StateToProbe] = field(default_factory=dict)
    pause_us: float = 0.0
    left_out: str = ""
    seen: Mapping[str, SeenBlocks] = field(default_factory=dict)  # of what is to be converted


def copy_state(
    generation: _core.Generation,
    slots: Sequence[_core.Slot],
    indexes: Mapping[str, int],
    plan: Plan,
    *,
    bytes_max: int,
    deadline_s: float,
    threads: ConverterThreads,
) -> CopiedState:
    """Copy what would cross by this plan, converted as it would be; `indexes`: where `generation` has each instance.

    Raises:
        StateError: a block holds pointers into the library that made it, or a value that the candidate's layout has no
            place for; the state is untouched.
        PluginError, PluginAbandoned: its own functions, as in a swap.
    """
    crossing = plan.crossing
    if plan.is_per_session:
        return CopiedState(left_out="it is of sessions, and is carried over session by session")
    if crossing in (Crossing.SHARE, Crossing.CONVERT_SHARED):  # to copy it whole would stop those who use it at once
        return CopiedState(left_out="it is shared, and goes on being changed while others use it")
    if crossing in (None, Crossing.FRESH) or bytes_max == 0:
        return CopiedState()
    try:
        if (chain := plan.chain) is not None:
            copied = (
                _blocks(generation, slots, indexes, walk_of(chain.from_walk), bytes_max, deadline_s)
                if chain.from_layout is not None
                else _values(generation, slots, indexes, bytes_max, deadline_s)
            )
            if not copied.states:
                return copied
            return converted_copies(
                copied, chain, plugin=plan.plugin, running=generation, threads=threads, deadline_s=deadline_s
            )
        if crossing in (Crossing.HAND_OVER, Crossing.CONVERT):
            walk = walk_of(plan.conversion.old_walk if plan.conversion is not None else plan.walk)
            copied = _blocks(generation, slots, indexes, walk, bytes_max, deadline_s)
            return _converted(copied, plan.conversion, generation) if plan.conversion is not None else copied
        return _values(generation, slots, indexes, bytes_max, deadline_s)
    except (Busy, DrainTimeout) as error:
        return CopiedState(left_out="; ".join(error.found))


def _values(
    generation: _core.Generation,
    slots: Sequence[_core.Slot],
    indexes: Mapping[str, int],
    bytes_max: int,
    deadline_s: float,
) -> CopiedState:
    saved, pause_us = _core.copy_values(generation, slots, min(REST_S, deadline_s), deadline_s)
    total = sum(map(len, saved))
    if total > bytes_max:
        return CopiedState(pause_us=pause_us, left_out=_too_large(total, bytes_max))
    schema = generation.state_schema
    states = {name: StateToProbe(schema=schema, values=saved[index]) for name, index in indexes.items()}
    return CopiedState(states=states, pause_us=pause_us)


def _blocks(
    generation: _core.Generation,
    slots: Sequence[_core.Slot],
    indexes: Mapping[str, int],
    walk: _core.CopyProgram | None,
    bytes_max: int,
    deadline_s: float,
) -> CopiedState:
    copies, pause_us = _core.copy_blocks(generation, slots, bytes_max, min(REST_S, deadline_s), deadline_s, walk)
    pointers = [
        f"the block of {name} points into the library that made it: {symbol}, at byte {offset}"
        + (f" of block {number} that it leads to" if number else "")
        for name, index in indexes.items()
        for offset, symbol, number in copies[index][3]
    ]
    if pointers:
        raise StateError(
            "hand its state over",
            on=generation.label,
            found=pointers,
            advice="keep functions, vtables and literals of the library out of the state, or save and restore it",
        )
    states: dict[str, StateToProbe] = {}
    for name, index in indexes.items():
        data, block_bytes, layout_id, _, elsewhere, pointed = copies[index]
        if data is None:
            return CopiedState(pause_us=pause_us, left_out=_too_large(block_bytes, bytes_max))
        if elsewhere is not None:
            left_out = f"the block of {name} points to other memory of this process, at byte {elsewhere}"
            return CopiedState(pause_us=pause_us, left_out=left_out)
        links = _core.links_of(walk, [data, *pointed]) if walk is not None else []
        states[name] = StateToProbe(layout_id=layout_id, block=data, pointed=tuple(pointed), links=tuple(links))
    return CopiedState(states=states, pause_us=pause_us)


def _converted(copied: CopiedState, conversion: Conversion, generation: _core.Generation) -> CopiedState:
    """Return the copies as the candidate would get them."""
    program, found = program_of(conversion.plan), list[str]()
    old_walk, new_walk = walk_of(conversion.old_walk), walk_of(conversion.new_walk)
    states: dict[str, StateToProbe] = {}
    seen: dict[str, SeenBlocks] = {}
    for name, state in copied.states.items():
        old = state.block or b""
        count, rest = divmod(len(old), program.old_bytes)
        if rest or not count:
            found.append(
                f"the block of {name} has {len(old)} bytes, which hold no whole number of states of {program.old_bytes}"
            )
            continue
        blocks, refusal = _core.convert_image(program, old_walk, new_walk, [old, *state.pointed])
        if refusal:
            found.append(f"{name}: {refusal}")
            continue
        block, *pointed = blocks
        links = _core.links_of(new_walk, blocks) if new_walk is not None else []
        states[name] = StateToProbe(
            layout_id=conversion.new_layout_id, block=block, pointed=tuple(pointed), links=tuple(links)
        )
        seen[name] = SeenBlocks(block_bytes=len(old), pointed_bytes=tuple(map(len, pointed)))
    if found:
        raise StateError("convert its state", on=generation.label, found=found)
    return replace(copied, states=states, seen=seen)


def _too_large(found: int, most: int) -> str:
    return f"it has {found:,} bytes, more than the {most:,} of probe_state_bytes"
