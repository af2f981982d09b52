"""The rows of a state as lines of text: name, type, value; what is long or says the same again is folded."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hotgraft.core.state_rows import Row

__all__ = ["draw", "value_text"]

_STEP: Final = 2  # columns that what is inside stands further right
_NAMES: Final = 34  # columns that names have at most, and types
_TYPES: Final = 24
_ROOM: Final = 16  # columns that a value has at least
_FIRST: Final = 6  # elements that are shown of an array of structs, and how many of its last
_LAST: Final = 1
_TIMES: Final = "\u00d7"
_RUN: Final = 4  # numbers that are the same, side by side, are counted from here on


class _Line(NamedTuple):
    name: str
    type: str
    row: Row | None  # None: a line that has no value
    note: str = ""


def draw(rows: Sequence[Row], *, width: int, is_whole: bool = False) -> list[str]:
    """Return the lines of a tree, of at most `width` columns where names and types leave room; `is_whole`: unfolded."""
    lines = list(_lines(rows, 0, is_whole=is_whole))
    names = max((len(one.name) for one in lines), default=0)
    types = max((len(one.type) for one in lines), default=0)
    if not is_whole:
        names, types = min(names, _NAMES), min(types, _TYPES)
    drawn = []
    for name, kind, row, note in lines:
        head = f"{_cut(name, names):<{names}}  {_cut(kind, types):<{types}}"
        beside = "" if row is None or not row.note else f", {row.note}"
        room = 1 << 62 if is_whole else max(width - len(head) - 2 - len(beside), _ROOM)
        text = note if row is None else value_text(row.value, room, row.constants) + beside
        drawn.append(f"{head}  {text}".rstrip())
    return drawn


def _lines(rows: Sequence[Row], depth: int, *, is_whole: bool) -> Iterator[_Line]:
    if rows and rows[0].name == "[0]" and not is_whole:
        yield from _elements(rows, depth)
        return
    for row in rows:
        yield from _one(row, depth, is_whole=is_whole)


def _one(row: Row, depth: int, *, is_whole: bool) -> Iterator[_Line]:
    name = " " * (_STEP * depth) + _printable(row.name)
    if row.inside:
        yield _Line(name, row.type, None, row.note)
        yield from _lines(row.inside, depth + 1, is_whole=is_whole)
    else:
        yield _Line(name, row.type, row)


def _elements(rows: Sequence[Row], depth: int) -> Iterator[_Line]:
    """Yield an array's elements: those that are the same once, of many the first and the last."""
    groups = [list(group) for _, group in groupby(rows, key=_content)]
    shown = len(groups) if len(groups) <= _FIRST + _LAST + 1 else _FIRST
    for group in groups[:shown]:
        yield from _group(group, depth)
    if shown < len(groups):
        left = sum(len(group) for group in groups[shown:-_LAST])
        yield _Line(f"{' ' * (_STEP * depth)}…", f"{left} more", None)
        for group in groups[-_LAST:]:
            yield from _group(group, depth)


def _group(group: Sequence[Row], depth: int) -> Iterator[_Line]:
    first, *rest = _one(group[0], depth, is_whole=False)
    name = first.name if len(group) == 1 else f"{first.name} to {group[-1].name}"
    yield first._replace(name=name)
    yield from rest


def _content(row: Row) -> str:
    return repr((row.value, row.inside))  # a nan is itself


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _printable(name: str) -> str:
    return name if name.isprintable() and name else json.dumps(name)


def value_text(value: Any, room: int, constants: Mapping[int, str] | None = None) -> str:
    """Return a value in about so many columns; of what is longer, how much more there is."""
    if isinstance(value, bytes):
        return _hex(value, room)
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        if len(text) <= room:
            return text if text.isprintable() else json.dumps(value)
        end = f"… {len(value)} characters"
        return json.dumps(value[: max(room - len(end) - 2, 1)], ensure_ascii=not value.isprintable()) + end
    if isinstance(value, list):
        return _listed(value, room, constants)
    if isinstance(value, dict):
        return "empty"
    if constants is not None and isinstance(value, int):
        return f"{constants[value]} ({value})" if value in constants else f"{value} (no constant)"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def _hex(value: bytes, room: int) -> str:
    end = f"{len(value)} byte{'s' * (len(value) != 1)}"
    if not value:
        return end
    fits = (room - len(end) - 2) // 3
    if len(value) <= fits:
        return f"{value.hex(' ')}, {end}"
    return f"{value[: max(fits - 1, 1)].hex(' ')} … {end}"


def _listed(values: list[Any], room: int, constants: Mapping[int, str] | None) -> str:
    if not values:
        return "empty"
    parts: list[tuple[str, int]] = []  # and how many values each stands for
    for _, group in groupby(values, key=repr):
        same = list(group)
        text = value_text(same[0], room, constants)
        run = f"{text} {_TIMES} {len(same)}"
        parts += [(run, len(same))] if len(same) >= _RUN else [(text, 1)] * len(same)
        if sum(len(text) + 2 for text, _ in parts) > room + _ROOM:
            break  # more than is shown
    whole = ", ".join(text for text, _ in parts)
    if len(whole) <= room and sum(count for _, count in parts) == len(values):
        return whole
    while len(parts) > 1 and len(_begin(parts, len(values))) > room:
        parts.pop()
    return _begin(parts, len(values))


def _begin(parts: list[tuple[str, int]], count: int) -> str:
    left = count - sum(one for _, one in parts)
    return ", ".join(text for text, _ in parts) + (f", … {left} more" if left else "")
