"""How a state lies in memory: the struct that it is and the types inside it; what `compile_copy` compares.

A layout may come from a file that somebody made up: whatever is asked of it is answered, or refused with a reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import (
    SCALAR_BYTES,
    Array,
    Atomic,
    CType,
    FunctionType,
    Named,
    Pointer,
    Scalar,
    Unseen,
    type_text,
)
from hotgraft.core.dataclass import dataclass
from hotgraft.core.surface import Enumeration, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.surface import Member, TypeFacts

__all__ = ["Cluster", "StateLayout", "are_alike", "are_members_alike", "elements_of"]

DEPTH_LIMIT: Final = 24  # structs and arrays inside each other
FIELDS_LIMIT: Final = 20_000  # of a state, those of nested structs included; an array counts once
BYTES_LIMIT: Final = 1 << 46  # of anything: sums and products of two stay far from 2**64
POINTER_BYTES: Final = 8
INTEGERS: Final = frozenset({"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"})
Span = tuple[int, int]  # begin and end, bytes


@dataclass(frozen=True, slots=True)
class Cluster:
    """Members that share bytes: bitfields of a unit, or the fields of a union without a name. Most have one member."""

    members: tuple[Member, ...]
    begin: int
    end: int

    @property
    def field(self) -> Member:
        """Return the first member; of a plain one, the only."""
        return self.members[0]

    @property
    def is_plain(self) -> bool:
        """Is it one field that has its bytes to itself?"""
        return len(self.members) == 1 and self.field.bits is None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLayout:
    """The struct that a state is, and by name every type that it holds.

    `struct` names one of `types`. Values of a block are of this process: little-endian, at the offsets given.
    """

    struct: str
    types: Mapping[str, TypeFacts]

    @property
    def bytes(self) -> int:
        """Return the size of one state; 0 where it is none that could be converted."""
        facts = self.types.get(self.struct)
        return facts.bytes if isinstance(facts, Record) else 0

    def resolve(self, kind: CType) -> CType | TypeFacts | None:
        """Return what a type is: an enum's or atomic's own type, a struct's facts; None: nobody described it."""
        if isinstance(kind, Atomic):
            inner = self.resolve(kind.of)
            return inner if isinstance(inner, Scalar | Enumeration) else None
        return self.types.get(kind.name) if isinstance(kind, Named) else kind

    def size(self, kind: CType) -> int:
        """Return the size of a type that `reasons` has nothing against."""
        if isinstance(kind, Array):
            return self.size(kind.of) * (kind.count or 0)
        facts = self.resolve(kind)
        if isinstance(facts, Scalar):
            return SCALAR_BYTES[facts.name]
        if isinstance(facts, Enumeration):
            return SCALAR_BYTES[facts.type]
        return facts.bytes if isinstance(facts, Record) else POINTER_BYTES

    def reasons(self) -> tuple[str, ...]:
        """Return why this layout cannot be worked with; nothing: it can, and members lie inside their structs."""
        facts = self.types.get(self.struct)
        if not isinstance(facts, Record) or facts.is_opaque or not facts.bytes:
            return (f"{self.struct}: its fields are not described",)
        found = tuple(dict.fromkeys(self._reasons(Named(self.struct), self.struct, 0, {})))
        if not found and self._fields(Named(self.struct), {}) > FIELDS_LIMIT:
            return (f"{self.struct}: more than {FIELDS_LIMIT} fields",)
        return found

    def _fields(self, kind: CType, counted: dict[str, int]) -> int:
        """Return how many fields a type has; each struct is counted once, however often it stands there."""
        while isinstance(kind, Array):
            kind = kind.of
        facts = self.resolve(kind)
        if not isinstance(facts, Record) or not isinstance(kind, Named):
            return 1
        if kind.name not in counted:
            counted[kind.name] = 0  # it holds no other of itself: that was asked before
            counted[kind.name] = sum(self._fields(elements_of(one), counted) for one in facts.members)
        return counted[kind.name]

    def _reasons(self, kind: CType, path: str, depth: int, seen: dict[str, bool]) -> Iterator[str]:
        if depth > DEPTH_LIMIT:
            yield f"{path}: types inside types go deeper than {DEPTH_LIMIT}"
        elif isinstance(kind, Array):
            if kind.count is None or kind.count < 0:
                yield f"{path}: an array without a count; how much of it there is, its type does not say"
            else:
                yield from self._reasons(kind.of, f"{path}[]", depth + 1, seen)
        elif isinstance(kind, Pointer | FunctionType):
            return
        elif isinstance(kind, Unseen):
            yield f"{path}: {kind.what}; what its bytes are is not known"
        else:
            yield from self._reasons_named(kind, path, depth, seen)

    def _reasons_named(self, kind: CType, path: str, depth: int, seen: dict[str, bool]) -> Iterator[str]:
        facts = self.resolve(kind)
        if isinstance(facts, Scalar):
            if not SCALAR_BYTES.get(facts.name):
                yield f"{path}: {facts.name} is no type of a field"
        elif isinstance(facts, Enumeration):
            if facts.type not in SCALAR_BYTES or facts.type[0] not in "iu":
                yield f"{path}: an enum that is no integer but {facts.type}"
        elif not isinstance(facts, Record) or facts.is_opaque or not isinstance(kind, Named):
            yield f"{path}: what {type_text(kind)} holds is not described"
        elif seen.get(kind.name) is False:
            yield f"{path}: types inside types go deeper than {DEPTH_LIMIT}"  # it holds itself
        elif kind.name not in seen:
            seen[kind.name] = False
            if not 0 <= facts.bytes <= BYTES_LIMIT:
                yield f"{path}: {facts.bytes} bytes"
            for member in facts.members:
                yield from self._reasons_member(kind.name, facts, member, depth, seen)
            seen[kind.name] = True

    def _reasons_member(
        self, owner: str, facts: Record, member: Member, depth: int, seen: dict[str, bool]
    ) -> Iterator[str]:
        path = f"{owner}.{member.name}"
        found = (
            *self._reasons(elements_of(member), path, depth + 1, seen),
            *self._reasons_declared(facts, member, path),
        )
        yield from found
        if found:
            return
        begin, end = self.span(member)
        if begin < 0 or end < begin or end > facts.bytes:
            yield f"{path}: bytes {begin} to {end} do not lie inside the {facts.bytes} of {owner}"
        elif member.bits is not None and member.bits <= 0:
            yield f"{path}: a bitfield of {member.bits} bits"
        elif member.bits is None and member.offset_bits % 8:
            yield f"{path}: begins inside a byte and is no bitfield"

    def _reasons_declared(self, facts: Record, member: Member, path: str) -> Iterator[str]:
        """Yield what of a count or a tag is not so: a descriptor was asked before, a layout from elsewhere was not."""
        count, tag = self.number_beside(facts, member.counted), self.number_beside(facts, member.tag)
        if member.counted and (not isinstance(member.type, Pointer) or facts.kind != "struct" or not count):
            yield f"{path}: it is counted by {member.counted}, and is no pointer with an integer beside it"
        elif member.counted and not self._is_sized(elements_of(member)):
            yield f"{path}: it is counted, and what it leads to has no size"
        if member.tag and not (tag and facts.kind == "struct" and self.arms(member.type)):
            yield f"{path}: its tag is {member.tag}, and it is no union that an integer beside it tells about"

    def _is_sized(self, kind: CType) -> bool:
        facts = self.resolve(kind)
        return (isinstance(facts, Scalar) and bool(SCALAR_BYTES.get(facts.name))) or (
            isinstance(facts, Record | Enumeration) and self.size(kind) > 0
        )

    def number_beside(self, facts: Record, name: str) -> str:
        """Return the scalar that a field of a struct is, an integer or an enum; empty: it is none."""
        member = next((one for one in facts.members if one.name == name and name), None)
        kind = self.resolve(member.type) if member is not None and member.bits is None else None
        scalar = kind.name if isinstance(kind, Scalar) else kind.type if isinstance(kind, Enumeration) else ""
        return scalar if scalar in INTEGERS else ""

    def arms(self, kind: CType) -> dict[int, Member]:
        """Return the members of a union by the value of its tag; empty: not each has one of its own."""
        facts = self.resolve(kind)
        members = facts.members if isinstance(facts, Record) and facts.kind == "union" else ()
        found = {one.when: one for one in members if one.when is not None}
        return found if len(found) == len(members) else {}

    def span(self, member: Member) -> Span:
        """Return where in its struct a member begins and ends, whole bytes."""
        bits = member.bits if member.bits is not None else self.size(member.type) * 8
        return member.offset_bits // 8, -(-(member.offset_bits + bits) // 8)

    def clusters(self, record: Record) -> list[Cluster]:
        """Return the members of a struct in the order of their offsets, together where they share a byte."""
        found: list[Cluster] = []
        for begin, end, member in sorted(((*self.span(one), one) for one in record.members), key=lambda one: one[:2]):
            if found and begin < found[-1].end:
                last = found[-1]
                found[-1] = Cluster((*last.members, member), last.begin, max(last.end, end))
            elif end > begin:
                found.append(Cluster((member,), begin, end))
        return found

    def values(self, kind: CType, at: int = 0) -> Iterator[Span]:
        """Yield in order the bytes of a type that hold values, an array's all; those between them are padding."""
        facts = self.resolve(kind)
        if isinstance(facts, Record) and facts.kind == "struct":
            for cluster in self.clusters(facts):
                if cluster.is_plain:
                    yield from self.values(cluster.field.type, at + cluster.begin)
                else:
                    yield at + cluster.begin, at + cluster.end
        elif size := self.size(kind):
            yield at, at + size

    @property
    def has_blocks(self) -> bool:
        """Does it lead to blocks of their own? Ask where `reasons` has nothing against it."""
        return self.holds_pointer(Named(self.struct))

    def holds_pointer(self, kind: CType) -> bool:
        """Does a type hold an address, anywhere inside?"""
        if isinstance(kind, Array):
            return self.holds_pointer(kind.of)
        facts = self.resolve(kind)
        if isinstance(facts, Record):
            return any(self.holds_pointer(member.type) for member in facts.members)
        return isinstance(facts, Pointer | FunctionType)


