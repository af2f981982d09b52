"""A state as the rows of a tree: what each field is called, what type it has, what it holds, and what lies inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.c_types import Array, CType, Named, Pointer, Scalar, type_text
from hotgraft.core.dataclass import dataclass
from hotgraft.core.layout import elements_of
from hotgraft.core.state_fields import StateFields, are_bits_apart, joined_name, room_key
from hotgraft.core.surface import Enumeration, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.layout import StateLayout
    from hotgraft.core.surface import Member

__all__ = ["Row", "declared_rows", "keyed_rows"]

_WORDS: Final = {bool: "bool", int: "int", float: "float", str: "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One value; a struct, a map and an array of such have rows inside instead.

    `constants` are those of an enum, by number. `note` is what is to be said beside the value.
    """

    name: str
    type: str
    value: Any = None
    inside: tuple[Row, ...] = ()
    constants: Mapping[int, str] | None = None
    note: str = ""


def keyed_rows(values: Mapping[Any, Any]) -> tuple[Row, ...]:
    """Return the rows of keyed values, as save put them."""
    return tuple(_keyed(str(key), one) for key, one in values.items())


def _keyed(name: str, value: Any) -> Row:
    if isinstance(value, dict):
        return Row(name=name, type=f"map[{len(value)}]", value={}, inside=keyed_rows(value))
    if isinstance(value, list):
        kind = f"list[{len(value)}]"
        if any(isinstance(one, dict | list) for one in value):
            return Row(name=name, type=kind, inside=tuple(_keyed(f"[{at}]", one) for at, one in enumerate(value)))
        return Row(name=name, type=kind, value=value)
    if isinstance(value, bytes):
        return Row(name=name, type=f"bytes[{len(value)}]", value=value)
    return Row(name=name, type=_WORDS.get(type(value), "nil"), value=value)


def declared_rows(layout: StateLayout, values: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return the rows of a declared state, of which `decode` made these values."""
    facts = layout.types[layout.struct]
    assert isinstance(facts, Record)  # decode has read it
    return tuple(_Rows(layout).fields(layout.struct, facts, values))


class _Rows(StateFields):
    def fields(self, name: str, facts: Record, values: Mapping[str, Any]) -> Iterator[Row]:
        for cluster in self.clusters(name, facts):
            if cluster.is_plain:
                yield self._field(cluster.field, values)
            elif are_bits_apart(cluster):
                for one in cluster.members:
                    yield self._row(one.name, one.type, values[one.name], f"{type_text(one.type)}:{one.bits}")
            else:
                key = joined_name(cluster)
                yield Row(name=key, type="shared bytes", value=values[key])

    def _field(self, field: Member, values: Mapping[str, Any]) -> Row:
        value = values[field.name]
        if field.counted:
            return self._counted(field, value, values)
        if field.tag and isinstance(field.type, Named) and isinstance(value, dict):
            ((alive, inner),) = value.items()
            arm = next(one for one in self.layout.arms(field.type).values() if one.name == alive)
            return Row(name=field.name, type=type_text(field.type), inside=(self._row(alive, arm.type, inner),))
        row = self._row(field.name, field.type, value)
        return Row(name=row.name, type=f"{row.type} handle", value=value) if field.is_handle else row

    def _counted(self, field: Member, value: Any, values: Mapping[str, Any]) -> Row:
        kind = elements_of(field)
        words = f"{type_text(kind)}[{field.counted}]"
        if value is None:
            return Row(name=field.name, type=words, value=None)
        room = values.get(room_key(field.name))
        row = self._row(field.name, Array(kind, len(value)), value, words)
        note = f"room for {room}" if room is not None else ""
        return Row(name=row.name, type=words, value=row.value, inside=row.inside, constants=row.constants, note=note)

    def _row(self, name: str, kind: CType, value: Any, words: str = "") -> Row:
        words = words or type_text(kind)
        facts = self.layout.resolve(kind)
        if isinstance(kind, Array):
            return self._array(name, kind, value, words)
        if isinstance(facts, Record) and isinstance(kind, Named) and isinstance(value, dict):
            return Row(name=name, type=words, inside=tuple(self.fields(kind.name, facts, value)))
        if isinstance(facts, Enumeration):
            return Row(name=name, type=words, value=value, constants=_constants(facts))
        return Row(
            name=name, type=words, value=value, note="an address" if isinstance(facts, Pointer) and value else ""
        )

    def _array(self, name: str, kind: Array, value: Any, words: str) -> Row:
        of = self.layout.resolve(kind.of)
        if isinstance(of, Scalar | Enumeration) or not isinstance(value, list):
            constants = _constants(of) if isinstance(of, Enumeration) else None
            return Row(name=name, type=words, value=value, constants=constants)
        rows = tuple(self._row(f"[{at}]", kind.of, one) for at, one in enumerate(value))
        return Row(name=name, type=words, inside=rows)


def _constants(facts: Enumeration) -> dict[int, str]:
    return {number: name for name, number in reversed(facts.values)}
