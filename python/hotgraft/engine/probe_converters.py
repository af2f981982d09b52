"""Converters on copies of the live state, before any caller waits for them: what a probe begins with.

What the program's own functions and the running library's do is tried here, on a thread that is given up at the
deadline. The candidate's converters run in the probe's process alone: none of its code runs here before it was tried.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.engine.chain_run import ChainRun
from hotgraft.engine.probe_request import StateToProbe
from hotgraft.engine.transfer import walk_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.converters import Chain, Converter
    from hotgraft.engine.converter_thread import ConverterThreads
    from hotgraft.engine.probe_state import CopiedState

__all__ = ["converted_copies"]


def converted_copies(
    copied: CopiedState,
    chain: Chain,
    *,
    plugin: str,
    running: _core.Generation,
    threads: ConverterThreads,
    deadline_s: float,
) -> CopiedState:
    """Return the copies as the candidate would get them, or as far as this process may take them.

    Raises:
        StateError: a converter failed, made no state of the candidate, or has not returned by the deadline.
        Busy: too many of before do not return.
    """
    run = ChainRun(plugin=plugin, chain=chain, libraries={"running": running})
    here = [*takewhile(lambda one: one.side != "candidate", chain.steps)]
    there = [*takewhile(lambda one: one.side == "candidate", chain.steps[len(here) :])]

    def work(desk: _core.ConverterDesk) -> Mapping[str, list[bytes]]:
        loose = {name: one.loose for name, one in copied.states.items()}
        if not there:
            return {name: run.carry(one, desk) for name, one in loose.items()}
        return {name: run.walk_first(one, here, desk) for name, one in loose.items()}

    made = threads.try_out(run, work, deadline_s)
    is_whole = len(here) + len(there) == len(chain.steps) and (not there or chain.to_layout is None)
    states = {name: _to_probe(one, chain, there, is_whole=is_whole) for name, one in made.items()}
    left_out = "" if is_whole else "what its converters make is made a state again in this process alone"
    return replace(copied, states=states, left_out=left_out)


def _to_probe(loose: list[bytes], chain: Chain, there: list[Converter], *, is_whole: bool) -> StateToProbe:
    if not there and chain.to_layout is not None:
        walk = walk_of(chain.to_walk)
        links = tuple(_core.links_of(walk, loose)) if walk is not None else ()
        return StateToProbe(layout_id=chain.to_layout_id, block=loose[0], pointed=tuple(loose[1:]), links=links)
    return StateToProbe(
        schema=chain.to_schema,
        values=loose[0],
        converters=tuple((one.from_schema, one.to_schema) for one in there),
        is_discarded=not is_whole,
    )
