"""Regular expressions of JSON Schema, matched in a time that grows with the text and never explodes.

Python's `re` goes back and tries again, so that a pattern out of an image could hold up the host for years. What is
read here is what JSON Schema asks authors to keep to: characters, classes, ``.``, ``? * +``, ``{x,y}``, groups, ``|``,
``^`` and ``$``; besides these the escapes of ECMA-262 for characters and for digits, word characters and white space.
All of it can be followed by a set of places in the pattern, one step for each character. Look-around, references back,
``\\b`` and ``\\p`` are refused by name.

Source:
    JSON Schema 2020-12, Core, section 6.4. Thompson (1968), "Regular Expression Search Algorithm", CACM 11(6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["PATTERN_LIMIT", "Pattern", "PatternError", "read_pattern"]

PATTERN_LIMIT: Final = 1_000  # characters
PLACES_LIMIT: Final = 1_000  # places of a pattern, its repeats written out
GROUPS_LIMIT: Final = 32  # within one another
LAST: Final = 0x10FFFF
_DIGITS: Final = ((0x30, 0x39),)
_WORD: Final = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Final = (
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
_LINE_ENDS: Final = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_CLASSES: Final = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_SPECIAL: Final = "^$\\.*+?()[]{}|/"

Ranges: TypeAlias = "tuple[tuple[int, int], ...]"


class PatternError(ValueError):
    """The pattern is none of those that are read; the argument says why."""


@dataclass(frozen=True, slots=True)
class _Node:
    """One part of a pattern: a class of characters, an anchor, or parts put together."""

    kind: str  # set, begin, end, cat, alt, repeat
    ranges: Ranges = ()
    parts: tuple[_Node, ...] = ()
    least: int = 0
    most: int | None = None


class _Place(NamedTuple):
    """One place: a character leads on (`ranges`), or the ways from here are gone without one."""

    ranges: Ranges | None
    ways: tuple[int, ...]
    anchor: str = ""  # begin, end: only there


class Pattern:
    """One pattern, ready to be looked for. Any thread; each search keeps what it finds out to itself."""

    def __init__(self, places: list[_Place], first: int, last: int) -> None:
        self._places, self._first, self._last = places, first, last

    def is_in(self, text: str, spend: Callable[[int], None]) -> bool:
        """Tell whether some part of `text` matches; `spend` is told the steps taken, and may raise."""
        known: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        here = self._closure((self._first,), spend, is_begin=True, is_end=not text)
        for index, character in enumerate(text):
            if self._last in here:
                return True
            is_end = index == len(text) - 1
            key = (here, character)
            if is_end or key not in known:
                code = ord(character)
                reached = [self._places[one].ways[0] for one in here if self._leads_on(one, code)]
                known[key] = self._closure((*reached, self._first), spend, is_begin=False, is_end=is_end)
            spend(1)
            here = known[key]
        return self._last in here

    def _leads_on(self, place: int, code: int) -> bool:
        ranges = self._places[place].ranges
        return ranges is not None and any(low <= code <= high for low, high in ranges)

    def _closure(
        self, places: Iterable[int], spend: Callable[[int], None], *, is_begin: bool, is_end: bool
    ) -> frozenset[int]:
        """Return the places where a character is wanted, or all is over, that `places` lead to."""
        found: set[int] = set()
        waiting = list(places)
        while waiting:
            one = waiting.pop()
            if one in found:
                continue
            found.add(one)
            place = self._places[one]
            if place.ranges is None and (not place.anchor or (is_begin if place.anchor == "begin" else is_end)):
                waiting.extend(place.ways)
        spend(1 + len(found) // 4)
        return frozenset(one for one in found if self._places[one].ranges is not None or one == self._last)


def read_pattern(text: str) -> Pattern:
    """Return the pattern that `text` says.

    Raises:
        PatternError: it is none, or one of a kind that is not read here.
    """
    if len(text) > PATTERN_LIMIT:
        raise PatternError(f"has {len(text)} characters; a pattern ends at {PATTERN_LIMIT}")
    reader = _Reader(text)
    node = reader.alternatives(0)
    if not reader.is_over:
        raise PatternError(f'a ")" without its "(" at character {reader.at}')
    writer = _Writer()
    last = writer.place(_Place(None, ()))
    first = writer.write(node, last)
    return Pattern(writer.places, first, last)


class _Writer:
    """Writes the places of a pattern, from its end to its beginning; repeats are written out."""

    def __init__(self) -> None:
        self.places: list[_Place] = []
        self._turns = 0

    def place(self, place: _Place) -> int:
        """Add a place and return its number."""
        if len(self.places) >= PLACES_LIMIT:
            raise PatternError(f"has more than {PLACES_LIMIT} places, its repeats written out")
        self.places.append(place)
        return len(self.places) - 1

    def write(self, node: _Node, then: int) -> int:
        """Write `node` in front of `then` and return where it begins."""
        self._turns += 1
        if self._turns > 4 * PLACES_LIMIT:
            raise PatternError(f"has more than {PLACES_LIMIT} places, its repeats written out")
        if node.kind == "set":
            return self.place(_Place(node.ranges, (then,)))
        if node.kind in ("begin", "end"):
            return self.place(_Place(None, (then,), node.kind))
        if node.kind == "cat":
            for part in reversed(node.parts):
                then = self.write(part, then)
            return then
        if node.kind == "alt":
            return self.place(_Place(None, tuple(self.write(part, then) for part in node.parts)))
        return self._repeat(node, then)

    def _repeat(self, node: _Node, then: int) -> int:
        part = node.parts[0]
        if node.most is None:
            again = self.place(_Place(None, ()))
            self.places[again] = _Place(None, (self.write(part, again), then))
            first = again
        else:
            first = then
            for _ in range(node.most - node.least):
                first = self.place(_Place(None, (self.write(part, first), then)))
        for _ in range(node.least):
            first = self.write(part, first)
        return first


class _Reader:
    """Reads a pattern's text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    @property
    def is_over(self) -> bool:
        """Is all of it read?"""
        return self.at >= len(self._text)

    def _next(self) -> str:
        return self._text[self.at] if self.at < len(self._text) else ""

    def _take(self, wanted: str = "") -> str:
        if self.is_over or (wanted and not self._text.startswith(wanted, self.at)):
            raise PatternError(f"ends early: {wanted or 'a character'!r} is missing at character {self.at}")
        taken = wanted or self._text[self.at]
        self.at += len(taken)
        return taken

    def alternatives(self, depth: int) -> _Node:
        """Read up to the end or a closing bracket."""
        if depth > GROUPS_LIMIT:
            raise PatternError(f"has groups nested deeper than {GROUPS_LIMIT}")
        parts = [self._sequence(depth)]
        while self._next() == "|":
            self._take()
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else _Node("alt", parts=tuple(parts))

    def _sequence(self, depth: int) -> _Node:
        parts: list[_Node] = []
        while self._next() not in ("", "|", ")"):
            parts.append(self._quantified(self._atom(depth)))
        return _Node("cat", parts=tuple(parts))

    def _quantified(self, node: _Node) -> _Node:
        mark = self._next()
        if not mark or mark not in "*+?{":
            return node
        if node.kind in ("begin", "end"):
            raise PatternError(f"an anchor is repeated at character {self.at}")
        self._take()
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(mark) or self._counts()
        if self._next() == "?":  # which match is found first does not matter here
            self._take()
        if self._next() and self._next() in "*+?{":
            raise PatternError(f"a repeat is repeated at character {self.at}")
        return _Node("repeat", parts=(node,), least=least, most=most)

    def _counts(self) -> tuple[int, int | None]:
        least = self._number()
        if self._next() != ",":
            self._take("}")
            return least, least
        self._take()
        most = None if self._next() == "}" else self._number()
        self._take("}")
        if most is not None and most < least:
            raise PatternError(f"{{{least},{most}}} counts down")
        return least, most

    def _number(self) -> int:
        digits = ""
        while self._next() and self._next() in "0123456789":
            digits += self._take()
        if not digits:
            raise PatternError(f'a "{{" that is not a count at character {self.at}; write \\{{ for the character')
        if len(digits) > 4 or int(digits) > PLACES_LIMIT:
            raise PatternError(f"counts beyond {PLACES_LIMIT}")
        return int(digits)

    def _atom(self, depth: int) -> _Node:
        character = self._take()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self._class()
        if character == ".":
            return _Node("set", _others(_LINE_ENDS))
        if character in "^$":
            return _Node("begin" if character == "^" else "end")
        if character == "\\":
            return _Node("set", self._escape(in_class=False))
        if character in "*+?{}]":
            raise PatternError(f"{character!r} at character {self.at - 1} has nothing before it; escape it with \\")
        return _Node("set", _one(character))

    def _group(self, depth: int) -> _Node:
        if self._next() == "?":
            self._take()
            kind = self._take()
            if kind != ":":
                raise PatternError(f'"(?{kind}" at character {self.at - 3}: look-around and named groups are not read')
        node = self.alternatives(depth + 1)
        self._take(")")
        return _Node("cat", parts=(node,))

    def _class(self) -> _Node:
        is_not = self._next() == "^"
        if is_not:
            self._take()
        ranges: list[tuple[int, int]] = []
        while (character := self._take()) != "]":
            low = self._escape(in_class=True) if character == "\\" else _one(character)
            if self._next() != "-" or self._text.startswith("-]", self.at):
                ranges += low
                continue
            self._take()
            character = self._take()
            high = self._escape(in_class=True) if character == "\\" else _one(character)
            if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] < low[0][0]:
                raise PatternError(f"a range that is none ends at character {self.at}")
            ranges.append((low[0][0], high[0][1]))
        if not ranges and not is_not:
            raise PatternError(f"an empty class ends at character {self.at}")
        return _Node("set", _others(tuple(ranges)) if is_not else tuple(ranges))

    def _escape(self, *, in_class: bool) -> Ranges:
        character = self._take()
        if character.lower() in _CLASSES:
            ranges = _CLASSES[character.lower()]
            return ranges if character.islower() else _others(ranges)
        if character in _CONTROL:
            return _one(_CONTROL[character])
        if character in "xu":
            digits = "".join(self._take() for _ in range(2 if character == "x" else 4))
            if not all(one in "0123456789abcdefABCDEF" for one in digits):
                raise PatternError(f"\\{character}{digits} is not hexadecimal")
            return _one(chr(int(digits, 16)))
        if character in _SPECIAL or (in_class and character == "-"):
            return _one(character)
        raise PatternError(f"\\{character} is not read: no references back, no \\b, no \\p, no escapes without need")


def _one(character: str) -> Ranges:
    return ((ord(character), ord(character)),)


def _others(ranges: Ranges) -> Ranges:
    """Return every character that is not in `ranges`."""
    found, low = [], 0
    for begin, end in sorted(ranges):
        if begin > low:
            found.append((low, begin - 1))
        low = max(low, end + 1)
    return (*found, (low, LAST)) if low <= LAST else tuple(found)
