"""TOML out of anybody's bytes: what would cost the parser more than a moment is refused before it sees it.

The limits are far above any file that a person writes. Together they keep a reading below 100 ms and 64 MB: the parser
takes a microsecond for each of the things that are counted here, and the square of what is in one key path.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

__all__ = ["SIZE_LIMIT", "read_toml"]

SIZE_LIMIT: Final = 128 << 10  # bytes
NESTING_LIMIT: Final = 32
LINES_LIMIT: Final = 10_000
ESCAPES_LIMIT: Final = 10_000  # backslashes
WORD_LIMIT: Final = 128  # characters of a bare key, a number or a date
DOTS_LIMIT: Final = 5_000  # a key path costs the parser the square of its dots
ENTRIES_LIMIT: Final = 4_000  # brackets, commas, equals signs

# What TOML's grammar hides brackets and dots in, then what counts. A string without an end is one token too: otherwise
# each of its quotes would be tried as the beginning of another, at quadratic cost. Nothing is given back (*+): for what
# might be, `re` keeps a hundred bytes a character.
_TOKEN: Final = re.compile(
    r'"""[^\\"]*+(?:(?:\\.|"(?!""))[^\\"]*+)*+"{0,5}+|\'\'\'[^\']*+(?:\'(?!\'\')[^\']*+)*+\'{0,5}+'
    r'|"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"?+|\'[^\'\n]*+\'?+|#[^\n]*+'
    rf"|(?<![\w:+-])(?P<word>[\w:+-]{{{WORD_LIMIT + 1},}}+)|(?P<mark>[\[\]{{}}.,=\n])",
    re.DOTALL,
)


def read_toml(data: bytes, *, what: str) -> dict[str, Any]:
    """Return the tables in `data`; `what` is what such a file is called, as the beginning of a sentence: ``settings``.

    ValueError: it is no TOML, no UTF-8, begins with a byte order mark, or is beyond a limit; in our own words, or in
    the parser's, which may hold what stands in the file.
    """
    if len(data) > SIZE_LIMIT:
        raise ValueError(f"has more than {SIZE_LIMIT} bytes, where {what}")
    if data.startswith(b"\xef\xbb\xbf"):
        raise ValueError("begins with a byte order mark: save it as UTF-8 without one")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}") from None
    _check(text)
    try:
        return tomllib.loads(text)
    except RecursionError:  # the caller stands deep already
        raise ValueError("is nested too deep to be read from here") from None


def _check(text: str) -> None:
    """Raise ValueError for what is beyond a limit."""
    for what, character, limit in (("lines", "\n", LINES_LIMIT), ("backslashes", "\\", ESCAPES_LIMIT)):
        if (count := text.count(character)) > limit:
            raise ValueError(f"has {count} {what}; at most {limit} are read")
    depth = dots = dots_before = entries = 0
    for token in _TOKEN.finditer(text):
        mark = token["mark"]
        if mark is None:
            if token["word"]:
                raise ValueError(f"has a name or number of more than {WORD_LIMIT} characters: {token[0][:32]}…")
            continue
        if mark == ".":
            dots += 1
            if dots > DOTS_LIMIT or dots - dots_before > NESTING_LIMIT:
                raise ValueError(f"has a key path deeper than {NESTING_LIMIT}, or more than {DOTS_LIMIT} dots")
            continue
        dots_before = dots  # anything else ends a key path
        if mark != "\n":
            entries += 1
            depth += 1 if mark in "[{" else -1 if mark in "]}" else 0
        if depth > NESTING_LIMIT:
            raise ValueError(f"is nested deeper than {NESTING_LIMIT}")
        if entries > ENTRIES_LIMIT:
            raise ValueError(f"has more than {ENTRIES_LIMIT} entries and brackets")
