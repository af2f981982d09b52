"""Two snapshots held against each other, instance by instance and session by session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.cli.state import session_title
from hotgraft.core.snapshot_json import session_values_in, values_in
from hotgraft.core.state_diff import differences
from hotgraft.core.state_rows import Row, declared_rows, keyed_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.snapshot import Snapshot
    from hotgraft.core.snapshot_json import InstanceValues
    from hotgraft.core.state_diff import Difference

__all__ = ["compare"]


def compare(old: Snapshot, new: Snapshot, *, on: tuple[str, str]) -> dict[str, list[Difference]]:
    """Return what differs, by instance, and by session under what it is called here.

    Raises:
        SnapshotError: one of them holds what cannot be read.
    """
    sides = [_side(snapshot, name) for snapshot, name in zip((old, new), on, strict=True)]
    found: dict[str, list[Difference]] = {}
    for name in dict.fromkeys((*sides[1], *sides[0])):
        (before, _), (after, renamed) = (side.get(name, (None, {})) for side in sides)
        struct = after.layout.struct if after is not None and after.layout is not None else ""
        found[name] = list(differences(_rows(before), _rows(after), struct=struct, renamed_from=renamed))
    return found


def _side(snapshot: Snapshot, on: str) -> dict[str, tuple[InstanceValues | None, Mapping[str, str]]]:
    """Return all that has state, with what its version says its fields were called before."""
    renamed = snapshot.read_descriptor().state.renamed_from
    found: dict[str, tuple[InstanceValues | None, Mapping[str, str]]] = {
        one.name: (one, renamed) for one in values_in(snapshot, on=on, shortens=False)
    }
    for one, session in zip(session_values_in(snapshot, on=on, shortens=False), snapshot.sessions, strict=True):
        title, count = session_title(session), 2
        while title in found:  # of one name, in the order in which they were opened
            title, count = f"{session_title(session)} ({count})", count + 1
        found[title] = (one, snapshot.descriptor_of(session).state.renamed_from)
    return found


def _rows(one: InstanceValues | None) -> tuple[Row, ...]:
    """Return all that an instance has; what is kept both ways is held against what was kept the same way."""
    if one is None:
        return ()
    layout = one.layout
    if one.block is not None:
        return (Row(name="block", type="bytes", value=b"".join((one.block, *one.blocks))), *_saved(one))
    if one.states is None or layout is None:
        return keyed_rows(one.values or {})
    if len(one.states) == 1:
        return (*declared_rows(layout, one.states[0]), *_saved(one))
    states = tuple(
        Row(name=f"[{at}]", type=layout.struct, inside=declared_rows(layout, state))
        for at, state in enumerate(one.states)
    )
    return (*states, *_saved(one))


def _saved(one: InstanceValues) -> tuple[Row, ...]:
    return (
        () if one.values is None else (Row(name="saved values", type="map", value={}, inside=keyed_rows(one.values)),)
    )
