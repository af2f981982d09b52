"""Tests core/schema_check.py: what is a schema, and what is refused though it is one."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hotgraft.core.schema_check import COMPLAINTS_LIMIT, schema_complaints
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, SchemaError
from schema_pairs import SCALARS, random_schema

FULL: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://example.org/gain",
    "type": ["object", "null"],
    "title": "t", "description": "d", "$comment": "c", "examples": [1], "default": None, "deprecated": False,
    "properties": {"a": {"$ref": "#/$defs/a"}, "b": True, "a/b": {"$ref": "#/properties/a~1b/items", "items": {}}},
    "patternProperties": {"^x-[a-z]+$": {"type": "string", "pattern": "^.{1,9}$", "minLength": 1, "maxLength": 9.0}},
    "additionalProperties": False,
    "propertyNames": {"maxLength": 64},
    "required": ["a"], "dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": {"minProperties": 1}},
    "minProperties": 0, "maxProperties": 9,
    "anyOf": [{"$ref": "#node"}, True], "allOf": [{}], "oneOf": [{"not": False}], "if": {}, "then": {}, "else": {},
    "x-own": {"whatever": [1]},
    "$defs": {
        "a": {"type": "number", "minimum": -1e300, "exclusiveMaximum": 1, "multipleOf": 0.5, "enum": [], "const": 0},
        "node": {"$anchor": "node", "properties": {"below": {"items": {"$ref": "#/$defs/node"}, "uniqueItems": True}}},
        "list": {"prefixItems": [{}], "items": False, "contains": {}, "minContains": 0, "maxContains": 2},
    },
}  # fmt: skip


def chained(length: int) -> dict[str, Any]:
    defs = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{length}": {}}}


def doubled(length: int) -> dict[str, Any]:
    defs: dict[str, Any] = {f"d{n}": {"allOf": 2 * [{"$ref": f"#/$defs/d{n + 1}"}]} for n in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": defs | {f"d{length}": {}}}


def nested(levels: int) -> Any:
    schema: Any = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


ITSELF: dict[str, Any] = {}
ITSELF["not"] = ITSELF

WRONG: tuple[tuple[Any, str], ...] = (
    (5, "#: 5 is no schema"),
    ({"type": "no such type"}, '#/type: "no such type" is none of'),
    ({"type": []}, "#/type: must be one type"),
    ({"type": ["null", "null"]}, "#/type: must be one type, or several different ones"),
    ({"properties": {"a/b": {"minimum": "1"}}}, '#/properties/a~1b/minimum: "1" is no number'),
    ({"maxLength": -1}, "#/maxLength: -1 is no whole number"),
    ({"maxLength": 1.5}, "#/maxLength: 1.5 is no whole number"),
    ({"multipleOf": 0}, "#/multipleOf: 0 is not above 0"),
    ({"minimum": True}, "#/minimum: true is no number"),
    ({"uniqueItems": 1}, "#/uniqueItems: 1 is neither"),
    ({"required": "a"}, '#/required: "a" is no list of names'),
    ({"required": ["a", "a"]}, "#/required: names a property twice"),
    ({"dependentRequired": {"a": "b"}}, "#/dependentRequired"),
    ({"enum": 1}, "#/enum: 1 is no list"),
    ({"items": [{}]}, "#/items: [{}] is no schema"),
    ({"allOf": []}, "#/allOf: [] is no list of schemas"),
    ({"anyOf": [1]}, "#/anyOf/0: 1 is no schema"),
    ({"properties": []}, "#/properties: [] is no object of schemas"),
    ({"properties": {"a": 1}}, "#/properties/a: 1 is no schema"),
    ({"title": 1}, "#/title: 1 is no text"),
    ({"$ref": 1}, "#/$ref: 1 is no text"),
    ({"pattern": "(a)\\1"}, "references back"),
    ({"pattern": "(?=x)"}, "look-around"),
    ({"patternProperties": {"[": {}}}, '#/patternProperties: the pattern "[" ends early'),
    ({"$schema": "http://json-schema.org/draft-07/schema#"}, "is another dialect"),
    ({"$ref": "https://example.org/a.json"}, "nothing is fetched"),
    ({"$ref": "other.json#/a"}, "nothing is fetched"),
    ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
    ({"$dynamicRef": "https://json-schema.org/draft/2020-12/schema"}, "nothing is fetched"),
    ({"$ref": "#/$defs/a"}, "leads to no schema"),
    ({"$ref": "#nowhere"}, "leads to no schema"),
    ({"$ref": "#/x-hidden", "x-hidden": {"type": 5}}, "leads to no schema"),
    ({"properties": {"a": {"$id": "https://example.org/b"}}}, "#/properties/a/$id: only the whole"),
    ({"patternProperties": {"a": {}}, "unevaluatedProperties": False}, "use additionalProperties"),
    ({"$ref": "#"}, "#: refers to itself"),
    ({"allOf": [{"anyOf": [{"$ref": "#/allOf/0"}]}]}, "#/allOf/0: refers to itself"),
    ({"not": {"$ref": "#me"}, "$anchor": "me"}, "refers to itself"),
    (chained(100), "more than 32 references in a row"),
    (chained(10_000), "values"),
    (doubled(12), "more than 1000 ways"),
    (nested(100), "nested deeper than 64"),
    (nested(10_000), "nested deeper than 64"),
    (ITSELF, "nested deeper than 64, or contains itself"),
    ({"enum": list(range(30_000))}, "more than 20000 values"),
    ({"const": "x" * 300_000}, "bytes; a schema ends at"),
    ({"maximum": 10**400}, "beyond a double"),
    ({"maximum": 10**10_000}, "beyond a double"),
    ({"maximum": float("inf")}, "no number of JSON"),
    ({"const": float("nan")}, "no number of JSON"),
    ({"const": {1, 2}}, "set, which is not JSON"),
    ({1: {}}, "a key that is no text"),
)  # fmt: skip


def test_a_schema_with_every_keyword_has_no_complaint() -> None:
    """What is refused is listed; the rest of the standard is not among it."""
    assert schema_complaints(FULL) == ()
    assert schema_complaints(True) == schema_complaints({}) == ()
    Draft202012Validator.check_schema(FULL)


@pytest.mark.parametrize(("schema", "said"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_with_a_schema_is_said_with_its_place(schema: Any, said: str) -> None:
    """Its author has to find the place; its operator has to believe that nothing is fetched and nothing hangs."""
    complaints = schema_complaints(schema)

    assert any(said in one for one in complaints), complaints
    assert all(len(one) < 400 for one in complaints)


def test_every_complaint_is_listed_up_to_a_limit() -> None:
    """An author mends them in one build."""
    two = schema_complaints({"type": "x", "properties": {"a": {"type": "y"}}})
    many = schema_complaints({"properties": {f"p{n}": {"type": "x"} for n in range(1000)}})

    assert (len(two), len(many)) == (2, COMPLAINTS_LIMIT)


def broken(schema: Any, rng: random.Random) -> Any:
    """Return a copy with one keyword's value replaced by a random one."""
    new = copy.deepcopy(schema)
    place: Any = new
    for _ in range(rng.randrange(4)):
        values = place.values() if isinstance(place, dict) else place
        inner = [one for one in values if isinstance(one, dict | list) and one]
        if not inner:
            break
        place = rng.choice(inner)
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    if keys:
        place[rng.choice(keys)] = rng.choice((*SCALARS, [], {}, [1], ["a"], {"a": 1}))
    return new


@given(st.integers(min_value=0, max_value=2**32))
def test_what_jsonschema_calls_no_schema_has_a_complaint(seed: int) -> None:
    """Its own check takes a millisecond for each schema within, so it is not asked; it must not be missed either."""
    rng = random.Random(seed)
    for _ in range(2):
        schema = broken(random_schema(rng) or FULL, rng)
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            assert schema_complaints(schema), (schema, error.message)


def test_what_is_said_of_a_schema_can_be_shown_in_any_terminal() -> None:
    """Its keys and values are whoever's wrote the image, and a terminal obeys what it is given."""
    hostile = "\x1b[2J\u202e\x00"
    found = schema_complaints({"type": hostile, "properties": {hostile: hostile}, hostile: 1})

    assert found
    assert all(one.isprintable() for one in found), found
