"""Begin with the state of a snapshot: the same decisions as in a swap from the version that it was taken of.

What is decided is decided before any code of the candidate runs; nothing is written to a snapshot, whatever comes of
it.
"""

from __future__ import annotations

from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.state import Choice, Crossing, choose_crossing
from hotgraft.core.versions import Version
from hotgraft.engine.chain_run import ChainRun
from hotgraft.engine.converter_thread import ConverterThreads
from hotgraft.engine.probe_converters import converted_copies
from hotgraft.engine.probe_request import StateToProbe
from hotgraft.engine.probe_state import CopiedState
from hotgraft.engine.snapshot_sessions import waiting_in
from hotgraft.engine.snapshot_state import FRESH_ADVICE, SnapshotState, filled_blocks
from hotgraft.engine.transfer import walk_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.converters import Converter
    from hotgraft.core.plan import Side
    from hotgraft.core.state import StateFacts
    from hotgraft.engine.snapshot_folder import KeptSnapshot
    from hotgraft.engine.snapshot_sessions import WaitingSession
    from hotgraft.engine.timing import Stopwatch

__all__ = ["Resume"]

SESSION_ADVICE: Final = 'open it on a version that can go on from it; resume="none" begins fresh, and gives it up'


@dataclass(slots=True, kw_only=True)
class Resume:
    """What the instances of a plugin are to begin with. Used by whoever has the plugin's turn.

    Args:
        plugin: its name.
        sources: by instance, the snapshot that has its state; one that is not there begins fresh.
        goes_back: what a version never knew may be lost, also where its number is the same.
        converters: of the program, for this plugin.
        threads: on which they run.
        deadline_s: for them.
        states: by instance, once it is decided how they come to the candidate.
        waiting: its sessions, each until it is opened again; there is a way for each to the candidate.
    """

    plugin: str = ""
    sources: Mapping[str, KeptSnapshot] = field(default_factory=dict)
    goes_back: bool = False
    converters: tuple[Converter, ...] = ()
    threads: ConverterThreads = field(default_factory=ConverterThreads)
    deadline_s: float = 0.0
    states: dict[str, SnapshotState] = field(default_factory=dict)
    waiting: list[WaitingSession] = field(default_factory=list)

    def choose(self, side: Side) -> None:
        """Decide how the state comes to a candidate.

        Raises:
            SnapshotError: it does not, with every reason.
        """
        found: list[str] = []
        for kept in self.files():
            found += self._choose_sessions(kept, side)
            facts = kept.snapshot.facts()
            if facts.is_per_session:  # its instances have none
                continue
            choice = self._choice(facts, kept.snapshot.version, side)
            found += [f"{kept.path.name}: {_in_a_file(one)}" for one in choice.refusals]
            for state in kept.snapshot.instances:
                if state.name in self.sources and self.sources[state.name].path == kept.path:
                    self.states[state.name] = SnapshotState(
                        plugin=self.plugin, path=kept.path, state=state, facts=facts, choice=choice
                    )
        if found:
            raise SnapshotError("resume from a snapshot", on=self.plugin, found=found, advice=FRESH_ADVICE)

    def _choose_sessions(self, kept: KeptSnapshot, side: Side) -> list[str]:
        """Note which sessions wait; return why some could not be opened again, once for those of one version."""
        names = tuple(name for name, one in self.sources.items() if one.path == kept.path)
        found: dict[str, list[str]] = {}
        known: dict[object, Choice] = {}
        for one in waiting_in(kept, names):
            self.waiting.append(one)
            if one.kind not in known:
                known[one.kind] = self._choice(one.facts, one.version, side)
            for refusal in known[one.kind].refusals:
                found.setdefault(refusal, []).append(one.name)
        return [
            f"{kept.path.name}: session {who[0]}{f' and {len(who) - 1} more' * (len(who) > 1)}: {_in_a_file(refusal)}"
            for refusal, who in found.items()
        ]

    def begin_session(
        self, waiting: WaitingSession, generation: _core.Generation, side: Side, index: int, *, deadline_s: float,
        watch: Stopwatch,
    ) -> None:  # fmt: skip
        """Let a session that was made a moment ago, and that nobody calls yet, take the state that waits.

        Raises:
            SnapshotError: there is no way. StateError, PluginError, PluginAbandoned: it did not take it.
        """
        choice = self._choice(waiting.facts, waiting.version, side)
        if choice.crossing is None:
            where = f"{waiting.kept.path.name}: session {waiting.name}"
            found = [f"{where}: {_in_a_file(one)}" for one in choice.refusals]
            raise SnapshotError("resume a session", on=self.plugin, found=found, advice=SESSION_ADVICE)
        self.sources = {waiting.name: waiting.kept}
        self.states[waiting.name] = SnapshotState(
            plugin=self.plugin, path=waiting.kept.path, state=waiting.session.state, facts=waiting.facts, choice=choice
        )
        try:
            self.give(generation, {waiting.name: index}, deadline_s=deadline_s, watch=watch)
        except HotgraftError as error:
            error.advice = SESSION_ADVICE
            raise

    def files(self) -> tuple[KeptSnapshot, ...]:
        """Return the snapshots, each once."""
        return tuple({kept.path: kept for kept in self.sources.values()}.values())

    def left_behind(self) -> tuple[str, ...]:
        """Return the fields of the snapshots that the candidate, an earlier version, has no place for."""
        plans = (one.choice.conversion.plan for one in self.states.values() if one.choice.conversion is not None)
        return tuple(dict.fromkeys(path for plan in plans for path in plan.lost))

    def to_probe(self, bytes_max: int, candidate: _core.Generation) -> CopiedState:
        """Return what a probe of `candidate` is to begin with: as it will itself, if that is not too large.

        Raises:
            SnapshotError: a value does not fit. StateError: a converter failed.
        """
        total = sum(len(part) for one in self.states.values() for part in one.state.parts)
        if total > bytes_max:
            left_out = f"the snapshot has {total:,} bytes, more than the {bytes_max:,} of probe_state_bytes"
            return CopiedState(left_out=left_out)
        states = {name: made for name, one in self.states.items() if (made := one.to_probe()) is not None}
        reasons: dict[str, None] = {}
        for name, one in self.states.items():
            if one.choice.chain is not None:
                copied = self._converted_copy(name, one, candidate)
                states.update(copied.states)
                reasons |= {copied.left_out: None} if copied.left_out else {}
        return CopiedState(states=states, left_out="; ".join(reasons))

    def give(
        self, generation: _core.Generation, indexes: Mapping[str, int], *, deadline_s: float, watch: Stopwatch
    ) -> None:
        """Let instances that are created and not started take their state; `indexes` says where each is.

        Raises:
            StateError, PluginError, PluginAbandoned: one of them did not; the candidate is to be dropped.
        """
        for name, one in self.states.items():
            if one.choice.crossing is Crossing.FRESH:
                continue
            try:
                with watch(f"resume {name}"):
                    self._give(one, generation, indexes[name], deadline_s)
            except HotgraftError as error:
                raise self.blamed(error) from None

    def blamed(self, error: HotgraftError) -> HotgraftError:
        """Return an error of the plugin's own that says with which snapshots it began."""
        if self.sources:
            error.found = (*error.found, f"it was to go on from {', '.join(one.path.name for one in self.files())}")
            error.advice = FRESH_ADVICE
        return error

    def _give(self, one: SnapshotState, generation: _core.Generation, index: int, deadline_s: float) -> None:
        chain = one.choice.chain
        if chain is not None:
            run = ChainRun(plugin=self.plugin, chain=chain, libraries={"candidate": generation})
            work = partial(_carry, run, one.loose)
            made = self.threads.try_out(run, work, min(self.deadline_s, deadline_s))["made"]
            if chain.to_layout is None:
                _core.give_values(generation, index, chain.to_schema, made[0], deadline_s)
            else:
                filled_blocks(generation, made, 0, walk_of(chain.to_walk)).give(index, deadline_s)
        elif one.choice.crossing in (Crossing.SHARE, Crossing.CONVERT_SHARED):
            one.block_for(generation).share(index, deadline_s)
        elif one.choice.crossing is Crossing.RESTORE:
            _core.give_values(generation, index, one.facts.schema, one.values, deadline_s)
        else:
            one.block_for(generation).give(index, deadline_s)

    def _converted_copy(self, name: str, one: SnapshotState, candidate: _core.Generation) -> CopiedState:
        """Return what converters make of an instance's state, as far as that is done here."""
        chain = one.choice.chain
        assert chain is not None  # asked before
        first, *pointed = one.loose
        loose = StateToProbe(block=first, pointed=tuple(pointed))
        if chain.from_layout is None:
            loose = StateToProbe(values=first)
        try:
            return converted_copies(
                CopiedState(states={name: loose}),
                chain,
                plugin=self.plugin,
                running=candidate,  # nothing runs, and no step is of what does
                threads=self.threads,
                deadline_s=self.deadline_s,
            )
        except HotgraftError as error:
            raise self.blamed(error) from None

    def _choice(self, facts: StateFacts, version: str, side: Side) -> Choice:
        was, now = Version.parse(version), Version.parse(side.version)
        choice = self._way(facts, side, goes_back=now < was)
        if choice.crossing is None and self.goes_back and not was < now:
            back = self._way(facts, side, goes_back=True)
            return back if back.crossing is not None else choice
        return choice

    def _way(self, facts: StateFacts, side: Side, *, goes_back: bool) -> Choice:
        """Return the way across, without the converters of a library that is not here.

        That it had one is known all the same, and means that names and restore are no way.
        """
        choice = choose_crossing(facts, side.state, goes_back=goes_back, converters=self.converters)
        away = [one for one in choice.chain.steps if one.side == "running"] if choice.chain is not None else []
        if not away:
            return choice
        here = replace(facts, converters=())
        other = choose_crossing(here, side.state, goes_back=goes_back, converters=self.converters)
        if other.chain is not None:
            return other
        refusals = (f"{one} is in a library that is not loaded: offer one here, with host.converter" for one in away)
        return Choice(crossing=None, refusals=tuple(refusals))


def _carry(run: ChainRun, loose: list[bytes], desk: _core.ConverterDesk) -> dict[str, list[bytes]]:
    return {"made": run.carry(loose, desk)}


def _in_a_file(refusal: str) -> str:
    """A sentence about what runs, where nothing does: it is about the version that the snapshot was taken of."""
    return refusal.replace("what runs", "the version that it was taken of")
