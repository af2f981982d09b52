"""The values of a state out of its bytes; what they look like, `state_tree` says."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from hotgraft.core.c_types import Array, CType, Named, Scalar
from hotgraft.core.state_fields import LETTERS, StateFields, are_bits_apart, joined_name, scalar_of
from hotgraft.core.surface import Record

if TYPE_CHECKING:
    from hotgraft.core.layout import StateLayout
    from hotgraft.core.surface import Member

__all__ = ["Reader"]


class Reader(StateFields):
    """Reads values out of a block."""

    def __init__(self, layout: StateLayout, block: memoryview) -> None:
        super().__init__(layout)
        self._block = block.cast("B")

    def value(self, kind: CType, at: int) -> Any:
        """Return the value that lies at `at`."""
        if isinstance(kind, Array):
            return self._array(kind, at)
        facts = self.layout.resolve(kind)
        if isinstance(facts, Record) and facts.kind == "struct" and isinstance(kind, Named):
            return self._struct(kind.name, facts, at)
        if isinstance(facts, Record):
            return self._bytes(at, facts.bytes)
        scalar = scalar_of(self.layout, kind)
        if scalar in LETTERS:
            return self._numbers(scalar, at, 1)[0]
        size = self.layout.size(kind)
        return self._bytes(at, size) if scalar else int.from_bytes(self._bytes(at, size), "little")

    def _struct(self, name: str, facts: Record, at: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for cluster in self.clusters(name, facts):
            if cluster.is_plain:
                values[cluster.field.name] = self.value(cluster.field.type, at + cluster.begin)
            elif are_bits_apart(cluster):
                whole = int.from_bytes(self._bytes(at + cluster.begin, cluster.end - cluster.begin), "little")
                values |= {one.name: self._bits(one, whole, cluster.begin) for one in cluster.members}
            else:
                values[joined_name(cluster)] = self._bytes(at + cluster.begin, cluster.end - cluster.begin)
        return values

    def _bits(self, member: Member, whole: int, begin: int) -> int:
        bits = member.bits or 0
        value = whole >> (member.offset_bits - 8 * begin) & (1 << bits) - 1
        is_negative = scalar_of(self.layout, member.type).startswith("i") and value >> bits - 1
        return value - (1 << bits) if is_negative else value

    def _array(self, kind: Array, at: int) -> Any:
        count, size = kind.count or 0, self.layout.size(kind.of)
        if kind.of in (Scalar("i8"), Scalar("u8")):
            data = self._bytes(at, count)
            return _text_in(data) if kind.of == Scalar("i8") else data
        scalar = scalar_of(self.layout, kind.of)
        if scalar in LETTERS:
            return self._numbers(scalar, at, count)
        return [self.value(kind.of, at + index * size) for index in range(count)]

    def _numbers(self, scalar: str, at: int, count: int) -> list[Any]:
        found = list(struct.unpack_from(f"<{count}{LETTERS[scalar]}", self._block, at))
        return [bool(one) if one < 2 else one for one in found] if scalar == "bool" else found

    def _bytes(self, at: int, size: int) -> bytes:
        return bytes(self._block[at : at + size])


def _text_in(data: bytes) -> str | bytes:
    """Return a buffer as text where nothing of it is lost that way."""
    text = data.rstrip(b"\0")
    if len(text) == len(data) or b"\0" in text:
        return data
    try:
        return text.decode()
    except UnicodeDecodeError:
        return data
