"""Constant expressions over preprocessing tokens: exactly what a C compiler makes of them, or nothing.

Integers have C's types on a machine with 32-bit int and 64-bit long (C11 6.4.4.1, 6.3.1); what C leaves undefined
(overflow, a shift too far, division by zero) has no value here. Reals are IEEE doubles and floats, each operation
rounded to its type. Nor has sizeof.
"""

from __future__ import annotations

import functools
import math
import operator
import re
import struct
from typing import TYPE_CHECKING, Final

from hotgraft.engine.header_literals import (
    Integer,
    NoValueError,
    Real,
    make_real,
    read_character,
    read_number,
    read_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hotgraft.engine.header_literals import Value

__all__ = ["evaluate", "integer_value", "tokens_of"]

TOKENS_LIMIT: Final = 500  # after macros were replaced
DEPTH_LIMIT: Final = 60  # brackets in brackets, macros in macros

_PIECE: Final = re.compile(
    r"\s+|(?P<token>(?:u8|[uUL])?\"(?:[^\"\\\n]|\\.)*\"|(?:[uUL])?'(?:[^'\\\n]|\\.)*'"
    r"|[^\W\d]\w*|\.?\d(?:[eEpP][+-]|[\w.])*|<<|>>|<=|>=|==|!=|&&|\|\||##|\.\.\.|.)",
    re.DOTALL,
)
_INT: Final = (32, True)
_TYPES: Final[Mapping[str, tuple[int, bool]]] = {
    **{f"int{bits}_t": (bits, True) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}_t": (bits, False) for bits in (8, 16, 32, 64)},
    "char": (8, True), "signed char": (8, True), "unsigned char": (8, False), "short": (16, True),
    "unsigned short": (16, False), "int": _INT, "unsigned": (32, False), "unsigned int": (32, False),
    "long": (64, True), "unsigned long": (64, False), "long long": (64, True), "unsigned long long": (64, False),
    "size_t": (64, False), "hotgraft_status": _INT,
}  # fmt: skip
# Of stdint.h: the macros that make a constant of a type, and the ends of each type.
_MAKERS: Final = {
    f"{sign}INT{bits}_C": (max(bits, 32), not sign or bits < 32) for sign in ("", "U") for bits in (8, 16, 32, 64)
}
_ENDS: Final = (
    {f"INT{b}_MAX": Integer((1 << b - 1) - 1, max(b, 32)) for b in (8, 16, 32, 64)}
    | {f"INT{b}_MIN": Integer(-(1 << b - 1), max(b, 32)) for b in (8, 16, 32, 64)}
    | {f"UINT{b}_MAX": Integer((1 << b) - 1, max(b, 32), b < 32) for b in (8, 16, 32, 64)}
)
_LEVELS: Final = (
    ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", ">", "<=", ">="), ("<<", ">>"), ("+", "-"),
    ("*", "/", "%"),
)  # fmt: skip
_COMPARED: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
_REAL_DONE: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


@functools.lru_cache(maxsize=4096)
def tokens_of(text: str) -> tuple[str, ...]:
    """Split an expression into preprocessing tokens."""
    return tuple(found["token"] for found in _PIECE.finditer(text) if found["token"])


def evaluate(tokens: Sequence[str], macros: Mapping[str, str], enumerators: Mapping[str, int]) -> Value:
    """Return the value of an expression; `macros` are those without arguments, as written.

    Raises:
        NoValueError: it has none that is certain.
    """
    expanded: list[str] = []
    _expand(tokens, macros, frozenset(), expanded)
    reader = _Reader(expanded, enumerators)
    try:
        value = reader.ternary(0)
    except (OverflowError, ZeroDivisionError, struct.error, RecursionError):
        raise NoValueError from None
    if reader.token:
        raise NoValueError
    return value


def integer_value(text: str, enumerators: Mapping[str, int]) -> int:
    """Return the value of an integer constant expression, such as the length of an array.

    Raises:
        NoValueError: it is none.
    """
    value = evaluate(tokens_of(text), {}, enumerators)
    if not isinstance(value, Integer):
        raise NoValueError
    return value.value


def _expand(tokens: Sequence[str], macros: Mapping[str, str], hidden: frozenset[str], into: list[str]) -> None:
    """Replace macros; one that stands inside of its own meaning stays (C11 6.10.3.4)."""
    if len(hidden) > DEPTH_LIMIT:
        raise NoValueError
    for token in tokens:
        if token in macros and token not in hidden:
            _expand(tokens_of(macros[token]), macros, hidden | {token}, into)
        else:
            into.append(token)
        if len(into) > TOKENS_LIMIT:
            raise NoValueError


class _Reader:
    """An expression, from the loosest operator to the tightest."""

    def __init__(self, tokens: Sequence[str], enumerators: Mapping[str, int]) -> None:
        self._tokens = tokens
        self._enumerators = enumerators
        self._at = 0

    @property
    def token(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def ternary(self, depth: int) -> Value:
        if depth > DEPTH_LIMIT:
            raise NoValueError
        condition = self._binary(0, depth)
        if not self._took("?"):
            return condition
        yes = self.ternary(depth + 1)
        self._expect(":")
        no = self.ternary(depth + 1)
        chosen = yes if _is_true(condition) else no
        if isinstance(yes, Integer) and isinstance(no, Integer):
            return _converted(chosen, _common(yes, no))
        if isinstance(yes, bytes) or isinstance(no, bytes) or type(yes) is not type(no):
            raise NoValueError
        return chosen

    def _binary(self, level: int, depth: int) -> Value:
        if level == len(_LEVELS):
            return self._unary(depth)
        left = self._binary(level + 1, depth)
        while (sign := self.token) in _LEVELS[level]:
            self._at += 1
            left = _combined(sign, left, self._binary(level + 1, depth))
        return left

    def _unary(self, depth: int) -> Value:
        if depth > DEPTH_LIMIT:
            raise NoValueError
        sign = self.token
        if sign in ("+", "-", "~", "!"):
            self._at += 1
            if self.token == sign and sign in "+-":
                raise NoValueError  # two tokens here, ++ to a compiler unless a space stood between
            return _signed(sign, self._unary(depth + 1))
        if sign == "(" and (cast := self._cast()) is not None:
            return _cast_to(cast, self._unary(depth + 1))
        return self._primary(depth)

    def _cast(self) -> str | None:
        """Take ``(type)``; None where a value stands in the brackets."""
        end = self._at + 1
        while end < len(self._tokens) and self._tokens[end].isidentifier():
            end += 1
        words = " ".join(word for word in self._tokens[self._at + 1 : end] if word != "const")
        if self._tokens[end : end + 1] != [")"] or not (words in _TYPES or words in ("float", "double")):
            return None
        self._at = end + 1
        return words

    def _primary(self, depth: int) -> Value:
        token = self.token
        self._at += 1
        if token == "(":
            value = self.ternary(depth + 1)
            self._expect(")")
            return value
        if token in _MAKERS and self._took("("):
            made = self.ternary(depth + 1)
            self._expect(")")
            return _converted(made, _MAKERS[token])
        if token in self._enumerators:
            return Integer(self._enumerators[token], 32, self._enumerators[token] < 1 << 31)
        if token in _ENDS:
            return _ENDS[token]
        if token.endswith('"'):
            text = read_text(token)
            while self.token.endswith('"'):
                text += read_text(self.token)  # literals side by side are one
                self._at += 1
            return text
        return read_character(token) if token.endswith("'") else read_number(token)

    def _took(self, token: str) -> bool:
        if self.token != token:
            return False
        self._at += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._took(token):
            raise NoValueError


def _is_true(value: Value) -> bool:
    if isinstance(value, bytes):
        raise NoValueError
    return value.value != 0


def _promoted(value: Integer) -> Integer:
    return value if value.bits >= 32 else Integer(value.value)


def _common(left: Integer, right: Integer) -> tuple[int, bool]:
    """The type that an operator of both works in (C11 6.3.1.8)."""
    one, other = _promoted(left), _promoted(right)
    bits = max(one.bits, other.bits)
    return bits, all(side.is_signed for side in (one, other) if side.bits == bits)


def _converted(value: Value, kind: tuple[int, bool]) -> Integer:
    """To an integer type, as a compiler does it: modulo (C11 6.3.1.3; GCC and clang for signed types too)."""
    bits, is_signed = kind
    if not isinstance(value, Integer):
        raise NoValueError
    number = value.value & ((1 << bits) - 1)
    return Integer(number - (1 << bits) if is_signed and number >> (bits - 1) else number, bits, is_signed)


def _cast_to(name: str, value: Value) -> Value:
    if isinstance(value, bytes):
        raise NoValueError
    if name in ("float", "double"):
        return make_real(float(value.value), is_float=name == "float")
    bits, is_signed = _TYPES[name]
    if isinstance(value, Real):
        whole = math.trunc(value.value)
        if not -(1 << bits - 1) * is_signed <= whole < 1 << bits - is_signed:
            raise NoValueError
        return Integer(whole, bits, is_signed)
    return _converted(value, (bits, is_signed))


def _checked(value: int, kind: tuple[int, bool]) -> Integer:
    """The result of arithmetic: unsigned is modulo, signed must fit."""
    made = _converted(Integer(value), kind)
    if kind[1] and made.value != value:
        raise NoValueError
    return made


def _signed(sign: str, value: Value) -> Value:
    if sign == "!":
        return Integer(int(not _is_true(value)))
    if isinstance(value, Real):
        if sign == "~":
            raise NoValueError
        return Real(-value.value if sign == "-" else value.value, value.is_float)
    if isinstance(value, bytes):
        raise NoValueError
    value = _promoted(value)
    made = -value.value if sign == "-" else ~value.value if sign == "~" else value.value
    return _checked(made, (value.bits, value.is_signed))


def _combined(sign: str, left: Value, right: Value) -> Value:
    if sign in ("&&", "||"):
        both = (_is_true(left), _is_true(right))
        return Integer(int(all(both) if sign == "&&" else any(both)))
    if isinstance(left, bytes) or isinstance(right, bytes):
        raise NoValueError
    if isinstance(left, Integer) and isinstance(right, Integer):
        return _shifted(sign, left, right) if sign in ("<<", ">>") else _computed(sign, left, right)
    if sign in _COMPARED:
        return Integer(int(_COMPARED[sign](left.value, right.value)))
    if sign not in _REAL_DONE:
        raise NoValueError
    is_float = all(isinstance(one, Integer) or one.is_float for one in (left, right))
    sides = [make_real(float(one.value), is_float=is_float).value for one in (left, right)]
    return make_real(_REAL_DONE[sign](*sides), is_float=is_float)


def _shifted(sign: str, left: Integer, right: Integer) -> Integer:
    left = _promoted(left)
    if not 0 <= right.value < left.bits or (sign == "<<" and left.value < 0):
        raise NoValueError
    made = left.value << right.value if sign == "<<" else left.value >> right.value
    return _checked(made, (left.bits, left.is_signed))


def _computed(sign: str, left: Integer, right: Integer) -> Integer:
    kind = _common(left, right)
    one, other = _converted(left, kind).value, _converted(right, kind).value
    if sign in _COMPARED:
        return Integer(int(_COMPARED[sign](one, other)))
    if sign in ("/", "%"):
        quotient = abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1)
        return _checked(quotient if sign == "/" else one - quotient * other, kind)
    made = {"+": one + other, "-": one - other, "*": one * other, "&": one & other, "|": one | other, "^": one ^ other}
    return _checked(made[sign], kind)
