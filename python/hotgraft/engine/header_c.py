"""Types as a header spells them: the shapes of `c_types`, with names such as ``int32_t`` or ``struct point``."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import VOID, Array, Atomic, CType, FunctionType, Named, Pointer, Scalar, Unseen
from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "SCALAR_OF", "Scope", "c_text", "canonical", "is_call_back", "leaf_of", "named_type", "plain_name", "stars_of",
]  # fmt: skip

SCALAR_OF: Final = {
    "int8_t": "i8", "uint8_t": "u8", "int16_t": "i16", "uint16_t": "u16", "int32_t": "i32", "uint32_t": "u32",
    "int64_t": "i64", "uint64_t": "u64", "float": "f32", "double": "f64", "char": "i8", "hotgraft_status": "i32",
}  # fmt: skip
TAGGED: Final = ("struct", "union", "enum")


@dataclass(slots=True)
class Scope:
    """What the headers that were read so far declared: typedefs (and whether they are const), tags, enumerators."""

    typedefs: dict[str, tuple[CType, bool]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)  # name → struct, union, enum
    aliased: set[str] = field(default_factory=set)  # tags that a typedef of their own name stands for
    enumerators: dict[str, int] = field(default_factory=dict)


def named_type(words: Sequence[str], scope: Scope) -> tuple[CType, bool]:
    """Return the type that words without stars name, and whether it is const."""
    is_const = "const" in words
    names = [word for word in words if word != "const"]
    if len(names) == 1 and names[0] in scope.typedefs:
        kind, was_const = scope.typedefs[names[0]]
        if is_const and isinstance(kind, Array):
            return Unseen(" ".join(words)), False
        return kind, is_const or was_const
    if names == ["void"]:
        return VOID, is_const
    if len(names) == 2 and names[0] in TAGGED and (names[0] != "enum" or scope.tags.get(names[1]) == "enum"):
        return Named(" ".join(names)), is_const
    return (Named(names[0]) if len(names) == 1 else Unseen(" ".join(words))), is_const


def plain_name(name: str) -> str:
    """Return the name of a type without the word before it."""
    return name.rpartition(" ")[2]


def canonical(kind: CType) -> CType:
    """Return the type that all spellings of this one have in common."""
    if isinstance(kind, Named):
        return Scalar(SCALAR_OF[kind.name]) if kind.name in SCALAR_OF else Named(plain_name(kind.name))
    if isinstance(kind, Pointer):
        return Pointer(canonical(kind.to), kind.const, kind.volatile)
    if isinstance(kind, Array):
        return Array(canonical(kind.of), kind.count)
    if isinstance(kind, FunctionType):
        return FunctionType(tuple(map(canonical, kind.parameters)), canonical(kind.result), kind.is_variadic)
    return kind


def leaf_of(kind: CType) -> CType:
    """Return what is under all pointers and arrays."""
    while isinstance(kind, Pointer | Array):
        kind = kind.to if isinstance(kind, Pointer) else kind.of
    return kind


def leaves(kind: CType) -> Iterator[CType]:
    """Yield every type without parts that it is made of."""
    leaf = leaf_of(kind)
    if isinstance(leaf, FunctionType):
        for one in (*leaf.parameters, leaf.result):
            yield from leaves(one)
    else:
        yield leaf


def stars_of(kind: CType) -> int:
    """Return how many pointers deep it is."""
    stars = 0
    while isinstance(kind, Pointer):
        kind, stars = kind.to, stars + 1
    return stars


def is_call_back(kind: CType) -> bool:
    """Is it a pointer to a function?"""
    return isinstance(kind, Pointer) and isinstance(kind.to, FunctionType)


def c_text(kind: CType, inner: str = "", *, const: bool = False) -> str:
    """Return the declaration of `inner` as C writes it; of no name: the type. `const`: of this value itself."""
    if isinstance(kind, Pointer):
        inner = f"*{'const ' if const else ''}{inner}"
        if isinstance(kind.to, Array | FunctionType):
            inner = f"({inner})"
        return c_text(kind.to, inner, const=kind.const)
    if isinstance(kind, Array):
        return c_text(kind.of, f"{inner}[{'' if kind.count is None else kind.count}]", const=const)
    if isinstance(kind, FunctionType):
        return c_text(kind.result, f"{inner}({parameters_text(kind)})")
    name = kind.what if isinstance(kind, Unseen) else "_Atomic" if isinstance(kind, Atomic) else kind.name
    return f"{'const ' if const else ''}{name}{' ' if inner and not inner.startswith('[') else ''}{inner}"


def parameters_text(function: FunctionType) -> str:
    """Return the types of the parameters as C writes them between the brackets."""
    return ", ".join([c_text(one) for one in function.parameters] + ["..."] * function.is_variadic) or "void"
