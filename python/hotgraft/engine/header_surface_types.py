"""Types in debug information become the types that callers see, and what is behind the names of structs and enums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import (
    SCALAR_BYTES,
    VOID,
    Array,
    Atomic,
    CType,
    FunctionType,
    Named,
    Pointer,
    Scalar,
    Unseen,
)
from hotgraft.core.surface import Enumeration, Member, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hotgraft.core.surface import TypeFacts
    from hotgraft.engine.dwarf import Entry

__all__ = ["TypeReader"]

RECORDS: Final = {"structure_type": "struct", "union_type": "union"}
NAMED: Final = frozenset({*RECORDS, "enumeration_type"})
TRANSPARENT: Final = frozenset({"const_type", "volatile_type", "restrict_type", "typedef", "immutable_type"})
_KINDS: Final = {2: "bool", 3: "complex", 4: "float", 5: "i", 6: "i", 7: "u", 8: "u", 16: "u"}  # DW_ATE_*
_FLOATS: Final = {2: "f16", 4: "f32", 8: "f64"}
_LONG: Final = {"long double": "f80", "_Float64x": "f80", "_Float128": "f128", "__float128": "f128"}
_COMPLEX: Final = {8: "c64", 16: "c128"}
STATUS: Final = "hotgraft_status"


class TypeReader:
    """Reads types as they are asked for; what they name is in `types` then."""

    def __init__(self, entries: Iterable[Entry], alignments: Mapping[str, int], unseen: list[str]) -> None:
        self.types: dict[str, TypeFacts] = {}
        self.statuses: set[tuple[str, str]] = set()  # struct and member whose functions answer a hotgraft_status
        self._alignments = alignments
        self._unseen = unseen
        self._names: dict[int, str] = {}  # of structs, unions and enums, by where they lie
        self._taken: dict[str, int] = {}
        self._named_by: dict[int, str] = {}  # typedefs of what has no name of its own
        self._pending: list[tuple[str, Entry]] = []
        for entry in entries:
            if entry.tag == "typedef" and (target := entry.type) is not None and target.tag in NAMED:
                self._named_by.setdefault(target.offset, entry.name)
            elif entry.tag in NAMED and entry.name:
                self._taken.setdefault(entry.name, entry.offset)

    def name_of(self, entry: Entry, place: str) -> str:
        """Return the name of a struct, union or enum; `place` names one that has none: ``outer.member``."""
        known = self._names.get(entry.offset)
        if known is not None:
            return known
        name = entry.name or self._named_by.get(entry.offset, "") or place
        if self._taken.setdefault(name, entry.offset) != entry.offset and not entry.name:
            name = f"typedef {name}"  # beside a struct of that name, which is another
        self._names[entry.offset] = name
        self._pending.append((name, entry))
        return name

    def forget(self, entry: Entry) -> None:
        """Describe it only if something else asks for it."""
        self._names.pop(entry.offset, None)
        self._pending = [one for one in self._pending if one[1].offset != entry.offset]

    def has_name(self, entry: Entry) -> bool:
        """Has it a tag or a typedef?"""
        return bool(entry.name) or entry.offset in self._named_by

    def finish(self) -> None:
        """Describe everything that was named, and what that names in turn."""
        while self._pending:
            name, entry = self._pending.pop()
            described = self._enumeration(entry) if entry.tag == "enumeration_type" else self._record(name, entry)
            known = self.types.get(name)
            if known is None or (isinstance(known, Record) and known.is_opaque):
                self.types[name] = described

    def type_of(self, entry: Entry | None, place: str) -> CType:
        """Return a type as callers see it; const and volatile of the value itself are gone."""
        entry, _, _ = peel(entry)
        if entry is None:
            return VOID
        if entry.tag == "base_type":
            return self._scalar(entry)
        if entry.tag in NAMED:
            return Named(self.name_of(entry, place))
        if entry.tag == "pointer_type":
            return self._pointer(entry, place)
        if entry.tag == "array_type":
            return self._array(entry, place)
        if entry.tag == "atomic_type":
            return Atomic(self.type_of(entry.type, place))
        if entry.tag == "subroutine_type":
            kind = self.function(entry, place)
            if kind.is_variadic and not kind.parameters:
                self._unseen.append(f"{place}: a function without a prototype: its parameters are not known")
            return kind
        return self._unseen_type(entry.name or entry.tag, place)

    def function(self, entry: Entry, place: str) -> FunctionType:
        """Return the type of a function; a result or parameter without a name of its own is named by its place."""
        children = list(entry.children)
        parameters = tuple(
            self.type_of(one.type, f"{place}.{at}")
            for at, one in enumerate(child for child in children if child.tag == "formal_parameter")
        )
        is_variadic = any(one.tag == "unspecified_parameters" for one in children)
        if not entry.number("prototyped") and not parameters:
            is_variadic = True  # what nobody could write with a prototype
        return FunctionType(parameters, self.type_of(entry.type, f"{place}.result"), is_variadic)

    def _pointer(self, entry: Entry, place: str) -> CType:
        target, const, volatile = peel(entry.type)
        element = target
        while element is not None and element.tag == "array_type":
            element, is_const, is_volatile = peel(element.type)
            const, volatile = const or is_const, volatile or is_volatile
        if target is not None and target.tag == "subroutine_type":
            const = volatile = False  # gcc says noreturn this way
        return Pointer(self.type_of(target, place), const, volatile)

    def _array(self, entry: Entry, place: str) -> CType:
        kind = self.type_of(entry.type, place)
        counts = [_count(one) for one in entry.children if one.tag == "subrange_type"]
        for count in reversed(counts):
            kind = Array(kind, count)
        return kind

    def _scalar(self, entry: Entry) -> CType:
        size, kind, name = entry.number("byte_size") or 0, _KINDS.get(entry.number("encoding") or 0, ""), entry.name
        text = ""
        if kind == "bool" and size == 1:
            text = "bool"
        elif kind in ("i", "u") and "BitInt" not in name:
            text = f"{kind}{size * 8}"
        elif kind == "float" and "bf16" not in name:
            text = _LONG.get(name, "") if size == 16 else _FLOATS.get(size, "")
        elif kind == "complex":
            text = "c160" if size == 32 and "long double" in name else _COMPLEX.get(size, "")
        if SCALAR_BYTES.get(text) != size:
            return self._unseen_type(name, "")
        return Scalar(text)

    def _unseen_type(self, what: str, place: str) -> Unseen:
        self._unseen.append(f"{place + ': ' if place else ''}type {what}: there is no word for it")
        return Unseen(what)

    def _enumeration(self, entry: Entry) -> Enumeration:
        size = entry.number("byte_size") or 4
        kind = self.type_of(entry.type, "") if entry.type is not None else Scalar(f"u{size * 8}")
        name = kind.name if isinstance(kind, Scalar) else f"u{size * 8}"
        return Enumeration(type=name, values=tuple(enumerators(entry, name)))

    def _record(self, name: str, entry: Entry) -> Record:
        kind = RECORDS[entry.tag]
        if entry.number("declaration"):
            return Record(kind="struct" if kind == "struct" else "union", is_opaque=True)
        members: list[Member] = []
        natural = self._members(name, entry, 0, members)
        stated = entry.number("alignment") or 0
        measured = self._measured(f"{kind} {entry.name}", name)
        return Record(
            kind="struct" if kind == "struct" else "union",
            bytes=entry.number("byte_size") or 0,
            align=measured if measured is not None else max(stated, natural),
            members=tuple(members),
        )

    def _measured(self, *names: str) -> int | None:
        """Return the alignment that the compiler said of a type under one of its names; None: it was not asked."""
        return next((self._alignments[name] for name in names if name in self._alignments), None)

    def _members(self, owner: str, entry: Entry, base: int, members: list[Member]) -> int:
        """Add the members, those of members without a name as if they were the owner's; return the alignment."""
        align = 1
        for child in entry.children:
            if child.tag != "member":
                continue
            bits = child.number("bit_size")
            offset = base + _offset_bits(child, bits)
            target, _, _ = peel(child.type)
            place = f"{owner}.{child.name}"
            if not child.name and target is not None and target.tag in RECORDS:
                align = max(align, self._members(owner, target, offset, members))
                continue
            kind = self.type_of(child.type, place)
            members.append(Member(name=child.name, type=kind, offset_bits=offset, bits=bits))
            wanted = child.number("alignment") or self._natural(target)
            align = max(align, wanted if bits is None and offset % (8 * wanted) == 0 else 1)
            if is_status(child.type):
                self.statuses.add((owner, child.name))
        return align

    def _natural(self, entry: Entry | None) -> int:
        """Return the alignment of what nobody measured: a struct inside a struct, or one of the system's."""
        entry, _, _ = peel(entry)
        if entry is None:
            return 1
        if entry.tag in ("array_type", "atomic_type"):
            return self._natural(entry.type)
        if entry.tag in RECORDS:
            stated = entry.number("alignment") or 1
            return max([stated, *(self._natural(one.type) for one in entry.children if one.tag == "member")])
        return min(entry.number("byte_size") or 8, 16)


