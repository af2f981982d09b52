"""What single keywords of a JSON Schema (2020-12) say, as values that can be compared.

Equality is JSON Schema's: 1 and 1.0 are one value, 1 and true are two. Nothing here looks into schemas within schemas.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from hotgraft.core.sentences import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ANNOTATIONS", "ATOMS", "NUMBERS", "Bound", "MalformedError", "Schema", "atoms_of", "bound_of", "json_text",
    "pointer_part", "shown", "size_of", "type_atoms", "value_key", "values_of",
]  # fmt: skip

Schema: TypeAlias = "Mapping[str, Any] | bool"

# What says nothing about which values are valid.
ANNOTATIONS: Final = frozenset(
    {"title", "description", "$comment", "examples", "default", "deprecated", "readOnly", "writeOnly"}
)
# The kinds of values, each value of exactly one. A fraction is a number that is no integer; 1.0 is an integer.
NUMBERS: Final = frozenset({"integer", "fraction"})
ATOMS: Final = frozenset({"null", "boolean", "object", "array", "string"}) | NUMBERS
_FINITE: Final = {"null": (None,), "boolean": (False, True)}
SHOWN_CHARACTERS: Final = 80


class MalformedError(ValueError):
    """A keyword's value is not of a form that this module reads; the argument is the keyword."""


class Bound(NamedTuple):
    """How far down values go; for an upper bound with the sign turned. Ordered: the larger one admits less."""

    value: float
    is_exclusive: bool = False

    def admits(self, value: float) -> bool:
        """Tell whether `value`, its sign turned as the bound's, is within."""
        return value > self.value if self.is_exclusive else value >= self.value


def type_atoms(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the kinds that `type` admits; all of them where it is not there.

    Raises:
        MalformedError: it names something else.
    """
    given = schema.get("type", "any")
    if given == "any" and "type" not in schema:
        return ATOMS
    names = [given] if isinstance(given, str) else given
    found: set[str] = set()
    for name in names if isinstance(names, list) else [None]:
        if name == "number":
            found |= NUMBERS
        elif isinstance(name, str) and name in ATOMS and name != "fraction":
            found.add(name)
        else:
            raise MalformedError("type")
    return frozenset(found)


def atoms_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the kinds of values that `type`, `enum` and `const` together admit."""
    values = values_of(schema)
    return type_atoms(schema) if values is None else frozenset(_atom(one) for one in values.values())


def values_of(schema: Mapping[str, Any]) -> dict[Any, Any] | None:
    """Return the values that `type`, `enum` and `const` admit, by `value_key`; None: they are not listed."""
    atoms = type_atoms(schema)
    lists = [[schema["const"]]] if "const" in schema else []
    if "enum" in schema:
        lists.append(schema["enum"])
    if not lists:
        if not atoms <= _FINITE.keys():
            return None
        lists.append([value for atom in sorted(atoms) for value in _FINITE[atom]])
    if not all(isinstance(one, list) for one in lists):
        raise MalformedError("enum")
    found = {value_key(value): value for value in lists[0] if _atom(value) in atoms}
    for more in lists[1:]:
        also = {value_key(value) for value in more}
        found = {key: value for key, value in found.items() if key in also}
    return found


def bound_of(schema: Mapping[str, Any], keyword: str, exclusive: str, sign: int, *, whole: bool) -> Bound | None:
    """Return the bound that two keywords give; None: none.

    Args:
        sign: 1 for a lower bound, -1 for an upper one.
        whole: only integers count, so ``> 1`` is ``>= 2``.

    Raises:
        MalformedError: one of them is no number.
    """
    given = [
        Bound(sign * _number(schema, name), is_exclusive=name == exclusive)
        for name in (keyword, exclusive)
        if name in schema
    ]
    if not given:
        return None
    bound = max(given)
    if not whole:
        return bound
    return Bound(math.floor(bound.value) + 1 if bound.is_exclusive else math.ceil(bound.value))


def size_of(value: object) -> int:
    """Return what length keywords count: characters, elements or properties."""
    return len(value) if isinstance(value, str | list | dict) else 0


def _number(schema: Mapping[str, Any], keyword: str) -> float:
    value = schema[keyword]
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value != value
        or value in (math.inf, -math.inf)
    ):
        raise MalformedError(keyword)
    return value


def _atom(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    if isinstance(value, float):
        return "fraction"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def value_key(value: Any) -> Any:
    """Return something hashable that is equal for equal JSON values."""
    if isinstance(value, dict):
        return "object", frozenset((key, value_key(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return "array", tuple(map(value_key, value))
    if isinstance(value, bool):
        return "boolean", value
    return value


def pointer_part(name: str) -> str:
    """Return a key as one step of a JSON Pointer. Source: RFC 6901, section 3."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def json_text(value: object) -> str | None:
    """Return a JSON value as canonical text; None: it holds a number that has none."""
    try:
        return json.dumps(value, sort_keys=True)
    except ValueError:  # int(str) has a limit of digits; a float of JSON is finite
        return None


def shown(value: object) -> str:
    """Return a JSON value as text, cut to what a sentence can hold."""
    text = ""
    try:
        for piece in json.JSONEncoder(ensure_ascii=False, sort_keys=True).iterencode(value):
            text += piece
            if len(text) > SHOWN_CHARACTERS:
                break
    except ValueError:  # as above; or it contains itself
        return "what has no text"
    return printable(text, SHOWN_CHARACTERS)  # it may be anybody's, and may be shown in a terminal
