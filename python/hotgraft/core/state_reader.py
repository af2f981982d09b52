"""The values of a state out of its bytes; what they look like, `state_tree` says."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from hotgraft.core.c_types import Array, CType, Named, Scalar
from hotgraft.core.layout import elements_of
from hotgraft.core.state_fields import (
    LETTERS,
    StateFields,
    are_bits_apart,
    joined_name,
    place_of,
    room_key,
    scalar_of,
    shortest,
)
from hotgraft.core.surface import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotgraft.core.layout import StateLayout
    from hotgraft.core.surface import Member

__all__ = ["Reader"]


class Reader(StateFields):
    """Reads values out of a block, and out of those that it leads to: where a pointer was, it has a block's number."""

    def __init__(
        self, layout: StateLayout, block: memoryview, blocks: Sequence[memoryview], *, shortens: bool = False
    ) -> None:
        super().__init__(layout)
        self._shortens = shortens
        self._block = block.cast("B")
        self._blocks = {number: one.cast("B") for number, one in enumerate(blocks, start=1)}

    def states(self) -> list[dict[str, Any]]:
        """Return the values of the states that lie side by side.

        Raises:
            ValueError: a block is not there, is led to twice or by nothing, or holds less than is counted.
        """
        kind = Named(self.layout.struct)
        found = [self.value(kind, at) for at in range(0, len(self._block), self.layout.bytes)]
        if self._blocks:
            raise ValueError(f"{self.layout.struct}: block {min(self._blocks)} is there, and nothing leads to it")
        return found

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
                values |= self._field(name, facts, cluster.field, at)
            elif are_bits_apart(cluster):
                whole = int.from_bytes(self._bytes(at + cluster.begin, cluster.end - cluster.begin), "little")
                values |= {one.name: self._bits(one, whole, cluster.begin) for one in cluster.members}
            else:
                values[joined_name(cluster)] = self._bytes(at + cluster.begin, cluster.end - cluster.begin)
        return values

    def _field(self, name: str, facts: Record, field: Member, at: int) -> dict[str, Any]:
        place = at + field.offset_bits // 8
        if field.counted:
            return self._counted(f"{name}.{field.name}", field, place, self._beside(facts, field.counted, at))
        if field.tag and isinstance(field.type, Named):
            arm = self.layout.arms(field.type).get(self._beside(facts, field.tag, at))
            if arm is not None:
                return {field.name: {arm.name: self.value(arm.type, place)}}
        return {field.name: self.value(field.type, place)}

    def _beside(self, facts: Record, name: str, at: int) -> int:
        """Return a count or a tag."""
        return int(self._numbers(self.layout.number_beside(facts, name), at + place_of(facts, name), 1)[0])

    def _counted(self, key: str, field: Member, at: int, count: int) -> dict[str, Any]:
        number = int.from_bytes(self._bytes(at, 8), "little")
        if not number:
            return {field.name: None}
        kind = elements_of(field)
        size, block = self.layout.size(kind), self._blocks.pop(number, None)
        if block is None:
            raise ValueError(f"{key}: it leads to block {number}, which is not there or which something else leads to")
        if not 0 <= count * size <= len(block):
            raise ValueError(f"{key}: it has {count} elements of {size} bytes, in a block of {len(block)}")
        outer, self._block = self._block, block
        try:
            elements = self._bytes(0, count) if kind == Scalar("i8") else self._array(Array(kind, count), 0)
        finally:
            self._block = outer
        room = len(block) // size
        return {field.name: elements, **({room_key(field.name): room} if room != count else {})}

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
        if scalar == "f32" and self._shortens:
            return [shortest(one) for one in found]
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
