"""Hold a JSON value against a JSON Schema, in a number of steps that is bounded.

jsonschema does it; what it does with `re` is done here by `core/schema_pattern`, and each of its steps is counted,
weighed by the size of what it looks at and may have to write into a sentence. The schema is one without a complaint
(`core/schema_check`): nothing is fetched, and nothing goes round in a circle.
"""

from __future__ import annotations

import functools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.schema_pattern import Pattern, read_pattern
from hotgraft.core.schema_terms import pointer_part, value_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotgraft.core.schema_terms import Schema

__all__ = ["CHECK_STEPS", "Spending", "TooMuchError", "Violation", "violations_of"]

CHECK_STEPS: Final = 15_000  # about a tenth of a second
VIOLATIONS_LIMIT: Final = 100
SENTENCE_LIMIT: Final = 300  # characters
CHARACTERS_A_STEP: Final = 256  # what a sentence about a value costs


class TooMuchError(ValueError):
    """The check would take more steps than it may; the argument is a sentence."""


class Spending:
    """The steps that are left of a check. Not for several threads at once."""

    __slots__ = ("_sizes", "left", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = self.left = limit
        self._sizes: dict[int, int] = {}

    def spend(self, steps: int) -> None:
        """Take `steps` away.

        Raises:
            TooMuchError: there are none left.
        """
        self.left -= steps
        if self.left < 0:
            raise TooMuchError(f"checking it takes more than {self.limit} steps")

    def measure(self, value: Any) -> int:
        """Note the size in characters of `value` and of all within it, and return its own."""
        if isinstance(value, str):
            return 2 + len(value)
        if not isinstance(value, dict | list):
            return 8
        inside = (self.measure(one) for one in (value.values() if isinstance(value, dict) else value))
        size = 2 + 2 * len(value) + sum(inside) + (sum(map(len, value)) if isinstance(value, dict) else 0)
        self._sizes[id(value)] = size
        return size

    def look(self, keyword: str, rule: Any, value: Any) -> None:
        """Take away what one keyword costs on one value."""
        size = len(value) if isinstance(value, str) else self._sizes.get(id(value), 8)
        listed = len(rule) if isinstance(rule, dict | list) else 0
        steps = (
            (2 if keyword == "$ref" else 1)
            + size // CHARACTERS_A_STEP
            + listed // (1 if keyword in ("enum", "required") else 8)
        )
        self.spend(steps + (WAYS if keyword.startswith("unevaluated") else 0))


WAYS: Final = 100  # an unevaluated keyword goes once more through all that stands beside it
_spending: ContextVar[Spending] = ContextVar("spending")


@dataclass(frozen=True, slots=True)
class Violation:
    """One value that breaks one rule.

    Args:
        pointer: JSON Pointer (RFC 6901) of the value; empty: all of it.
        rule: JSON Pointer of the keyword, by the way that was taken to it: through ``$ref`` where it led through one.
        said: what is wrong.
    """

    pointer: str
    rule: str
    said: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the whole of it'}: {self.said} (#{self.rule})"


def violations_of(
    schema: Mapping[str, Any], value: Any, *, spending: Spending, of: Schema | None = None
) -> list[Violation]:
    """Return how `value` breaks `schema`, at most `VIOLATIONS_LIMIT`; empty: it does not.

    Args:
        schema: one without a complaint.
        value: a JSON value, not nested deeper than `core/config_values` allows.
        spending: what the check may cost.
        of: the part of `schema` that it is held against; None: all of it.

    Raises:
        TooMuchError: the check would take more steps, or go deeper, than it may.
    """
    spending.measure(value)
    token = _spending.set(spending)
    found: list[Violation] = []
    try:
        validator = _validator_class()(schema)
        if of is not None:
            validator = validator.evolve(schema=of)
        for error in validator.iter_errors(value):
            found.append(_violation(error))
            if len(found) == VIOLATIONS_LIMIT:
                break
    except RecursionError:
        raise TooMuchError("checking it goes too deep") from None
    finally:
        _spending.reset(token)
    return found


def _violation(error: Any) -> Violation:
    said = error.message if len(error.message) <= SENTENCE_LIMIT else f"{error.message[:SENTENCE_LIMIT]}…"
    return Violation(_pointer(error.absolute_path), _pointer(error.absolute_schema_path), said)


def _pointer(path: Any) -> str:
    return "".join(pointer_part(str(one)) for one in path)


@functools.cache
def _validator_class() -> Any:
    """Return jsonschema's validator with every keyword counted and every pattern ours."""
    from jsonschema import (
        Draft202012Validator,  # 60 ms: only for who has a schema
        validators,
    )

    extend: Any = validators.extend
    ours = {
        "pattern": _pattern,
        "properties": _properties,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    keywords = {**Draft202012Validator.VALIDATORS, **ours}
    return extend(Draft202012Validator, {name: _counted(name, check) for name, check in keywords.items()})


def _counted(keyword: str, check: Callable[..., Any]) -> Callable[..., Any]:
    def counted(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _spending.get().look(keyword, rule, instance)
        for error in check(validator, rule, instance, schema) or ():
            if keyword == "$ref":  # jsonschema leaves this step out, and the place would be none
                error.schema_path.appendleft(keyword)
            yield error

    return counted


@functools.lru_cache(maxsize=256)
def _ready(text: str) -> Pattern:
    return read_pattern(text)


def _is_in(pattern: str, text: str) -> bool:
    return _ready(pattern).is_in(text, _spending.get().spend)


def _error(sentence: str) -> Any:
    from jsonschema import ValidationError

    return ValidationError(sentence)


def _pattern(_validator: Any, rule: str, instance: Any, _schema: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not _is_in(rule, instance):
        yield _error(f"{instance!r} does not match {rule!r}")


def _properties(validator: Any, rule: Mapping[str, Any], instance: Any, _schema: Any) -> Iterator[Any]:
    for name in [one for one in rule if one in instance] if isinstance(instance, dict) else ():
        if rule[name] is not False:
            yield from validator.descend(instance[name], rule[name], path=name, schema_path=name)
            continue
        error = _error("nothing may stand here")  # jsonschema's own says no place
        error.path.append(name)
        error.schema_path.append(name)
        yield error


def _pattern_properties(validator: Any, rule: Mapping[str, Any], instance: Any, _schema: Any) -> Iterator[Any]:
    for name, value in instance.items() if isinstance(instance, dict) else ():
        for pattern, schema in rule.items():
            if _is_in(pattern, name):
                yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    listed, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    more = [name for name in instance if name not in listed and not any(_is_in(one, name) for one in patterns)]
    if rule is False:
        known = ", ".join(map(repr, listed)) or "nothing"
        yield from (_error(f"{name!r} was unexpected; known here: {known}"[:SENTENCE_LIMIT]) for name in more)
        return
    for name in more:
        yield from validator.descend(instance[name], rule, path=name)


def _unique_items(_validator: Any, rule: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    if rule is True and isinstance(instance, list) and len({value_key(one) for one in instance}) < len(instance):
        yield _error("has an element twice")
