"""Versions as SemVer 2.0.0 orders them, and the ranges that say which of them will do.

A range is what node-semver's README documents for npm: alternatives joined by ``||``. An alternative is comparators
that must all hold, or ``1.2 - 2.3`` with both ends inside, or nothing, which is ``*``. A comparator is one of
``^ ~ >= <= > < =`` or nothing (``=``) before a version whose places may be left out or be ``x``, ``X``, ``*``. A
pre-release only fits an alternative that names one of the same major.minor.patch. A comma separates comparators as a
space does: that is ours.
"""

from __future__ import annotations

import operator as compare
import re
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.semver import LABELS, LENGTH_LIMIT, NUMBER, Version, read_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Range", "Version", "is_major_step", "parse_interface_version"]

_PLACE = r"([0-9]+|[xX*])"
_COMPARATOR: Final = re.compile(
    rf"(\^|~|>=|<=|>|<|=)?[ \t]*{_PLACE}(?:\.{_PLACE}(?:\.{_PLACE}(?:-({LABELS}))?(?:\+{LABELS})?)?)?(?=[ \t,]|\Z)"
)
_SEPARATOR: Final = re.compile(r"[ \t]*(,?)[ \t]*")
_HYPHEN: Final = re.compile(r"[ \t]+-[ \t]+")
_HOLDS: Final[Mapping[str, Callable[[Version, Version], bool]]] = {
    ">=": compare.ge,
    ">": compare.gt,
    "<": compare.lt,
    "<=": compare.le,
}
_INTERFACE: Final = re.compile(rf"{NUMBER}\.{NUMBER}")


def parse_interface_version(text: str) -> tuple[int, int]:
    """Read an interface's ``major.minor``; both below 65,536 because a table packs them into 32 bits."""
    found = _INTERFACE.fullmatch(text) if len(text) <= LENGTH_LIMIT else None
    if found is None:
        raise ValueError(f"{text[:80]!r} is not an interface version such as 1.2")
    major, minor = int(found[1]), int(found[2])
    if major > 0xFFFF or minor > 0xFFFF:
        raise ValueError(f"{text} does not fit: major and minor end at 65535")
    return major, minor


def is_major_step(old: tuple[int, int], new: tuple[int, int]) -> bool:
    """Tell whether going from one ``(major, minor)`` to another may break callers, in either direction.

    True for another major and, while the major is 0, for another minor (SemVer §4: anything may change). Of interfaces
    and of plugins alike.
    """
    return old[0] != new[0] or (new[0] == 0 and old[1] != new[1])


@dataclass(frozen=True, slots=True)
class _Bound:
    """One end of an interval."""

    operator: str  # a key of _HOLDS
    version: Version

    def holds(self, version: Version) -> bool:
        return _HOLDS[self.operator](version, self.version)


