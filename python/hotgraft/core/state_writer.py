"""The bytes of a state out of its values, or every reason why they are none; what they look like, `state_tree` says."""

from __future__ import annotations

import struct
from collections.abc import Sized
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.c_types import SCALAR_BYTES, Array, CType, Named, Scalar
from hotgraft.core.layout import elements_of
from hotgraft.core.state_fields import (
    LETTERS,
    StateFields,
    are_bits_apart,
    joined_name,
    room_key,
    scalar_of,
)
from hotgraft.core.surface import Enumeration, Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft.core.layout import Cluster, StateLayout
    from hotgraft.core.surface import Member

__all__ = ["Writer"]

ROOM_LIMIT: Final = 1 << 32  # bytes of a block
SHOWN: Final = 60  # characters of a value in a reason


class Writer(StateFields):
    """Writes values into a block that is all zeros; what does not fit is a reason and stays zero."""

    def __init__(self, layout: StateLayout, made: bytearray) -> None:
        super().__init__(layout)
        self._made = made  # what is being written
        self.made = [made]  # and the blocks it leads to, by number
        self.reasons: list[str] = []

    def put(self, kind: CType, at: int, value: Any, path: str) -> None:
        """Write a value at `at`."""
        facts = self.layout.resolve(kind)
        if isinstance(kind, Array):
            self._array(kind, at, value, path)
        elif isinstance(facts, Record) and facts.kind == "struct" and isinstance(kind, Named):
            self._struct(kind.name, facts, at, value, path)
        elif isinstance(facts, Record):
            self._bytes(at, facts.bytes, value, path)
        else:
            scalar = scalar_of(self.layout, kind)
            if scalar in LETTERS:
                self._number(scalar, at, value, path, facts)
            elif scalar:
                self._bytes(at, self.layout.size(kind), value, path)
            elif value not in (0, None):
                self._refuse(path, f"{_shown(value)} is an address, and what it leads to is no part of the state")

    def _struct(self, name: str, facts: Record, at: int, values: Any, path: str) -> None:
        if not isinstance(values, dict):
            self._refuse(path, f"{_shown(values)} is no dict of the fields of {name}")
            return
        if own := self.own_size(name):
            self._made[at : at + len(own)] = own
        values = self._with_counts_and_tags(facts, values)
        unknown = set(values) - ({"struct_size"} if own else set())
        for cluster in self.clusters(name, facts):
            if cluster.is_plain:
                if self._is_there(values, cluster.field.name, path, unknown):
                    unknown.discard(room_key(cluster.field.name) if cluster.field.counted else "")
                    self._field(facts, cluster.field, at + cluster.begin, values, path)
            elif are_bits_apart(cluster):
                self._bitfields(cluster, at, values, path, unknown)
            elif self._is_there(values, key := joined_name(cluster), path, unknown):
                begin, size = at + cluster.begin, cluster.end - cluster.begin
                self._bytes(begin, size, values[key], _inside(path, key))
        for key in sorted(unknown, key=str):
            self._refuse(_inside(path, str(key)), f"{name} has no such field")

    # --- what the author declared ---

    def _with_counts_and_tags(self, facts: Record, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values with those that others imply."""
        implied: dict[str, Any] = {}
        for one in facts.members:
            value = values.get(one.name)
            if one.counted:
                implied[one.counted] = 0 if value is None else len(value) if isinstance(value, Sized) else 0
            elif one.tag and isinstance(one.type, Named) and isinstance(value, dict) and len(value) == 1:
                arms = {arm.name: when for when, arm in self.layout.arms(one.type).items()}
                (alive,) = value
                implied |= {one.tag: arms[alive]} if alive in arms else {}
        return implied | values

    def _tag(self, facts: Record, name: str, values: dict[str, Any]) -> Any:
        kind = self.layout.resolve(next(one.type for one in facts.members if one.name == name))
        value = values.get(name)
        if not isinstance(kind, Enumeration) or not isinstance(value, str):
            return value
        return dict(kind.values).get(value, value)

    def _field(self, facts: Record, field: Member, at: int, values: dict[str, Any], path: str) -> None:
        value, where = values[field.name], _inside(path, field.name)
        if field.counted:
            self._counted(field, at, values, where)
        elif field.tag and isinstance(field.type, Named) and not isinstance(value, bytes | bytearray):
            self._arm(field.type, at, value, self._tag(facts, field.tag, values), where)
        else:
            self.put(field.type, at, value, where)

    def _arm(self, kind: Named, at: int, value: Any, tag: Any, path: str) -> None:
        arms = {arm.name: (when, arm) for when, arm in self.layout.arms(kind).items()}
        if not isinstance(value, dict) or len(value) != 1:
            self._refuse(path, f"{_shown(value)} is no dict of the one arm that is alive: {', '.join(arms)}")
            return
        ((name, inner),) = value.items()
        if name not in arms:
            self._refuse(_inside(path, str(name)), f"no such arm: {', '.join(arms)}")
        elif arms[name][0] != tag:
            self._refuse(_inside(path, name), f"it is alive by {arms[name][0]}, and the tag is {_shown(tag)}")
        else:
            self.put(arms[name][1].type, at, inner, _inside(path, name))

    def _counted(self, field: Member, at: int, values: dict[str, Any], path: str) -> None:
        value, count = values[field.name], values.get(field.counted)
        if value is None:
            value = []
        if not isinstance(value, list | tuple | bytes | bytearray):
            self._refuse(path, f"{_shown(value)} is no list")
            return
        if len(value) != count:
            self._refuse(path, f"{len(value)} elements, and {field.counted} is {_shown(count)}")
            return
        kind, room = elements_of(field), values.get(room_key(field.name), 0)
        size = self.layout.size(kind)
        if isinstance(room, bool) or not isinstance(room, int) or not 0 <= room * size <= ROOM_LIMIT:
            self._refuse(room_key(path), f"{_shown(room)} is no number of elements that there could be room for")
            return
        room = max(room, len(value))
        if not room:
            return
        outer, self._made = self._made, bytearray(room * size)
        self.made.append(self._made)
        outer[at : at + 8] = (len(self.made) - 1).to_bytes(8, "little")
        self._array(Array(kind, len(value)), 0, value, path)
        self._made = outer

    def _is_there(self, values: Mapping[str, Any], name: str, path: str, unknown: set[str]) -> bool:
        unknown.discard(name)
        if name not in values:
            self._refuse(_inside(path, name), "it is missing")
        return name in values

    def _bitfields(self, cluster: Cluster, at: int, values: Mapping[str, Any], path: str, unknown: set[str]) -> None:
        whole = 0
        for one in cluster.members:
            if not self._is_there(values, one.name, path, unknown):
                continue
            bits, where = one.bits or 0, _inside(path, one.name)
            low = -(1 << bits - 1) if scalar_of(self.layout, one.type).startswith("i") else 0
            value = self._whole(values[one.name], low, low + (1 << bits) - 1, where, self.layout.resolve(one.type))
            whole |= (value & (1 << bits) - 1) << (one.offset_bits - 8 * cluster.begin)
        begin, end = at + cluster.begin, at + cluster.end
        self._made[begin:end] = whole.to_bytes(end - begin, "little")

    # --- arrays ---

    def _array(self, kind: Array, at: int, value: Any, path: str) -> None:
        count, size = kind.count or 0, self.layout.size(kind.of)
        if isinstance(value, str | bytes | bytearray):
            self._buffer(kind, at, value, path)
        elif not isinstance(value, list | tuple):
            self._refuse(path, f"{_shown(value)} is no list of {count} values")
        elif len(value) != count:
            self._refuse(path, f"{len(value)} values, and it has {count}")
        elif not self._are_packed(scalar_of(self.layout, kind.of), at, value):
            for index, one in enumerate(value):
                self.put(kind.of, at + index * size, one, f"{path}[{index}]")

    def _are_packed(self, scalar: str, at: int, values: Sequence[Any]) -> bool:
        """Write numbers at once where all are plain ones that fit; False: nothing was written."""
        wanted = float if scalar == "f64" else int
        if scalar not in LETTERS or scalar in ("bool", "f16", "f32") or any(type(one) is not wanted for one in values):
            return False
        try:
            struct.pack_into(f"<{len(values)}{LETTERS[scalar]}", self._made, at, *values)
        except struct.error:
            return False
        return True

    def _buffer(self, kind: Array, at: int, value: str | bytes | bytearray, path: str) -> None:
        count = kind.count or 0
        if kind.of not in (Scalar("i8"), Scalar("u8")):
            self._refuse(path, f"{_shown(value)} is for an array of i8 or u8")
        elif not isinstance(value, str):
            self._bytes(at, count, value, path)
        else:
            self._text(count, at, value, path)

    def _text(self, count: int, at: int, value: str, path: str) -> None:
        try:
            data = value.encode()
        except UnicodeEncodeError as error:
            self._refuse(path, f"{_shown(value)} is no text: {error.reason}")
            return
        if b"\0" in data:
            self._refuse(path, f"{_shown(value)} has a zero inside")
        elif len(data) >= count:
            self._refuse(path, f"a text of {len(data)} bytes and the zero that ends it do not fit into {count}")
        else:
            self._made[at : at + len(data)] = data

    def _bytes(self, at: int, size: int, value: Any, path: str) -> None:
        if not isinstance(value, bytes | bytearray):
            self._refuse(path, f"{_shown(value)} is no bytes; it has {size}")
        elif len(value) != size:
            self._refuse(path, f"{len(value)} bytes, and it has {size}")
        else:
            self._made[at : at + size] = value

    # --- numbers ---

    def _number(self, scalar: str, at: int, value: Any, path: str, facts: object) -> None:
        if scalar[0] == "f":
            value = self._float(scalar, value, path)
        elif scalar == "bool":
            if not isinstance(value, int) or value not in (0, 1):
                self._refuse(path, f"{_shown(value)} is neither true nor false")
                return
        else:
            bits = 8 * SCALAR_BYTES[scalar]
            low = -(1 << bits - 1) if scalar[0] == "i" else 0
            value = self._whole(value, low, low + (1 << bits) - 1, path, facts)
        struct.pack_into("<" + LETTERS[scalar], self._made, at, value)

    def _float(self, scalar: str, value: Any, path: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(path, f"{_shown(value)} is no number")
            return 0.0
        try:
            number = float(value)
            struct.pack("<" + LETTERS[scalar], number)
        except OverflowError:
            self._refuse(path, f"{_shown(value)} is beyond {scalar}")
            return 0.0
        return number

    def _whole(self, value: Any, low: int, high: int, path: str, facts: object) -> int:
        if isinstance(value, str) and isinstance(facts, Enumeration):
            constants = dict(facts.values)
            if value not in constants:
                self._refuse(path, f"{_shown(value)} is none of {', '.join(constants)}")
            value = constants.get(value, 0)
        if not isinstance(value, int) and hasattr(value, "__index__"):  # numpy's
            self._refuse(path, f"{_shown(value)} is of type {type(value).__name__}: int() makes a whole number of it")
        elif isinstance(value, bool) or not isinstance(value, int):
            self._refuse(path, f"{_shown(value)} is no whole number")
        elif not low <= value <= high:
            self._refuse(path, f"{_shown(value)} is not between {low} and {high}")
        else:
            return int(value)
        return 0

    def _refuse(self, path: str, why: str) -> None:
        self.reasons.append(f"{path}: {why}" if path else why)


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(value: Any) -> str:
    """Return a value for a reason: as it is written, its begin where it is long."""
    if isinstance(value, int) and value.bit_length() > 256:  # more digits than anybody reads
        return f"an integer of {value.bit_length()} bits"
    text = repr(value if not isinstance(value, str | bytes | bytearray | list | tuple) else value[:SHOWN])
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
