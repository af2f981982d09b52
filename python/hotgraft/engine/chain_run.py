"""Walk a copy of a state over a chain of converters: its fields or saved values as plain values, and back.

It runs on a thread of its own and holds nothing of what is alive. What a converter does wrong is a `StateError` that
names it.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotgraft.core.errors import HotgraftError, StateError
from hotgraft.core.state_tree import UnfitValues, decode, encode
from hotgraft.engine.keyed_values import Saved, saved_of, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft import _core
    from hotgraft.core.converters import Chain, Converter, ConverterSide
    from hotgraft.core.layout import StateLayout

__all__ = ["ChainRun", "ConverterStopped"]


class ConverterStopped(BaseException):  # no error: nobody is meant to catch it
    """Raised in a converter that has not returned by its deadline, so that its thread comes to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRun:
    """A chain made ready: `libraries` are those whose converters it may call here."""

    plugin: str
    chain: Chain
    libraries: Mapping[ConverterSide, _core.Generation]

    def carry(self, loose: Loose, desk: _core.ConverterDesk) -> Loose:
        """Return what the candidate gets.

        Raises:
            StateError: a converter failed, or what came out of it is no state of the candidate.
        """
        states = self.walk(self._read(loose), self.chain.steps, desk)
        desk.begin(f"{self.plugin}: what {self._last} made")
        try:
            if self.chain.to_layout is not None:
                return b"".join(self._block(one, self.chain.to_layout, index) for index, one in enumerate(states))
            return saved_of(self._only(states))
        except UnfitValues as error:
            found = [f"made no state of schema {self.chain.to_schema}: {one}" for one in error.reasons]
            raise self._failed(self._last, found) from None

    def walk_first(self, loose: Loose, steps: Sequence[Converter], desk: _core.ConverterDesk) -> Saved:
        """Return one state's values after the first steps alone, as saved ones."""
        return saved_of(self._only(self.walk(self._read(loose), steps, desk)))

    def walk(
        self, states: list[dict[str, Any]], steps: Sequence[Converter], desk: _core.ConverterDesk
    ) -> list[dict[str, Any]]:
        """Take each state over these steps."""
        for step in steps:
            desk.begin(f"{self.plugin}: {step}")
            states = [self._convert(step, one, desk) for one in states]
        return states

    @property
    def _last(self) -> Converter:
        return self.chain.steps[-1]

    def _read(self, loose: Loose) -> list[dict[str, Any]]:
        layout = self.chain.from_layout
        if not isinstance(loose, bytes):
            return [values_of(loose)]
        assert layout is not None  # a block is asked for where there is one
        count, rest = divmod(len(loose), layout.bytes)
        if rest or not count:
            raise StateError(
                "convert its state",
                on=self.plugin,
                found=f"its block has {len(loose)} bytes, which hold no whole number of states of {layout.bytes}",
            )
        return [decode(layout, loose[at : at + layout.bytes]) for at in range(0, len(loose), layout.bytes)]

    def _convert(self, step: Converter, values: dict[str, Any], desk: _core.ConverterDesk) -> dict[str, Any]:
        if step.function is None:
            try:
                given = saved_of(values)
            except UnfitValues as error:
                raise self._failed(step, [f"cannot be given {one}" for one in error.reasons]) from None
            made = desk.run(self.libraries[step.side], step.from_schema, step.to_schema, list(given))
            return values_of(made)
        try:
            answer = step.function(values)
        except ConverterStopped:
            raise
        except BaseException as error:  # SystemExit too: it is the converter's failure, and not the program's end
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next  # from the author's frame on
            raised = self._failed(step, ["".join(traceback.format_exception_only(error)).strip()])
            raised.add_note("".join(traceback.format_exception(error)).rstrip())
            raise raised from None
        if not isinstance(answer, dict):
            raise self._failed(step, [f"answered {type(answer).__name__}, and no dict"])
        return answer

    def _block(self, values: dict[str, Any], layout: StateLayout, index: int) -> bytes:
        try:
            return encode(layout, values)
        except UnfitValues as error:
            raise UnfitValues([f"state {index}: {one}" if index else one for one in error.reasons]) from None

    def _only(self, states: list[dict[str, Any]]) -> dict[str, Any]:
        if len(states) != 1:
            raise self._failed(self._last, [f"a block of {len(states)} states is no one set of values to restore"])
        return states[0]

    def _failed(self, step: Converter, found: Sequence[str]) -> HotgraftError:
        does = "gets and answers a dict by key" if step.side == "host" else "reads and puts values by key"
        return StateError(
            "convert its state",
            on=self.plugin,
            found=[f"{step}: {one}" for one in found],
            advice=f"mend {step}: it {does}, see docs/converters.md",
        )
