"""Whether a JSON value is a JSON Schema (2020-12) that can be followed: every reason why not, whatever it holds.

A schema comes out of an image, and an image may be anybody's. So what is refused here is also what would be fetched
from elsewhere, what leads nowhere or in a circle, what multiplies, what Python's numbers or a pattern would be held up
by. A schema without a complaint costs a check a number of steps that can be counted and bounded.
"""

from __future__ import annotations

import math
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.schema_change import DIALECT
from hotgraft.core.schema_pattern import PatternError, read_pattern
from hotgraft.core.schema_refs import LISTS, MAPS, REFERENCES, SINGLE, inner_schemas
from hotgraft.core.schema_terms import json_text, pointer_part, shown
from hotgraft.core.sentences import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.schema_terms import Schema

__all__ = ["COMPLAINTS_LIMIT", "SCHEMA_LIMIT", "schema_complaints"]

SCHEMA_LIMIT: Final = 256 << 10  # bytes of its JSON text
NESTING_LIMIT: Final = 64  # of JSON within JSON
PARTS_LIMIT: Final = 20_000  # JSON values
WAYS_LIMIT: Final = 1_000  # through what is said of one value, by references and allOf, anyOf, …
ROW_LIMIT: Final = 32  # of those, one behind the other
COMPLAINTS_LIMIT: Final = 20
SENTENCE_LIMIT: Final = 1_000  # characters
_TYPES: Final = ("null", "boolean", "object", "array", "number", "string", "integer")
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS: Final = (
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains",
)  # fmt: skip
_TEXTS: Final = (
    "title", "description", "$comment", "$id", "$anchor", "$dynamicAnchor", "$schema", "$ref", "$dynamicRef", "format",
    "pattern", "contentEncoding", "contentMediaType",
)  # fmt: skip
_FLAGS: Final = ("uniqueItems", "deprecated", "readOnly", "writeOnly")
# What is said through these is said of the same value.
_SAME_VALUE: Final = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")


def schema_complaints(schema: object) -> tuple[str, ...]:
    """Return every reason why `schema` is not followed, as ``#/pointer: sentence``; empty: it is.

    At most `COMPLAINTS_LIMIT` of them. Never raises, whatever Python value it is given.
    """
    if not isinstance(schema, dict | bool):
        return (f"#: {shown(schema)} is no schema: an object, true or false",)
    if excess := _excess(schema):
        return (f"#: {excess}",)
    places = dict(_walk(schema))
    each = (one for place, part in places.items() for one in _of_one(part, place))
    found = tuple(islice(chain(each, _of_references(places)), COMPLAINTS_LIMIT))
    return tuple(printable(one, SENTENCE_LIMIT) for one in found or _of_ways(places))  # keys may be anybody's


def _excess(value: object) -> str:
    """Return why it is not even looked into; empty: it may be."""
    parts, level = 1, [value]
    for _ in range(NESTING_LIMIT + 1):
        inside: list[Any] = []
        for outer in level:
            if isinstance(outer, dict):
                if not all(isinstance(name, str) for name in outer):
                    return "has a key that is no text"
                inside += outer.values()
            elif isinstance(outer, list):
                inside += outer
            elif wrong := _wrong_scalar(outer):
                return wrong
            if parts + len(inside) > PARTS_LIMIT:
                return f"has more than {PARTS_LIMIT} values"
        parts, level = parts + len(inside), inside
        if not level:
            break
    else:
        return f"is nested deeper than {NESTING_LIMIT}, or contains itself"
    size = len(json_text(value) or "")
    return f"has {size} bytes; a schema ends at {SCHEMA_LIMIT}" if size > SCHEMA_LIMIT else ""


def _wrong_scalar(value: object) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return ""
    if not isinstance(value, int | float):
        return f"holds {type(value).__name__}, which is not JSON"
    try:
        return "" if math.isfinite(float(value)) else f"holds {value}, which is no number of JSON"
    except OverflowError:
        return "holds a number beyond a double"


def _walk(schema: Schema, place: str = "") -> Iterator[tuple[str, Schema]]:
    yield place, schema
    for part, inner in inner_schemas(schema):
        yield from _walk(inner, place + part)


def _of_one(schema: Schema, place: str) -> Iterator[str]:
    """What is wrong with the keywords of one schema; those inside it are looked at by themselves."""
    if not isinstance(schema, dict):
        if not isinstance(schema, bool):
            yield f"#{place}: {shown(schema)} is no schema: an object, true or false"
        return
    for keyword, value in schema.items():
        if wrong := _wrong(keyword, value):
            yield f"#{place}{pointer_part(keyword)}: {wrong}"
    if place and "$id" in schema:
        yield f"#{place}/$id: only the whole schema may have an $id"
    if schema.get("$schema", DIALECT) not in (DIALECT, f"{DIALECT}#"):
        yield f"#{place}/$schema: {shown(schema['$schema'])} is another dialect; {DIALECT} is read"


