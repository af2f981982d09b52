"""Tests engine/outputs.py: what a function returned, held against its schema."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hotgraft.engine.outputs import OUTPUT_LIMIT, output_violations

SCHEMA: dict[str, Any] = {
    "properties": {"score": {"type": "number", "maximum": 1}, "tags": {"items": {"type": "string"}}},
    "required": ["score"],
}


def packed(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


@pytest.mark.parametrize(
    "result",
    [
        '{"score": 0.5}',
        packed({"score": 1, "tags": ["a"]}),
        memoryview(packed({"score": 0})),
        '{"score": 1, "more": null}',
    ],
)
def test_json_as_text_and_messagepack_as_bytes_are_read(result: object) -> None:
    """The two forms that calls from Python give."""
    assert output_violations(SCHEMA, result) == []


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ('{"score": 2}', "/score: 2 is greater than the maximum of 1 (#/properties/score/maximum)"),
        (packed({"score": 0, "tags": ["a", 1]}), "/tags/1: 1 is not of type 'string' (#/properties/tags/items/type)"),
        ("{}", "'score' is a required property (#/required)"),
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ('{"score": 1, "score": 2}', "the key 'score' stands twice"),
        ('{"score": NaN}', "NaN is not JSON"),
        ('{"score": 1e999}', "beyond a double"),
        ('{"score": 123456789012345678901234567890}', "/score: is an integer beyond 64 bits"),
        ('{"score": ' + "9" * 10_000 + "}", "is no JSON"),
        ("[" * 10_000, "is no JSON"),
        ("[" * 10_000 + "]" * 10_000, "is no JSON"),
        ('{"score": "\\ud800"}', "half of a surrogate pair"),
        ("x" * (OUTPUT_LIMIT + 1), "what is checked ends at"),
        (b"", "is no MessagePack"),
        (b"\x81\xa5score", "is no MessagePack"),
        (b"\xc1", "is no MessagePack"),
        (b"\x91" * 10_000 + b"\xc0", "is no MessagePack"),
        (packed({"score": b"bytes"}), "/score: is bytes, which JSON has no form for"),
        (packed({1: 2}), "the key '1' is int, not text"),
        (packed({"score": msgspec.msgpack.Ext(1, b"x")}), "is Ext, which JSON has no form for"),
        (packed({"score": 0, "a": "x"})[:-1] + b"\xff", "is no MessagePack"),
        (None, "is NULL"),
        (5, "is int, neither JSON as text nor MessagePack as bytes"),
    ],
)
def test_what_breaks_the_promise_is_a_sentence_whatever_it_is(result: object, said: str) -> None:
    """A plugin returned it: looking at it must not be what breaks."""
    violations = output_violations(SCHEMA, result)

    assert any(said in one for one in violations), violations
    assert all(len(one) < 700 for one in violations)


def test_a_schema_that_is_not_followed_is_said_and_not_followed() -> None:
    """It comes out of an image that another bind may have made."""
    (violation,) = output_violations({"$ref": "https://example.org/x"}, "{}")

    assert violation.startswith('its schema is not followed: #/$ref: "https://example.org/x" lies elsewhere')
