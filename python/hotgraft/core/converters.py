"""The authors' converters between schemas: which there are, and the shortest way over them.

A converter turns the values of a state of one schema into those of another. It is the author's word that between the
two something changed its meaning. So where one lies between two schemas, the whole way between them is theirs: what is
missing in it is a gap, and is refused, instead of being bridged by the names of fields or by restore.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, Literal

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hotgraft.core.layout import StateLayout
    from hotgraft.core.layout_plan import CopyPlan

__all__ = [
    "CONVERTERS_LIMIT", "STEP", "Chain", "Converter", "ConverterSide", "between", "find_chain", "gaps", "offered_by",
    "read_step", "step_violation",
]  # fmt: skip

CONVERTERS_LIMIT: Final = 256  # of one version
STEP: Final = re.compile(r" *[0-9]{1,10} *-> *[0-9]{1,10} *")
SCHEMA_LIMIT: Final = 0xFFFF_FFFF
ConverterSide = Literal["candidate", "running", "host"]
_WORDS: Final = {"candidate": "the candidate's", "running": "of what runs", "host": "the program's"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Converter:
    """One step from a schema to another: a function of a version's own library, or of the program (`host`)."""

    from_schema: int
    to_schema: int
    side: ConverterSide
    name: str = ""  # of the program's: "scale (app.py:12)"
    function: Callable[[dict[str, Any]], dict[str, Any]] | None = field(default=None, compare=False, repr=False)

    @property
    def step(self) -> str:
        """Return the step as people read it: ``2→3``."""
        return f"{self.from_schema}→{self.to_schema}"

    def __str__(self) -> str:
        return f"converter {self.step} ({self.name or _WORDS[self.side]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The way across by converters, and what stands at its ends: the fields of a block, or saved values."""

    steps: tuple[Converter, ...]
    from_layout: StateLayout | None = None  # of the block that is surrendered and read; None: the state is saved
    to_layout: StateLayout | None = None  # of the block that is made of the values; None: they are restored
    to_layout_id: int = 0
    from_walk: CopyPlan | None = None  # finds the blocks that the block leads to; None: it leads to none
    to_walk: CopyPlan | None = None

    @property
    def to_schema(self) -> int:
        """Return the schema of what comes out."""
        return self.steps[-1].to_schema

    @property
    def interpreted(self) -> tuple[str, ...]:
        """Return what of it needs the interpreter while callers wait; empty: nothing does."""
        ends = [
            words
            for words, layout in (
                ("the fields of a block are read", self.from_layout),
                ("a block is made of fields", self.to_layout),
            )
            if layout is not None
        ]
        return (*(str(one) for one in self.steps if one.side == "host"), *ends)

    def __str__(self) -> str:
        return ", ".join(map(str, self.steps))


def read_step(text: str) -> tuple[int, int]:
    """Read ``"2->3"`` as a manifest says it.

    Raises:
        ValueError: it is no step from one schema to another.
    """
    if not STEP.fullmatch(text):
        raise ValueError(f'{text[:64]!r} is no step of the form "2->3"')
    before, _, after = text.partition("->")
    step = (int(before), int(after))
    if violation := step_violation(*step):
        raise ValueError(f"{text[:64]!r}: {violation}")
    return step


def step_violation(from_schema: int, to_schema: int) -> str:
    """Return why this is no step that a converter can make; empty: it is one."""
    if from_schema == to_schema:
        return "it leads from a schema to itself"
    if not all(1 <= one <= SCHEMA_LIMIT for one in (from_schema, to_schema)):
        return f"a schema lies in 1 to {SCHEMA_LIMIT}"
    return ""


def offered_by(side: ConverterSide, steps: Iterable[tuple[int, int]]) -> tuple[Converter, ...]:
    """Return a version's own converters."""
    return tuple(Converter(from_schema=before, to_schema=after, side=side) for before, after in steps)


def between(converters: Iterable[Converter], old: int, new: int) -> tuple[Converter, ...]:
    """Return those that lie between two schemas, in either direction: the meaning changed there."""
    low, high = min(old, new), max(old, new)
    return tuple(one for one in converters if low <= one.from_schema <= high and low <= one.to_schema <= high)


def find_chain(converters: Sequence[Converter], old: int, new: int) -> tuple[Converter, ...] | None:
    """Return the fewest steps that lead from schema `old` to `new`; None: there is a gap.

    Every step leads towards `new` and none beyond it: a way that goes down on the way up may lose what it need not. Of
    ways equally short, the one with the fewest of the program's functions, then the one over the lowest schemas; of two
    converters for one step a library's own, the candidate's first.
    """
    reached: dict[int, _Way] = {old: _Way()}
    for schema in _in_order(converters, old, new):
        if schema not in reached:
            continue
        for one in _from(converters, schema, old, new):
            way = reached[schema].and_then(one)
            known = reached.get(one.to_schema)
            if known is None or way.cost < known.cost:
                reached[one.to_schema] = way
    return reached[new].steps if new in reached else None


_RANKS: Final = {"candidate": 0, "running": 1, "host": 2}


@dataclass(frozen=True, slots=True)
class _Way:
    steps: tuple[Converter, ...] = ()

    def and_then(self, one: Converter) -> _Way:
        return _Way((*self.steps, one))

    @property
    def cost(self) -> tuple[int, int, tuple[int, ...], tuple[int, ...]]:
        programs = sum(one.side == "host" for one in self.steps)
        return (
            len(self.steps),
            programs,
            tuple(one.to_schema for one in self.steps),
            tuple(_RANKS[one.side] for one in self.steps),
        )


def _in_order(converters: Iterable[Converter], old: int, new: int) -> list[int]:
    """Return every schema on the way, each before those it leads to."""
    found = {old, new} | {one.to_schema for one in between(converters, old, new)}
    return sorted(found, reverse=new < old)


def _from(converters: Iterable[Converter], schema: int, old: int, new: int) -> list[Converter]:
    is_up = new > old
    return [
        one for one in between(converters, old, new) if one.from_schema == schema and (one.to_schema > schema) is is_up
    ]


def gaps(converters: Sequence[Converter], old: int, new: int) -> tuple[str, ...]:
    """Return why no chain leads from `old` to `new`: how far each end reaches, and every converter that is known."""
    known = between(converters, old, new)
    ahead = _reach(known, old, new)
    back = _reach([_turned(one) for one in known], new, old)
    direction = "up" if new > old else "down"
    in_order = sorted(known, key=lambda one: (one.from_schema, one.to_schema))
    listed = ", ".join(dict.fromkeys(map(str, in_order)))
    return (
        f"there is a gap in the converters {direction} from schema {old} to {new}: "
        f"from {old} they lead to {_and(ahead) or 'nothing'}, and {_and(back) or 'nothing'} leads to {new}",
        f"converters known between the two: {listed}",
    )


def _turned(one: Converter) -> Converter:
    return Converter(from_schema=one.to_schema, to_schema=one.from_schema, side=one.side)


def _reach(converters: Sequence[Converter], start: int, end: int) -> list[int]:
    found = {start}
    for schema in _in_order(converters, start, end):
        if schema in found:
            found |= {one.to_schema for one in _from(converters, schema, start, end)}
    return sorted(found - {start})


def _and(schemas: Sequence[int]) -> str:
    return " and ".join(map(str, schemas))
