"""C types as a caller's compiled code sees them: what two spellings of one type have in common.

Typedefs are resolved, widths are explicit, parameter names are gone, and so is const where it binds nobody else: on a
value itself. A struct, union or enum is named here and described beside (`surface`).

As text, for descriptors and messages, a type is read from left to right: ``i32``, ``point``, ``u8 const*`` (a pointer
to const bytes), ``f32[4]``, ``i32[2][4]`` (as C writes it), ``u8[]`` (flexible), ``atomic(u32)``,
``(fn(void*, i32) -> void)*``, ``fn(u8 const*, ...) -> i32``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "SCALAR_BYTES", "VOID", "Array", "Atomic", "CType", "FunctionType", "Named", "Pointer", "Scalar", "Unseen",
    "names_in", "parse_type", "type_text",
]  # fmt: skip

SCALAR_BYTES: Final = {
    "i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4, "i64": 8, "u64": 8, "i128": 16, "u128": 16,
    "f16": 2, "f32": 4, "f64": 8, "f80": 16, "f128": 16, "c64": 8, "c128": 16, "c160": 32, "bool": 1, "void": 0,
}  # fmt: skip
TEXT_LIMIT: Final = 4096  # characters
DEPTH_LIMIT: Final = 24  # types inside types
COUNT_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number, or void; the name says kind and width in bits (c64: two f32; f80: the x87 format in 16 bytes)."""

    name: str


@dataclass(frozen=True, slots=True)
class Named:
    """A struct, union or enum; what it is stands in the surface under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer; const and volatile are those of what it points to."""

    to: CType
    const: bool = False
    volatile: bool = False


@dataclass(frozen=True, slots=True)
class Array:
    """An array; without a count it is the flexible one at a struct's end."""

    of: CType
    count: int | None


@dataclass(frozen=True, slots=True)
class Atomic:
    """An _Atomic type."""

    of: CType


@dataclass(frozen=True, slots=True)
class FunctionType:
    """What a function pointer points to. Parameters as they are passed: an array is a pointer by then."""

    parameters: tuple[CType, ...]
    result: CType
    is_variadic: bool = False


@dataclass(frozen=True, slots=True)
class Unseen:
    """A type that whoever read it has no word for: never equal to be relied on, always a cause for `unknown`."""

    what: str


CType: TypeAlias = Scalar | Named | Pointer | Array | Atomic | FunctionType | Unseen
VOID: Final = Scalar("void")

_TOKEN: Final = re.compile(r"\s*(->|\.\.\.|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[()\[\],*?])")


def type_text(kind: CType) -> str:
    """Return a type as text; `parse_type` reads it back."""
    if isinstance(kind, Scalar | Named):
        return kind.name
    if isinstance(kind, Pointer):
        qualifiers = " const" * kind.const + " volatile" * kind.volatile
        inner = type_text(kind.to)
        return f"({inner}){qualifiers}*" if isinstance(kind.to, FunctionType | Array) else f"{inner}{qualifiers}*"
    if isinstance(kind, Array):
        counts = ""
        while isinstance(kind, Array):
            counts += f"[{'' if kind.count is None else kind.count}]"
            kind = kind.of
        return (f"({type_text(kind)})" if isinstance(kind, FunctionType) else type_text(kind)) + counts
    if isinstance(kind, Atomic):
        return f"atomic({type_text(kind.of)})"
    if isinstance(kind, FunctionType):
        parameters = [type_text(one) for one in kind.parameters] + ["..."] * kind.is_variadic
        return f"fn({', '.join(parameters)}) -> {type_text(kind.result)}"
    return "?"


def names_in(kind: CType) -> Iterator[str]:
    """Yield the names of structs, unions and enums in a type, in order, as often as they stand there."""
    if isinstance(kind, Named):
        yield kind.name
    elif isinstance(kind, Pointer):
        yield from names_in(kind.to)
    elif isinstance(kind, Array | Atomic):
        yield from names_in(kind.of)
    elif isinstance(kind, FunctionType):
        for one in (*kind.parameters, kind.result):
            yield from names_in(one)


def parse_type(text: str) -> CType:
    """Read a type from its text; at once, however hostile the text.

    Raises:
        ValueError: it is none; says what stands there instead.
    """
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"a type of {len(text)} characters; the longest is {TEXT_LIMIT}")
    reader = _Reader(text)
    kind = reader.type(0)
    reader.expect("")
    return kind


class _Reader:
    """The tokens of a type, one after another; the empty token is the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._next = ""
        self._advance()

    def type(self, depth: int) -> CType:
        if depth > DEPTH_LIMIT:
            raise ValueError(f"types inside types go deeper than {DEPTH_LIMIT}")
        kind = self._base(depth)
        while True:
            const, volatile = self._took("const"), self._took("volatile")
            if self._took("*"):
                kind = Pointer(kind, const, volatile)
            elif const or volatile:
                raise self._wrong("* after const or volatile")
            elif self._next == "[":
                kind = self._array(kind)
            else:
                return kind

    def expect(self, token: str) -> None:
        if not self._took(token):
            raise self._wrong(repr(token) if token else "the end")

    def _base(self, depth: int) -> CType:
        word = self._next
        if self._took("("):
            kind = self.type(depth + 1)
            self.expect(")")
            return kind
        if not (word.isidentifier() or word == "?"):
            raise self._wrong("a type")
        self._advance()
        if word == "?":
            return Unseen("a type without a word for it")
        if word == "atomic" and self._took("("):
            kind = self.type(depth + 1)
            self.expect(")")
            return Atomic(kind)
        if word == "fn" and self._took("("):
            return self._function(depth)
        return Scalar(word) if word in SCALAR_BYTES else Named(word)

    def _function(self, depth: int) -> FunctionType:
        parameters: list[CType] = []
        is_variadic = False
        while not self._took(")"):
            if parameters or is_variadic:
                self.expect(",")
            if self._took("..."):
                is_variadic = True
                self.expect(")")
                break
            parameters.append(self.type(depth + 1))
        self.expect("->")
        return FunctionType(tuple(parameters), self.type(depth + 1), is_variadic)

    def _array(self, of: CType) -> CType:
        counts: list[int | None] = []
        while self._took("["):
            digits = self._next
            if digits.isdigit():
                if len(digits) > COUNT_DIGITS:
                    raise ValueError(f"an array of {digits[:32]} elements")
                self._advance()
            counts.append(int(digits) if digits.isdigit() else None)
            self.expect("]")
        for count in reversed(counts):  # C writes the outermost first
            of = Array(of, count)
        return of

    def _took(self, token: str) -> bool:
        if self._next != token:
            return False
        self._advance()
        return True

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            if rest := self._text[self._at :].strip():
                raise ValueError(f"{rest[:32]!r} in {self._text[:64]!r} is no part of a type")
            self._next = ""
            return
        self._next, self._at = found[1], found.end()

    def _wrong(self, wanted: str) -> ValueError:
        return ValueError(f"expected {wanted}, found {self._next or 'the end'!r} in {self._text[:64]!r}")
