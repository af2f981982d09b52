"""Which member of a struct became which, and what lies where."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import SCALAR_BYTES, Array, Atomic, CType, Named, Pointer, Scalar
from hotgraft.core.dataclass import dataclass
from hotgraft.core.surface import Enumeration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.core.surface import Member, Record, TypeFacts

__all__ = ["Matched", "bytes_of", "is_count", "is_reserved", "lies_in_padding", "match_members"]

POINTER_BYTES: Final = 8
# `padding` and `spare` without an underscore are names that people give to what they use.
_RESERVED: Final = re.compile(r"_*reserved_?\d*|_+(pad|padding|unused|spare)_?\d*")
# `size` is more often that of the struct before it.
_COUNT: Final = re.compile(
    r"(n|num|nb|max|count|len|length|cap|capacity|nmemb)|(n|num|nb|max)(_|(?=[A-Z]))\w+|n(items|elems|elements|entries)"
    r"|\w+(_n|_num|_max|_count|Count|_len|Len|_length|Length)"
)
_INTEGER: Final = re.compile(r"[iu]\d+")


@dataclass(frozen=True, slots=True)
class Matched:
    """The members of two versions of a struct or union, old beside new."""

    kept: tuple[tuple[Member, Member], ...]  # by name
    renamed: tuple[tuple[Member, Member], ...]  # the same place and type
    removed: tuple[Member, ...]
    added: tuple[Member, ...]
    reserved: tuple[Member, ...]  # of the old, that changed or went


def match_members(old: Record, new: Record, is_same: Callable[[CType, CType], bool]) -> Matched:
    """Return which member of `old` is which of `new`; what is reserved is no member, unless it stays as it was."""
    before, after = {one.name: one for one in old.members}, {one.name: one for one in new.members}
    if before == after:
        return Matched(tuple((one, one) for one in old.members), (), (), (), ())
    reserved = [one for one in old.members if is_reserved(one) and after.get(one.name) != one]
    for one in reserved:
        del before[one.name]
    for one in new.members:
        if is_reserved(one) and before.get(one.name) != one:
            del after[one.name]
    kept = [(was, after[name]) for name, was in before.items() if name in after]
    gone = [was for name, was in before.items() if name not in after]
    fresh = [now for name, now in after.items() if name not in before]
    renamed = []
    for was in tuple(gone):
        for now in fresh:
            if (was.offset_bits, was.bits) == (now.offset_bits, now.bits) and is_same(was.type, now.type):
                renamed.append((was, now))
                gone.remove(was)
                fresh.remove(now)
                break
    return Matched(tuple(kept), tuple(renamed), tuple(gone), tuple(fresh), tuple(reserved))


def is_reserved(member: Member) -> bool:
    """Tell whether a member's name says that nobody uses it: ``reserved``, ``_reserved2``, ``_pad``."""
    name = member.name
    return (name[:1] == "_" or name[:8] == "reserved") and _RESERVED.fullmatch(name) is not None


def is_count(name: str, kind: CType) -> bool:
    """Tell whether a parameter or member says how many there are of what the pointer before it leads to."""
    is_integer = isinstance(kind, Scalar) and _INTEGER.fullmatch(kind.name) is not None
    return is_integer and _COUNT.fullmatch(name) is not None


def bytes_of(kind: CType, types: Mapping[str, TypeFacts]) -> int | None:
    """Return how many bytes a value takes; None: it is not known."""
    if isinstance(kind, Scalar):
        return SCALAR_BYTES[kind.name]
    if isinstance(kind, Pointer):
        return POINTER_BYTES
    if isinstance(kind, Atomic):
        return bytes_of(kind.of, types)
    if isinstance(kind, Array):
        each = bytes_of(kind.of, types)
        return None if each is None else each * (kind.count or 0)
    if isinstance(kind, Named) and (facts := types.get(kind.name)) is not None:
        if isinstance(facts, Enumeration):
            return SCALAR_BYTES[facts.type]
        return None if facts.is_opaque else facts.bytes
    return None


def lies_in_padding(
    member: Member, record: Record, *, was: Mapping[str, TypeFacts], now: Mapping[str, TypeFacts]
) -> bool:
    """Tell whether a new member lies where `record` had nothing that anybody used."""
    size = _bits(member, now)
    if size is None or member.offset_bits + size > 8 * record.bytes:
        return False
    for other in record.members:
        taken = _bits(other, was)
        if taken is None:
            return False
        is_apart = other.offset_bits + taken <= member.offset_bits or member.offset_bits + size <= other.offset_bits
        if not is_apart and not is_reserved(other):
            return False
    return True


def _bits(member: Member, types: Mapping[str, TypeFacts]) -> int | None:
    if member.bits is not None:
        return member.bits
    size = bytes_of(member.type, types)
    return None if size is None else 8 * size
