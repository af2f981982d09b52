"""A snapshot of another schema goes over the same converters as a live state would.

Nothing serves meanwhile, so nobody waits; but a converter that does not return is given up all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotgraft.engine.chain_run import ChainRun
from hotgraft.engine.probe_converters import converted_copies
from hotgraft.engine.probe_state import CopiedState

if TYPE_CHECKING:
    from hotgraft import _core
    from hotgraft.core.converters import Chain, Converter
    from hotgraft.engine.converter_thread import ConverterThreads
    from hotgraft.engine.probe_request import StateToProbe

__all__ = ["AtHand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """The converters that a program offers for one plugin, and what they run on."""

    plugin: str
    converters: tuple[Converter, ...]
    threads: ConverterThreads
    deadline_s: float

    def to_probe(self, chain: Chain, name: str, state: StateToProbe) -> tuple[StateToProbe, str]:
        """Return what a probe is to begin one instance with, and what of the chain was left out.

        Raises:
            StateError: a converter failed, or has not returned. Busy: too many of before do not.
        """
        made = converted_copies(
            CopiedState(states={name: state}),
            chain,
            plugin=self.plugin,
            running=None,
            threads=self.threads,
            deadline_s=self.deadline_s,
        )
        return made.states[name], made.left_out

    def made(self, chain: Chain, loose: bytes, generation: _core.Generation) -> bytes:
        """Return the block or the saved values that `generation` gets; raises as above."""
        run = ChainRun(plugin=self.plugin, chain=chain, libraries={"candidate": generation})
        return self.threads.try_out(run, lambda desk: {"": run.carry(loose, desk)}, self.deadline_s)[""]
