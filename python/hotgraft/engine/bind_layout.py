"""What bind found, for the files it generates; and the number that equal layouts of state have in common."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotgraft.core.descriptor import Descriptor, Struct
    from hotgraft.core.manifest import Manifest
    from hotgraft.engine.header_parse import Member


@dataclass(frozen=True, slots=True)
class BoundStruct:
    """A struct that crosses, as it was declared and as the machine lays it out."""

    name: str
    bytes: int
    align: int
    members: tuple[Member, ...]
    offsets: dict[str, int]


@dataclass(frozen=True, slots=True)
class Bound:
    """What bind found: the descriptor, and the headers and structs it came from."""

    manifest: Manifest
    descriptor: Descriptor
    headers: tuple[str, ...]
    state_struct: str
    structs: tuple[BoundStruct, ...]

    def member(self, struct: str, name: str) -> Member:
        """Return a member as it was declared."""
        declared = next(one for one in self.structs if one.name == struct)
        return next(one for one in declared.members if one.declared.name == name)


def layout_id_of(struct: Struct, structs: dict[str, Struct]) -> int:
    """Return the number by which two builds know that their state's layouts are equal: 64 bits of SHA-256, never 0."""
    return int.from_bytes(hashlib.sha256(_layout_text(struct, structs).encode()).digest()[:8], "little") or 1


def _layout_text(struct: Struct, structs: dict[str, Struct]) -> str:
    fields = ";".join(f"{one.name}:{_type_text(one.type, structs)}*{one.count}@{one.offset}" for one in struct.fields)
    return f"{struct.bytes}/{struct.align}:{{{fields}}}"


def _type_text(name: str, structs: dict[str, Struct]) -> str:
    return _layout_text(structs[name], structs) if name in structs else name
