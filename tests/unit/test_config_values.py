"""Tests core/config_values.py: what of a Python value is no JSON, and defaults."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hotgraft.core.config_values import ConfigTooLargeError, fill_defaults, json_complaints
from hotgraft.engine.config import config_text

ITSELF: dict[str, Any] = {}
ITSELF["again"] = [ITSELF]
DOUBLING: list[Any] = []
DOUBLING += [DOUBLING, DOUBLING]


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"bands": [{}, {}, {"gain": float("nan")}]}, "/bands/2/gain: nan is no number of JSON"),
        ({"a/b~c": float("inf")}, "/a~1b~0c: inf is no number of JSON"),
        ({"a": 1 << 64}, "/a: is an integer beyond 64 bits"),
        ({"a": -(10**10_000)}, "/a: is an integer beyond 64 bits"),
        ({"a": {1, 2}}, "/a: is set, which JSON has no form for"),
        ({"a": b"bytes"}, "/a: is bytes"),
        ({1: 2}, "the config: the key '1' is int, not text"),
        ({"a": {None: 2}}, "/a: the key 'None' is NoneType, not text"),
        ({"a": "\ud800"}, "/a: holds half of a surrogate pair"),
        ({"\udfff": 1}, "the config: a key holds half of a surrogate pair"),
        (ITSELF, "is nested deeper than 64, or contains itself"),
        (DOUBLING, "has more than 50000 values"),
        (nested(65), "is nested deeper than 64"),
        (nested(10_000), "is nested deeper than 64"),
        (list(range(60_000)), "has more than 50000 values"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_named_by_its_pointer(value: Any, said: str) -> None:
    """Python's own encoder names no place, turns 1 into "1", and goes down until the stack ends."""
    complaints = json_complaints(value)

    assert [one for one in complaints if said in one], complaints
    assert all(len(one) < 300 for one in complaints)


def test_what_is_json_has_no_complaint() -> None:
    """Tuples too: they are lists to JSON."""
    assert json_complaints({"a": [1, 2.5, None, True, "é", (1, {})], "b": (1 << 64) - 1, "c": -(1 << 63)}) == ()
    assert json_complaints(nested(64)) == ()


@pytest.mark.parametrize("config", ["{}", "", b"{}", [], [("rate", 3)], 3])
def test_a_config_that_is_no_mapping_is_refused_by_its_type(config: Any) -> None:
    """JSON text is what one tries first; dict() says something about a sequence's elements, and takes an empty one."""
    with pytest.raises(TypeError, match=f"a config is a mapping of names to values.*not {type(config).__name__}"):
        config_text(config)


def test_a_thousand_wrong_values_are_not_all_listed() -> None:
    """A list that nobody reads to its end need not be longer."""
    assert len(json_complaints([float("nan")] * 1000)) == 21


GAIN = {"type": "number", "default": 1.0}
FILLED: tuple[tuple[Any, Any, Any], ...] = (
    ({"properties": {"a": GAIN}}, {}, {"a": 1.0}),
    ({"properties": {"a": GAIN}}, {"a": 2}, {"a": 2}),
    ({"properties": {"a": GAIN}}, {"a": None}, {"a": None}),
    ({"properties": {"a": {"default": None}}}, {}, {"a": None}),
    ({"properties": {"o": {"properties": {"a": GAIN}}}}, {}, {}),  # an object that is not there
    ({"properties": {"o": {"properties": {"a": GAIN}}}}, {"o": {}}, {"o": {"a": 1.0}}),
    ({"properties": {"o": {"default": {}, "properties": {"a": GAIN}}}}, {}, {"o": {"a": 1.0}}),
    ({"properties": {"l": {"items": {"properties": {"a": GAIN}}}}}, {"l": [{}, {"a": 2}, 3]},
     {"l": [{"a": 1.0}, {"a": 2}, 3]}),
    ({"prefixItems": [{"properties": {"a": GAIN}}], "items": {"properties": {"b": GAIN}}}, [{}, {}],
     [{"a": 1.0}, {"b": 1.0}]),
    ({"additionalProperties": {"properties": {"a": GAIN}}, "properties": {"x": {}}}, {"x": {}, "y": {}},
     {"x": {}, "y": {"a": 1.0}}),
    ({"patternProperties": {"^b": {"properties": {"a": GAIN}}}}, {"b1": {}, "c": {}}, {"b1": {"a": 1.0}, "c": {}}),
    ({"properties": {"a": {"$ref": "#/$defs/gain"}}, "$defs": {"gain": GAIN}}, {}, {"a": 1.0}),
    ({"properties": {"a": {"$ref": "#/$defs/gain", "default": 3}}, "$defs": {"gain": GAIN}}, {}, {"a": 3}),
    ({"allOf": [{"properties": {"a": GAIN}}, {"properties": {"a": {"default": 2}, "b": {"default": 3}}}]}, {},
     {"a": 1.0, "b": 3}),
    ({"anyOf": [{"properties": {"a": GAIN}}], "if": {"properties": {"a": GAIN}}}, {}, {}),
    ({"default": {"a": 1}}, {}, {}),
    ({"properties": {"a": {"default": 1}}}, [1], [1]),
    (True, {}, {}),
)  # fmt: skip


@pytest.mark.parametrize(("schema", "config", "filled"), FILLED)
def test_defaults_are_filled_in_where_nothing_is_given(schema: Any, config: Any, filled: Any) -> None:
    """Create is given what was checked: what an operator leaves out is what the author wrote beside it."""
    before = copy.deepcopy(schema)

    assert fill_defaults(schema, copy.deepcopy(config), lambda _: None) == filled
    assert schema == before


def test_two_places_with_one_default_do_not_share_it() -> None:
    """Filling in one would fill in the other."""
    inner = {"properties": {"a": GAIN}, "default": {}}
    filled = fill_defaults({"properties": {"x": inner, "y": inner}}, {}, lambda _: None)

    assert filled["x"] == filled["y"]
    assert filled["x"] is not filled["y"]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#", "default": {}}}},
        {"properties": {"a": {"$ref": "#", "default": {}}, "b": {"$ref": "#", "default": {}}}},
        {"properties": {"l": {"default": [{}] * 1000, "items": {"properties": {"t": {"default": "x" * 1000}}}}}},
    ],
)  # fmt: skip
def test_defaults_without_an_end_are_refused(schema: Any) -> None:
    """A schema comes out of an image: a few bytes of it must not fill the memory."""
    spent: list[int] = []

    def spend(steps: int) -> None:
        spent.append(steps)
        if sum(spent) > 20_000:
            raise ConfigTooLargeError("takes more steps than it may")

    with pytest.raises(ConfigTooLargeError):
        fill_defaults(schema, {}, spend)
