"""Random JSON Schemas, small edits of them, and values that nearly fit: for tests of what compares schemas."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    import random

NAMES = ("a", "b", "c")
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
SCALARS: tuple[Any, ...] = (None, True, False, 0, 1, 2, 3, 1.0, 0.5, 1.5, -1, "", "a", "ab", "abc")
NUMBERS = (-1, 0, 0.5, 1, 1.5, 2, 3)
KEYWORDS = (
    "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "minItems", "maxItems", "uniqueItems", "items", "prefixItems", "minProperties", "maxProperties",
    "required", "properties", "additionalProperties", "patternProperties", "anyOf", "not", "pattern", "$ref",
    "unevaluatedProperties", "contains",
)  # fmt: skip
DEFS = ("p", "q")


def validator(schema: Any) -> Draft202012Validator:
    """Return what says whether a value is valid."""
    return Draft202012Validator(schema)


def random_schema(rng: random.Random) -> Any:
    """Return a schema with two definitions that its parts may refer to."""
    schema = _schema(rng, 0)
    if isinstance(schema, bool):
        return schema
    # Each refers only to those behind it, or through a property: none is endless.
    return {
        **schema,
        "$defs": {"p": _schema(rng, 2), "q": {"properties": {"a": {"$ref": "#/$defs/q"}}, **_dict(rng, 3)}},
    }


def edited(schema: Any, rng: random.Random) -> Any:
    """Return `schema` with one or two small edits somewhere within."""
    new = copy.deepcopy(schema)
    for _ in range(rng.choice((1, 1, 2))):
        places = [one for one in _dicts(new) if one]
        if not places:
            return _schema(rng, 1)
        _edit(rng.choice(places), rng)
    return new


def _edit(place: dict[str, Any], rng: random.Random) -> None:
    keyword = rng.choice([*place, rng.choice(KEYWORDS)])
    if keyword == "$defs":
        return
    if rng.random() < 0.35:
        place.pop(keyword, None)
    elif isinstance(place.get(keyword), list) and place[keyword] and rng.random() < 0.5:
        values = place[keyword]
        if rng.random() < 0.5 and len(values) > 1:
            values.pop(rng.randrange(len(values)))
        else:
            values.append(rng.choice(SCALARS if keyword == "enum" else list(values)))
            if keyword in ("required", "type"):
                place[keyword] = sorted({*values, rng.choice(NAMES if keyword == "required" else TYPES)})
    elif isinstance(place.get(keyword), dict) and keyword == "properties":
        name = rng.choice(NAMES)
        if name in place[keyword] and rng.random() < 0.6:
            del place[keyword][name]
        else:
            place[keyword][name] = _schema(rng, 2)
    else:
        place[keyword] = _value_of(keyword, rng, 2)


def _dicts(schema: Any) -> list[dict[str, Any]]:
    """Every schema within that is an object, itself included."""
    if not isinstance(schema, dict):
        return []
    inner = [schema.get(name) for name in ("items", "additionalProperties", "not")]
    inner += [one for name in ("properties", "$defs") for one in schema.get(name, {}).values()]
    inner += schema.get("anyOf", [])
    return [schema, *(found for one in inner for found in _dicts(one))]


def _schema(rng: random.Random, depth: int) -> Any:
    if depth and rng.random() < 0.1:
        return rng.random() < 0.7
    return _dict(rng, depth)


def _dict(rng: random.Random, depth: int) -> dict[str, Any]:
    keywords = rng.sample(KEYWORDS, rng.choice((1, 1, 2, 3, 4)))
    if rng.random() < 0.4:
        keywords += ["type", "properties", "required"][: rng.randrange(4)]
    deep = ("items", "prefixItems", "properties", "additionalProperties", "patternProperties", "anyOf", "not")
    used = [one for one in keywords if depth < 3 or one not in (*deep, "$ref", "contains")]
    return {keyword: _value_of(keyword, rng, depth + 1) for keyword in used}


def _value_of(keyword: str, rng: random.Random, depth: int) -> Any:
    if keyword == "type":
        return rng.choice(TYPES) if rng.random() < 0.7 else rng.sample(TYPES, 2)
    if keyword == "enum":
        return [*rng.sample(SCALARS, rng.randrange(1, 5))]
    if keyword == "const":
        return rng.choice(SCALARS)
    if keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        return rng.choice(NUMBERS)
    if keyword == "multipleOf":
        return rng.choice((1, 2, 0.5))
    if keyword.startswith(("min", "max")):
        return rng.randrange(4)
    if keyword == "uniqueItems":
        return rng.random() < 0.8
    if keyword == "required":
        return sorted(rng.sample(NAMES, rng.randrange(1, 3)))
    if keyword == "pattern":
        return rng.choice(("^a", "b$"))
    if keyword == "$ref":
        return f"#/$defs/{rng.choice(DEFS)}" if depth < 3 else "#/$defs/q"
    if keyword in ("properties", "patternProperties"):
        names = NAMES if keyword == "properties" else ("^a", "^[bc]")
        return {name: _schema(rng, depth) for name in rng.sample(names, rng.randrange(1, len(names)))}
    if keyword in ("anyOf", "prefixItems"):
        return [_schema(rng, depth) for _ in range(rng.randrange(1, 3))]
    if keyword == "unevaluatedProperties":
        return False
    return _schema(rng, depth)


def random_value(schema: Any, rng: random.Random, depth: int = 0) -> Any:
    """Return a value that often is valid under `schema`, or nearly."""
    if not isinstance(schema, dict) or depth > 3 or rng.random() < 0.15:
        return _any_value(rng, depth)
    if "const" in schema and rng.random() < 0.7:
        return schema["const"]
    if "enum" in schema and rng.random() < 0.7:
        return rng.choice(schema["enum"])
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind] if kind else []
    hints = {"string": ("minLength", "maxLength", "pattern"), "array": ("items", "minItems", "maxItems", "uniqueItems"),
             "object": ("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
             "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")}  # fmt: skip
    kinds = kinds or [name for name, keywords in hints.items() if any(one in schema for one in keywords)]
    chosen = rng.choice(kinds) if kinds else rng.choice(TYPES)
    return _value_of_type(chosen, schema, rng, depth)


def _value_of_type(kind: str, schema: dict[str, Any], rng: random.Random, depth: int) -> Any:
    if kind == "integer":
        return rng.choice((-2, -1, 0, 1, 2, 3, 4, 1.0))
    if kind == "number":
        return rng.choice((-1, -0.5, 0, 0.5, 1, 1.25, 1.5, 2, 2.5, 3, 4))
    if kind == "string":
        return "".join(rng.choice("ab") for _ in range(rng.randrange(5)))
    if kind == "array":
        count = rng.randrange(5)
        return [random_value(schema.get("items", True), rng, depth + 1) for _ in range(count)]
    if kind == "object":
        listed = schema.get("properties", {})
        names = {*(one for one in schema.get("required", []) if rng.random() < 0.9)}
        names |= {one for one in (*listed, *NAMES) if rng.random() < 0.4}
        rest = schema.get("additionalProperties", True)
        return {name: random_value(listed.get(name, rest), rng, depth + 1) for name in sorted(names)}
    return None if kind == "null" else rng.random() < 0.5


def _any_value(rng: random.Random, depth: int) -> Any:
    if depth > 2 or rng.random() < 0.7:
        return rng.choice(SCALARS)
    if rng.random() < 0.5:
        return [_any_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {name: _any_value(rng, depth + 1) for name in NAMES if rng.random() < 0.5}
