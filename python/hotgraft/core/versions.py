"""Versions as SemVer 2.0.0 orders them, and the ranges that say which of them will do.

A range is alternatives joined by ``||``; an alternative is comparators joined by commas or spaces, all of
which must hold. A comparator is ``^ ~ >= <= > < =`` or nothing (``=``) before a version whose minor and patch
may be left out. As in npm, a pre-release only fits a range that names one of the same major.minor.patch.
"""

from __future__ import annotations

import operator as compare
import re
from dataclasses import dataclass
from functools import total_ordering
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LENGTH_LIMIT: Final = 256

_NUMBER = r"(0|[1-9][0-9]{0,17})"
_LABEL = r"[0-9A-Za-z-]+"
_VERSION: Final = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_LABEL}(?:\.{_LABEL})*))?(?:\+({_LABEL}(?:\.{_LABEL})*))?"
)
_PARTIAL: Final = re.compile(
    rf"(\^|~|>=|<=|>|<|=)?\s*{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER}(?:-({_LABEL}(?:\.{_LABEL})*))?)?"
)
_HOLDS: Final[Mapping[str, Callable[[Version, Version], bool]]] = {
    ">=": compare.ge,
    ">": compare.gt,
    "<": compare.lt,
    "<=": compare.le,
}
_INTERFACE: Final = re.compile(rf"{_NUMBER}\.{_NUMBER}")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A SemVer 2.0.0 version. Build metadata counts for equality and has no rank (SemVer §10)."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[int | str, ...] = ()
    build: str = ""

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``1.2.3-rc.1+build``; ValueError says what it is instead."""
        found = _VERSION.fullmatch(text) if len(text) <= LENGTH_LIMIT else None
        if found is None:
            raise ValueError(f"{text[:80]!r} is not a SemVer 2.0.0 version such as 1.4.0")
        major, minor, patch, labels, build = found.groups()
        return cls(int(major), int(minor), int(patch), _labels(labels), build or "")

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        if self.prerelease:
            text += "-" + ".".join(map(str, self.prerelease))
        return text + (f"+{self.build}" if self.build else "")

    def __lt__(self, other: Version) -> bool:
        return self._rank() < other._rank()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return self._rank() == other._rank() and self.build == other.build

    def __hash__(self) -> int:
        return hash((self._rank(), self.build))

    def _rank(self) -> tuple[object, ...]:
        # SemVer §11: a release is above its pre-releases, words are above numbers, more labels above fewer.
        labels = tuple((0, label, "") if isinstance(label, int) else (1, 0, label) for label in self.prerelease)
        return (self.major, self.minor, self.patch, not self.prerelease, labels)

    @property
    def core(self) -> tuple[int, int, int]:
        """Major, minor, patch."""
        return (self.major, self.minor, self.patch)


def _labels(text: str | None) -> tuple[int | str, ...]:
    labels = text.split(".") if text else []
    for label in labels:
        if label.isdigit() and len(label) > 1 and label[0] == "0":
            raise ValueError(f"pre-release label {label!r} has a leading zero (SemVer §9)")
    return tuple(int(label) if label.isdigit() else label for label in labels)


def parse_interface_version(text: str) -> tuple[int, int]:
    """Read an interface's ``major.minor``; both below 65,536 because a table packs them into 32 bits."""
    found = _INTERFACE.fullmatch(text) if len(text) <= LENGTH_LIMIT else None
    if found is None:
        raise ValueError(f"{text[:80]!r} is not an interface version such as 1.2")
    major, minor = int(found[1]), int(found[2])
    if major > 0xFFFF or minor > 0xFFFF:
        raise ValueError(f"{text} does not fit: major and minor end at 65535")
    return major, minor


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
        return cls(text, tuple(_comparators(part, text) for part in text.split("||")))

    def __str__(self) -> str:
        return self.text

    def allows(self, version: Version) -> bool:
        """Does `version` fit?"""
        release = Version(*version.core, version.prerelease)  # build metadata has no rank
        return any(_fits(bounds, release) for bounds in self._alternatives)

    def allows_interface(self, version: tuple[int, int]) -> bool:
        """Does the interface version ``(major, minor)`` fit?"""
        return self.allows(Version(*version, 0))


def _fits(bounds: tuple[_Bound, ...], version: Version) -> bool:
    if not all(bound.holds(version) for bound in bounds):
        return False
    if not version.prerelease:
        return True
    return any(bound.version.prerelease and bound.version.core == version.core for bound in bounds)


def _comparators(part: str, whole: str) -> tuple[_Bound, ...]:
    bounds: list[_Bound] = []
    rest = part.strip()
    while rest or not bounds:
        found = _PARTIAL.match(rest)
        if found is None or not re.match(r"[\s,]|$", rest[found.end() :]):
            raise ValueError(f"{rest!r} in {whole!r} is not a range such as ^1.2 or >=1.2,<3")
        bounds += _interval(found)
        separator = re.match(r"\s*,?\s*", rest[found.end() :])
        assert separator is not None  # every part may be empty
        rest = rest[found.end() + separator.end() :]
        if not rest and "," in separator[0]:
            raise ValueError(f"{whole!r} ends an alternative with a comma")
    return tuple(bounds)


def _interval(found: re.Match[str]) -> tuple[_Bound, ...]:
    """The bounds of one comparator; a version with parts left out stands for all that begin so."""
    operator = found[1] or "="
    major, minor, patch = (None if text is None else int(text) for text in found.group(2, 3, 4))
    assert major is not None  # the pattern demands it
    low = Version(major, minor or 0, patch or 0, _labels(found[5]))
    end = Version(*_after(major, minor))
    if operator == "^":
        return (_Bound(">=", low), _Bound("<", Version(*_caret_end(major, minor, patch))))
    if operator == "~" or (operator == "=" and patch is None):
        return (_Bound(">=", low), _Bound("<", end))
    if operator == "=":
        return (_Bound(">=", low), _Bound("<=", low))
    if patch is None and operator in (">", "<="):
        return (_Bound(">=" if operator == ">" else "<", end),)
    return (_Bound(operator, low),)


def _after(major: int, minor: int | None) -> tuple[int, int, int]:
    return (major + 1, 0, 0) if minor is None else (major, minor + 1, 0)


def _caret_end(major: int, minor: int | None, patch: int | None) -> tuple[int, int, int]:
    """Below 1.0 the first number that is not zero counts as the major one."""
    if major or minor is None:
        return (major + 1, 0, 0)
    if minor or patch is None:
        return (0, minor + 1, 0)
    return (0, 0, patch + 1)
