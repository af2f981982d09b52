"""Walk a copy of a state over a chain of converters: its fields or saved values as plain values, and back.

It runs on a thread of its own and holds nothing of what is alive. What a converter does wrong is a `StateError` that
names it.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError, StateError
from hotgraft.core.saved_values import pack_values, unfit_values, unpack_values
from hotgraft.core.state_tree import UnfitValues, decode_states, encode_states

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft import _core
    from hotgraft.core.converters import Chain, Converter, ConverterSide

__all__ = ["ChainRun", "ConverterStopped"]


class ConverterStopped(BaseException):  # no error: nobody is meant to catch it
    """Raised in a converter that has not returned by its deadline, so that its thread comes to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRun:
    """A chain made ready: `libraries` are those whose converters it may call here."""

    plugin: str
    chain: Chain
    libraries: Mapping[ConverterSide, _core.Generation]

    def carry(self, loose: Sequence[bytes], desk: _core.ConverterDesk) -> list[bytes]:
        """Return what the candidate gets, of what was surrendered or saved; both as `StateToProbe.loose` has it.

        Raises:
            StateError: a converter failed, or what came out of it is no state of the candidate.
        """
        states = self.walk(self._read(loose), self.chain.steps, desk)
        desk.begin(f"{self.plugin}: what {self._last} made")
        try:
            if self.chain.to_layout is None:
                return [_saved(self._only(states))]
            block, pointed = encode_states(self.chain.to_layout, states)
        except UnfitValues as error:
            reasons = [one.removeprefix("[0].") if len(states) == 1 else one for one in error.reasons]
            found = [f"made no state of schema {self.chain.to_schema}: {one}" for one in reasons]
            raise self._failed(self._last, found) from None
        return [block, *pointed]

    def walk_first(self, loose: Sequence[bytes], steps: Sequence[Converter], desk: _core.ConverterDesk) -> list[bytes]:
        """Return one state's values after the first steps alone, as saved ones."""
        return [_saved(self._only(self.walk(self._read(loose), steps, desk)))]

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

    def _read(self, loose: Sequence[bytes]) -> list[dict[str, Any]]:
        layout, (first, *pointed) = self.chain.from_layout, loose
        if layout is None:
            return [unpack_values(first)]
        if not first or len(first) % layout.bytes:
            raise StateError(
                "convert its state",
                on=self.plugin,
                found=f"its block has {len(first)} bytes, which hold no whole number of states of {layout.bytes}",
            )
        return decode_states(layout, first, pointed)

    def _convert(self, step: Converter, values: dict[str, Any], desk: _core.ConverterDesk) -> dict[str, Any]:
        if step.function is None:
            try:
                given = _saved(values)
            except UnfitValues as error:
                raise self._failed(step, [f"cannot be given {one}" for one in error.reasons]) from None
            made = desk.run(self.libraries[step.side], step.from_schema, step.to_schema, given)
            return unpack_values(made)
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


def _saved(values: dict[str, Any]) -> bytes:
    if reasons := unfit_values(values):
        raise UnfitValues(reasons)
    return pack_values(values)
