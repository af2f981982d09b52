"""The literals of C: numbers with C's types, characters and text (C11 6.4.4, 6.4.5).

Types are those of a machine with 32-bit int and 64-bit long. `long double` and wide text have no value here.
"""

from __future__ import annotations

import math
import re
import struct
from typing import Final, TypeAlias

from hotgraft.core.dataclass import dataclass

__all__ = ["Integer", "NoValueError", "Real", "Value", "make_real", "read_character", "read_number", "read_text"]

_INTEGER: Final = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)([uUlL]*)")
_REAL: Final = re.compile(
    r"(0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*[pP][+-]?\d+|(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?)([fF]?)"
)
_SUFFIXES: Final = {"": (False, False), "u": (True, False), "l": (False, True), "ll": (False, True),
                    "ul": (True, True), "lu": (True, True), "ull": (True, True), "llu": (True, True)}  # fmt: skip
_ESCAPE: Final = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]+)|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|([^\\]+)", re.DOTALL
)
_SIMPLE: Final = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27,
                  "\\": 92, "'": 39, '"': 34, "?": 63}  # fmt: skip


class NoValueError(ValueError):
    """This is no constant expression that has one value on every machine we run on."""


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer and its C type, as bits and signedness."""

    value: int
    bits: int = 32
    is_signed: bool = True


@dataclass(frozen=True, slots=True)
class Real:
    """A double, or a float."""

    value: float
    is_float: bool = False


Value: TypeAlias = Integer | Real | bytes


def read_number(token: str) -> Value:
    """Return the value of a number. NoValueError: it has none that is certain."""
    if found := _INTEGER.fullmatch(token):
        return _integer(found[1], found[2])
    if found := _REAL.fullmatch(token):
        value = float.fromhex(found[1]) if found[1][:2].lower() == "0x" else float(found[1])
        return make_real(value, is_float=bool(found[2]))
    raise NoValueError


def _integer(digits: str, suffix: str) -> Integer:
    if suffix.lower() not in _SUFFIXES or "lL" in suffix or "Ll" in suffix or len(digits) > 80:
        raise NoValueError
    is_unsigned, is_long = _SUFFIXES[suffix.lower()]
    is_decimal = digits[0] != "0" or digits == "0"
    try:
        value = int(digits, 10 if is_decimal else 0 if digits[1].isalpha() else 8)
    except ValueError:
        raise NoValueError from None
    for bits in (64,) if is_long else (32, 64):
        for is_signed in (False,) if is_unsigned else (True,) if is_decimal else (True, False):
            if value < 1 << (bits - is_signed):
                return Integer(value, bits, is_signed)
    raise NoValueError


def read_text(token: str) -> bytes:
    """Return the bytes of a string literal, without the NUL at its end. NoValueError: it is wide, or none."""
    if token[0] not in '"u' or (token[0] == "u" and not token.startswith("u8")):
        raise NoValueError
    return _unescaped(token[token.index('"') + 1 : -1])


def read_character(token: str) -> Integer:
    """Return the value of a character constant. NoValueError: it is wide, or of more than one byte."""
    inside = _unescaped(token[1:-1]) if token[0] == "'" else b""
    if len(inside) != 1:
        raise NoValueError
    return Integer(inside[0] - 256 * (inside[0] > 127))


def _unescaped(text: str) -> bytes:
    made = bytearray()
    for octal, hexadecimal, short, long, simple, plain in _ESCAPE.findall(text):
        if plain:
            made += plain.encode()
        elif short or long:
            code = int(short or long, 16)
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                raise NoValueError
            made += chr(code).encode()
        elif simple:
            if simple not in _SIMPLE:
                raise NoValueError
            made.append(_SIMPLE[simple])
        else:
            code = int(octal, 8) if octal else int(hexadecimal, 16)
            if code > 255:
                raise NoValueError
            made.append(code)
    return bytes(made)


def make_real(value: float, *, is_float: bool) -> Real:
    """Return a real of its type. NoValueError: it is beyond it."""
    if is_float:
        value = struct.unpack("f", struct.pack("f", value))[0]
    if not math.isfinite(value):
        raise NoValueError
    return Real(value, is_float)
