"""Begin with the state of a snapshot: the same decisions as in a swap from the version that it was taken of.

What is decided is decided before any code of the candidate runs; nothing is written to a snapshot, whatever comes of
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.errors import HotgraftError
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.state import Choice, Crossing, choose_crossing
from hotgraft.core.versions import Version
from hotgraft.engine.probe_request import StateToProbe
from hotgraft.engine.probe_state import CopiedState
from hotgraft.engine.transfer import program_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hotgraft.core.converters import Chain
    from hotgraft.core.plan import Side
    from hotgraft.core.snapshot import InstanceState
    from hotgraft.core.state import StateFacts
    from hotgraft.engine.snapshot_convert import AtHand
    from hotgraft.engine.snapshot_folder import KeptSnapshot
    from hotgraft.engine.timing import Stopwatch

__all__ = ["Resume"]

FRESH_ADVICE = 'load a version that can go on from it; resume="none" begins fresh, and leaves it as it is'


@dataclass(slots=True, kw_only=True)
class Resume:
    """What the instances of a plugin are to begin with. Used by whoever has the plugin's turn.

    Args:
        plugin: its name.
        sources: by instance, the snapshot that has its state.
        goes_back: what a version never knew may be lost, also where its number is the same.
    """

    plugin: str
    sources: Mapping[str, KeptSnapshot]
    goes_back: bool = False
    at_hand: AtHand | None = None  # converters of the program
    facts: dict[Path, StateFacts] = field(default_factory=dict)
    choices: dict[Path, Choice] = field(default_factory=dict)

    def choose(self, side: Side, at_hand: AtHand | None = None) -> None:
        """Decide how the state comes to a candidate; `at_hand`: with which converters beside its own.

        Raises:
            SnapshotError: it does not, with every reason.
        """
        self.at_hand = at_hand
        found: list[str] = []
        for kept in self.files():
            self.facts[kept.path] = facts = kept.snapshot.facts()
            self.choices[kept.path] = choice = self._choice(facts, kept.snapshot.version, side)
            found += [f"{kept.path.name}: {_in_a_file(one)}" for one in choice.refusals]
        if found:
            raise SnapshotError("resume from a snapshot", on=self.plugin, found=found, advice=FRESH_ADVICE)

    def files(self) -> tuple[KeptSnapshot, ...]:
        """Return the snapshots, each once."""
        return tuple({kept.path: kept for kept in self.sources.values()}.values())

    def to_probe(self, bytes_max: int) -> CopiedState:
        """Return what a probe is to begin with: as the candidate itself will, if that is not too large.

        Raises:
            SnapshotError: a value does not fit.
        """
        total = sum(len(part) for name in self.sources for part in self._state(name).parts)
        if total > bytes_max:
            left_out = f"the snapshot has {total:,} bytes, more than the {bytes_max:,} of probe_state_bytes"
            return CopiedState(left_out=left_out)
        states: dict[str, StateToProbe] = {}
        left_out = ""
        for name, kept in self.sources.items():
            state, choice, facts = self._state(name), self.choices[kept.path], self.facts[kept.path]
            if choice.crossing is Crossing.RESTORE:
                states[name] = StateToProbe(schema=facts.schema, values=self._values(name))
            elif choice.chain is not None:
                assert self.at_hand is not None  # else there was no chain
                raw = StateToProbe(schema=facts.schema, values=bytes(state.values or b""))
                if choice.chain.from_layout is not None:
                    raw = StateToProbe(block=bytes(state.block or b""))
                states[name], left_out = self.at_hand.to_probe(choice.chain, name, raw)
            elif choice.crossing is Crossing.CONVERT:
                assert choice.conversion is not None  # what that crossing is
                states[name] = StateToProbe(layout_id=choice.conversion.new_layout_id, block=bytes(self._made(name)))
            elif choice.crossing is Crossing.HAND_OVER:
                states[name] = StateToProbe(layout_id=facts.layout_id, block=bytes(state.block or b""))
        return CopiedState(states=states, left_out=left_out)

    def give(
        self, generation: _core.Generation, indexes: Mapping[str, int], *, deadline_s: float, watch: Stopwatch
    ) -> None:
        """Let instances that are created and not started take their state; `indexes` says where each is.

        Raises:
            StateError, PluginError, PluginAbandoned: one of them did not; the candidate is to be dropped.
        """
        for name, kept in self.sources.items():
            crossing = self.choices[kept.path].crossing
            if crossing is Crossing.FRESH:
                continue
            try:
                with watch(f"resume {name}"):
                    self._give(name, crossing, generation, indexes[name], deadline_s)
            except HotgraftError as error:
                raise self.blamed(error) from None

    def blamed(self, error: HotgraftError) -> HotgraftError:
        """Return an error of the plugin's own that says with which snapshots it began."""
        error.found = (*error.found, f"it was to go on from {', '.join(one.path.name for one in self.files())}")
        error.advice = FRESH_ADVICE
        return error

    def _give(
        self, name: str, crossing: Crossing | None, generation: _core.Generation, index: int, deadline_s: float
    ) -> None:
        chain = self.choices[self.sources[name].path].chain
        if chain is not None:
            self._give_made(chain, name, generation, index, deadline_s)
        elif crossing is Crossing.RESTORE:
            path = self.sources[name].path
            _core.give_values(generation, index, self.facts[path].schema, self._values(name), deadline_s)
        else:
            self._block(generation, name).give(index, deadline_s)

    def _give_made(self, chain: Chain, name: str, generation: _core.Generation, index: int, deadline_s: float) -> None:
        state = self._state(name)
        loose = state.values if chain.from_layout is None else state.block
        assert self.at_hand is not None and loose is not None  # else there was no chain
        made = self.at_hand.made(chain, bytes(loose), generation)
        if chain.to_layout is None:
            _core.give_values(generation, index, chain.to_schema, made, deadline_s)
            return
        block = _core.NewBlock.make(generation, len(made), state.align)
        memoryview(block)[:] = made
        block.give(index, deadline_s)

    def _choice(self, facts: StateFacts, version: str, side: Side) -> Choice:
        was, now = Version.parse(version), Version.parse(side.version)
        known = self.at_hand.converters if self.at_hand is not None else ()
        choice = choose_crossing(facts, side.state, goes_back=now < was, converters=known)
        if choice.crossing is None and self.goes_back and not was < now:
            back = choose_crossing(facts, side.state, goes_back=True, converters=known)
            return back if back.crossing is not None else choice
        return choice

    def _state(self, name: str) -> InstanceState:
        return next(one for one in self.sources[name].snapshot.instances if one.name == name)

    def _values(self, name: str) -> bytes:
        values = self._state(name).values
        assert values is not None  # else it would have been no way
        return bytes(values)

    def _block(self, generation: _core.Generation, name: str) -> _core.NewBlock:
        """Return a block of the candidate's that holds the state."""
        state = self._state(name)
        if self.choices[self.sources[name].path].crossing is Crossing.CONVERT:
            return self._converted(generation, name)
        assert state.block is not None  # else it would have been no way
        block = _core.NewBlock.make(generation, len(state.block), state.align)
        memoryview(block)[:] = state.block
        return block

    def _converted(self, generation: _core.Generation, name: str) -> _core.NewBlock:
        state = self._state(name)
        block = _core.NewBlock.make(generation, self._new_bytes(name), state.align)
        self._convert(name, block)
        return block

    def _made(self, name: str) -> bytearray:
        made = bytearray(self._new_bytes(name))
        self._convert(name, made)
        return made

    def _new_bytes(self, name: str) -> int:
        """Return the size of the block that becomes of an instance's.

        Raises:
            SnapshotError: it holds no whole number of states.
        """
        conversion = self.choices[self.sources[name].path].conversion
        block = self._state(name).block
        assert conversion is not None and block is not None  # what a conversion is
        count, rest = divmod(len(block), conversion.plan.old_bytes)
        if rest or not count:
            found = f"{len(block)} bytes hold no whole number of states of {conversion.plan.old_bytes}"
            raise self._refused(name, found)
        return count * conversion.plan.new_bytes

    def _convert(self, name: str, into: _core.NewBlock | bytearray) -> None:
        conversion = self.choices[self.sources[name].path].conversion
        block = self._state(name).block
        assert conversion is not None and block is not None  # as above
        program = program_of(conversion)
        refusal = program.run(block, into, len(block) // program.old_bytes)
        if refusal:
            raise self._refused(name, refusal[0])

    def _refused(self, name: str, found: str) -> SnapshotError:
        where = self.sources[name].path.name
        return SnapshotError(
            "resume from a snapshot", on=self.plugin, found=f"{where}, instance {name}: {found}", advice=FRESH_ADVICE
        )


def _in_a_file(refusal: str) -> str:
    """A sentence about what runs, where nothing does: it is about the version that the snapshot was taken of."""
    return refusal.replace("what runs", "the version that it was taken of")
