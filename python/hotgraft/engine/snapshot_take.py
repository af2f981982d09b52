"""Take a snapshot of a plugin that serves: a moment at rest, and what was copied in it made into a `Snapshot`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.layout_compile import compile_walk
from hotgraft.core.snapshot import InstanceState, Pieces, Snapshot
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.surface_descriptor import state_layout_of
from hotgraft.engine.transfer import walk_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft.core.layout import StateLayout
    from hotgraft.engine.stage import Candidate

__all__ = ["TakenState", "take_state"]

ADVICE: Final = "keep addresses out of the state, or offer save and restore as well"


@dataclass(frozen=True, slots=True)
class TakenState:
    """A snapshot that is nowhere yet, and how long callers waited for it."""

    snapshot: Snapshot
    pause_us: float
    walk: _core.CopyProgram | None = None  # finds what its blocks lead to; None: they lead to nothing


def take_state(
    serving: Candidate,
    slots: Sequence[_core.Slot],
    indexes: Mapping[str, int],
    configs: Mapping[str, str],
    *,
    reason: str,
    taken_ns: int,
    rest_s: float,
    deadline_s: float,
) -> TakenState:
    """Copy the state of every instance, all in one moment in which callers wait.

    Args:
        serving: what serves; it has state.
        slots: of all its instances.
        indexes: by instance, where the generation has it.
        configs: by instance, as JSON.
        reason: why.
        taken_ns: the time of day.
        rest_s: for calls to leave and quiesce to be over.
        deadline_s: for each of its own functions to return.

    Raises:
        SnapshotError: its blocks hold addresses, which mean nothing in another process, and it offers no save. Busy: it
        is pinned. DrainTimeout, PluginError, PluginAbandoned: as in a swap. Its state is untouched.
    """
    generation, layout = serving.generation, state_layout_of(serving.descriptor)
    walk = walk_of(compile_walk(layout)) if layout is not None else None
    copies, pause_us = _core.take_snapshot(generation, slots, rest_s, deadline_s, walk)
    refusals = [
        f"{name}: {why}"
        for name, index in indexes.items()
        if (block := copies[index][1]) is not None and (why := _why_not_kept(block, layout, is_walked=walk is not None))
    ]
    if refusals and not generation.can_save:
        raise SnapshotError(
            "take a snapshot",
            on=generation.label,
            found=refusals,
            advice=ADVICE,
            running=f"generation {generation.number} serves on",
        )
    snapshot = Snapshot(
        plugin=generation.plugin,
        version=serving.side.version,
        generation=generation.number,
        image_sha256=generation.sha256,
        descriptor=generation.descriptor,
        number=0,
        taken_ns=taken_ns,
        reason=reason,
        instances=tuple(
            _state_of(name, configs[name], *copies[index], keeps_block=not refusals) for name, index in indexes.items()
        ),
    )
    return TakenState(snapshot, pause_us, walk)


def _state_of(
    name: str,
    config_json: str,
    values: list[_core.SnapshotPiece] | None,
    block: _core.CopiedBlock | None,
    *,
    keeps_block: bool,
) -> InstanceState:
    kept = block if keeps_block else None
    return InstanceState(
        name=name,
        config_json=config_json,
        values=None if values is None else Pieces(tuple(map(memoryview, values))),
        block=None if kept is None else memoryview(kept[0]),
        align=0 if kept is None else kept[1],
        blocks=() if kept is None else tuple(map(memoryview, kept[4])),
    )


def _why_not_kept(block: _core.CopiedBlock, layout: StateLayout | None, *, is_walked: bool) -> str:
    """Return why the bytes of a block mean nothing in another process; empty: they mean what they do here."""
    _, _, into, elsewhere, _ = block
    if into:
        offset, symbol = into[0]
        return f"its block points into the library that made it: {symbol}, at byte {offset}"
    if layout is not None:
        is_unknown = layout.has_blocks and not is_walked
        return "its block holds a pointer, and nothing says what it leads to" if is_unknown else ""
    return "" if elsewhere is None else f"its block points to other memory of this process, at byte {elsewhere}"
