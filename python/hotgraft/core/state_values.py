"""Values as an author writes them, as the bytes of a field: for the defaults of fields that are new."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.c_types import SCALAR_BYTES, Array, Scalar
from hotgraft.core.surface import Enumeration, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.c_types import CType
    from hotgraft.core.layout import StateLayout

__all__ = ["default_bytes"]

# struct's letters (little-endian, standard sizes).
_LETTERS: Final = {
    "i8": "b", "u8": "B", "i16": "h", "u16": "H", "i32": "i", "u32": "I", "i64": "q", "u64": "Q", "bool": "?",
    "f32": "f", "f64": "d",
}  # fmt: skip


def default_bytes(layout: StateLayout, given: Mapping[str, Any]) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the bytes of each default, by struct and field, and every reason why one is no value of its field.

    A number, true or false is one element; an array of them all elements; a text the bytes of an array of i8 or u8,
    ended by a zero.
    """
    found: dict[str, bytes] = {}
    reasons: list[str] = []
    for key, value in given.items():
        owner, _, name = key.partition(".")
        facts = layout.types.get(owner)
        members = facts.members if isinstance(facts, Record) else ()
        member = next((one for one in members if one.name == name), None)
        try:
            if member is None:
                raise ValueError("there is no such field")
            found[key] = _bytes(layout, member.type, value)
        except (ValueError, TypeError, struct.error, OverflowError) as error:
            reasons.append(f"the default of {key}: {error}")
    return found, tuple(reasons)


def _bytes(layout: StateLayout, kind: CType, value: Any) -> bytes:
    if isinstance(kind, Array):
        size = layout.size(kind)
        if isinstance(value, str):
            return _text(layout, kind, value)
        if not isinstance(value, list | tuple) or len(value) != kind.count:
            raise ValueError(f"{value!r} is no array of {kind.count} values, which have {size} bytes")
        return b"".join(_bytes(layout, kind.of, one) for one in value)
    facts = layout.resolve(kind)
    scalar = facts.type if isinstance(facts, Enumeration) else facts.name if isinstance(facts, Scalar) else ""
    if scalar not in _LETTERS or isinstance(value, str | list | tuple | dict):
        raise ValueError(f"{value!r} is no value of such a field")
    if scalar[0] in "iu" and (isinstance(value, bool) or value != int(value)):
        raise ValueError(f"{value!r} is no whole number")
    return struct.pack("<" + _LETTERS[scalar], int(value) if scalar[0] in "iu" else value)


def _text(layout: StateLayout, kind: Array, value: str) -> bytes:
    of = layout.resolve(kind.of)
    data = value.encode()
    if not isinstance(of, Scalar) or SCALAR_BYTES[of.name] != 1 or of.name == "bool":
        raise ValueError("a text is for an array of i8 or u8")
    if kind.count is None or len(data) >= kind.count or b"\0" in data:
        raise ValueError(f"a text of {len(data)} bytes and the zero that ends it do not fit into {kind.count}")
    return data.ljust(kind.count, b"\0")
