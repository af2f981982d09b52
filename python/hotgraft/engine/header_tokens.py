"""An interface header as tokens: comments gone, macros of one word or number replaced, lines kept.

There is no compiler in here. What only a preprocessor could decide (a member under ``#if``, a macro that is neither
a word nor a number) is refused with its line, so that nothing is ever read differently than a compiler reads it; what
slips through all the same fails to compile against the assertions of `bind_source`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.header_conditions import Conditions
from hotgraft.engine.header_literals import Integer, NoValueError
from hotgraft.engine.header_numbers import evaluate, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # What an #include names, with its quotes or brackets, its line and the macros known there → those known after it.
    Include = Callable[[str, int, Mapping[str, str | None]], Mapping[str, str | None]]

SIZE_LIMIT: Final = 1 << 20  # bytes; what an interface needs fits into a hundredth of it
PACKED: Final = "a packed struct does not cross: order its fields by size, the largest first, so that no gaps are left"
CHAIN_LIMIT: Final = 32  # macros that stand for macros

_JOINED: Final = "\v"  # a line end inside a comment or after a backslash: counts as a line, ends none
_COMMENT: Final = re.compile(
    r'"(?:[^"\\\n]|\\[^\n])*"|\'(?:[^\'\\\n]|\\[^\n])*\'|(?P<comment>/\*.*?(?P<end>\*/|\Z)|//[^\n]*)', re.DOTALL
)
_PIECE: Final = re.compile(
    r"(?P<gap>\s+)|(?P<word>[^\W\d]\w*)|\d[\w.]*|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\.\.\.|<<|>>|[<>=!]=|&&|\|\||."
)
_DIRECTIVE: Final = re.compile(r"\s*#\s*(\w*)(.*)", re.DOTALL)
_DEFINE: Final = re.compile(r"(\w+)(\()?\s*(.*)$", re.DOTALL)
_NUMBER: Final = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)[uUlL]*")


@dataclass(frozen=True, slots=True)
class Token:
    """One token and where it stands."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Header:
    """One header: its tokens, and what its macros stand for: a token, nothing (""), or more than that (None)."""

    path: str
    tokens: tuple[Token, ...]
    macros: dict[str, str | None]


def read_header(
    data: bytes,
    path: str,
    known: Mapping[str, str | None],
    complaints: list[str],
    *,
    include: Include | None = None,
    definitions: dict[str, str] | None = None,
) -> Header:
    """Split a header; `known` are the macros of headers before it. What cannot be read is complained about.

    `definitions` is given what macros without arguments stand for, as written: all that hold whatever the build.
    """
    text = _text(data, path, complaints)
    reader = _Reader(path, dict(known), complaints, include, {} if definitions is None else definitions)
    line = 1
    for whole in text.split("\n"):
        reader.read(whole, line)
        line += 1 + whole.count(_JOINED)
    reader.conditions.end(line - 1)
    return Header(path, tuple(_without_language(reader.tokens)), reader.macros)


def _text(data: bytes, path: str, complaints: list[str]) -> str:
    """The header without comments, one line of it per line."""
    if len(data) > SIZE_LIMIT:
        complaints.append(f"{path}:1: has {len(data)} bytes; an interface header ends at {SIZE_LIMIT}")
        return ""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        complaints.append(f"{path}:{line}: is not UTF-8: byte 0x{data[error.start]:02x}")
        return ""
    if "\0" in text:
        complaints.append(f"{path}:{text.count(chr(10), 0, text.index(chr(0))) + 1}: holds a NUL character")
        return ""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(_JOINED, " ").replace("\f", " ")
    text = re.sub(r"\\[ \t]*\n", _JOINED, text)

    def blank(found: re.Match[str]) -> str:
        comment: str | None = found["comment"]
        if comment is None:
            return found[0]
        if comment.startswith("/*") and not found["end"]:
            line = 1 + text.count("\n", 0, found.start()) + text.count(_JOINED, 0, found.start())
            complaints.append(f"{path}:{line}: a comment is opened and never closed")
        return " " + _JOINED * (comment.count("\n") + comment.count(_JOINED))

    return _COMMENT.sub(blank, text)


