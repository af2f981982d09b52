"""The state of one instance in a snapshot, and the way on which it comes to the version that is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.state import Crossing
from hotgraft.engine.probe_request import StateToProbe
from hotgraft.engine.transfer import program_of

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.snapshot import InstanceState
    from hotgraft.core.state import Choice, StateFacts

__all__ = ["FRESH_ADVICE", "SnapshotState", "filled_block"]

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
    def loose(self) -> bytes:
        """Return what converters are given: saved values, or a block."""
        chain, block = self.choice.chain, self.state.block
        return self.values if chain is None or chain.from_layout is None or block is None else bytes(block)

    def to_probe(self) -> StateToProbe | None:
        """Return it as a probe is given it; None: none is to be given, or converters make it first.

        Raises:
            SnapshotError: a value does not fit.
        """
        crossing, conversion = self.choice.crossing, self.choice.conversion
        if crossing is Crossing.RESTORE:
            return StateToProbe(schema=self.facts.schema, values=self.values)
        if crossing is Crossing.HAND_OVER:
            return StateToProbe(layout_id=self.facts.layout_id, block=bytes(self.state.block or b""))
        if conversion is not None:
            made = bytearray(self._new_bytes())
            self._convert(made)
            return StateToProbe(layout_id=conversion.new_layout_id, block=bytes(made))
        return None

    def block_for(self, generation: _core.Generation) -> _core.NewBlock:
        """Return a block of the candidate's that holds it, handed over or converted.

        Raises:
            SnapshotError: a value does not fit. ResourceError: there is no memory for it.
        """
        if self.choice.conversion is not None:
            block = _core.NewBlock.make(generation, self._new_bytes(), self.state.align)
            self._convert(block)
            return block
        assert self.state.block is not None  # else it would have been no way
        return filled_block(generation, self.state.block, self.state.align)

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

    def _convert(self, into: _core.NewBlock | bytearray) -> None:
        conversion, block = self.choice.conversion, self.state.block
        assert conversion is not None and block is not None  # as above
        program = program_of(conversion)
        refusal = program.run(block, into, len(block) // program.old_bytes)
        if refusal:
            raise self._refused(refusal[0])

    def _refused(self, found: str) -> SnapshotError:
        where = f"{self.path.name}, instance {self.state.name}"
        return SnapshotError("resume from a snapshot", on=self.plugin, found=f"{where}: {found}", advice=FRESH_ADVICE)


def filled_block(generation: _core.Generation, data: bytes | memoryview, align: int) -> _core.NewBlock:
    """Return a block of a generation's that nobody has yet, with these bytes in it.

    Raises:
        ResourceError: there is no memory for it.
    """
    block = _core.NewBlock.make(generation, len(data), align)
    memoryview(block)[:] = data
    return block
