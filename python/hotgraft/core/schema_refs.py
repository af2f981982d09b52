"""References within one JSON Schema, and whether two parts of two schemas say the same, what they refer to included.

Only what lies in the same document is followed: ``#``, ``#/a/b`` (a JSON Pointer) and ``#name`` of an ``$anchor``. A
document that gives parts of itself other base URIs (``$id`` below its top) is followed nowhere, and no reference with
percent signs is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hotgraft.core.schema_terms import ANNOTATIONS, pointer_part, value_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotgraft.core.schema_terms import Schema

__all__ = [
    "DEFINITIONS", "LISTS", "MAPS", "REFERENCES", "SINGLE", "Document", "Part", "inner_schemas", "is_same",
]  # fmt: skip

# Keywords by what they hold: schemas by name, a list of them, or one.
DEFINITIONS: Final = frozenset({"$defs", "definitions"})
MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"}) | DEFINITIONS
LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SINGLE: Final = frozenset(
    {
        "additionalProperties", "items", "not", "if", "then", "else", "contains", "propertyNames", "contentSchema",
        "unevaluatedProperties", "unevaluatedItems", "",
    }
)  # fmt: skip
REFERENCES: Final = ("$ref", "$dynamicRef")


def inner_schemas(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Give each schema that `schema` directly holds, with its JSON Pointer from there."""
    for keyword, value in schema.items() if isinstance(schema, dict) else ():
        part = pointer_part(keyword)
        if keyword in SINGLE and isinstance(value, dict | bool):
            yield part, value
        elif keyword in MAPS and isinstance(value, dict):
            yield from ((part + pointer_part(name), one) for name, one in value.items())
        elif keyword in LISTS and isinstance(value, list):
            yield from ((f"{part}/{index}", one) for index, one in enumerate(value))


class Document:
    """One schema document, and what its references lead to."""

    def __init__(self, root: Schema, step: Callable[[], None]) -> None:
        """Make an index of it; `step` is called for each part that is looked at, and may raise."""
        self.root = root
        self._step = step
        self._anchors: dict[str, tuple[Schema, str]] = {}
        self._is_split = False
        waiting: list[tuple[str, Schema]] = [("", root)]
        while waiting:
            place, schema = waiting.pop()
            step()
            if isinstance(schema, dict):
                self._is_split |= bool(place) and "$id" in schema
                for keyword in ("$anchor", "$dynamicAnchor"):
                    if isinstance(name := schema.get(keyword), str):
                        self._anchors[name] = (schema, place)
            waiting.extend((place + part, one) for part, one in inner_schemas(schema))

    def target(self, reference: object) -> tuple[Schema, str] | None:
        """Return the schema that `reference` leads to and its JSON Pointer; None: it lies elsewhere, or nowhere."""
        if self._is_split or not isinstance(reference, str) or not reference.startswith("#") or "%" in reference:
            return None
        pointer = reference[1:]
        if pointer and not pointer.startswith("/"):
            return self._anchors.get(pointer)
        found: Any = self.root
        for step in pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name[:9]) < len(found):
                found = found[int(name[:9])]
            else:
                return None
        return (found, pointer) if isinstance(found, dict | bool) else None

    def resolved(self, schema: Schema, place: str) -> tuple[Schema, str]:
        """Return what a schema that is nothing but a reference leads to at last, and where that is.

        Where the way ends elsewhere, or in a circle, the schema at its end still holds the reference.
        """
        been: set[int] = set()
        while isinstance(schema, dict) and "$ref" in schema and id(schema) not in been:
            self._step()
            been.add(id(schema))
            if set(schema) - {"$ref"} - ANNOTATIONS - DEFINITIONS:
                break
            target = self.target(schema["$ref"])
            if target is None:
                break
            schema, place = target
        return schema, place

    def references(self, part: object) -> list[str] | None:
        """Return every reference within `part`, those within what it refers to included; None: one leads elsewhere."""
        found: dict[str, None] = {}
        waiting = [part]
        while waiting:
            self._step()
            one = waiting.pop()
            if isinstance(one, list):
                waiting.extend(one)
            elif isinstance(one, dict):
                waiting.extend(one.values())
                for reference in (one[key] for key in REFERENCES if key in one):
                    if (target := self.target(reference)) is None:
                        return None
                    if reference not in found:
                        found[reference] = None
                        waiting.append(target[0])
        return list(found)


class Part(NamedTuple):
    """The value of a keyword, and the document it is in."""

    value: Any
    document: Document


def is_same(keyword: str, old: Part, new: Part) -> bool:
    """Tell whether two values of `keyword` say the same; annotations within do not count. Empty: they are schemas."""
    if _form(keyword, old.value) != _form(keyword, new.value):
        return False
    references, others = old.document.references(old.value), new.document.references(new.value)
    if references is None or others is None:
        return False
    targets = ((old.document.target(one), new.document.target(one)) for one in references)
    return all(
        was is not None and now is not None and _form_of_schema(was[0]) == _form_of_schema(now[0])
        for was, now in targets
    )


def _form(keyword: str, value: Any) -> Any:
    if keyword in SINGLE and isinstance(value, dict):
        return _form_of_schema(value)
    if keyword in MAPS and isinstance(value, dict):
        return frozenset((name, _form_of_schema(one)) for name, one in value.items())
    if keyword in LISTS and isinstance(value, list):
        return tuple(map(_form_of_schema, value))
    return value_key(value)


def _form_of_schema(schema: Mapping[str, Any] | bool) -> Any:
    if not isinstance(schema, dict):
        return value_key(schema)
    said = schema.keys() - ANNOTATIONS - DEFINITIONS
    return "schema", frozenset((keyword, _form(keyword, schema[keyword])) for keyword in said)
