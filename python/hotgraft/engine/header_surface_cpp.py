"""What of a C header only C++ compiles, as words: it is not understood, but that it changes is seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hotgraft.engine.header_surface_text import words_of_text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["cpp_only"]

_NOTHING: Final = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.DOTALL)
_DIRECTIVE: Final = re.compile(r"\s*#\s*(\w+)\s*(.*)")
_IS_C: Final = re.compile(r"!\s*defined\s*\(?\s*__cplusplus\b.*")
_LINKAGE: Final = re.compile(r'extern "C(?:\+\+)?"(?: \{)?')
_DEFINITION: Final = re.compile(r"# define \w+(?: \( [^)]* \))?(?: [{}])?")


def cpp_only(texts: Iterable[str]) -> str:
    """Return the words under ``#ifdef __cplusplus``, without those that only say how C is linked; empty: none."""
    found = [words for text in texts for words in _lines(text)]
    return " ".join(found)


def _lines(text: str) -> Iterable[str]:
    plain = _NOTHING.sub(lambda one: one[1] or " ", text.replace("\\\n", " "))
    frames: list[bool | None] = []  # of each condition: is this branch C++ only? None: it is about something else
    for line in plain.split("\n"):
        directive = _DIRECTIVE.match(line)
        word, rest = (directive[1], directive[2]) if directive is not None else ("", "")
        if word in ("if", "ifdef", "ifndef"):
            frames.append(_is_cpp(word, rest))
        elif word in ("else", "elif") and frames:
            frames[-1] = None if frames[-1] is None else word == "else" and not frames[-1]
        elif word == "endif" and frames:
            frames.pop()
        elif any(frames) and word not in ("include", "undef", "pragma"):
            words = _LINKAGE.sub("", " ".join(words_of_text(line))).strip()
            if words not in ("", "{", "}") and not _DEFINITION.fullmatch(words):
                yield words


def _is_cpp(word: str, rest: str) -> bool | None:
    if "__cplusplus" not in rest:
        return None
    return word != "ifndef" and _IS_C.match(rest) is None
