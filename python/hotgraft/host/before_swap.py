"""The state that a plugin had before a swap, kept in memory until that is committed.

A block that was handed over is the new generation's. Where that does not come to rest, its block cannot come back; what
the old one had before it was handed over can, in a block of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.snapshot_state import filled_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft import _core
    from hotgraft.core.snapshot import Snapshot

__all__ = ["BeforeSwap"]


@dataclass(frozen=True, slots=True)
class BeforeSwap:
    """A snapshot, how many calls the generation had answered by then, and what finds the blocks that its lead to."""

    snapshot: Snapshot
    calls: int
    walk: _core.CopyProgram | None = None

    def has_blocks(self, instances: Mapping[str, int]) -> bool:
        """Tell whether it has a block for each of these instances."""
        return {one.name for one in self.snapshot.instances if one.block is not None}.issuperset(instances)

    def give_back(self, generation: _core.Generation, indexes: Mapping[str, int]) -> None:
        """Let a held generation's instances take blocks as they were then, once they are resumed.

        Raises:
            ResourceError: there is no memory for them.
        """
        blocks = [
            (indexes[one.name], filled_blocks(generation, (one.block, *one.blocks), one.align, self.walk))
            for one in self.snapshot.instances
            if one.name in indexes and one.block is not None
        ]
        for index, block in blocks:  # all of them or none
            block.keep(index)
