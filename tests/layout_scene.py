"""Between the reference's plain types and hotgraft's: layouts, plans, programs, and blocks of states."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotgraft import _core
from hotgraft.core.c_types import Array, CType, Named, Pointer, Scalar
from hotgraft.core.layout import StateLayout
from hotgraft.core.layout_compile import compile_copy, compile_walk
from hotgraft.core.layout_plan import CopyPlan, encode_plan
from hotgraft.core.state import StateEdits, StateFacts
from hotgraft.core.surface import Enumeration, Member, Record, TypeFacts
from layout_memory import image, places, size_and_align, write

if TYPE_CHECKING:
    import random

    from layout_reference import Change


def layout_of(kind: Any) -> StateLayout:
    """Return a struct of the reference as hotgraft reads it from a header."""
    types: dict[str, TypeFacts] = {}
    _describe(kind, types)
    return StateLayout(struct=kind[1], types=types)


def _describe(kind: Any, types: dict[str, TypeFacts]) -> CType:
    if isinstance(kind, str):
        return Scalar(kind)
    if kind[0] == "array":
        return Array(_describe(kind[1], types), kind[2])
    if kind[0] == "enum":
        name = f"enum_{len(types)}"
        types[name] = Enumeration(type=kind[1], values=kind[2])
        return Named(name)
    if kind[0] == "counted":
        return Pointer(_describe(kind[1], types))
    fields = places(kind) if kind[0] == "struct" else tuple((one[0], 0, one[1]) for one in kind[2])
    members = tuple(_member(name, at, inner, types) for name, at, inner in fields)
    if kind[0] == "tagged":
        whens = zip(members, kind[2], strict=True)
        members = tuple(replace(one, when=when) for one, (_, _, when) in whens)
    size, align = size_and_align(kind)
    types[kind[1]] = Record(kind="struct" if kind[0] == "struct" else "union", bytes=size, align=align, members=members)
    return Named(kind[1])


def _member(name: str, at: int, kind: Any, types: dict[str, TypeFacts]) -> Member:
    said = {"counted": kind[2]} if kind[0] == "counted" else {"tag": kind[3]} if kind[0] == "tagged" else {}
    return Member(name=name, type=_describe(kind, types), offset_bits=at * 8, **said)


def plan_of(old: Any, new: Any, change: Change) -> tuple[CopyPlan | None, tuple[str, ...]]:
    """Return what hotgraft makes of a change."""
    return compile_copy(
        layout_of(old),
        layout_of(new),
        renamed_from={f"{owner}.{name}": before for (owner, name), before in change.renamed.items()},
        defaults=_as_bytes(new, change.defaults),
        old_defaults=_as_bytes(old, change.old_defaults),
        dropped={f"{owner}.{name}" for owner, name in change.dropped},
    )


def edits_of(old: Any, new: Any, change: Change) -> tuple[StateFacts, StateFacts]:
    """Return what the two versions declare of their state, the second with what its author says of the step."""
    edits = StateEdits(
        renamed_from={f"{owner}.{name}": before for (owner, name), before in change.renamed.items()},
        defaults=_as_bytes(new, change.defaults),
        dropped=tuple(f"{owner}.{name}" for owner, name in change.dropped),
    )
    before, after = (
        StateFacts(kind="single", schema=1, layout_id=1 + at, can_hand_over=True, layout=layout_of(kind))
        for at, kind in enumerate((old, new))
    )
    return before, replace(after, edits=edits)


def _as_bytes(kind: Any, defaults: dict[tuple[str, str], Any]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    if isinstance(kind, str) or kind[0] in ("enum", "union"):
        return found
    if kind[0] in ("array", "counted"):
        return _as_bytes(kind[1], defaults)
    for name, inner, *_ in kind[2]:
        found |= _as_bytes(inner, defaults)
        if (kind[1], name) in defaults:
            found[f"{kind[1]}.{name}"] = image(inner, defaults[kind[1], name])
    return found


def program_of(plan: CopyPlan) -> _core.CopyProgram:
    """Return the plan made ready to run."""
    coded = encode_plan(plan)
    return _core.CopyProgram.make(
        coded.rows, coded.pool, coded.paths, old_bytes=coded.old_bytes, new_bytes=coded.new_bytes
    )


def image_of(kind: Any, values: list[Any], noise: random.Random) -> list[bytes]:
    """Return states side by side, with noise for padding: no value may come from there; and the blocks they lead to."""
    size = size_and_align(kind)[0]
    block, blocks = bytearray(noise.randbytes(size * len(values))), list[bytearray]()
    for index, value in enumerate(values):
        write(kind, value, block, index * size, blocks)
    return [bytes(block), *map(bytes, blocks)]


def block_of(kind: Any, values: list[Any], noise: random.Random) -> bytes:
    """Return the same of states that lead to none."""
    (block,) = image_of(kind, values, noise)
    return block


def walk_of(kind: Any) -> _core.CopyProgram | None:
    """Return how the blocks of a state are found; None: it leads to none."""
    plan = compile_walk(layout_of(kind))
    return program_of(plan) if plan is not None else None
