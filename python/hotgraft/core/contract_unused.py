"""Types that no function, interface or variable leads to: nobody meets them, unless they cross as a void pointer.

An enum is more than a type: callers are compiled with its numbers, also where functions take and answer a plain int.
In headers more types are met than functions lead to: a plugin's entry or table is found by its name when it is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.c_types import VOID, Array, Atomic, FunctionType, Named, Pointer
from hotgraft.core.contract_facts import Fact
from hotgraft.core.contract_interfaces import numbers_of
from hotgraft.core.contract_reach import IN, OUT, Use, who_refers_to
from hotgraft.core.contract_records import enum_facts
from hotgraft.core.surface import Enumeration, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.c_types import CType
    from hotgraft.core.contract_types import TypePairs
    from hotgraft.core.surface import Surface, TypeFacts

__all__ = ["note_bare_types", "unused_facts"]


def note_bare_types(old: Surface, new: Surface, pairs: TypePairs) -> None:
    """Note what callers of headers meet without a declaration that leads there, so that it is compared.

    That are types that hold functions or lead to them, because a loader hands them over by name; those that code in
    the headers uses; and all where the headers declare types only, because others then declare what they are for.
    """
    if old.abi is not None or not pairs.changed:
        return
    leads = _Reached(old).names | _Reached(new).names
    is_types_only = not (old.functions or old.variables or old.interfaces)
    tables = who_refers_to((name for name, facts in old.types.items() if _holds_functions(facts)), (old.types,))
    code = {word for text in old.constants.values() if not text.startswith('"') for word in text.split()}
    added = [facts for name, facts in new.types.items() if name not in old.types]
    for name in sorted(pairs.affected & old.types.keys() - leads):
        was, now = old.types[name], new.types.get(name)
        is_kept = isinstance(now, Record) or (is_types_only and not _is_typedef(was) and was not in added)
        if isinstance(was, Record) and is_kept and (is_types_only or name in code | tables):
            pairs.note(name, name, Use(IN | OUT, False))


def _is_typedef(facts: TypeFacts) -> bool:
    """Tell whether this stands for a typedef that nothing else mentions; one that is mentioned is not listed."""
    return isinstance(facts, Record) and [one.name for one in facts.members] == ["value"]


def _holds_functions(facts: TypeFacts) -> bool:
    for kind in [one.type for one in facts.members] if isinstance(facts, Record) else ():
        inner: CType = kind
        while isinstance(inner, Pointer | Array | Atomic):
            inner = inner.to if isinstance(inner, Pointer) else inner.of
        if isinstance(inner, FunctionType):
            return True
    return False


def unused_facts(old: Surface, new: Surface, pairs: TypePairs) -> Iterator[Fact]:
    """Yield every type that changed, came or went and that callers do not reach; `pairs` is settled."""
    names = pairs.changed - {one for pair in pairs.reached for one in pair}
    names -= {name for name in pairs.changed if old.types.get(name) == new.types.get(name)}
    if not names:
        return
    before, after, elsewhere = _Reached(old), _Reached(new), numbers_of(new)
    for name in sorted(names):
        was, now = old.types.get(name), new.types.get(name)
        if isinstance(was, Enumeration) and isinstance(now, Enumeration | None):
            yield from enum_facts(was, now or Enumeration(type=was.type, values=()), name, elsewhere)
        elif name not in before.names | after.names:
            yield _fact(name, was, now, has_void=before.has_void or after.has_void)


def _fact(name: str, was: TypeFacts | None, now: TypeFacts | None, *, has_void: bool) -> Fact:
    if was is None:
        kind = "unused-type-added"
    elif now is None:
        kind = "type-behind-void-removed" if has_void else "unused-type-removed"
    else:
        kind = "type-behind-void-changed" if has_void else "unused-type-changed"
    layout = (name, name) if isinstance(was, Record) and isinstance(now, Record) else None
    word = _word(was or now)
    return Fact(kind=kind, subject=f"{word} {name}", before=_text(was), after=_text(now), layout=layout)


class _Reached:
    """What callers of one version, or its state, reach: names of types, and whether a void pointer is on the way."""

    def __init__(self, surface: Surface) -> None:
        self.names: set[str] = set()
        self.has_void = False
        self._types = surface.types
        listed = [one for interface in surface.interfaces for one in interface.functions]
        waiting: list[CType] = [one.type for one in surface.variables.values()]
        for function in (*listed, *surface.functions.values()):
            waiting += [function.result, *(one.type for one in function.parameters)]
        if surface.state_type:
            waiting.append(Named(surface.state_type))
        while waiting:
            waiting += self._next(waiting.pop())

    def _next(self, kind: CType) -> list[CType]:
        if isinstance(kind, Named):
            facts = None if kind.name in self.names else self._types.get(kind.name)
            self.names.add(kind.name)
            return [one.type for one in facts.members] if isinstance(facts, Record) else []
        if isinstance(kind, Pointer):
            self.has_void |= kind.to == VOID
            return [kind.to]
        if isinstance(kind, Array | Atomic):
            return [kind.of]
        return [*kind.parameters, kind.result] if isinstance(kind, FunctionType) else []


def _word(facts: TypeFacts | None) -> str:
    return facts.kind if isinstance(facts, Record) else "enum"


def _text(facts: TypeFacts | None) -> str:
    if facts is None:
        return ""
    if isinstance(facts, Enumeration):
        return ", ".join(f"{name} = {value}" for name, value in facts.values)
    return "opaque" if facts.is_opaque else f"{facts.bytes} bytes, {len(facts.members)} members"
