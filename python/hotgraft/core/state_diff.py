"""What differs between two states, value by value under their names; of a later version by the names it had before."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from hotgraft.core.dataclass import dataclass
from hotgraft.core.state_draw import value_text
from hotgraft.core.state_fields import shortest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hotgraft.core.state_rows import Row

__all__ = ["Difference", "differences"]

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_ROOM: Final = 1 << 20  # columns of a value: whoever prints it cuts it


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value that is not the same, or that only one of two has."""

    kind: Literal["changed", "gone", "new"]
    path: str  # ``bands[3].gain``
    was: str = ""
    now: str = ""


def differences(
    old: Sequence[Row], new: Sequence[Row], *, struct: str = "", renamed_from: Mapping[str, str] = _NOTHING
) -> Iterator[Difference]:
    """Yield what differs, in the order of the second, and behind it what only the first has.

    Args:
        old, new: the rows of two states.
        struct: that the second is.
        renamed_from: what its fields were called before, by struct and field: ``{"band.gain": "level"}``.
    """
    yield from _Comparison(renamed_from).rows(old, new, "", struct)


class _Comparison:
    def __init__(self, renamed_from: Mapping[str, str]) -> None:
        self._renamed_from = renamed_from

    def rows(self, old: Sequence[Row], new: Sequence[Row], path: str, struct: str) -> Iterator[Difference]:
        if _are_elements(old) or _are_elements(new):
            yield from self._elements(old, new, path)
            return
        before = {one.name: one for one in old}
        names = {one.name for one in new}
        for row in new:
            name = row.name
            called = self._renamed_from.get(f"{struct}.{name}", "")
            if called in before and called not in names:
                name = called
            where = _inside(path, row.name)
            if name in before:
                yield from self._row(before.pop(name), row, where if name == row.name else f"{where} (was {name})")
            else:
                yield Difference(kind="new", path=where, now=_text(row))
        yield from (Difference(kind="gone", path=_inside(path, name), was=_text(row)) for name, row in before.items())

    def _elements(self, old: Sequence[Row], new: Sequence[Row], path: str) -> Iterator[Difference]:
        for was, now in zip(old, new, strict=False):
            yield from self._row(was, now, f"{path}{now.name}")
        both = min(len(old), len(new))
        if len(old) > both:
            yield Difference(kind="gone", path=f"{path}[{both}:]", was=_counted(old[both:]))
        elif len(new) > both:
            yield Difference(kind="new", path=f"{path}[{both}:]", now=_counted(new[both:]))

    def _row(self, old: Row, new: Row, path: str) -> Iterator[Difference]:
        if old.inside or new.inside:
            if not (old.inside and new.inside):
                yield Difference(kind="changed", path=path, was=_text(old), now=_text(new))
            yield from self.rows(old.inside, new.inside, path, new.type.partition("[")[0])
        elif isinstance(old.value, list) and isinstance(new.value, list):
            yield from _numbers(old, new, path)
        elif not _is_same(old.value, new.value):
            yield Difference(kind="changed", path=path, was=_text(old), now=_text(new))


def _is_same(one: Any, other: Any) -> bool:
    """Are two values the same? A nan is itself, and 0 and False, or 1 and 1.0, are not."""
    return type(one) is type(other) and repr(one) == repr(other)


def _numbers(old: Row, new: Row, path: str) -> Iterator[Difference]:
    for at, (was, now) in enumerate(zip(old.value, new.value, strict=False)):
        if not _is_same(was, now):
            yield Difference(kind="changed", path=f"{path}[{at}]", was=_text(old, was), now=_text(new, now))
    both = min(len(old.value), len(new.value))
    if len(old.value) > both:
        yield Difference(kind="gone", path=f"{path}[{both}:]", was=_text(old, old.value[both:]))
    elif len(new.value) > both:
        yield Difference(kind="new", path=f"{path}[{both}:]", now=_text(new, new.value[both:]))


def _are_elements(rows: Sequence[Row]) -> bool:
    return bool(rows) and rows[0].name == "[0]"


def _counted(rows: Sequence[Row]) -> str:
    return f"{len(rows)} of {rows[0].type}"


def _text(row: Row, element: Any = None) -> str:
    """Return a row's value, or an element of it, as text."""
    if row.inside:
        return row.type
    value = row.value if element is None else element
    return value_text(
        shortest(value) if row.type.startswith("f32") and isinstance(value, float) else value, _ROOM, row.constants
    )


def _inside(path: str, name: str) -> str:
    return f"{path}{name}" if name.startswith("[") or not path else f"{path}.{name}"
