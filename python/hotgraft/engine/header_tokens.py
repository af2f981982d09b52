"""An interface header as tokens: comments and preprocessor lines gone, simple numeric macros known, lines kept.

What cffi cannot tell (parameter names, annotations, which typedef a status is) is read from these tokens by
`header_parse`; types, sizes and offsets come from cffi.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PIECE: Final = re.compile(
    r"(?P<gap>\s+|/\*.*?\*/|//[^\n]*)|(?P<directive>^[ \t]*\#(?:\\\n|[^\n])*)"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<number>\d\w*)|(?P<text>\"[^\"\n]*\"|'[^'\n]*')|(?P<mark>\.\.\.|.)",
    re.MULTILINE | re.DOTALL,
)
_NUMBER_MACRO: Final = re.compile(
    r"#\s*define\s+(\w+)\s+\(?\s*(\d+|0[xX][0-9a-fA-F]+)[uUlL]*\s*\)?\s*(?:/\*.*|//.*)?$", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token and where it stands."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Header:
    """One header: its tokens, and the numbers its macros stand for."""

    path: str
    tokens: tuple[Token, ...]
    macros: dict[str, int]


def read_header(text: str, path: str, known: Mapping[str, int]) -> Header:
    """Split a header's text; `known` are the macros of headers before it.

    Conditional blocks are not evaluated: both branches are read.
    """
    tokens: list[Token] = []
    macros = dict(known)
    line = 1
    for piece in _PIECE.finditer(text):
        if piece["directive"]:
            found = _NUMBER_MACRO.match(piece["directive"].strip())
            if found:
                macros[found[1]] = int(found[2], 0)
        elif not piece["gap"]:
            word = piece[0]
            tokens.append(Token(str(macros[word]) if word in macros else word, line))
        line += piece[0].count("\n")
    return Header(path, tuple(_without_language(tokens)), macros)


def _without_language(tokens: list[Token]) -> list[Token]:
    """Take out ``extern "C" {`` and its brace; the rest of a header is plain C."""
    texts = [token.text for token in tokens]
    if '"C"' not in texts:
        return tokens
    at = texts.index('"C"')
    if texts[at - 1 : at + 2] != ["extern", '"C"', "{"]:
        return tokens
    last = len(texts) - 1 - texts[::-1].index("}")
    return tokens[: at - 1] + tokens[at + 2 : last] + tokens[last + 1 :]
