"""What the preprocessor makes of headers: the tokens of the library's own files, and its macros with their expansions.

Own is what no system folder holds and what is not hotgraft's: the headers that were given and those they include from
beside them. Everything else is there only so that types can be followed into it.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.header_tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["Macro", "Preprocessed", "expansion_probes", "macro_names", "read_preprocessed", "words_of_text"]

_TOKEN: Final = re.compile(
    r"""(?:u8|[uUL])?"(?:\\.|[^"\\])*"|(?:[uUL])?'(?:\\.|[^'\\])*'
    |\.?[0-9](?:[eEpP][+-]|[\w.])*|[^\W\d][\w$]*
    |->|\+\+|--|<<=|>>=|\.\.\.|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|\S""",
    re.VERBOSE,
)
_MARKER: Final = re.compile(r'#\s*(?:line\s+)?(\d+)\s+"((?:\\.|[^"\\])*)"((?:\s+\d)*)')
_MACRO: Final = re.compile(r"#\s*(define|undef)\s+([^\W\d][\w$]*)(\([^)]*\))?(.*)", re.DOTALL)
_DEFINED: Final = re.compile(rb"^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)(?!\w|\()", re.MULTILINE)
_INCLUDED: Final = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*["<]([^">\n]+)[">]', re.MULTILINE)
_SYSTEM_FLAG: Final = "3"
_STDIN: Final = "<stdin>"
_BEGIN, _END = "hotgraft_expansion_begin_", "hotgraft_expansion_end_"
DEPTH_LIMIT: Final = 32


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro as it is written: its parameters, None for one that takes none, and the words it stands for."""

    parameters: tuple[str, ...] | None
    body: tuple[str, ...]


@dataclass(slots=True)
class Preprocessed:
    """What is left of the headers when they have been through the preprocessor."""

    tokens: list[Token] = field(default_factory=list)
    macros: dict[str, Macro] = field(default_factory=dict)
    expansions: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of macros without parameters
    pragmas: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)  # every file that was read, in order
    own: list[str] = field(default_factory=list)  # those of them that are the library's


def words_of_text(text: str) -> tuple[str, ...]:
    """Split a text without comments into the words of C."""
    return tuple(_TOKEN.findall(text))


def macro_names(paths: Iterable[Path], include: Sequence[Path]) -> list[str]:
    """Return the names that the headers, and those they include from beside them, may define without parameters."""
    names: dict[str, None] = {}
    seen: set[Path] = set()

    def read(path: Path, depth: int) -> None:
        real = path.resolve()
        if real in seen or depth > DEPTH_LIMIT or not path.is_file():
            return
        seen.add(real)
        data = path.read_bytes().replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
        names.update((found.decode(), None) for found in _DEFINED.findall(data))
        for written in _INCLUDED.findall(data):
            places = [folder / written.decode("utf-8", "replace") for folder in (path.parent, *include)]
            for place in [one for one in places if one.is_file()][:1]:
                read(place, depth + 1)

    for path in paths:
        read(path, 0)
    return list(names)


def expansion_probes(names: Iterable[str]) -> str:
    """Return what has the preprocessor write down what each of these macros stands for at the headers' end."""
    return "".join(f'#ifdef {name}\n{_BEGIN} "{name}" {name}\n{_END}\n#endif\n' for name in names)


def read_preprocessed(text: str, given: frozenset[str]) -> Preprocessed:
    """Read the output of ``cc -E -dD``; `given` are headers that are own wherever they lie."""
    reader = _Reader(given)
    for line in text.split("\n"):
        reader.read(line)
    return reader.result


class _Reader:
    """Goes over the lines; a marker says which file those after it are of."""

    def __init__(self, given: frozenset[str]) -> None:
        self.result = Preprocessed()
        self._given = given
        self._line = 0
        self._is_own = self._is_stdin = False
        self._is_own_of: dict[str, bool] = {}
        self._expansion: list[str] | None = None

    def read(self, text: str) -> None:
        if text.startswith("#"):
            self._directive(text)
        elif self._is_own:
            self.result.tokens += [Token(word, self._line) for word in _TOKEN.findall(text)]
        elif self._is_stdin:
            self._expanded(text)
        self._line += 1

    def _directive(self, text: str) -> None:
        if marker := _MARKER.match(text):
            self._enter(int(marker[1]) - 1, marker[2], marker[3].split())
        elif not self._is_own:
            return
        elif found := _MACRO.match(text):
            self._macro(*found.groups())
        elif text.startswith("#pragma"):
            self.result.pragmas.append(" ".join(words_of_text(text)[2:]))

    def _enter(self, line: int, file: str, flags: list[str]) -> None:
        self._line = line
        self._is_stdin = file == _STDIN
        is_file = not (file.startswith("<") and file.endswith(">"))
        if is_file and file not in self._is_own_of:
            # Only the first marker tells: gcc marks as the system's, too, what a macro of the system's stands for.
            self._is_own_of[file] = _SYSTEM_FLAG not in flags or file in self._given
            self.result.files.append(file)
            self.result.own += [file] if self._is_own_of[file] else []
        self._is_own = is_file and self._is_own_of[file]

    def _macro(self, what: str, name: str, parameters: str | None, body: str) -> None:
        self.result.macros.pop(name, None)
        if what == "define":
            listed = None if parameters is None else tuple(one.strip() for one in parameters[1:-1].split(","))
            self.result.macros[name] = Macro(listed, words_of_text(body))

    def _expanded(self, text: str) -> None:
        for word in _TOKEN.findall(text):
            if word == _BEGIN:
                self._expansion = []
            elif word == _END:
                if self._expansion:
                    self.result.expansions[self._expansion[0][1:-1]] = tuple(self._expansion[1:])
                self._expansion = None
            elif self._expansion is not None:
                self._expansion.append(word)
