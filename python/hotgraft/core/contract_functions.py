"""Two versions of a function, interface or variable, as callers' compiled code and expectations meet them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import FunctionType, Pointer, type_text
from hotgraft.core.contract_facts import Fact, Root
from hotgraft.core.contract_members import is_count
from hotgraft.core.contract_reach import IN, OUT, Use
from hotgraft.core.contract_types import RETYPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.c_types import CType
    from hotgraft.core.contract_types import TypePairs
    from hotgraft.core.surface import Direction, Function, Parameter, Variable

__all__ = ["function_facts", "signature_text", "variable_facts"]

_FLOWS: Final = {"in": IN, "out": OUT, "inout": IN | OUT}
_STRICTER_WITH: Final = ("blocking", "serial")  # and what is stricter without it:
_STRICTER_WITHOUT: Final = ("idempotent", "realtime")


def function_facts(old: Function, new: Function, root: Root, pairs: TypePairs) -> Iterator[Fact]:
    """Yield every difference between two versions of a function; what types it leads to is noted in `pairs`."""
    if _is_unsaid(new) and not old.parameters:
        before, after = signature_text(old), signature_text(new) if old != new else ""
        yield Fact(kind="prototype-unseen", subject=str(root), before=before, after=after, roots=(root,))
    if old == new:
        yield from _facts_behind(old, root, pairs)
        return
    roots = (root,)
    if old.offset != new.offset:
        before, after = f"byte {old.offset}", f"byte {new.offset}"
        yield Fact(kind="function-moved", subject=str(root), before=before, after=after, roots=roots)
    if _is_unsaid(old) and not new.is_variadic:
        yield _whole("prototype-unseen" if new.parameters else "prototype-said", old, new, root)
    elif old.is_variadic != new.is_variadic and (old.parameters or new.parameters):
        yield _whole("variadic-changed", old, new, root)
    if len(old.parameters) != len(new.parameters):
        if not _is_unsaid(old) or new.is_variadic:
            yield _whole("parameter-count-changed", old, new, root)
    else:
        yield from _names(old, new, root)
        for place, (was, now) in enumerate(zip(old.parameters, new.parameters, strict=True), 1):
            is_counted = _is_counted(old, place, root) or _is_counted(new, place, root)
            yield from _Parameters(was, now, place, root, pairs, is_counted=is_counted).facts()
    yield from _result_facts(old, new, root, pairs)
    yield from _tag_facts(old, new, root)
    if old.since != new.since:
        before, after = _version_text(old.since), _version_text(new.since)
        yield Fact(kind="since-changed", subject=str(root), before=before, after=after, roots=roots)


def variable_facts(old: Variable, new: Variable, root: Root, pairs: TypePairs) -> Iterator[Fact]:
    """Yield every difference between two versions of a variable; what types it leads to is noted in `pairs`."""
    flow = OUT if old.is_const and new.is_const else IN | OUT
    if kind := pairs.difference(old.type, new.type, Use(flow, True, root)):
        kind = "variable-retyped" if kind == RETYPED else kind
        before, after = type_text(old.type), type_text(new.type)
        yield Fact(kind=kind, subject=str(root), before=before, after=after, roots=(root,))
    if old.is_const != new.is_const:
        kind = "variable-const-added" if new.is_const else "variable-const-dropped"
        before, after = ("not const", "const") if new.is_const else ("const", "not const")
        yield Fact(kind=kind, subject=str(root), before=before, after=after, roots=(root,))


def signature_text(function: Function) -> str:
    """Return a function as a person reads it: ``(f32 const* in, u64 n) -> status``."""
    parameters = [f"{type_text(one.type)} {one.name}".rstrip() for one in function.parameters]
    return f"({', '.join(parameters + ['...'] * function.is_variadic)}) -> {_result_text(function)}"


def _facts_behind(function: Function, root: Root, pairs: TypePairs) -> Iterator[Fact]:
    """Note what a function that is as before leads to; a fact is only what nobody has a word for."""
    for place, one in enumerate(function.parameters, 1):
        if pairs.leads_on(one.type):
            is_counted = _is_counted(function, place, root)
            yield from _Parameters(one, one, place, root, pairs, is_counted=is_counted).type_facts()
    if pairs.leads_on(function.result):
        yield from _result_facts(function, function, root, pairs)


def _whole(kind: str, old: Function, new: Function, root: Root) -> Fact:
    before, after = signature_text(old), signature_text(new)
    return Fact(kind=kind, subject=str(root), before=before, after=after, roots=(root,))


def _is_unsaid(function: Function) -> bool:
    """Tell whether a C function has no prototype, ``f()``: then nothing is said of what it takes."""
    return function.is_variadic and not function.parameters


def _names(old: Function, new: Function, root: Root) -> Iterator[Fact]:
    """Yield what became of parameters' names; a name that is now at another place of the same type is suspicious."""
    places = {one.name: index for index, one in enumerate(old.parameters) if one.name}
    fresh, is_swapped = [], False
    for index, (was, now) in enumerate(zip(old.parameters, new.parameters, strict=True)):
        if was.name and now.name and was.name != now.name:
            elsewhere = places.get(now.name, index)
            is_swapped |= elsewhere != index and old.parameters[elsewhere].type == now.type == was.type
            fresh.append((index, was.name, now.name))
    if is_swapped:
        before, after = (", ".join(one.name for one in side.parameters) for side in (old, new))
        yield Fact(kind="parameters-swapped", subject=str(root), before=before, after=after, roots=(root,))
        return
    for index, before, after in fresh:
        subject = f"{root}, parameter {index + 1}"
        yield Fact(kind="parameter-renamed", subject=subject, before=before, after=after, roots=(root,))


