"""Tests engine/validating.py: jsonschema's verdict, in a bounded number of steps."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hotgraft.core.schema_check import schema_complaints
from hotgraft.engine.validating import CHECK_STEPS, Spending, TooMuchError, violations_of
from hypothesis import given
from hypothesis import strategies as st
from schema_pairs import random_schema, random_value, validator


def found(schema: Any, value: Any, limit: int = CHECK_STEPS) -> list[str]:
    return [str(one) for one in violations_of(schema, value, spending=Spending(limit))]


BANDS: dict[str, Any] = {
    "properties": {"bands": {"items": {"$ref": "#/$defs/band"}}},
    "$defs": {"band": {"properties": {"gain": {"maximum": 4}}, "required": ["gain"], "additionalProperties": False}},
}


NULLS: dict[str, Any] = {"^a": {"type": "null"}}


def test_a_violation_names_the_value_and_the_rule() -> None:
    """Pointers are what tools and people find the two places by."""
    assert found(BANDS, {"bands": [{"gain": 1}, {"gain": 4.2}, {"gian": 1}]}) == [
        "/bands/1/gain: 4.2 is greater than the maximum of 4 (#/properties/bands/items/$ref/properties/gain/maximum)",
        "/bands/2: 'gain' is a required property (#/properties/bands/items/$ref/required)",
        "/bands/2: 'gian' was unexpected; known here: 'gain' (#/properties/bands/items/$ref/additionalProperties)",
    ]
    assert found({"type": "object"}, 5) == ["the whole of it: 5 is not of type 'object' (#/type)"]
    assert found({"properties": {"a/b~": False}}, {"a/b~": 1}) == [
        "/a~1b~0: nothing may stand here (#/properties/a~1b~0)"
    ]


@given(st.integers(min_value=0, max_value=2**32))
def test_the_verdict_is_jsonschemas(seed: int) -> None:
    """Four keywords are ours; all of them together must say what the standard says."""
    rng = random.Random(seed)
    for _ in range(5):
        schema = random_schema(rng)
        if schema_complaints(schema):
            continue
        for _ in range(8):
            value = random_value(schema, rng)
            assert (not found(schema, value)) == validator(schema).is_valid(value), (schema, value)


@pytest.mark.parametrize(
    ("schema", "value", "is_valid"),
    [
        ({"uniqueItems": True}, [1, True, 0, False, None, "1", [1], {"a": 1}], True),
        ({"uniqueItems": True}, [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}], False),
        ({"uniqueItems": False}, [1, 1], True),
        ({"pattern": "^a"}, 5, True),
        ({"pattern": "b$"}, "ab\n", False),  # Python's `$` would take the end of the line
        ({"patternProperties": NULLS, "additionalProperties": {"type": "string"}}, {"a": None, "b": "x"}, True),
        ({"patternProperties": NULLS, "additionalProperties": {"type": "string"}}, {"b": None}, False),
        ({"patternProperties": NULLS, "additionalProperties": False}, {"b": 1}, False),
    ],
)  # fmt: skip
def test_the_keywords_that_are_ours(schema: Any, value: Any, is_valid: bool) -> None:
    """Beyond what random ones reach."""
    assert (not found(schema, value)) == is_valid


def wide(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


TWICE: dict[str, Any] = {"properties": {"a": {"$ref": "#"}}, "patternProperties": {"a": {"$ref": "#"}}}
HOSTILE: tuple[tuple[Any, Any], ...] = (
    (TWICE, wide(60)),  # two to the sixtieth
    ({"allOf": [{"type": "null"}] * 900}, {"text": "x" * 200_000}),
    ({"anyOf": [{"type": "null"}] * 900}, {"text": "x" * 200_000}),
    ({"items": {"enum": list(range(5_000))}}, list(range(40_000, 50_000))),
    ({"items": {"properties": {f"p{n}": {} for n in range(5_000)}}}, [{}] * 10_000),
    ({"items": {"pattern": "^(a?){400}(a|b)*c$"}}, ["a" * 10_000] * 20),
    ({"items": {"type": "null"}}, [1] * 40_000),
    ({"unevaluatedItems": False, "allOf": [{"items": {"minimum": 0}}] * 30}, [-1] * 20_000),
)  # fmt: skip


@pytest.mark.parametrize(("schema", "value"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_check_that_would_take_too_long_is_given_up(schema: Any, value: Any) -> None:
    """Schema and value may both be a plugin's; a host must not be held up, and must not fill up, by either."""
    assert schema_complaints(schema) == ()
    spending = Spending(CHECK_STEPS)
    try:
        violations = violations_of(schema, value, spending=spending)
    except TooMuchError as error:
        assert "steps" in str(error) or "deep" in str(error)
    else:
        assert violations
        assert len(violations) <= 100
        assert all(len(str(one)) < 1_000 for one in violations)
