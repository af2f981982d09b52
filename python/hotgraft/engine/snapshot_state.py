"""The state of one instance in a snapshot, and the way on which it comes to the version that is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.state import Crossing
from hotgraft.engine.probe_request import StateToProbe
from hotgraft.engine.transfer import program_of, walk_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hotgraft.core.snapshot import InstanceState
    from hotgraft.core.state import Choice, StateFacts

__all__ = ["FRESH_ADVICE", "SnapshotState", "filled_block", "filled_blocks"]

FRESH_ADVICE: Final = 'load a version that can go on from it; resume="none" begins fresh, and leaves it as it is'


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotState:
    """What one instance begins with.

    Args:
        plugin: its plugin.
        path: of the snapshot.
        state: of the instance.
        facts: of the version that it was taken of.
        choice: how it comes to the candidate; there is a way.
    """

    plugin: str
    path: Path
    state: InstanceState
    facts: StateFacts
    choice: Choice

    @property
    def values(self) -> bytes:
        """Return what save put."""
        values = self.state.values
        assert values is not None  # else it would have been no way
        return bytes(values)

    @property
    def loose(self) -> list[bytes]:
        """Return what converters are given: saved values, or a block and those that it leads to."""
        chain, block = self.choice.chain, self.state.block
        if chain is None or chain.from_layout is None or block is None:
            return [self.values]
        return [bytes(block), *map(bytes, self.state.blocks)]

    def to_probe(self) -> StateToProbe | None:
        """Return it as a probe is given it; None: none is to be given, or converters make it first.

        Raises:
            SnapshotError: a value does not fit.
        """
        crossing, conversion = self.choice.crossing, self.choice.conversion
        if crossing is Crossing.RESTORE:
            return StateToProbe(schema=self.facts.schema, values=self.values)
        if crossing in (Crossing.SHARE, Crossing.CONVERT_SHARED):
            return None  # the probe begins with a fresh block, as in a swap
        if crossing is Crossing.HAND_OVER or conversion is not None:
            layout_id = self.facts.layout_id if conversion is None else conversion.new_layout_id
            (block, *pointed), walk = self._image()
            links = _core.links_of(walk, [block, *pointed]) if walk is not None else []
            return StateToProbe(layout_id=layout_id, block=block, pointed=tuple(pointed), links=tuple(links))
        return None

    def block_for(self, generation: _core.Generation) -> _core.NewBlock:
        """Return a block of the candidate's that holds it, handed over or converted.

        Raises:
            SnapshotError: a value does not fit. ResourceError: there is no memory for it.
        """
        if self._has_blocks():
            blocks, walk = self._image()
            return filled_blocks(generation, blocks, self.state.align, walk)
        assert self.state.block is not None  # else it would have been no way
        if self.choice.conversion is None:
            return filled_block(generation, self.state.block, self.state.align)
        block = _core.NewBlock.make(generation, self._new_bytes(), self.state.align)
        self._convert(self.state.block, block)
        return block

    def _has_blocks(self) -> bool:
        """Tell whether the state leads to blocks of its own, on either side."""
        choice, conversion = self.choice, self.choice.conversion
        walks = (choice.walk,) if conversion is None else (conversion.old_walk, conversion.new_walk)
        return bool(self.state.blocks) or any(one is not None for one in walks)

    def _image(self) -> tuple[list[bytes], _core.CopyProgram | None]:
        """Return the state's block as the candidate gets it and those that it leads to, and what finds them.

        Raises:
            SnapshotError: a value does not fit, or they are not what leads to them says.
        """
        conversion, block = self.choice.conversion, self.state.block
        assert block is not None  # else it would have been no way
        blocks = [bytes(block), *map(bytes, self.state.blocks)]
        if conversion is None:
            walk = walk_of(self.choice.walk)
            if len(blocks) > 1 and walk is None:
                raise self._refused(f"nothing leads to {len(blocks) - 1} of its blocks")
            return blocks, walk
        new_bytes = self._new_bytes()
        old_walk, new_walk = walk_of(conversion.old_walk), walk_of(conversion.new_walk)
        if old_walk is None and new_walk is None:
            made = bytearray(new_bytes)
            self._convert(blocks[0], made)
            return [bytes(made)], None
        blocks, refusal = _core.convert_image(program_of(conversion.plan), old_walk, new_walk, blocks)
        if refusal:
            raise self._refused(refusal)
        return blocks, new_walk

    def _new_bytes(self) -> int:
        """Return the size of the block that becomes of it.

        Raises:
            SnapshotError: it holds no whole number of states.
        """
        conversion, block = self.choice.conversion, self.state.block
        assert conversion is not None and block is not None  # what a conversion is
        count, rest = divmod(len(block), conversion.plan.old_bytes)
        if rest or not count:
            found = f"{len(block)} bytes hold no whole number of states of {conversion.plan.old_bytes}"
            raise self._refused(found)
        return count * conversion.plan.new_bytes

    def _convert(self, block: bytes | memoryview, into: _core.NewBlock | bytearray) -> None:
        assert self.choice.conversion is not None  # as above
        program = program_of(self.choice.conversion.plan)
        refusal = program.run(block, into, len(block) // program.old_bytes)
        if refusal:
            raise self._refused(refusal[0])

    def _refused(self, found: str) -> SnapshotError:
        where = f"{self.path.name}, instance {self.state.name}"
        return SnapshotError("resume from a snapshot", on=self.plugin, found=f"{where}: {found}", advice=FRESH_ADVICE)


def filled_blocks(
    generation: _core.Generation,
    blocks: Sequence[bytes | memoryview],
    align: int,
    walk: _core.CopyProgram | None,
) -> _core.NewBlock:
    """Return a block and those that it leads to, its pointers in place; `walk` finds them, None: it leads to none.

    Raises:
        StateError: they are not what leads to them says. ResourceError: there is no memory for them.
    """
    if walk is None:
        return filled_block(generation, blocks[0], align)
    return _core.NewBlock.place(generation, blocks, walk)


def filled_block(generation: _core.Generation, data: bytes | memoryview, align: int) -> _core.NewBlock:
    """Return a block of a generation's that nobody has yet, with these bytes in it.

    Raises:
        ResourceError: there is no memory for it.
    """
    block = _core.NewBlock.make(generation, len(data), align)
    memoryview(block)[:] = data
    return block