class _Parameters:
    """Two versions of a parameter at one place."""

    def __init__(
        self, old: Parameter, new: Parameter, place: int, root: Root, pairs: TypePairs, *, is_counted: bool
    ) -> None:
        self._old = old
        self._new = new
        self._root = root
        self._pairs = pairs
        self._is_counted = is_counted
        self._subject = f"{root}, parameter {place}" + (f" ({old.name})" if old.name else "")

    def type_facts(self) -> Iterator[Fact]:
        if kind := self._difference():
            kind = "parameter-retyped" if kind == RETYPED else kind
            yield self._fact(kind, type_text(self._old.type), type_text(self._new.type))

    def facts(self) -> Iterator[Fact]:
        old, new = self._old, self._new
        yield from self.type_facts()
        if _is_data(old.type) and _is_data(new.type):
            yield from self._buffer(old.type, new.type)
        if old.is_nullable != new.is_nullable:
            kind = "parameter-may-be-null" if new.is_nullable else "parameter-not-null"
            yield self._fact(kind, _null_text(old.is_nullable), _null_text(new.is_nullable))

    def _difference(self) -> str:
        """Return how the types differ, const of what is pointed to apart."""
        old, new, root = self._old.type, self._new.type, self._root
        if not (_is_data(old) and _is_data(new)):
            return self._pairs.difference(old, new, Use(IN, True, root))
        assert isinstance(old, Pointer) and isinstance(new, Pointer)  # what _is_data says
        flow = _FLOWS[_direction(self._old)] | _FLOWS[_direction(self._new)]
        is_one_of_many = self._is_counted or not {self._old.count, self._new.count} <= {None, "1"}
        kind = self._pairs.difference(old.to, new.to, Use(flow, is_one_of_many, root))
        return kind if old.volatile == new.volatile else RETYPED

    def _buffer(self, was: CType, now: CType) -> Iterator[Fact]:
        old, new = self._old, self._new
        assert isinstance(was, Pointer) and isinstance(now, Pointer)  # what _is_data says
        is_const_kept = was.const == now.const
        if not is_const_kept:
            kind = "parameter-const-added" if now.const else "parameter-const-dropped"
            yield self._fact(kind, type_text(was), type_text(now))
        before, after = _direction(old), _direction(new)
        is_said = old.direction is not None and new.direction is not None
        if before != after and (is_const_kept or is_said):
            yield self._fact("direction-changed", before, after)
        is_spelled = old.direction is None and new.direction is None and None in (old.count, new.count)
        if (old.count or "1") != (new.count or "1") and not is_spelled:  # int v[4] and int *v are one type
            yield self._fact(self._kind_of_count(), _count_text(old.count), _count_text(new.count))

    def _kind_of_count(self) -> str:
        old, new = self._old, self._new
        is_read = _direction(old) == _direction(new) == "in"
        before, after = old.count or "", new.count or ""
        is_less = before.isdigit() and after.isdigit() and int(after) < int(before)
        return "buffer-needs-less" if is_read and is_less else "buffer-count-changed"

    def _fact(self, kind: str, before: str, after: str) -> Fact:
        return Fact(kind=kind, subject=self._subject, before=before, after=after, roots=(self._root,))


