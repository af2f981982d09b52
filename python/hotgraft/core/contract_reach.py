"""How callers meet a type: which way its values go, whether they can step over it, and where they come from."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final, NamedTuple

from hotgraft.core.c_types import names_in
from hotgraft.core.dataclass import dataclass
from hotgraft.core.surface import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotgraft.core.contract_facts import Root
    from hotgraft.core.surface import TypeFacts

__all__ = ["IN", "OUT", "Reach", "Use", "flipped", "who_refers_to"]

IN: Final = 1  # callers give it
OUT: Final = 2  # callers are given it


class Use(NamedTuple):
    """One way in which callers meet a type."""

    flow: int  # IN, OUT or both
    is_laid: bool  # by value, within another type or one of many: not alone behind a pointer
    root: Root | None = None  # the function or variable where this way begins
    holder: tuple[str, str] | None = None  # or the pair of types that it leads on from


@dataclass(slots=True)
class Reach:
    """All ways in which callers meet a pair of definitions."""

    flow: int = 0
    is_laid: bool = False
    roots: dict[Root, None] = field(default_factory=dict)
    holders: dict[tuple[str, str], None] = field(default_factory=dict)

    def grow(self, use: Use) -> bool:
        """Take in one more way; tell whether what this leads on to is met in a way that it was not met in before."""
        before = (self.flow, self.is_laid)
        self.flow |= use.flow
        self.is_laid |= use.is_laid
        if use.root is not None:
            self.roots[use.root] = None
        if use.holder is not None:
            self.holders[use.holder] = None
        return (self.flow, self.is_laid) != before


def flipped(flow: int) -> int:
    """Return the flow seen from the other side: who is called is who calls otherwise."""
    return (OUT if flow & IN else 0) | (IN if flow & OUT else 0)


def who_refers_to(changed: Iterable[str], sides: Iterable[Mapping[str, TypeFacts]]) -> set[str]:
    """Return `changed` and every type from which a way leads there."""
    found = set(changed)
    if not found:
        return found
    users: dict[str, set[str]] = {}
    for types in sides:
        for name, facts in types.items():
            for member in facts.members if isinstance(facts, Record) else ():
                for used in names_in(member.type):
                    users.setdefault(used, set()).add(name)
    waiting = [*found]
    while waiting:
        fresh = users.get(waiting.pop(), set()) - found
        found |= fresh
        waiting += fresh
    return found