@dataclass(frozen=True, slots=True)
class Range:
    """Which versions will do. Equal by its text."""

    text: str
    _alternatives: tuple[tuple[_Bound, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Range:
        """Read a range; ValueError names the part that is none."""
        if len(text) > LENGTH_LIMIT:
            raise ValueError(f"range of {len(text)} characters; the longest is {LENGTH_LIMIT}")
        return cls(text, tuple(_alternative(part, text) for part in text.split("||")))

    def __str__(self) -> str:
        return self.text

    def allows(self, version: Version) -> bool:
        """Does `version` fit?"""
        return any(_fits(bounds, version) for bounds in self._alternatives)

    def allows_interface(self, version: tuple[int, int]) -> bool:
        """Does the interface version ``(major, minor)`` fit?"""
        return self.allows(Version(*version, 0))


def _fits(bounds: tuple[_Bound, ...], version: Version) -> bool:
    if not all(bound.holds(version) for bound in bounds):
        return False
    if not version.prerelease:
        return True
    return any(bound.version.prerelease and bound.version.core == version.core for bound in bounds)


def _alternative(part: str, whole: str) -> tuple[_Bound, ...]:
    """The bounds of what stands between two ``||``; none at all is any version."""
    ends = _HYPHEN.split(part.strip(" \t"))
    if len(ends) > 1:
        return _between(ends, whole)
    bounds: list[_Bound] = []
    rest, comma = ends[0], ""
    while rest or comma:
        found = _COMPARATOR.match(rest)
        if found is None:
            word = re.split(r"[ \t,]", rest)[0] or rest[:1] or comma
            raise _wrong(word, whole, " such as ^1.2, >=1 or 1.x")
        bounds += _interval(found, whole)
        separator = _SEPARATOR.match(rest, found.end())
        assert separator is not None  # every part of it may be empty
        rest, comma = rest[separator.end() :], separator[1]
    return tuple(bounds) or (_ANY,)


def _between(ends: list[str], whole: str) -> tuple[_Bound, ...]:
    """A hyphen range: the first version, the last, and all that lies between, with all that the last stands for."""
    found = [_COMPARATOR.fullmatch(end) for end in ends]
    for end, one in zip(ends, found, strict=True):
        if one is None or one[1]:
            raise _wrong(end, whole, ": it does not end one such as 1.2 - 2.3, which stands alone")
    if len(ends) != 2:
        raise _wrong(" - ".join(ends), whole, ": one hyphen has two ends")
    first, last = (one for one in found if one is not None)
    return _interval(first, whole, operator=">=") + _interval(last, whole, operator="<=")


def _interval(found: re.Match[str], whole: str, *, operator: str = "") -> tuple[_Bound, ...]:
    """The bounds of one comparator; a version with parts left out stands for all that begin so."""
    numbers, labels = _numbers(found, whole), read_labels(found[5])
    operator = operator or found[1] or "="
    if not numbers:
        return (_NONE if operator in ("<", ">") else _ANY,)
    low = Version(*_padded(numbers), labels)
    if operator == "^":
        kept = next((place for place, number in enumerate(numbers, 1) if number), len(numbers))
        return (_Bound(">=", low), _below(numbers[:kept]))
    if operator == "~":
        return (_Bound(">=", low), _below(numbers[:2]))
    if len(numbers) == 3:
        return (_Bound(">=", low), _Bound("<=", low)) if operator == "=" else (_Bound(operator, low),)
    if operator == "=":
        return (_Bound(">=", low), _below(numbers))
    if operator == "<":
        return (_Bound("<", Version(*low.core, (0,))),)
    if operator == ">":
        return (_Bound(">=", Version(*_below(numbers).version.core)),)
    return (_below(numbers) if operator == "<=" else _Bound(">=", low),)


def _numbers(found: re.Match[str], whole: str) -> tuple[int, ...]:
    """Major, minor and patch as far as they are given."""
    places = [text for text in found.group(2, 3, 4) if text is not None]
    numbers = [text for text in places if text not in "xX*"]
    if numbers != places[: len(numbers)] or (found[5] and len(numbers) < 3):
        raise _wrong(found[0], whole, ": a number or a pre-release follows an x")
    for text in numbers:
        if not re.fullmatch(NUMBER, text):
            raise _wrong(found[0], whole, ": a number has a leading zero or more than 18 digits")
    return tuple(map(int, numbers))


def _padded(numbers: tuple[int, ...]) -> tuple[int, int, int]:
    major, minor, patch = (*numbers, 0, 0)[:3]
    return major, minor, patch


def _below(numbers: tuple[int, ...]) -> _Bound:
    """The end of all versions that begin with `numbers`: under every pre-release of the next, as npm has it."""
    return _Bound("<", Version(*_padded((*numbers[:-1], numbers[-1] + 1)), (0,)))


def _wrong(part: str, whole: str, why: str) -> ValueError:
    return ValueError(f"{part[:80]!r} in {whole[:80]!r} is not a range{why}")


_ANY: Final = _Bound(">=", Version(0, 0, 0))
_NONE: Final = _Bound("<", Version(0, 0, 0, (0,)))