def _result_facts(old: Function, new: Function, root: Root, pairs: TypePairs) -> Iterator[Fact]:
    def fact(kind: str, before: str, after: str) -> Fact:
        return Fact(kind=kind, subject=f"{root}, result", before=before, after=after, roots=(root,))

    was, now, is_data = old.result, new.result, _is_data(old.result) and _is_data(new.result)
    flow = OUT
    if is_data and isinstance(was, Pointer) and isinstance(now, Pointer):
        flow = OUT if was.const and now.const else IN | OUT
        is_listed = not root.interface and any(_is_count_given(one) for one in (*old.parameters, *new.parameters))
        is_one_of_many = is_listed or not {old.count, new.count} <= {None, "1"}
        kind = pairs.difference(was.to, now.to, Use(flow, is_one_of_many, root))
        kind = kind if was.volatile == now.volatile else RETYPED
        if was.const != now.const:
            const = "result-const-added" if now.const else "result-const-dropped"
            yield fact(const, type_text(was), type_text(now))
    else:
        kind = pairs.difference(was, now, Use(flow, True, root))
    if old.is_status != new.is_status:
        kind = RETYPED
    if kind:
        yield fact("result-retyped" if kind == RETYPED else kind, _result_text(old), _result_text(new))
    if old.ownership != new.ownership:
        yield fact("ownership-changed", old.ownership or "nothing said", new.ownership or "nothing said")
    if is_data and (old.count or "1") != (new.count or "1"):
        yield fact("result-count-changed", _count_text(old.count), _count_text(new.count))
    if old.is_nullable != new.is_nullable:
        kind = "result-may-be-null" if new.is_nullable else "result-not-null"
        yield fact(kind, _null_text(old.is_nullable), _null_text(new.is_nullable))


def _tag_facts(old: Function, new: Function, root: Root) -> Iterator[Fact]:
    for tag in (*_STRICTER_WITH, *_STRICTER_WITHOUT):
        was, now = tag in old.tags, tag in new.tags
        if was == now:
            continue
        kind = "thread-rule-stricter" if now == (tag in _STRICTER_WITH) else "thread-rule-looser"
        before, after = (f"not {tag}", tag) if now else (tag, f"not {tag}")
        yield Fact(kind=kind, subject=str(root), before=before, after=after, roots=(root,))


def _is_counted(function: Function, place: int, root: Root) -> bool:
    """Tell whether names say that there are many of what a parameter points to; interfaces say so by annotations."""
    after = () if root.interface else function.parameters[place : place + 1]
    return any(is_count(one.name, one.type) for one in after)


def _is_count_given(parameter: Parameter) -> bool:
    """Tell whether a function gives back a number of elements by this parameter."""
    return isinstance(parameter.type, Pointer) and is_count(parameter.name, parameter.type.to)


def _is_data(kind: CType) -> bool:
    return isinstance(kind, Pointer) and not isinstance(kind.to, FunctionType)


def _direction(parameter: Parameter) -> Direction:
    """Return which way a buffer goes: as the annotation says, else as far as const tells."""
    if parameter.direction is not None:
        return parameter.direction
    return "in" if isinstance(parameter.type, Pointer) and parameter.type.const else "inout"


def _result_text(function: Function) -> str:
    return "status" if function.is_status else type_text(function.result)


def _count_text(count: str | None) -> str:
    if count is None:
        return "one"
    return f"as many as parameter {int(count[1:]) + 1} says" if count[:1] == "#" and count[1:].isdigit() else count


def _null_text(is_nullable: bool) -> str:
    return "may be NULL" if is_nullable else "never NULL"


def _version_text(version: tuple[int, int] | None) -> str:
    return "-" if version is None else f"{version[0]}.{version[1]}"
