"""Take a snapshot of a plugin that serves: a moment at rest, and what was copied in it made into a `Snapshot`.

A concurrent state is copied in such a moment too, unless a pin keeps a caller inside: pins are what it is for, so that
is not waited for, and the snapshot says that it was copied beside others (`is_at_rest`). Sessions are copied behind
their own gates, those of one generation at one moment; their pins keep nobody from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.layout_compile import compile_walk
from hotgraft.core.snapshot import InstanceState, Pieces, SessionState, Snapshot
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.surface_descriptor import state_layout_of
from hotgraft.engine.transfer import walk_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft.core.layout import StateLayout
    from hotgraft.core.snapshot import Origin
    from hotgraft.core.state import StateFacts
    from hotgraft.engine.stage import Candidate

__all__ = ["OpenSession", "TakenState", "take_sessions", "take_state"]

_Copy: TypeAlias = tuple[list["_core.SnapshotPiece"] | None, "_core.CopiedBlock | None"]
ADVICE: Final = "keep addresses out of the state, or offer save and restore as well"


@dataclass(frozen=True, slots=True)
class TakenState:
    """A snapshot that is nowhere yet, and how long callers waited for it."""

    snapshot: Snapshot
    pause_us: float
    walk: _core.CopyProgram | None = None  # finds what its blocks lead to; None: they lead to nothing
    unnamed: int = 0  # sessions that are left out: nobody could ask for them again


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
    state = serving.side.state
    copies: Sequence[_Copy] = [(None, None)] * (1 + max(indexes.values()))
    pause_us, is_at_rest = 0.0, True
    if not state.is_per_session:  # else its instances have none
        copies, pause_us, is_at_rest = _core.take_snapshot(generation, slots, rest_s, deadline_s, walk)
    keeps_block = _keeps_blocks(generation, layout, {name: copies[index] for name, index in indexes.items()})
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
            replace(
                _state_of(name, *copies[index], keeps_block=keeps_block),
                config_json=configs[name],
                is_shared=state.is_shared and copies[index][1] is not None,
            )
            for name, index in indexes.items()
        ),
        is_at_rest=is_at_rest,
    )
    return TakenState(snapshot, pause_us, walk)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A session to be copied: what it is called, whose it is, and where its generation has it."""

    name: str
    instance: str
    index: int


def take_sessions(
    generation: _core.Generation,
    state: StateFacts,
    slots: Sequence[_core.Slot],
    sessions: Sequence[OpenSession],
    *,
    origin: Origin | None,
    rest_s: float,
    deadline_s: float,
) -> tuple[list[SessionState], float]:
    """Copy the state of sessions that are on one generation, all in one moment; return them with the pause in µs.

    Args:
        generation: that they are on; it need not be what serves.
        state: of its version.
        slots: of the sessions, and those that must not be called either if one does not get its state back.
        sessions: in the turn of the plugin's sessions.
        origin: of what they are, if that is not what serves.
        rest_s, deadline_s: as for `take_state`.

    Raises:
        SnapshotError, DrainTimeout, PluginError, PluginAbandoned: as `take_state`.
    """
    layout = state.layout
    walk = walk_of(compile_walk(layout)) if layout is not None else None
    indexes = [one.index for one in sessions]
    copies, pause_us, _ = _core.take_snapshot(generation, slots, rest_s, deadline_s, walk, indexes)
    named = {f"session {one.name}": copy for one, copy in zip(sessions, copies, strict=True)}
    keeps_block = _keeps_blocks(generation, layout, named)
    return [
        SessionState(state=_state_of(one.name, *copy, keeps_block=keeps_block), instance=one.instance, origin=origin)
        for one, copy in zip(sessions, copies, strict=True)
    ], pause_us


def _keeps_blocks(generation: _core.Generation, layout: StateLayout | None, copies: Mapping[str, _Copy]) -> bool:
    """Tell whether the blocks mean anything in another process.

    Raises:
        SnapshotError: they do not, and there are no saved values beside them.
    """
    is_walked = layout is not None and compile_walk(layout) is not None
    refusals = [
        f"{name}: {why}"
        for name, (_, block) in copies.items()
        if block is not None and (why := _why_not_kept(block, layout, is_walked=is_walked))
    ]
    if refusals and any(values is None for values, _ in copies.values()):
        raise SnapshotError(
            "take a snapshot",
            on=generation.label,
            found=refusals,
            advice=ADVICE,
            running=f"generation {generation.number} serves on",
        )
    return not refusals


def _state_of(
    name: str,
    values: list[_core.SnapshotPiece] | None,
    block: _core.CopiedBlock | None,
    *,
    keeps_block: bool,
) -> InstanceState:
    kept = block if keeps_block else None
    return InstanceState(
        name=name,
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
