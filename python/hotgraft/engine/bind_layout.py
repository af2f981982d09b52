"""What bind found, for the files it generates; and the number that equal layouts of state have in common."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

from hotgraft.core.c_types import Array, Named, Pointer, Scalar, parse_type
from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from hotgraft.core.c_types import CType
    from hotgraft.core.descriptor import Descriptor, Enumeration, Field, Struct
    from hotgraft.core.manifest import Manifest
    from hotgraft.engine.header_declare import Declared
    from hotgraft.engine.header_parse import Anonymous, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundStruct:
    """A struct or union that crosses, as it was declared and as the machine lays it out.

    `spelled` is its type in C. `members` are those of `parts`, with those of what has no name as its own.
    """

    kind: Kind
    name: str
    spelled: str
    bytes: int
    align: int
    parts: tuple[Declared | Anonymous, ...]
    members: tuple[Declared, ...]
    offsets: dict[str, int]


@dataclass(frozen=True, slots=True)
class BoundEnum:
    """An enum that crosses: its type in C, the integer that it is, its constants."""

    name: str
    spelled: str
    type: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """What bind found: the descriptor, and the headers and types it came from."""

    manifest: Manifest
    descriptor: Descriptor
    headers: tuple[str, ...]
    state_struct: str
    structs: tuple[BoundStruct, ...]
    enums: tuple[BoundEnum, ...]

    def member(self, struct: str, name: str) -> Declared:
        """Return a member as it was declared."""
        declared = next(one for one in self.structs if one.name == struct)
        return next(one for one in declared.members if one.name == name)


class Described(Protocol):
    """The types that were described so far."""

    structs: dict[str, Struct]
    unions: dict[str, Struct]
    enums: dict[str, Enumeration]


def layout_id_of(struct: Struct, types: Described) -> int:
    """Return the number by which two builds know that their state's layouts are equal: 64 bits of SHA-256, never 0."""
    return int.from_bytes(hashlib.sha256(_layout_text(struct, types).encode()).digest()[:8], "little") or 1


def _layout_text(struct: Struct, types: Described) -> str:
    fields = ";".join(
        f"{one.name}:{_type_text(parse_type(one.type), types)}*{one.count}@{one.offset}{_declared_text(one)}"
        for one in struct.fields
    )
    return f"{struct.bytes}/{struct.align}:{{{fields}}}"


def _declared_text(field: Field) -> str:
    """What changes the meaning of the bytes, or of those that they lead to; a handle is the same bytes."""
    when = "" if field.when is None else f"={field.when}"
    return (f"#{field.counted}" if field.counted else "") + (f"?{field.tag}" if field.tag else "") + when


def _type_text(kind: CType, types: Described) -> str:
    """Of the kinds that a field of a state may have."""
    if isinstance(kind, Pointer):
        return f"*{_type_text(kind.to, types)}"
    if isinstance(kind, Array):
        return f"[{kind.count}]{_type_text(kind.of, types)}"
    name = kind.name if isinstance(kind, Named | Scalar) else ""
    if name in types.unions:
        return f"union {_layout_text(types.unions[name], types)}"
    if name in types.enums:
        enum = types.enums[name]
        return f"{enum.type}{{{','.join(f'{one}={value}' for one, value in enum.values)}}}"
    return _layout_text(types.structs[name], types) if name in types.structs else name
