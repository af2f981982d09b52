"""Edits of a state's layout as authors make them, and the rows of what it costs to convert blocks of such states.

The plans are those that `compile_copy` makes of two layouts, not plans made up for the occasion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hotgraft.core.c_types import Scalar
from hotgraft.core.layout import StateLayout
from hotgraft.core.layout_compile import compile_copy
from hotgraft.core.layout_plan import encode_plan
from hotgraft.core.surface import Member, Record

__all__ = ["EDITS", "Edit"]

Fields = tuple[tuple[str, str, int], ...]  # name, type, offset in bytes

OLD: Final[Fields] = (
    ("id", "u64", 0), ("x", "f32", 8), ("y", "f32", 12), ("z", "f32", 16), ("age", "i32", 20), ("energy", "f64", 24),
    ("tag", "u64", 32),
)  # fmt: skip
OLD_BYTES: Final = 40
ADDED: Final[Fields] = (*OLD[:5], ("mass", "f64", 24), ("energy", "f64", 32), ("tag", "u64", 40))
WIDENED: Final[Fields] = (*OLD[:4], ("age", "i64", 24), ("energy", "f64", 32), ("tag", "u64", 40))
NEW_BYTES: Final = 48


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit and its plan; `gate`: instructions per state today, which must not grow unnoticed; `limit`: at most."""

    name: str
    text: str
    old_bytes: int
    new_bytes: int
    rows: tuple[tuple[int, ...], ...]
    limit: int
    gate: int

    def states_in(self, size: int) -> int:
        """Return how many states a block of so many bytes holds."""
        return size // self.old_bytes

    def arguments(self, states: int, rounds: int) -> list[str]:
        """Return what the measuring program wants to know (convert.cpp)."""
        numbers = [states, rounds, self.old_bytes, self.new_bytes]
        return [*map(str, numbers), *(",".join(map(str, row)) for row in self.rows)]


def _edit(name: str, text: str, before: tuple[Fields, int], after: tuple[Fields, int], counts: tuple[int, int]) -> Edit:
    plan, reasons = compile_copy(_layout(*before), _layout(*after))
    assert plan is not None, reasons
    return Edit(name, text, plan.old_bytes, plan.new_bytes, encode_plan(plan).rows, *counts)


def _layout(fields: Fields, size: int) -> StateLayout:
    members = tuple(Member(name=name, type=Scalar(kind), offset_bits=at * 8) for name, kind, at in fields)
    return StateLayout(struct="state", types={"state": Record(kind="struct", bytes=size, align=8, members=members)})


EDITS: Final = (
    _edit("added", "a field added in the middle", (OLD, OLD_BYTES), (ADDED, NEW_BYTES), (16, 12)),
    _edit("widened", "a field widened", (OLD, OLD_BYTES), (WIDENED, NEW_BYTES), (28, 24)),
    _edit("removed", "the way back of an added field", (ADDED, NEW_BYTES), (OLD, OLD_BYTES), (15, 11)),
    _edit("narrowed", "the way back of a widened field", (WIDENED, NEW_BYTES), (OLD, OLD_BYTES), (36, 31)),
)
