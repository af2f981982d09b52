"""Read a TOML table key by key and note every violation, instead of stopping at the first."""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLUGIN_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
INTERFACE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
FEATURE_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,63}")
OUTPUT_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\.[A-Za-z_][A-Za-z0-9_]{0,127}")
FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\.[A-Za-z_][A-Za-z0-9_]{0,127}")
DROPPED_NAME: Final = re.compile(FIELD_NAME.pattern + r"(\[[0-9]{1,9}:\])?")
IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

TEXT_LIMIT: Final = 4096
OFFERS_LIMIT: Final = 256  # features of one plugin, and permissions
INTEGER_LIMIT: Final = 1 << 64
NAMES_LIMIT: Final = 256  # that an author chooses in one table: interfaces, functions with outputs
REQUIRES_LIMIT: Final = 32  # interfaces of others; reading a range may take a millisecond
HINTS_LIMIT: Final = 20  # violations; a list that nobody reads to its end needs no hints
SHOWN_LIMIT: Final = 200  # and no words

_T = TypeVar("_T")


def is_json(value: object) -> bool:
    """Can JSON say `value`, for any reader? TOML has dates, times, inf and nan besides, and integers without end."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_json(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(map(is_json, value))
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return -INTEGER_LIMIT <= value < INTEGER_LIMIT
    return isinstance(value, str)


class Table:
    """One table of a manifest while it is read.

    Every reader answers a value of its type whatever it found, and notes what is wrong. `end` notes the keys
    that nobody asked for.
    """

    def __init__(self, path: str, values: dict[str, Any], violations: list[str]) -> None:
        self._path = path
        self._values = values
        self._violations = violations
        self._known: dict[str, None] = {}  # in their order

    def complain(self, key: str, what: str) -> None:
        """Note that `key` is wrong."""
        is_shown = len(self._violations) < SHOWN_LIMIT
        self._violations.append(f"{self._name(key)}: {what}" if is_shown else "")

    def end(self) -> None:
        """Note every key that was not read, with the nearest that could have been."""
        for key in self._values:
            if key not in self._known:
                self.complain(key, f"unknown key; {self._hint(key)}")

    def _hint(self, key: str) -> str:
        if len(self._violations) >= HINTS_LIMIT:
            return "see the schema"
        near = difflib.get_close_matches(key[:64], self._known, n=1, cutoff=0.5)
        return f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(self._known)}"

    def take(self, key: str) -> Any:
        """The value as it stands, None when absent."""
        self._known[key] = None
        return self._values.get(key)

    def is_table(self, key: str) -> bool:
        """Is there a table under `key`?"""
        return isinstance(self._values.get(key), dict)

    def keys_given(self, *keys: str) -> list[str]:
        """Those of `keys` that are there; all of them are known from now on."""
        self._known.update(dict.fromkeys(keys))
        return [key for key in keys if key in self._values]

    def table(self, key: str, *, required: bool = False) -> Table:
        """The table under `key`; an empty one when it is absent or something else."""
        values = self.take(key)
        if values is None and required:
            self.complain(key, "is missing")
        elif values is not None and not isinstance(values, dict):
            self.complain(key, f"must be a table, found {_kind(values)}")
        return Table(self._name(key), values if isinstance(values, dict) else {}, self._violations)

    def tables(self, key: str, pattern: re.Pattern[str], *, most: int = NAMES_LIMIT) -> list[tuple[str, Table]]:
        """All tables under `key`, by their own names."""
        outer = self.table(key)
        return [(name, outer.table(name)) for name in outer.names(pattern, most=most)]

    def names(self, pattern: re.Pattern[str], *, most: int = NAMES_LIMIT) -> Iterator[str]:
        """The keys that the author chose; those that break `pattern` are noted and left out, and all if too many."""
        if len(self._values) > most:
            self._known.update(dict.fromkeys(self._values))
            self._violations.append(f"{self._path}: has {len(self._values)} entries; it ends at {most}")
            return
        for name in self._values:
            if pattern.fullmatch(name):
                yield name
            else:
                self._known[name] = None
                self.complain(name, f"is no name of the form {pattern.pattern}")

    def text(
        self, key: str, *, default: str = "", required: bool = False, pattern: re.Pattern[str] | None = None
    ) -> str:
        """A non-empty string without control characters."""
        value: str = self._typed(key, str, "a string", default, required=required)
        if value is default:
            return value
        if not value or len(value) > TEXT_LIMIT or not value.isprintable():
            self.complain(key, "must be 1 to 4096 printable characters")
        elif pattern is not None and not pattern.fullmatch(value):
            self.complain(key, f"{value[:80]!r} is not of the form {pattern.pattern}")
        return value

    def words(self, key: str, pattern: re.Pattern[str], *, most: int) -> tuple[str, ...]:
        """At most `most` different strings, sorted; their order says nothing."""
        value: list[Any] = self._typed(key, list, "an array of strings", [])
        if len(value) > most:
            self.complain(key, f"has {len(value)} entries; it ends at {most}")
            return ()
        seen: set[str] = set()
        for one in value:
            if not isinstance(one, str):
                self.complain(key, f"must be an array of strings, found {_kind(one)} in it")
            elif not pattern.fullmatch(one):
                self.complain(key, f"{one[:80]!r} is no name of the form {pattern.pattern}")
            elif one in seen:
                self.complain(key, f"{one!r} stands twice")
            else:
                seen.add(one)
        return tuple(sorted(seen))

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of `choices`; the first is the default."""
        value: str = self._typed(key, str, "a string", choices[0])
        if value not in choices:
            self.complain(key, f"{value[:80]!r} is none of {', '.join(map(repr, choices))}")
            return choices[0]
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false."""
        value: bool = self._typed(key, bool, "true or false", default)
        return value

    def integer(self, key: str, *, default: int, least: int, most: int) -> int:
        """A whole number in ``[least, most]``."""
        value: int = self._typed(key, int, "a whole number", default)
        if not least <= value <= most:
            self.complain(key, f"must lie in {least} to {most}")
        return value

    def number(self, key: str, *, default: float, above: float, most: float) -> float:
        """A number in ``(above, most]``."""
        value: float = self._typed(key, (int, float), "a number", default)
        if not above < value <= most:  # false for nan too
            self.complain(key, f"must lie above {above:g} and not above {most:g}")
            return default
        return float(value)

    def parsed(self, key: str, parse: Callable[[str], _T], default: _T, *, required: bool = False) -> _T:
        """A string that `parse` makes a value of; its ValueError is the violation."""
        text = self._typed(key, str, "a string", None, required=required)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.complain(key, str(error))
            return default

    def _typed(self, key: str, kind: Any, wanted: str, default: Any, *, required: bool = False) -> Any:
        value = self.take(key)
        if value is None:
            if required:
                self.complain(key, "is missing")
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.complain(key, f"must be {wanted}, found {_kind(value)}")
            return default
        return value

    def _name(self, key: str) -> str:
        shown = key if IDENTIFIER.fullmatch(key) else repr(key[:64])
        return f"{self._path}.{shown}" if self._path else shown


def _kind(value: object) -> str:
    names = {dict: "a table", list: "an array", str: "a string", bool: "true or false", int: "a whole number"}
    return names.get(type(value), f"a {type(value).__name__}")
