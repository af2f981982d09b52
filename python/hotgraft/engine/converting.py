"""Converters in a swap: who runs them is put in place before callers wait, and what they did wrong is told after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import StateError
from hotgraft.engine.chain_run import ChainRun
from hotgraft.engine.converter_thread import ConverterThread
from hotgraft.engine.transfer import walk_of

if TYPE_CHECKING:
    from hotgraft.core.converters import ConverterSide
    from hotgraft.core.errors import HotgraftError
    from hotgraft.core.plan import Plan, Side
    from hotgraft.engine.converter_thread import ConverterThreads

__all__ = ["Converting", "check_offered", "check_state_table", "give_converters"]


@dataclass(frozen=True, slots=True)
class Converting:
    """A thread of converters for one window."""

    thread: ConverterThread
    threads: ConverterThreads

    def end(self) -> None:
        """The window is over."""
        self.threads.end(self.thread)

    def explain(self, failure: HotgraftError) -> None:
        """Add what a converter said beyond the sentence that went through the window."""
        if (error := self.thread.error) is not None:
            failure.advice = error.advice if failure.advice == type(failure).usual_advice else failure.advice
            for note in getattr(error, "__notes__", ()):
                failure.add_note(note)


def give_converters(
    member: _core.Member, plan: Plan, old: _core.Generation, new: _core.Generation, threads: ConverterThreads
) -> Converting | None:
    """Let a member's state go over the plan's chain, if it has one; None: no thread of Python's takes part.

    Raises:
        Busy: converters of before do not return.
    """
    chain = plan.chain
    if chain is None:
        return None
    libraries: dict[ConverterSide, _core.Generation] = {"running": old, "candidate": new}
    if not chain.interpreted:
        steps = [(libraries[one.side], one.from_schema, one.to_schema) for one in chain.steps]
        member.runs_converters(_core.native_converters(steps))
        return None
    thread = ConverterThread(ChainRun(plugin=plan.plugin, chain=chain, libraries=libraries))
    threads.start(thread)
    made = thread.desk.converters(
        to_block=chain.to_layout is not None,
        to_schema=chain.to_schema,
        old_walk=walk_of(chain.from_walk),
        next_walk=walk_of(chain.to_walk),
    )
    member.runs_converters(made)
    return Converting(thread, threads)


def check_offered(side: Side, generation: _core.Generation) -> None:
    """Hold the converters that a manifest names against those that the library offers.

    Raises:
        StateError: one is named and not there, or there and not named.
    """
    named, offered = set(side.state.converters), set(generation.converters)
    found = [
        f"converter {before}→{after} is {words}"
        for steps, words in (
            (named - offered, "named in [state] converters and not offered"),
            (offered - named, "offered and not named in [state] converters"),
        )
        for before, after in sorted(steps)
    ]
    if found:
        raise StateError(
            "check its converters",
            on=generation.label,
            found=found,
            advice='let converters = ["1->2", ...] in plugin.toml name those of hotgraft_ext_convert, then rebuild',
        )


def check_state_table(side: Side, generation: _core.Generation) -> None:
    """Hold what a manifest says of a state against the table that the library offers for it.

    Whether it offers one at all is asked where a state is to cross: see `check_facts`.

    Raises:
        StateError: they say otherwise, so that the next version would take the bytes for something else.
    """
    state = side.state
    pairs = (
        ("schema", state.schema, generation.state_schema, str),
        ("layout_id", state.layout_id, generation.layout_id, hex),
    )
    found = [
        f"its {name} is {shown(declared)} in the manifest and {shown(offered)} in its table"
        for name, declared, offered, shown in pairs
        if state.has_state and declared and offered and declared != offered
    ]
    if found:
        raise StateError(
            "check its state",
            on=generation.label,
            found=found,
            advice="fill the table with HOTGRAFT_STATE_SCHEMA and HOTGRAFT_LAYOUT_ID of what hotgraft bind wrote",
        )
