"""A struct before and after, drawn side by side: what lies where, and what moved."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import type_text
from hotgraft.core.contract_members import bytes_of
from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hotgraft.core.surface import Member, Record, TypeFacts

__all__ = ["WIDTH", "draw"]

WIDTH: Final = 100  # columns at most, the indent included
INDENT: Final = "    "
_MARK: Final = 9  # columns for the word at the end of a row
_AT: Final = 6
_SIZE: Final = 6
_NAMES: Final = (WIDTH - len(INDENT) - _MARK - 3 - 2 * (_AT + _SIZE + 2)) // 2  # what is left for type and name
_AROUND: Final = 2  # unchanged rows that are shown beside one that changed


@dataclass(frozen=True, slots=True)
class Cell:
    """One member, or a hole between members."""

    name: str  # empty: a hole
    at: str
    size: str
    type: str


def draw(old: Record, new: Record, was: Mapping[str, TypeFacts], now: Mapping[str, TypeFacts]) -> list[str]:
    """Return the two layouts as lines of at most `WIDTH` columns; runs of rows that stay are left out."""
    rows = [*_rows(_cells(old, was), _cells(new, now))]
    head = f"{INDENT}{'at':>{_AT}} {'bytes':>{_SIZE}} {'before':<{_NAMES}} │ "
    head += f"{'at':>{_AT}} {'bytes':>{_SIZE}} {'after'}"
    lines = [head.rstrip()]
    skipped = 0
    for index, (left, right) in enumerate(rows):
        near = rows[max(index - _AROUND, 0) : index + _AROUND + 1]
        if len(rows) > 2 * _AROUND + 4 and all(one == other for one, other in near):
            skipped += 1
            continue
        lines += _skipped(skipped)
        skipped = 0
        lines.append(f"{INDENT}{_shown(left)} │ {_shown(right)} {_mark(left, right)}".rstrip())
    lines += _skipped(skipped)
    before, after = (f"{one.bytes} bytes, aligned to {one.align}" for one in (old, new))
    end = f"{'':>{_AT + _SIZE + 2}}{before:<{_NAMES}}"
    lines.append(f"{INDENT}{end} │ {'':>{_AT + _SIZE + 2}}{after}")
    return lines


def _skipped(count: int) -> list[str]:
    """Return a line for rows that are as before."""
    blank = f"{'…':>{_AT}} {'':>{_SIZE}} "
    return [f"{INDENT}{blank}{f'{count} as before':<{_NAMES}} │ {'…':>{_AT}}"] if count else []


def _cells(record: Record, types: Mapping[str, TypeFacts]) -> list[Cell]:
    """Return the members in the order in which they lie, with the holes between them."""
    cells: list[Cell] = []
    end = 0
    for one in sorted(record.members, key=lambda member: member.offset_bits):
        if record.kind == "struct" and one.offset_bits // 8 > -(-end // 8):
            cells.append(_hole(-(-end // 8), one.offset_bits // 8))
        size = bytes_of(one.type, types)
        cells.append(_cell(one, size))
        end = max(end, one.offset_bits + (one.bits if one.bits is not None else 8 * (size or 0)))
    if -(-end // 8) < record.bytes and record.members:
        cells.append(_hole(-(-end // 8), record.bytes))
    return cells


def _cell(member: Member, size: int | None) -> Cell:
    byte, bit = divmod(member.offset_bits, 8)
    kind = type_text(member.type)
    if member.bits is not None:
        return Cell(member.name, f"{byte}.{bit}", f"{member.bits} bit", kind)
    return Cell(member.name, str(byte), "?" if size is None else str(size), kind)


def _hole(begin: int, end: int) -> Cell:
    return Cell("", str(begin), str(end - begin), "(hole)")


def _rows(left: Sequence[Cell], right: Sequence[Cell]) -> Iterator[tuple[Cell | None, Cell | None]]:
    """Yield both sides, the same name in the same row wherever their order allows."""
    names = [one.name for one in left], [one.name for one in right]
    matcher = difflib.SequenceMatcher(None, names[0], names[1], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        pairs = max(b - a, d - c) if tag == "replace" else 0
        if tag == "equal":
            yield from zip(left[a:b], right[c:d], strict=True)
        elif tag == "replace" and {*names[0][a:b]}.isdisjoint(names[1][c:d]):
            for index in range(pairs):
                yield (left[a + index] if a + index < b else None), (right[c + index] if c + index < d else None)
        else:
            yield from ((one, None) for one in left[a:b])
            yield from ((None, one) for one in right[c:d])


def _mark(left: Cell | None, right: Cell | None) -> str:
    """Return what became of a row, in a word."""
    if left is None or right is None:
        cell = left or right
        return "" if cell is None or not cell.name else "- gone" if right is None else "+ new"
    if left == right or not (left.name or right.name):
        return ""
    if not right.name or not left.name:
        return "+ new" if right.name else "- gone"
    if left.name != right.name:
        is_same = (left.at, left.size, left.type) == (right.at, right.size, right.type)
        return "~ name" if is_same else "~ other"
    return "~ type" if (left.type, left.size) != (right.type, right.size) else "> moved"


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return " " * (_AT + _SIZE + 2 + _NAMES)
    text = f"{cell.type} {cell.name}".rstrip()
    if len(text) > _NAMES:
        room = max(_NAMES - len(cell.name) - 2, 6)
        text = f"{cell.type[:room]}… {cell.name}"
        text = text if len(text) <= _NAMES else text[: _NAMES - 1] + "…"
    return f"{cell.at:>{_AT}} {cell.size:>{_SIZE}} {text:<{_NAMES}}"
