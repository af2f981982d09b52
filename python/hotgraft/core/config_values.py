"""A config as JSON: what of a Python value is none, and a config with the defaults of its schema filled in.

Defaults are those of `properties`, at any depth, in arrays too, and in what `$ref` and `allOf` add. A default within
an object that is not there does nothing, and none of `anyOf`, `oneOf` or `if`: which of these counts depends on the
values.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.schema_pattern import read_pattern
from hotgraft.core.schema_refs import Document
from hotgraft.core.schema_terms import pointer_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotgraft.core.schema_terms import Schema

__all__ = ["CONFIG_LIMIT", "ConfigTooLargeError", "fill_defaults", "json_complaints"]

CONFIG_LIMIT: Final = 256 << 10  # bytes of its JSON text
NESTING_LIMIT: Final = 64
PARTS_LIMIT: Final = 50_000
COMPLAINTS_LIMIT: Final = 20
# What C reads an integer of JSON into.
LEAST_INTEGER: Final = -(1 << 63)
MOST_INTEGER: Final = (1 << 64) - 1


class ConfigTooLargeError(ValueError):
    """With its defaults filled in, a config has no end, or is larger than any; the argument is a sentence."""


def json_complaints(value: object) -> tuple[str, ...]:
    """Return where `value` is not JSON that a plugin can be given, as ``/pointer: sentence``; empty: it is.

    Refused are also what contains itself, integers beyond 64 bits, and what is larger or deeper than any config. At
    most `COMPLAINTS_LIMIT` of them; never raises.
    """
    found: list[str] = []
    parts, level = 1, [("", value)]
    for _ in range(NESTING_LIMIT + 1):
        inside: list[tuple[str, Any]] = []
        for place, outer in level:
            if len(found) == COMPLAINTS_LIMIT:
                return (*found, "and more")
            for one in _inside(place, outer, found):
                inside.append(one)
                if parts + len(inside) > PARTS_LIMIT:
                    return (*found, f"has more than {PARTS_LIMIT} values")
        parts, level = parts + len(inside), inside
        if not level:
            return tuple(found)
    return (*found, f"{_shown(level[0][0])}: is nested deeper than {NESTING_LIMIT}, or contains itself")


def _inside(place: str, value: object, found: list[str]) -> Iterator[tuple[str, Any]]:
    """Give what `value` holds, and note what is wrong with itself."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                found.append(f"{_shown(place)}: the key {str(name)[:64]!r} is {type(name).__name__}, not text")
            elif not _is_text(name):
                found.append(f"{_shown(place)}: a key holds half of a surrogate pair")
            else:
                yield place + pointer_part(name), inner
    elif isinstance(value, list | tuple):
        yield from ((f"{place}/{index}", inner) for index, inner in enumerate(value))
    elif wrong := _wrong_scalar(value):
        found.append(f"{_shown(place)}: {wrong}")


def _wrong_scalar(value: object) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        return "" if _is_text(value) else "holds half of a surrogate pair"
    if isinstance(value, int):
        return "" if LEAST_INTEGER <= value <= MOST_INTEGER else "is an integer beyond 64 bits"
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{value} is no number of JSON"
    return f"is {type(value).__name__}, which JSON has no form for"


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(place: str) -> str:
    return (place if len(place) < 200 else f"{place[:200]}…") or "the config"


def fill_defaults(schema: Schema, config: Any, spend: Callable[[int], None], *, of: Schema | None = None) -> Any:
    """Return `config` with the defaults of `schema` where nothing is given; what is given stays as it is.

    Args:
        schema: one without a complaint (`schema_complaints`).
        config: a JSON value. It is changed in place.
        spend: told the steps taken; may raise.
        of: the part of `schema` that says what `config` is; None: all of it.

    Raises:
        ConfigTooLargeError: the defaults never end, or are larger than a config may be.
    """
    _Filling(schema, spend).fill(schema if of is None else of, config, 0)
    return config


class _Filling:
    """Goes through a config and its schema side by side."""

    def __init__(self, root: Schema, spend: Callable[[int], None]) -> None:
        self._spend = spend
        self._document = Document(root, lambda: None)
        self._texts: dict[int, str] = {}  # of defaults, by id: each is a part of the schema
        self._bytes = 0

    def fill(self, schema: Schema, value: Any, depth: int) -> None:
        """Fill in what `schema` and all that it adds for the same value say."""
        if not isinstance(value, dict | list) or isinstance(schema, bool):
            return
        if depth > NESTING_LIMIT:
            raise ConfigTooLargeError(f"with its defaults filled in it is nested deeper than {NESTING_LIMIT}")
        parts = [one for one in self._added(schema) if isinstance(one, dict)]
        for part in parts:
            if isinstance(value, dict):
                self._add_defaults(part, value)
        for part in parts:
            for inner_schema, inner in self._inner(part, value):
                self.fill(inner_schema, inner, depth + 1)

    def _added(self, schema: Schema) -> Iterator[Schema]:
        """Give `schema` and what `$ref` and `allOf` add to it."""
        self._spend(1)
        yield schema
        if not isinstance(schema, dict):
            return
        target = self._document.target(schema.get("$ref"))
        for part in ([target[0]] if target is not None else []) + schema.get("allOf", []):
            yield from self._added(part)

    def _add_defaults(self, schema: dict[str, Any], value: dict[str, Any]) -> None:
        for name, inner in schema.get("properties", {}).items():
            self._spend(1)
            if name in value:
                continue
            for part in self._added(inner):
                if isinstance(part, dict) and "default" in part:
                    value[name] = self._copy(part["default"])
                    break

    def _copy(self, default: Any) -> Any:
        if id(default) not in self._texts:
            self._texts[id(default)] = json.dumps(default)
        text = self._texts[id(default)]
        self._bytes += len(text)
        self._spend(1 + len(text) // 64)
        if self._bytes > CONFIG_LIMIT:
            raise ConfigTooLargeError(f"with its defaults filled in it has more than {CONFIG_LIMIT} bytes")
        return json.loads(text)

    def _inner(self, schema: dict[str, Any], value: Any) -> Iterator[tuple[Schema, Any]]:
        """Give each value within `value` with each schema that is said of it."""
        if isinstance(value, list):
            first = schema.get("prefixItems", [])
            for index, inner in enumerate(value):
                self._spend(1)
                yield (first[index] if index < len(first) else schema.get("items", True)), inner
            return
        listed, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        ready = [(read_pattern(text), inner_schema) for text, inner_schema in patterns.items()]
        for name, inner in value.items():
            self._spend(1)
            matching = [inner_schema for pattern, inner_schema in ready if pattern.is_in(name, self._spend)]
            if name in listed:
                yield listed[name], inner
            elif not matching:
                yield schema.get("additionalProperties", True), inner
            yield from ((one, inner) for one in matching)