def _wrong(keyword: str, value: Any) -> str:
    """Return what is wrong with the value of a keyword, in half a sentence."""
    if keyword == "type":
        names = value if isinstance(value, list) else [value]
        wrong = [one for one in names if one not in _TYPES]
        if wrong:
            return f"{shown(wrong[0])} is none of {', '.join(_TYPES)}"
        return "" if names and len({*names}) == len(names) else "must be one type, or several different ones"
    if keyword in _NUMBERS + _COUNTS:
        return _wrong_number(keyword, value)
    if keyword == "pattern" or (keyword == "patternProperties" and isinstance(value, dict)):
        return _wrong_pattern([value] if keyword == "pattern" else [*value])
    if keyword in _TEXTS:
        return "" if isinstance(value, str) else f"{shown(value)} is no text"
    if keyword in _FLAGS:
        return "" if isinstance(value, bool) else f"{shown(value)} is neither true nor false"
    if keyword in SINGLE:
        return "" if isinstance(value, dict | bool) else f"{shown(value)} is no schema: an object, true or false"
    if keyword in MAPS:
        return "" if isinstance(value, dict) else f"{shown(value)} is no object of schemas"
    if keyword in LISTS:
        return "" if isinstance(value, list) and value else f"{shown(value)} is no list of schemas"
    if keyword in ("enum", "examples"):
        return "" if isinstance(value, list) else f"{shown(value)} is no list"
    if keyword == "required":
        return _wrong_names(value)
    if keyword == "dependentRequired":
        lists = value.values() if isinstance(value, dict) else [None]
        return next(filter(None, map(_wrong_names, lists)), "")
    return ""


def _wrong_number(keyword: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{shown(value)} is no number"
    if keyword in _COUNTS and (value < 0 or value != int(value)):
        return f"{shown(value)} is no whole number of 0 or more"
    return f"{shown(value)} is not above 0" if keyword == "multipleOf" and value <= 0 else ""


def _wrong_names(value: object) -> str:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return f"{shown(value)} is no list of names"
    return "" if len({*value}) == len(value) else "names a property twice"


def _wrong_pattern(texts: list[object]) -> str:
    for text in texts:
        if not isinstance(text, str):
            return f"{shown(text)} is no text"
        try:
            read_pattern(text)
        except PatternError as error:
            return f"the pattern {shown(text)} {error}"
    return ""


def _of_references(places: Mapping[str, Schema]) -> Iterator[str]:
    """What is wrong with where references lead."""
    anchors = _anchors(places)
    said = {keyword for part in places.values() if isinstance(part, dict) for keyword in part}
    if {"patternProperties", "unevaluatedProperties"} <= said:
        yield "#: patternProperties and unevaluatedProperties in one schema are not followed; use additionalProperties"
    for place, part in places.items():
        for keyword in REFERENCES if isinstance(part, dict) else ():
            reference = part.get(keyword, "#")  # type: ignore[union-attr] # a dict, as asked above
            if not isinstance(reference, str):
                continue  # said already
            if not reference.startswith("#"):
                yield f"#{place}/{keyword}: {shown(reference)} lies elsewhere; nothing is fetched, put it into $defs"
            elif _target(reference, places, anchors) is None:
                yield f"#{place}/{keyword}: {shown(reference)} leads to no schema within this one"


def _anchors(places: Mapping[str, Schema]) -> dict[str, str]:
    return {
        part[keyword]: place
        for place, part in places.items()
        if isinstance(part, dict)
        for keyword in ("$anchor", "$dynamicAnchor")
        if isinstance(part.get(keyword), str)
    }


def _target(reference: str, places: Mapping[str, Schema], anchors: Mapping[str, str]) -> str | None:
    """Return the place that a reference leads to."""
    place = reference[1:]
    if place and not place.startswith("/"):
        return anchors.get(place)
    return place if place in places else None


def _of_ways(places: Mapping[str, Schema]) -> Iterator[str]:
    """Whether what is said of one value ends, and soon."""
    anchors = _anchors(places)
    ways: dict[str, int] = {}
    within: set[str] = set()

    def count(place: str, row: int) -> str:
        """Note the ways from `place`; return what is wrong with them."""
        if place in within:
            return f"#{place}: refers to itself for the same value, for ever"
        if place in ways or row > ROW_LIMIT:
            return "" if place in ways else f"#{place}: more than {ROW_LIMIT} references in a row for the same value"
        within.add(place)
        total = 1
        for inner in _said_of_the_same(places[place], place, places, anchors):
            if wrong := count(inner, row + 1):
                return wrong
            total += ways[inner]
        within.discard(place)
        ways[place] = total
        return f"#{place}: more than {WAYS_LIMIT} ways through what is said of one value" if total > WAYS_LIMIT else ""

    for place in places:
        if wrong := count(place, 0):
            yield wrong
            return


def _said_of_the_same(
    schema: Schema, place: str, places: Mapping[str, Schema], anchors: Mapping[str, str]
) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    for keyword in REFERENCES:
        target = _target(schema[keyword], places, anchors) if keyword in schema else None
        if target is not None:
            yield target
    said = {keyword: schema[keyword] for keyword in _SAME_VALUE if keyword in schema}
    yield from (place + part for part, _ in inner_schemas(said))
