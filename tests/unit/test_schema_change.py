"""Tests core/schema_change.py: what callers were promised of an output, and whether a new schema keeps it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hotgraft.core import schema_change
from hotgraft.core.schema_change import DIALECT, PARTS_LIMIT, STEPS_LIMIT, SchemaFact, output_change
from hotgraft.core.schema_terms import atoms_of
from hypothesis import given
from hypothesis import strategies as st
from schema_pairs import edited, random_schema, random_value, validator

PAIRS = 8  # of an example
VALUES = 12  # of a pair

BOUNDS = (("minimum", 1), ("exclusiveMinimum", 1), ("maximum", -1), ("exclusiveMaximum", -1))
SIZES = (
    ("minLength", 1),
    ("maxLength", -1),
    ("minItems", 1),
    ("maxItems", -1),
    ("minProperties", 1),
    ("maxProperties", -1),
)
TREE: dict[str, Any] = {"$defs": {"node": {"properties": {"below": {"items": {"$ref": "#/$defs/node"}}}}}}


def changes(old: Any, new: Any) -> list[str]:
    return [fact.change for fact in output_change(old, new)]


def tree(**more: Any) -> dict[str, Any]:
    node = {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": "#/$defs/node"}}, **more}}
    return {"$ref": "#/$defs/node", "$defs": {"node": node}}


# old, new, changes, and where
TABLE: tuple[tuple[Any, Any, list[str], list[str]], ...] = (
    (None, None, [], []),
    (None, {"type": "string"}, ["added"], [""]),
    ({"type": "string"}, None, ["loosened"], [""]),
    (True, {}, [], []),
    ({}, True, [], []),
    (True, False, ["tightened"], [""]),
    (False, True, ["loosened"], [""]),
    ({"type": "number"}, {"type": "integer"}, ["tightened"], ["/type"]),
    ({"type": "integer"}, {"type": "number"}, ["loosened"], ["/type"]),
    ({"type": "integer"}, {"type": ["integer", "null"]}, ["loosened"], ["/type"]),
    ({"type": ["integer", "null"]}, {"type": "null"}, ["tightened"], ["/type"]),
    ({"type": "integer"}, {}, ["loosened"], ["/type"]),
    ({}, {"type": "integer"}, ["tightened"], ["/type"]),
    ({"type": "integer"}, {"type": "integer", "title": "n", "default": 3, "description": "…"}, [], []),
    ({"type": "string"}, {"enum": ["a"]}, ["tightened"], ["/enum"]),
    ({"type": "integer"}, {"enum": ["a"]}, ["loosened", "tightened"], ["/type", "/enum"]),
    ({"enum": ["a", "b"]}, {"enum": ["b"]}, ["tightened"], ["/enum"]),
    ({"enum": ["a"]}, {"enum": ["a", "b"]}, ["loosened"], ["/enum"]),
    ({"enum": ["a", "b"]}, {"const": "b"}, ["tightened"], ["/enum"]),
    ({"const": 1}, {"const": 1.0}, [], []),
    ({"const": 1}, {"const": True}, ["loosened"], ["/const"]),
    ({"const": 1}, {}, ["loosened"], ["/const"]),
    ({"enum": [True, False]}, {"type": "boolean"}, [], []),
    ({"enum": [[1, {"a": 2}]]}, {"enum": [[1.0, {"a": 2}]]}, [], []),
    ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 1}, [], []),
    ({"exclusiveMinimum": 0}, {"minimum": 1}, ["tightened"], ["/minimum"]),
    ({"minimum": 1}, {"exclusiveMinimum": 0}, ["loosened"], ["/minimum"]),
    ({"type": "string", "minimum": 1}, {"type": "string"}, [], []),  # a string has no minimum
    ({"maximum": 9}, {"enum": [1, 9]}, ["tightened"], ["/enum"]),
    ({"maximum": 9}, {"enum": [1, 10]}, ["tightened", "loosened"], ["/enum", "/maximum"]),
    ({"minLength": 0}, {}, [], []),
    ({"uniqueItems": True}, {}, ["loosened"], ["/uniqueItems"]),
    ({}, {"uniqueItems": True}, ["tightened"], ["/uniqueItems"]),
    ({"multipleOf": 2}, {}, ["loosened"], ["/multipleOf"]),
    ({"multipleOf": 2}, {"multipleOf": 4}, ["undecided"], ["/multipleOf"]),
    ({"required": ["a"]}, {}, ["loosened"], ["/required"]),
    ({}, {"required": ["a"]}, ["tightened"], ["/required"]),
    ({}, {"properties": {"a": {"type": "string"}}}, ["added"], ["/properties/a"]),
    ({"additionalProperties": False}, {"additionalProperties": False, "properties": {"a": {}}},
     ["loosened"], ["/properties/a"]),
    ({"additionalProperties": {"type": "integer"}},
     {"additionalProperties": {"type": "integer"}, "properties": {"a": {"type": "string"}}},
     ["added", "loosened"], ["/properties/a", "/properties/a/type"]),
    ({"properties": {"a": {"type": "string"}}}, {}, ["loosened"], ["/properties/a"]),
    ({"properties": {"a": {}}, "additionalProperties": False}, {"additionalProperties": False},
     ["tightened"], ["/properties/a"]),
    ({"properties": {"a": {}}, "required": ["a"], "additionalProperties": False}, {"additionalProperties": False},
     ["loosened", "tightened"], ["/required", "/properties/a"]),
    ({"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": ["string", "null"]}}},
     ["loosened"], ["/properties/a/type"]),
    ({"properties": {"a/b~c": {"minLength": 1}}}, {"properties": {"a/b~c": {}}},
     ["loosened"], ["/properties/a~1b~0c/minLength"]),
    ({"additionalProperties": False}, {}, ["loosened"], ["/additionalProperties"]),
    ({}, {"additionalProperties": False}, ["tightened"], ["/additionalProperties"]),
    ({"patternProperties": {"^x": {}}}, {}, ["undecided"], ["/patternProperties"]),
    ({"items": {"type": "integer"}}, {"items": {"type": "number"}}, ["loosened"], ["/items/type"]),
    ({"items": {"type": "integer"}}, {}, ["loosened"], ["/items/type"]),
    ({"items": False}, {}, ["loosened"], ["/items"]),
    ({"prefixItems": [{"type": "integer"}]}, {"prefixItems": [{"type": "number"}]}, ["undecided"], ["/prefixItems"]),
    ({"prefixItems": [{"title": "x"}]}, {"prefixItems": [{"title": "y"}]}, [], []),
    ({"pattern": "^a"}, {"pattern": "^a"}, [], []),
    ({"pattern": "^a"}, {"pattern": "^b"}, ["undecided"], ["/pattern"]),
    ({}, {"format": "date"}, ["undecided"], ["/format"]),
    ({"anyOf": [{"type": "string", "title": "x"}]}, {"anyOf": [{"type": "string"}]}, [], []),
    ({"anyOf": [{"type": "string"}]}, {"anyOf": [{"type": "integer"}]}, ["undecided"], ["/anyOf"]),
    ({"x-unit": "m"}, {"x-unit": "mm"}, ["undecided"], ["/x-unit"]),
    ({"$schema": DIALECT}, {}, [], []),
    ({"$schema": DIALECT}, {"$schema": {"no": "text"}}, ["undecided"], ["/$schema"]),
    ({"$schema": DIALECT}, {"$schema": "http://json-schema.org/draft-07/schema#"}, ["undecided"], ["/$schema"]),
    ({"unevaluatedProperties": False, "properties": {"a": {}}},
     {"unevaluatedProperties": False, "properties": {"a": {}, "b": {}}}, ["undecided"], ["/unevaluatedProperties"]),
    # references
    ({"$ref": "#/$defs/a", "$defs": {"a": {"maximum": 9}}}, {"maximum": 8}, ["tightened"], ["/maximum"]),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"maximum": 9}}}, {"$ref": "#/$defs/b", "$defs": {"b": {"maximum": 10}}},
     ["loosened"], ["/$defs/b/maximum"]),
    ({"$ref": "#one", "$defs": {"a": {"$anchor": "one", "maximum": 9}}}, {"maximum": 9}, [], []),
    ({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"maximum": 9}}},
     {"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"maximum": 10}}}, ["undecided"], ["/anyOf"]),
    ({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {}, "b": {}}},
     {"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {}}}, [], []),
    ({"$ref": "#/$defs/a", "minimum": 1, "$defs": {"a": {"maximum": 9}}},
     {"$ref": "#/$defs/a", "minimum": 2, "$defs": {"a": {"maximum": 8}}},
     ["tightened", "tightened"], ["/$defs/a/maximum", "/minimum"]),
    ({"$ref": "https://example.org/a"}, {"$ref": "https://example.org/a", "minimum": 1},
     ["undecided", "tightened"], ["/$ref", "/minimum"]),
    ({"$ref": "#"}, {"$ref": "#", "title": "x"}, ["undecided"], [""]),
    (tree(), tree(name={"type": "string"}), ["added"], ["/$defs/node/properties/name"]),
    (tree(name={"type": "string"}), tree(name={}), ["loosened"], ["/$defs/node/properties/name/type"]),
    ({"properties": {"a": {"$id": "x", "$ref": "#/b", "b": {}}}}, {"properties": {"a": {"$id": "x", "$ref": "#/b"}}},
     ["undecided", "undecided"], ["/properties/a/$ref", "/properties/a/b"]),
    # malformed
    ({"type": "no such type"}, {"type": "string"}, ["undecided"], ["/type"]),
    ({"minimum": "1"}, {"minimum": 1}, ["undecided"], ["/minimum"]),
    ({"enum": 1}, {"enum": [1]}, ["undecided"], ["/enum"]),
    ({"required": "a"}, {"required": ["a"]}, ["undecided"], ["/required"]),
    ({"properties": []}, {"properties": {}}, ["undecided"], ["/properties"]),
    ({"properties": {"a": 1}}, {"properties": {"a": {}}}, ["undecided"], ["/properties/a"]),
    ({"items": [{}]}, {"items": {}}, ["undecided"], ["/items"]),
)  # fmt: skip


@pytest.mark.parametrize(("old", "new", "kinds", "places"), TABLE)
def test_each_change_is_what_it_means_to_who_reads_the_values(
    old: Any, new: Any, kinds: list[str], places: list[str]
) -> None:
    """The verdict on a version stands on it: a promise that is loosened is a major change."""
    facts = output_change(old, new)

    assert ([one.change for one in facts], [one.pointer for one in facts]) == (kinds, places), list(map(str, facts))


@pytest.mark.parametrize(("keyword", "sign"), BOUNDS + SIZES)
def test_a_bound_moved_outwards_or_gone_is_loosened_and_inwards_tightened(keyword: str, sign: int) -> None:
    """Every bound in both directions: a sign the wrong way round would turn the verdict about."""
    assert changes({keyword: 5}, {keyword: 5 - sign}) == ["loosened"]
    assert changes({keyword: 5}, {keyword: 5 + sign}) == ["tightened"]
    assert changes({keyword: 5}, {keyword: 5.0}) == []
    assert changes({keyword: 5}, {}) == ["loosened"]
    assert changes({}, {keyword: 5}) == ["tightened"]
    assert changes({keyword: 5}, {keyword: "five"}) == ["undecided"]


def test_a_fact_is_a_sentence_that_says_where_and_from_what_to_what() -> None:
    """It is read by an author who has to decide on a version."""
    old = {"properties": {"score": {"maximum": 1}}, "required": ["score"]}
    new = {"properties": {"score": {"maximum": 2}, "unit": {"const": "m"}}}

    assert [str(fact) for fact in output_change(old, new)] == [
        '#/required: "score" is gone: it may be missing',
        "#/properties/score/maximum was 1 and is now 2",
        '#/properties/unit: {"const": "m"} is new',
    ]


def deep(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"items": leaf}
    return leaf


def chain(length: int, leaf: Any) -> dict[str, Any]:
    links = {f"d{n}": {"items": {"$ref": f"#/$defs/d{n + 1}"}} for n in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**links, f"d{length}": leaf}}


def doubling(length: int, leaf: Any) -> dict[str, Any]:
    pairs = {
        f"d{n}": {"properties": {side: {"$ref": f"#/$defs/d{n + 1}"} for side in "ab"}, "x": leaf}
        for n in range(length)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**pairs, f"d{length}": leaf}}


HOSTILE: tuple[tuple[Any, Any], ...] = (
    (deep(10_000, {}), deep(10_000, {"minimum": 1})),
    (deep(100, {}), deep(100, {"minimum": 1})),
    (chain(2_000, {}), chain(2_000, {"type": "null"})),
    (chain(30_000, {}), chain(30_000, {"type": "null"})),
    (doubling(60, {"type": "null"}), doubling(60, {})),
    ({"enum": list(range(60_000))}, {"enum": list(range(60_001))}),
    ({"properties": {f"p{n}": {} for n in range(1_000)}, "additionalProperties": False}, {"additionalProperties": {}}),
    ({"maximum": 10**10_000}, {"maximum": float("inf")}),
    ({"minimum": float("nan")}, {"minimum": 1}),
    ({"maximum": 10**10_000, "type": "integer"}, {"maximum": 10**10_000 + 1, "type": "integer", "not": {}}),
)  # fmt: skip


@pytest.mark.parametrize(("old", "new"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_too_much_to_compare_is_never_called_the_same(
    monkeypatch: pytest.MonkeyPatch, old: Any, new: Any
) -> None:
    """A schema comes out of an image: it may be built to take for ever, or to hide a difference behind a limit."""
    steps = 0
    step = schema_change._Comparison._step

    def count(self: Any, parts: int = 1) -> None:
        nonlocal steps
        steps += parts
        step(self, parts)

    monkeypatch.setattr(schema_change._Comparison, "_step", count)
    facts = output_change(old, new)

    assert {"undecided", "loosened"} & {fact.change for fact in facts}
    assert all(len(str(fact)) < 1_000 for fact in facts)
    assert steps <= STEPS_LIMIT + 2 * PARTS_LIMIT  # a list is counted whole before the limit is looked at


def counterexample(seed: int) -> str:
    """Return a value that the new schema admits and the old does not, where the comparison saw nothing; or nothing."""
    rng = random.Random(seed)
    for _ in range(PAIRS):
        old = random_schema(rng)
        new = edited(old, rng)
        if {"loosened", "undecided"} & set(changes(old, new)):
            continue
        admits, promised = validator(new), validator(old)
        for _ in range(VALUES):
            value = random_value(rng.choice((old, new)), rng)
            if admits.is_valid(value) and not promised.is_valid(value):
                return f"{value!r} is valid under {new!r} and not under {old!r}"
    return ""


@given(st.integers(min_value=0, max_value=2**32))
def test_where_nothing_is_loosened_no_value_comes_that_was_not_promised(seed: int) -> None:
    """Against jsonschema, over random schemas, random edits of them and values that are nearly valid."""
    assert counterexample(seed) == ""


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100))
def test_the_same_over_thousands_of_pairs(seed: int) -> None:
    """A rare combination of keywords is rare in hundreds."""
    assert not any(counterexample(100 * seed + one) for one in range(20))


@pytest.mark.control
@pytest.mark.parametrize("part", ["_values", "_bound", "_multiples", "_arrays", "_objects", "_property"])
def test_control_a_comparison_without_one_of_its_parts_is_found_out(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """The property would see each kind of promise that is forgotten."""
    instead = {"_values": lambda _self, _old, new, _place: atoms_of(new)}
    monkeypatch.setattr(schema_change._Comparison, part, instead.get(part, lambda *_, **__: None))

    assert any(counterexample(seed) for seed in range(1_000))


def test_the_same_schema_has_no_facts_whatever_it_holds() -> None:
    """Else a build without a change would be refused."""
    rng = random.Random(1)
    for _ in range(200):
        schema = random_schema(rng)
        assert output_change(schema, schema) == ()
        assert output_change(schema, {**schema, "title": "other"} if isinstance(schema, dict) else schema) == ()


def test_facts_compare_by_what_they_say() -> None:
    """They are kept, counted and merged by others."""
    assert output_change({"minimum": 1}, {}) == (
        SchemaFact(change="loosened", pointer="/minimum", keyword="minimum", before="1"),
    )
