"""What changes, and which facts that must come to: one row per rule at least. `test_contract_judge.py` goes through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.c_types import parse_type
from hotgraft.core.surface import (
    Enumeration,
    Function,
    Interface,
    Member,
    Parameter,
    Record,
    Surface,
    TypeFacts,
    Variable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Row",
    "back",
    "enum",
    "function",
    "interface",
    "offering",
    "parameter",
    "passing",
    "record",
    "typed",
    "variable",
]


@dataclass(frozen=True, slots=True)
class Row:
    """A change, by name, and the kinds of all facts that it comes to."""

    name: str
    old: Surface
    new: Surface
    kinds: tuple[str, ...]  # sorted, each as often as it is found


def parameter(name: str, kind: str, **more: Any) -> Parameter:
    """Return a parameter of the type that is spelled so."""
    return Parameter(name=name, type=parse_type(kind), **more)


def function(name: str, *parameters: Parameter, result: str = "void", offset: int = 8, **more: Any) -> Function:
    """Return a function of an interface."""
    return Function(name=name, parameters=parameters, result=parse_type(result), offset=offset, **more)


def interface(*functions: Function, version: tuple[int, int] | None = (1, 2), name: str = "gain") -> Interface:
    """Return an interface of these functions, as large as they ask for."""
    end = max((one.offset or 0 for one in functions), default=0) + 8
    return Interface(name=name, version=version, bytes=end, functions=functions)


def record(*members: str, size: int, align: int = 4, kind: Any = "struct") -> Record:
    """Return a struct or union; each member as ``x: i32 @4`` or, a bitfield, ``x: u32 @4.3 :5`` (byte 4, bit 3)."""
    return Record(kind=kind, bytes=size, align=align, members=tuple(map(_member, members)))


def _member(text: str) -> Member:
    name, _, rest = text.partition(": ")
    kind, _, place = rest.partition(" @")
    place, _, bits = place.partition(" :")
    byte, _, bit = place.partition(".")
    offset = 8 * int(byte) + int(bit or 0)
    return Member(name=name, type=parse_type(kind), offset_bits=offset, bits=int(bits) if bits else None)


def enum(*values: tuple[str, int], kind: str = "u32") -> Enumeration:
    """Return an enum."""
    return Enumeration(type=kind, values=values)


def variable(kind: str, *, is_const: bool = False) -> Variable:
    """Return an exported object."""
    return Variable(type=parse_type(kind), is_const=is_const)


def offering(*functions: Function, **more: Any) -> Surface:
    """Return a plugin that offers gain 1.2 with these functions."""
    given = {"label": "gain 1.2.0", "version": "1.2.0", "interfaces": (interface(*functions),), **more}
    return Surface(**given)


def passing(old: Parameter, new: Parameter, types: Mapping[str, TypeFacts] | None = None) -> tuple[Surface, Surface]:
    """Return two versions of a plugin whose one function has one parameter."""
    was = offering(function("process", old), types=types or {})
    return was, offering(function("process", new), types=types or {})


def back(sides: tuple[Surface, Surface]) -> tuple[Surface, Surface]:
    """Return the same change the other way."""
    old, new = sides
    return new, old


EVERYWHERE: Final = {
    "in": function("process", parameter("it", "thing const*")),
    "inout": function("process", parameter("it", "thing*")),
    "out": function("process", parameter("it", "thing*", direction="out")),
    "result": function("process", result="thing const*"),
    "value": function("process", parameter("it", "thing")),
    "buffer": function("process", parameter("it", "thing const*", count="4")),
    "callback": function("process", parameter("call", "(fn(thing const*) -> void)*")),
    "callback result": function("process", parameter("call", "(fn() -> thing)*")),
    "const variable": function("process"),
}


def typed(how: str, old: TypeFacts, new: TypeFacts, **beside: TypeFacts) -> tuple[Surface, Surface]:
    """Return two versions of a plugin where callers meet the type `thing` in this way."""
    was = offering(EVERYWHERE[how], types={**beside, "thing": old})
    if how == "const variable":
        was = replace(was, variables={"the_thing": variable("thing", is_const=True)})
    return was, replace(was, types={**beside, "thing": new})