def peel(entry: Entry | None) -> tuple[Entry | None, bool, bool]:
    """Take typedefs and qualifiers off a type; tell whether there was const, and volatile."""
    const = volatile = False
    while entry is not None and entry.tag in TRANSPARENT:
        const = const or entry.tag == "const_type"
        volatile = volatile or entry.tag == "volatile_type"
        entry = entry.type
    return entry, const, volatile


def is_status(entry: Entry | None) -> bool:
    """Is it a pointer to a function whose result is a hotgraft_status?"""
    pointer, _, _ = peel(entry)
    function = peel(pointer.type)[0] if pointer is not None and pointer.tag == "pointer_type" else None
    result = function.type if function is not None and function.tag == "subroutine_type" else None
    while result is not None and result.tag in TRANSPARENT:
        if result.name == STATUS:
            return True
        result = result.type
    return False


def enumerators(entry: Entry, kind: str) -> Sequence[tuple[str, int]]:
    """Return an enum's constants in order, as numbers of the integer that it is."""
    bits = 8 * SCALAR_BYTES.get(kind, 4)
    found = []
    for child in entry.children:
        if child.tag == "enumerator":
            value = (child.number("const_value") or 0) & ((1 << bits) - 1)
            if kind.startswith("i") and value >> (bits - 1):
                value -= 1 << bits
            found.append((child.name, value))
    return found


def _count(subrange: Entry) -> int | None:
    count, upper = subrange.number("count"), subrange.number("upper_bound")
    if count is None and upper is not None:
        count = upper + 1
    return count if count is not None and 0 < count < 1 << 40 else None


def _offset_bits(member: Entry, bits: int | None) -> int:
    """Return where a member begins; before DWARF 5 a bitfield is counted from the most significant end."""
    whole = member.number("data_bit_offset")
    if whole is not None:
        return whole
    begin = 8 * (member.number("data_member_location") or 0)
    from_end = member.number("bit_offset")
    if bits is None or from_end is None:
        return begin
    if from_end >> 31:  # below zero in a packed struct, where it begins before the unit it is counted in
        from_end -= 1 << (64 if from_end >> 32 else 32)
    size = member.number("byte_size")
    if size is None:
        kind, _, _ = peel(member.type)
        size = (kind.number("byte_size") if kind is not None else None) or 4
    return begin + 8 * size - from_end - bits
