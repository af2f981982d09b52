"""Macros and static constants: which are constants to callers, and which of them the compiler can count out.

A caller is compiled with the value, so two spellings of one value are equal. What no compiler can count out stands as
its words. A macro that only decorates declarations is none: its effect is seen where it stands. Nor is one that says
which release the header is of: that it changes is what it is for; one of an ABI or a command is a constant.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.header_surface_attributes import fold_attributes, lays_out
from hotgraft.engine.header_surface_declared import QUALIFIERS, STORAGE, TYPE_WORDS
from hotgraft.engine.header_tokens import Token

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hotgraft.engine.header_surface_declared import Declarations
    from hotgraft.engine.header_surface_text import Macro, Preprocessed

__all__ = ["Constants", "find_constants", "is_release"]

_NUMBER: Final = re.compile(r"\.?[0-9].*", re.DOTALL)
_FLOATING: Final = re.compile(
    r"(?!0[xX])[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?[fF]?|0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*[pP].*"
)
_CHARACTER: Final = re.compile(r"[uUL]?'.*'", re.DOTALL)
_STRING: Final = re.compile(r'(?:u8|[uUL])?".*"', re.DOTALL)
_OPERATORS: Final = frozenset({
    "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "~", "!", "<", ">", "<=", ">=", "==", "!=", "&&", "||",
    "?", ":", "(", ")",
})  # fmt: skip
_RELEASE: Final = re.compile(
    r"(?:(?P<of>.*)_)?(?:LIB)?VER(?:SION|NUM)"
    r"(?:_(?:MAJOR|MINOR|PATCH|MICRO|TWEAK|REVISION|SUBREVISION|BUILD|STRING|STR|TEXT|NUM|NUMBER|HEX|INT|DATE|SUFFIX))*"
)
# Beside these words a version is what callers ask for, are told, or must agree about, and no release.
_PROMISED: Final = frozenset({
    "ABI", "API", "PROTOCOL", "PROTO", "FORMAT", "WIRE", "SCHEMA", "INTERFACE", "STRUCT", "FILE", "MAGIC", "DATA",
    "MSG", "CMD", "COMMAND", "OPT", "OPTION", "GET", "SET", "QUERY", "REQ", "REQUEST", "IOCTL", "OP", "TAG", "FIELD",
    "KEY", "PROP", "PROPERTY", "ATTR", "PARAM", "INFO", "ID", "TYPE", "CODE", "EVENT", "FLAG", "E", "ERR", "ERROR",
    "STATUS", "BAD", "WRONG", "INVALID", "UNSUPPORTED", "UNKNOWN", "NO", "MIN", "MAX", "OLDEST",
})  # fmt: skip
_STANDARD: Final = re.compile(
    r"u?int(?:_least|_fast)?(?:8|16|32|64)_t|u?intmax_t|u?intptr_t|size_t|ptrdiff_t|ssize_t|wchar_t"
)
_DECORATION: Final = STORAGE | QUALIFIERS | {"__extension__", ";"}


@dataclass(slots=True)
class Constants:
    """What is asked of the compiler, and what is known already."""

    integers: dict[str, str] = field(default_factory=dict)  # name → expression
    floats: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)  # name → what it is, as words


def is_release(name: str) -> bool:
    """Does a macro of this name say which release the header is of?"""
    found = _RELEASE.fullmatch(name.upper())
    return found is not None and _PROMISED.isdisjoint((found["of"] or "").split("_"))


def find_constants(text: Preprocessed, declared: Declarations) -> Constants:
    """Sort the headers' own macros and static constants."""
    found = Constants()
    types = declared.typedefs | {one.split(" ")[-1] for one in declared.records}
    used = _used_by_code(text, declared)
    for name, macro in text.macros.items():
        if is_release(name) and name not in used:
            continue
        if macro.parameters is not None:
            _add_function_like(found, name, macro)
            continue
        words = text.expansions.get(name, macro.body)
        _add(found, name, words, declared.enumerators, types)
    for name, words in declared.values.items():
        _add(found, name, words, declared.enumerators, types)
    for name, code in declared.code.items():
        found.texts[f"inline {name}"] = code
    return found


def _used_by_code(text: Preprocessed, declared: Declarations) -> set[str]:
    """Return the words of code that callers are compiled with: there even a release counts."""
    used = {word for code in declared.code.values() for word in code.split(" ")}
    for name, macro in text.macros.items():
        if macro.parameters is not None and "VERSION" not in name.upper():  # LIB_VERSION_CHECK: asked at compile time
            used.update(macro.body)
    return used


def _add_function_like(found: Constants, name: str, macro: Macro) -> None:
    if not _without_decoration(macro.body):
        return
    places = {parameter: f"${at}" for at, parameter in enumerate(macro.parameters or ())}
    shown = ", ".join(places.values())
    found.texts[f"macro {name}({shown})"] = " ".join(places.get(word, word) for word in macro.body)


def _add(
    found: Constants, name: str, words: Sequence[str], enumerators: Collection[str], types: Collection[str]
) -> None:
    if list(words) == [name]:
        return  # said so that #ifdef sees an enumerator or a function
    words = _without_decoration(words)
    if not words:
        return
    if all(_STRING.fullmatch(one) for one in words):
        found.texts[name] = _joined(words)
        return
    numbers = [one for one in words if _NUMBER.fullmatch(one)]
    kind = _kind(words, numbers, enumerators, types)
    if kind == "integer":
        found.integers[name] = " ".join(words)
    elif kind == "float":
        found.floats[name] = " ".join(words)
    else:
        found.texts[name] = " ".join(words)


def _kind(words: Sequence[str], numbers: Sequence[str], enumerators: Collection[str], types: Collection[str]) -> str:
    has_value = bool(numbers)
    for word in words:
        if word in enumerators or _CHARACTER.fullmatch(word) or word in ("sizeof", "_Alignof"):
            has_value = True
        elif not (
            word in _OPERATORS or word in TYPE_WORDS or word in types or word in ("struct", "union", "enum")
            or _STANDARD.fullmatch(word) or _NUMBER.fullmatch(word)
        ):  # fmt: skip
            return "text"
    if not has_value:
        return "text"
    floating = [one for one in numbers if _FLOATING.fullmatch(one) and not one.isdigit()]
    if floating or "double" in words or "float" in words:
        return "text" if any(one[-1] in "lLqQ" for one in floating) or "long" in words else "float"
    return "integer"


def _without_decoration(words: Sequence[str]) -> list[str]:
    """Return nothing for words that only decorate: storage, qualifiers, attributes that nothing is laid out by."""
    plain = [one.text for one in fold_attributes([Token(word, 0) for word in words])]
    kept = [one for one in plain if not one.startswith("@") and one not in _DECORATION]
    return list(words) if kept or lays_out(plain) else []


def _joined(words: Sequence[str]) -> str:
    """Strings side by side are one."""
    prefix = words[0][: words[0].index('"')]
    if any(not one.startswith(prefix + '"') for one in words):
        return " ".join(words)
    return prefix + '"' + "".join(one[len(prefix) + 1 : -1] for one in words) + '"'
