"""Two snapshots held against each other, instance by instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.snapshot_json import layout_in, values_in
from hotgraft.core.state_diff import differences
from hotgraft.core.state_rows import Row, declared_rows, keyed_rows

if TYPE_CHECKING:
    from hotgraft.core.layout import StateLayout
    from hotgraft.core.snapshot import Snapshot
    from hotgraft.core.snapshot_json import InstanceValues
    from hotgraft.core.state_diff import Difference

__all__ = ["compare"]


def compare(old: Snapshot, new: Snapshot, *, on: tuple[str, str]) -> dict[str, list[Difference]]:
    """Return what differs, by instance.

    Raises:
        SnapshotError: one of them holds what cannot be read.
    """
    sides = [
        {one.name: one for one in values_in(snapshot, on=name, shortens=False)}
        for snapshot, name in zip((old, new), on, strict=True)
    ]
    layouts = layout_in(old), layout_in(new)
    renamed = new.read_descriptor().state.renamed_from
    found: dict[str, list[Difference]] = {}
    for name in dict.fromkeys((*sides[1], *sides[0])):
        before, after = (_rows(side.get(name), layout) for side, layout in zip(sides, layouts, strict=True))
        struct = layouts[1].struct if layouts[1] is not None else ""
        found[name] = list(differences(before, after, struct=struct, renamed_from=renamed))
    return found


def _rows(one: InstanceValues | None, layout: StateLayout | None) -> tuple[Row, ...]:
    """Return all that an instance has; what is kept both ways is held against what was kept the same way."""
    if one is None:
        return ()
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
