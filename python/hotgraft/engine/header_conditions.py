"""``#if`` in an interface header: include guards and ``__cplusplus`` are understood, the rest is left undecided.

A declaration under a condition that is left undecided is refused: an interface is the same in every build.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from hotgraft.core.dataclass import dataclass

_CPP: Final = re.compile(r"defined\s*\(?\s*__cplusplus\s*\)?|__cplusplus")


@dataclass(slots=True)
class _Frame:
    kind: Literal["take", "skip", "unknown"]
    text: str
    line: int
    has_complained: bool = False


class Conditions:
    """The conditions a line stands under."""

    def __init__(self, path: str, complaints: list[str]) -> None:
        self._path = path
        self._complaints = complaints
        self._frames: list[_Frame] = []
        self.guard = ""  # the include guard, or a macro that looks like one
        self._is_first = True  # nothing but comments so far: an #ifndef here is the include guard

    @property
    def skips(self) -> bool:
        """Are these lines certainly not there for a C compiler?"""
        return any(frame.kind == "skip" for frame in self._frames)

    @property
    def is_unknown(self) -> bool:
        """May these lines be there or not?"""
        return any(frame.kind == "unknown" for frame in self._frames)

    def takes(self, line: int) -> bool:
        """Is a token of this line there? Where nobody can say it is complained about, once a condition."""
        self._is_first = False
        if self.skips:
            return False
        for frame in self._frames:
            if frame.kind == "unknown" and not frame.has_complained:
                frame.has_complained = True
                self._complain(line, f"a declaration under {frame.text}: an interface is the same in every build")
        return True

    def read(self, name: str, rest: str, line: int) -> bool:
        """Read a directive; tell whether it was a condition."""
        is_first, self._is_first = self._is_first, False
        if name in ("if", "ifdef", "ifndef"):
            kind = "take" if is_first and name == "ifndef" else _kind_of(name, rest)
            self.guard = rest if is_first and name == "ifndef" else self.guard
            self._frames.append(_Frame(kind, f"#{name} {rest}"[:80], line))
        elif name in ("else", "elif", "elifdef", "elifndef", "endif"):
            if not self._frames:
                self._complain(line, f"#{name} without an #if")
            elif name == "endif":
                self._frames.pop()
            else:
                self._otherwise(self._frames[-1], is_else=name == "else")
        else:
            self._is_first = is_first and name == "pragma"
            return False
        return True

    def end(self, line: int) -> None:
        """Note what is still open at the end of the header."""
        for frame in self._frames:
            self._complain(frame.line, f"{frame.text} is never closed; the header ends at line {line}")

    @staticmethod
    def _otherwise(frame: _Frame, *, is_else: bool) -> None:
        if frame.kind == "take":
            frame.kind = "skip"
        elif frame.kind == "skip":
            frame.kind = "take" if is_else else "unknown"

    def _complain(self, line: int, sentence: str) -> None:
        self._complaints.append(f"{self._path}:{line}: {sentence}")


def _kind_of(name: str, rest: str) -> Literal["take", "skip", "unknown"]:
    if _CPP.fullmatch(rest):
        return "take" if name == "ifndef" else "skip"
    if name == "if" and rest in ("0", "1"):
        return "take" if rest == "1" else "skip"
    return "unknown"