def elements_of(member: Member) -> CType:
    """Return the type of a field; where it is counted, that of the elements that it leads to."""
    return member.type.to if member.counted and isinstance(member.type, Pointer) else member.type


def are_alike(old: StateLayout, a: CType, new: StateLayout, b: CType) -> bool:
    """Do the bytes of two types mean the same, member by member? Names of types do not count, names of members do."""
    if isinstance(a, Array) and isinstance(b, Array):
        return a.count == b.count and are_alike(old, a.of, new, b.of)
    before, after = old.resolve(a), new.resolve(b)
    if isinstance(before, Record) and isinstance(after, Record):
        return (before.kind, before.bytes) == (after.kind, after.bytes) and are_members_alike(
            old, before.members, new, after.members
        )
    return before is not None and not isinstance(before, Record) and before == after


def are_members_alike(
    old: StateLayout, before: tuple[Member, ...], new: StateLayout, after: tuple[Member, ...], *, shift_bits: int = 0
) -> bool:
    """Do members of two structs agree in names, places and types, those of the second lying `shift_bits` further on?"""
    return len(before) == len(after) and all(
        (one.name, one.offset_bits + shift_bits, one.bits) == (other.name, other.offset_bits, other.bits)
        and (one.counted, one.tag, one.when, one.is_handle) == (other.counted, other.tag, other.when, other.is_handle)
        and are_alike(old, elements_of(one), new, elements_of(other))
        for one, other in zip(before, after, strict=True)
    )
