"""Two versions of types, side by side: which definitions stand for one another, and who meets them which way.

A definition is compared once, however often it is used and even if it refers to itself. So two passes: first from every
function and variable along the types to every pair of definitions, collecting the ways there; then each pair by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import Array, Atomic, FunctionType, Named, Pointer, Scalar, Unseen
from hotgraft.core.contract_members import Matched, is_count, match_members
from hotgraft.core.contract_reach import IN, OUT, Reach, Use, flipped, who_refers_to
from hotgraft.core.surface import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.c_types import CType
    from hotgraft.core.contract_facts import Root
    from hotgraft.core.surface import Member, TypeFacts

__all__ = ["RETYPED", "ROOTS_LIMIT", "TypePairs"]

ROOTS_LIMIT: Final = 64  # that a fact names

# What `difference` answers, besides the kinds that are facts by themselves.
RETYPED: Final = "retyped"
UNSEEN: Final = "type-unseen"


class TypePairs:
    """The definitions of two versions, and the pairs of them that differ and that somebody reaches.

    Invariant: a pair whose names are equal and whose definitions are too, all the way down, is not listed.
    """

    def __init__(self, old: Mapping[str, TypeFacts], new: Mapping[str, TypeFacts]) -> None:
        self.old = old
        self.new = new
        self.changed = {name for name, facts in old.items() if new.get(name) != facts} | (new.keys() - old.keys())
        self.changed |= {name for name, facts in old.items() if _is_partly_unseen(facts)}
        self.affected = who_refers_to(self.changed, (old, new))
        self.reached: dict[tuple[str, str], Reach] = {}
        self._waiting: dict[tuple[str, str], None] = {}
        self._keys: set[str] = set()  # of all interfaces that a way begins at
        self._matched: dict[tuple[str, str], Matched] = {}

    def difference(self, old: CType, new: CType, use: Use | None = None) -> str:
        """Return what kind of difference there is between two types, their definitions apart; empty: none.

        Whatever the answer, the definitions that both lead to are noted as used that way; without `use` nothing is.
        """
        if isinstance(old, Scalar) and not isinstance(new, Atomic):
            return "" if old == new else _other(old, new)
        if isinstance(old, Named) and isinstance(new, Named):
            return self._named(old.name, new.name, use)
        if isinstance(old, Pointer) and isinstance(new, Pointer):
            return self._pointer(old, new, use)
        if isinstance(old, Array) and isinstance(new, Array):
            within = self.difference(old.of, new.of, use and use._replace(is_laid=True))
            return within if old.count == new.count or _is_sure(within) else "array-length-changed"
        if isinstance(old, Atomic) or isinstance(new, Atomic):
            inner = self.difference(_plain(old), _plain(new), use)
            return inner if isinstance(old, Atomic) and isinstance(new, Atomic) else "atomic-changed"
        if isinstance(old, FunctionType) and isinstance(new, FunctionType):
            return self._callback(old, new, use)
        return _other(old, new)

    def matched(self, pair: tuple[str, str], old: Record, new: Record) -> Matched:
        """Return which member of one is which of the other; the records are the pair's definitions."""
        if pair not in self._matched:
            self._matched[pair] = match_members(old, new, lambda was, now: not self.difference(was, now))
        return self._matched[pair]

    def leads_on(self, kind: CType) -> bool:
        """Tell whether a type leads to a definition that changed, or has a part that nobody has a word for."""
        while True:
            if isinstance(kind, Scalar):
                return False
            if isinstance(kind, Named):
                return kind.name in self.affected
            if isinstance(kind, Pointer):
                kind = kind.to
            elif isinstance(kind, Array | Atomic):
                kind = kind.of
            elif isinstance(kind, FunctionType):
                return any(map(self.leads_on, (*kind.parameters, kind.result)))
            else:
                return True

    def note(self, old: str, new: str, use: Use) -> None:
        """Note that callers meet these two definitions, each in the place of the other."""
        if old == new and old not in self.affected:
            return
        if use.root is not None:
            self._keys.add(use.root.interface)
        pair = (old, new)
        if pair not in self.reached:
            self.reached[pair] = Reach()
        if self.reached[pair].grow(use):
            self._waiting[pair] = None

    def settle(self) -> None:
        """Follow what is noted to its end: a way to a struct is a way to what its members lead to."""
        while self._waiting:
            pair, _ = self._waiting.popitem()
            old, new = self.old.get(pair[0]), self.new.get(pair[1])
            if not isinstance(old, Record) or not isinstance(new, Record):
                continue
            reach = self.reached[pair]
            use = Use(reach.flow, True, holder=pair)
            matched = self.matched(pair, old, new)
            for was, now in (*matched.kept, *matched.renamed):
                if not isinstance(was.type, Scalar):
                    self.difference(was.type, now.type, use)
                if isinstance(was.type, Pointer) and isinstance(now.type, Pointer) and _is_counted(was, old):
                    flow = use.flow if was.type.const and now.type.const else IN | OUT
                    self.difference(was.type.to, now.type.to, use._replace(flow=flow))

    def roots_of(self, pair: tuple[str, str]) -> tuple[Root, ...]:
        """Return the functions and variables from which ways lead to a pair, the shortest ways first.

        Of every interface at least one, and `ROOTS_LIMIT` at most where that leaves none out.
        """
        found: dict[Root, None] = {}
        keys: set[str] = set()
        seen, waiting = {pair}, [pair]
        for one in waiting:  # it grows on the way
            reach = self.reached[one]
            for root in reach.roots:
                if len(found) < ROOTS_LIMIT or root.interface not in keys:
                    found[root] = None
                    keys.add(root.interface)
            if len(found) >= ROOTS_LIMIT and keys >= self._keys:
                break
            fresh = [holder for holder in reach.holders if holder not in seen]
            seen.update(fresh)
            waiting += fresh
        return tuple(found)

    def is_rename(self, old: str, new: str) -> bool:
        """Tell whether a type may have taken another name: the old one is gone, and the new one was not there."""
        return old not in self.new and new not in self.old

    def _named(self, old: str, new: str, use: Use | None) -> str:
        if old != new and not self.is_rename(old, new):
            return RETYPED
        if isinstance(self.old.get(old), Record | None) != isinstance(self.new.get(new), Record | None):
            return RETYPED
        if use is not None:
            self.note(old, new, use)
        return ""

    def _pointer(self, old: Pointer, new: Pointer, use: Use | None) -> str:
        if use is not None and not isinstance(old.to, FunctionType):
            flow = use.flow if old.const and new.const else IN | OUT
            use = use._replace(flow=flow, is_laid=False)
        within = self.difference(old.to, new.to, use)
        is_same = (old.const, old.volatile) == (new.const, new.volatile)
        return within if is_same or _is_sure(within) else RETYPED

    def _callback(self, old: FunctionType, new: FunctionType, use: Use | None) -> str:
        """Who is called is who calls otherwise: what it is passed flows the other way."""
        given = use and use._replace(flow=flipped(use.flow), is_laid=True)
        found = [self.difference(*pair, given) for pair in zip(old.parameters, new.parameters, strict=False)]
        found.append(self.difference(old.result, new.result, use and use._replace(is_laid=True)))
        shape = (len(old.parameters), old.is_variadic) == (len(new.parameters), new.is_variadic)
        if not shape or any(map(_is_sure, found)):
            return "callback-changed"
        return UNSEEN if any(found) else ""


def _is_counted(member: Member, record: Record) -> bool:
    """Tell whether names say that there are many of what a member points to."""
    beside = record.members[record.members.index(member) + 1 :][:1]
    return any(is_count(one.name, one.type) for one in beside)


def _is_sure(kind: str) -> bool:
    return kind not in ("", UNSEEN)


def _plain(kind: CType) -> CType:
    return kind.of if isinstance(kind, Atomic) else kind


def _other(*kinds: CType) -> str:
    """Return the difference of types that have nothing in common: what nobody has a word for may be the same."""
    return UNSEEN if any(isinstance(one, Unseen) for one in kinds) else RETYPED


def _is_unseen(kind: CType) -> bool:
    """Tell whether a type has a part that nobody has a word for, what it names apart."""
    while isinstance(kind, Pointer):
        kind = kind.to
    if isinstance(kind, Array | Atomic):
        return _is_unseen(kind.of)
    if isinstance(kind, FunctionType):
        return any(map(_is_unseen, (*kind.parameters, kind.result)))
    return isinstance(kind, Unseen)


def _is_partly_unseen(facts: TypeFacts) -> bool:
    return isinstance(facts, Record) and any(_is_unseen(one.type) for one in facts.members)
