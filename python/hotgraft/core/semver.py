"""A version as SemVer 2.0.0 writes and orders it."""

from __future__ import annotations

import re
from typing import Final

from hotgraft.core.dataclass import dataclass

__all__ = ["LENGTH_LIMIT", "Version"]

LENGTH_LIMIT: Final = 256
NUMBER: Final = r"(0|[1-9][0-9]{0,17})"
LABELS: Final = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION: Final = re.compile(rf"{NUMBER}\.{NUMBER}\.{NUMBER}(?:-({LABELS}))?(?:\+({LABELS}))?")


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
        return cls(int(major), int(minor), int(patch), read_labels(labels), build or "")

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        if self.prerelease:
            text += "-" + ".".join(map(str, self.prerelease))
        return text + (f"+{self.build}" if self.build else "")

    # All four by hand: `total_ordering` asks for equality, and two builds of one version are unequal and of one rank.
    def __lt__(self, other: Version) -> bool:
        return self._rank() < other._rank()

    def __le__(self, other: Version) -> bool:
        return self._rank() <= other._rank()

    def __gt__(self, other: Version) -> bool:
        return self._rank() > other._rank()

    def __ge__(self, other: Version) -> bool:
        return self._rank() >= other._rank()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return self._rank() == other._rank() and self.build == other.build

    def __hash__(self) -> int:
        return hash((self._rank(), self.build))

    def _rank(self) -> tuple[object, ...]:
        # SemVer §11: a release is above its pre-releases, words are above numbers, more labels above fewer.
        if not self.prerelease:  # nearly always
            return (self.major, self.minor, self.patch, True, ())
        labels = tuple((0, label, "") if isinstance(label, int) else (1, 0, label) for label in self.prerelease)
        return (self.major, self.minor, self.patch, False, labels)

    @property
    def core(self) -> tuple[int, int, int]:
        """Major, minor, patch."""
        return (self.major, self.minor, self.patch)


def read_labels(text: str | None) -> tuple[int | str, ...]:
    """Read what follows the hyphen; None or nothing: a release."""
    labels = text.split(".") if text else []
    for label in labels:
        if label.isdigit() and len(label) > 1 and label[0] == "0":
            raise ValueError(f"pre-release label {label!r} has a leading zero (SemVer §9)")
    return tuple(int(label) if label.isdigit() else label for label in labels)
