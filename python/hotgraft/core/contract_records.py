"""Two versions of one struct, union or enum: what is different, and whom it concerns by the ways that lead there."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import SCALAR_BYTES, Pointer, type_text
from hotgraft.core.contract_facts import Fact
from hotgraft.core.contract_members import lies_in_padding
from hotgraft.core.contract_reach import IN, OUT
from hotgraft.core.contract_types import RETYPED
from hotgraft.core.surface import Enumeration, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.c_types import CType
    from hotgraft.core.contract_facts import Root
    from hotgraft.core.contract_members import Matched
    from hotgraft.core.contract_reach import Reach
    from hotgraft.core.contract_types import TypePairs
    from hotgraft.core.surface import Member

__all__ = ["enum_facts", "pair_facts", "place_text"]

# What is no larger than this may be read at any address on the machines we know. A caller's struct lies where its old
# alignment let it, and only what was in it then is read there.
ANYWHERE_BYTES: Final = 8
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_OPAQUE: Final = Record(kind="struct", is_opaque=True)


def pair_facts(pairs: TypePairs, pair: tuple[str, str]) -> Iterator[Fact]:
    """Yield every difference between two definitions that stand for one another; `pairs` is settled."""
    old, new = pairs.old.get(pair[0], _OPAQUE), pairs.new.get(pair[1], _OPAQUE)
    reach = pairs.reached[pair]
    if isinstance(old, Enumeration):
        if isinstance(new, Enumeration):
            is_answered = bool(reach.flow & OUT)
            yield from _Enums(old, new, pair, is_answered=is_answered, roots=pairs.roots_of(pair)).facts()
    elif isinstance(new, Record):
        yield from _Records(old, new, pair, reach, pairs).facts()


def enum_facts(old: Enumeration, new: Enumeration, name: str, elsewhere: Mapping[str, str]) -> Iterator[Fact]:
    """Yield every difference between two versions of an enum that callers know only by its numbers.

    `elsewhere` is every name that stands for a number in the new version, whatever declares it.
    """
    yield from _Enums(old, new, (name, name), elsewhere=elsewhere).facts()


def place_text(member: Member) -> str:
    """Return where a member lies: ``byte 8``, ``byte 8, bit 3``."""
    byte, bit = divmod(member.offset_bits, 8)
    return f"byte {byte}, bit {bit}" if member.bits is not None else f"byte {byte}"


class _Records:
    """Two structs or unions."""

    def __init__(self, old: Record, new: Record, pair: tuple[str, str], reach: Reach, pairs: TypePairs) -> None:
        self._old = old
        self._new = new
        self._pair = pair
        self._reach = reach
        self._pairs = pairs
        self._subject = f"{old.kind} {pair[0]}"

    def facts(self) -> Iterator[Fact]:
        old, new = self._old, self._new
        if old.is_opaque or new.is_opaque:
            yield from self._hidden()
            return
        if old.kind != new.kind:
            yield self._fact("record-kind-changed", "", old.kind, new.kind)
            return
        matched = self._pairs.matched(self._pair, old, new)
        if self._pair[0] != self._pair[1]:
            yield self._fact("record-replaced" if matched.renamed else "tag-renamed", "", *self._pair)
        yield from self._kept(matched)
        added = [self._fact(self._kind_of_added(one), one.name, "", _shown(one)) for one in matched.added]
        if old.bytes != new.bytes and {one.kind for one in added} != {"member-appended"}:
            yield self._fact("size-changed", "", f"{old.bytes} bytes", f"{new.bytes} bytes")
        is_grown_only = bool(added) and {one.kind for one in added} == {"member-appended"}
        if old.align != new.align and not is_grown_only:
            yield self._fact("alignment-changed", "", f"{old.align} bytes", f"{new.align} bytes")
        yield from added

    def _hidden(self) -> Iterator[Fact]:
        old, new = self._old, self._new
        if not old.is_opaque:
            after = "opaque" if self._pair[1] in self._pairs.new else "gone"
            yield self._fact("record-hidden", "", f"{old.bytes} bytes", after)
        elif self._pair[0] != self._pair[1]:
            yield self._fact("opaque-renamed", "", *self._pair)
        elif not new.is_opaque:
            yield self._fact("opaque-completed", "", "opaque", f"{new.bytes} bytes")

    def _kept(self, matched: Matched) -> Iterator[Fact]:
        for one in matched.removed:
            yield self._fact("member-removed", one.name, _shown(one), "")
        for was, now in matched.kept:
            if was.offset_bits != now.offset_bits:
                yield self._fact("member-moved", was.name, place_text(was), place_text(now))
            if was.bits != now.bits:
                yield self._fact("member-bits-changed", was.name, _width(was), _width(now))
            if kind := self._pairs.difference(was.type, now.type):
                kind = self._kind_of_const(was.type, now.type) if kind == RETYPED else kind
                yield self._fact(kind, was.name, type_text(was.type), type_text(now.type))
        for was, now in matched.renamed:
            yield self._fact("member-renamed", was.name, was.name, now.name)
        for one in matched.reserved:
            yield self._fact("reserved-changed", one.name, _shown(one), "")

    def _kind_of_added(self, member: Member) -> str:
        old, new = self._old, self._new
        if any(self._is_same_place(one, member) for one in old.members if one in new.members):
            return "member-named-twice"
        if old.kind == "union":
            return f"union-member-added-to-{'output' if self._reach.flow & OUT else 'input'}"
        is_placed = new.align == old.align or old.align < new.align <= ANYWHERE_BYTES
        is_at_end = member.offset_bits >= 8 * old.bytes and is_placed
        if is_at_end and old.is_sized and new.is_sized and not self._reach.is_laid:
            return "member-appended"
        is_read_only = new.bytes == old.bytes and self._reach.flow == OUT
        if is_read_only and lies_in_padding(member, old, was=self._pairs.old, now=self._pairs.new):
            return "member-added-unseen"
        return "member-added"

    def _kind_of_const(self, was: CType, now: CType) -> str:
        """Return what a member that points elsewhere comes to: const may come to what is given and leave what comes."""
        if isinstance(was, Pointer) and isinstance(now, Pointer) and was.const != now.const:
            is_rest_same = not self._pairs.difference(replace(was, const=now.const), now)
            if is_rest_same and now.const and self._reach.flow == IN:
                return "member-const-added-to-input"
            if is_rest_same and was.const and self._reach.flow == OUT:
                return "member-const-dropped-from-output"
        return "member-retyped"

    def _is_same_place(self, was: Member, now: Member) -> bool:
        is_there = (was.offset_bits, was.bits) == (now.offset_bits, now.bits)
        return is_there and not self._pairs.difference(was.type, now.type)

    def _fact(self, kind: str, member: str, before: str, after: str) -> Fact:
        subject = f"{self._subject}, member {member}" if member else self._subject
        roots = self._pairs.roots_of(self._pair)
        return Fact(kind=kind, subject=subject, before=before, after=after, roots=roots, layout=self._pair)


def _shown(member: Member) -> str:
    bits = f" : {member.bits}" if member.bits is not None else ""
    return f"{type_text(member.type)}{bits} at {place_text(member)}"


def _width(member: Member) -> str:
    return "no bitfield" if member.bits is None else f"{member.bits} bit{'s' * (member.bits != 1)}"


class _Enums:
    """Two enums. Their constants count by name: that is what callers are compiled with."""

    def __init__(
        self,
        old: Enumeration,
        new: Enumeration,
        pair: tuple[str, str],
        *,
        is_answered: bool = False,
        roots: tuple[Root, ...] = (),
        elsewhere: Mapping[str, str] | None = None,
    ) -> None:
        self._old = old
        self._new = new
        self._pair = pair
        self._is_answered = is_answered
        self._roots = roots
        self._is_by_numbers = elsewhere is not None
        self._elsewhere = elsewhere or _NOTHING

    def facts(self) -> Iterator[Fact]:
        if self._pair[0] != self._pair[1]:
            yield self._fact("tag-renamed", "", *self._pair)
        if self._old.type != self._new.type and not self._is_type_unmet():
            yield self._fact("enum-type-changed", "", self._old.type, self._new.type)
        before, after = dict(self._old.values), dict(self._new.values)
        fresh = {name: value for name, value in after.items() if name not in before}
        for name, value in before.items():
            if name in after:
                if after[name] != value:
                    yield self._fact("enum-value-changed", name, str(value), str(after[name]))
                continue
            if self._elsewhere.get(name) == str(value):
                yield self._fact("number-moved", name, str(value), "")
                continue
            renamed = next((one for one, number in fresh.items() if number == value), None)
            if renamed is None:
                yield self._fact("enum-value-removed", name, str(value), "")
            else:
                del fresh[renamed]
                yield self._fact("enum-value-renamed", name, name, renamed)
        flow = "output" if self._is_answered else "input"
        for name, value in fresh.items():
            is_known = value in {number for one, number in before.items() if after.get(one) == number}
            kind = "enum-value-named-twice" if is_known else f"enum-value-added-to-{flow}"
            yield self._fact(kind, name, "", str(value))

    def _is_type_unmet(self) -> bool:
        """Tell whether only numbers cross: an int holds them whether the enum is signed or not."""
        return self._is_by_numbers and SCALAR_BYTES.get(self._old.type) == SCALAR_BYTES.get(self._new.type)

    def _fact(self, kind: str, value: str, before: str, after: str) -> Fact:
        subject = f"enum {self._pair[0]}" + (f", value {value}" if value else "")
        return Fact(kind=kind, subject=subject, before=before, after=after, roots=self._roots)
