"""What reading and writing a state have in common: how the fields of each struct are found, and what each is."""

from __future__ import annotations

import math
import struct
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import Scalar
from hotgraft.core.layout_defaults import own_sizes
from hotgraft.core.surface import Enumeration

if TYPE_CHECKING:
    from hotgraft.core.c_types import CType
    from hotgraft.core.layout import Cluster, StateLayout
    from hotgraft.core.surface import Record

__all__ = ["LETTERS", "StateFields", "are_bits_apart", "joined_name", "place_of", "room_key", "scalar_of", "shortest"]

# struct's letters (little-endian, standard sizes); a bool is read as its byte.
LETTERS: Final = {
    "i8": "b", "u8": "B", "i16": "h", "u16": "H", "i32": "i", "u32": "I", "i64": "q", "u64": "Q", "bool": "B",
    "f16": "e", "f32": "f", "f64": "d",
}  # fmt: skip


def scalar_of(layout: StateLayout, kind: CType) -> str:
    """Return the scalar that a number or enum is, by name; empty: it is neither."""
    facts = layout.resolve(kind)
    return facts.name if isinstance(facts, Scalar) else facts.type if isinstance(facts, Enumeration) else ""


def shortest(number: float) -> float:
    """Return the number with the fewest digits that an f32 holds as this one: 0.1 for 0.10000000149011612."""
    if not math.isfinite(number):
        return number
    for digits in range(6, 9):
        short = float(f"{number:.{digits}g}")
        with suppress(OverflowError):
            if struct.unpack("<f", struct.pack("<f", short))[0] == number:
                return short
    return float(f"{number:.9g}")  # nine digits tell any two apart (IEEE 754-2019, 5.12.2)


def room_key(name: str) -> str:
    """Return the key beside a field that leads to a block which has room for more than is counted."""
    return f"{name}.room"


def place_of(record: Record, name: str) -> int:
    """Return the offset of a field that is whole bytes."""
    return next(one.offset_bits for one in record.members if one.name == name) // 8


def are_bits_apart(cluster: Cluster) -> bool:
    """Has each of its fields bits of its own, so that each is a value?"""
    if cluster.is_plain:
        return True
    ends = sorted((one.offset_bits, one.offset_bits + (one.bits or 0)) for one in cluster.members)
    return all(one.bits is not None for one in cluster.members) and all(
        before[1] <= after[0] for before, after in pairwise(ends)
    )


def joined_name(cluster: Cluster) -> str:
    return "|".join(one.name for one in cluster.members)


class StateFields:
    """How the fields of each struct are found; asked once for each struct, however often it stands in the state."""

    def __init__(self, layout: StateLayout) -> None:
        self.layout = layout
        self._own_sizes = own_sizes(layout)
        self._clusters: dict[str, tuple[Cluster, ...]] = {}

    def clusters(self, name: str, record: Record) -> tuple[Cluster, ...]:
        """Return what a struct holds, but for its own size."""
        if name not in self._clusters:
            found = self.layout.clusters(record)
            is_sized = f"{name}.struct_size" in self._own_sizes
            self._clusters[name] = tuple(one for one in found if not (is_sized and one.field.name == "struct_size"))
        return self._clusters[name]

    def own_size(self, name: str) -> bytes:
        """Return what a struct that begins with its own size begins with; nothing: it does not."""
        return self._own_sizes.get(f"{name}.struct_size", b"")