class _Reader:
    """Goes over the lines: directives change what is known, everything else becomes tokens."""

    def __init__(
        self,
        path: str,
        macros: dict[str, str | None],
        complaints: list[str],
        include: Include | None,
        definitions: dict[str, str],
    ) -> None:
        self.path = path
        self.macros = macros
        self.complaints = complaints
        self.include = include
        self.definitions = definitions
        self.tokens: list[Token] = []
        self.conditions = Conditions(path, complaints)

    def read(self, whole: str, line: int) -> None:
        """Read one line, which may go on over joined ones."""
        directive = _DIRECTIVE.match(whole)
        if directive is not None:
            self._directive(directive[1], directive[2].replace(_JOINED, " ").strip(), line)
            return
        for piece in _PIECE.finditer(whole):
            if piece["gap"]:
                line += piece[0].count(_JOINED)
            elif self.conditions.takes(line):
                self._token(piece[0], line, is_word=piece["word"] is not None)

    def _token(self, text: str, line: int, *, is_word: bool) -> None:
        if is_word and text in self.macros:
            stands_for = self._resolved(text)
            if stands_for is None:
                self.complaints.append(f"{self.path}:{line}: macro {text} is no word and no number: write its meaning")
                stands_for = text
            if stands_for:
                self.tokens.append(Token(stands_for, line))
            return
        if text == "_Pragma":
            self.complaints.append(f"{self.path}:{line}: _Pragma: it may pack structs, and {PACKED}")
        self.tokens.append(Token(text, line))

    def _resolved(self, word: str) -> str | None:
        text: str | None = word
        for _ in range(CHAIN_LIMIT):
            if text is None or self.macros.get(text, text) == text:
                return text if text is not None else self._number(word)
            text = self.macros[text]
        return None

    def _number(self, word: str) -> str | None:
        """The number that a macro of several tokens is; None where it is none for certain."""
        try:
            value = evaluate(tokens_of(self.definitions.get(word, "")), self.definitions, {})
        except NoValueError:
            return None
        return str(value.value) if isinstance(value, Integer) and value.value >= 0 else None

    def _directive(self, name: str, rest: str, line: int) -> None:
        if self.conditions.read(name, rest, line) or self.conditions.skips:
            return
        if name == "define":
            self._define(rest, line)
        elif name == "include" and self.include is not None:
            self._include(rest, line, self.include)
        elif name == "undef":
            self.macros.pop(rest, None)
            self.definitions.pop(rest, None)
        elif name == "pragma" and rest.split("(")[0].strip() == "pack":
            self.complaints.append(f"{self.path}:{line}: #pragma pack: {PACKED}")

    def _include(self, rest: str, line: int, include: Include) -> None:
        if not rest.startswith("<"):
            self.conditions.takes(line)  # what it declares would be there in some builds only
        self.macros = dict(include(rest, line, self.macros))

    def _define(self, rest: str, line: int) -> None:
        found = _DEFINE.match(rest)
        if found is None:
            return
        name, is_function, body = found[1], found[2] is not None, found[3].strip()
        if name.startswith("HOTGRAFT_"):
            self.complaints.append(f"{self.path}:{line}: #define {name}: these names are hotgraft's")
            return
        self.definitions.pop(name, None)
        is_guard = name == self.conditions.guard and body in ("", "1")
        if body and not (is_function or is_guard or self.conditions.is_unknown):
            self.definitions[name] = body
        while body.startswith("(") and body.endswith(")"):
            body = body[1:-1].strip()
        number = _NUMBER.fullmatch(body)
        if is_function or self.conditions.is_unknown:
            self.macros[name] = None
        elif number:
            digits = number[1]
            is_octal = digits.startswith("0") and digits.isdigit() and len(digits) > 1
            try:
                self.macros[name] = str(int(digits, 8 if is_octal else 0))
            except ValueError:
                self.macros[name] = None
        else:
            self.macros[name] = body if re.fullmatch(r"[^\W\d]\w*|", body) else None


def _without_language(tokens: list[Token]) -> list[Token]:
    """Take out ``extern "C" {`` and its brace; the rest of a header is plain C."""
    texts = [token.text for token in tokens]
    if '"C"' not in texts:
        return tokens
    at = texts.index('"C"')
    if at == 0 or texts[at - 1 : at + 2] != ["extern", '"C"', "{"] or "}" not in texts:
        return tokens
    last = len(texts) - 1 - texts[::-1].index("}")
    return tokens[: at - 1] + tokens[at + 2 : last] + tokens[last + 1 :]
