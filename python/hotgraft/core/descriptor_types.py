"""What the types of a descriptor may lie about: sizes, offsets, values, names that lead nowhere or in a circle."""

from __future__ import annotations

import graphlib
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import (
    SCALAR_BYTES,
    VOID,
    Array,
    FunctionType,
    Named,
    Pointer,
    Scalar,
    names_in,
    parse_type,
    type_text,
)
from hotgraft.core.descriptor_declared import declared_violations
from hotgraft.core.manifest_checks import IDENTIFIER, TEXT_LIMIT

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping

    from hotgraft.core.c_types import CType
    from hotgraft.core.descriptor import Descriptor, Enumeration, Field, Struct

SCALARS: Final = {
    "i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4, "i64": 8, "u64": 8, "f32": 4, "f64": 8,
}  # fmt: skip
POINTER_BYTES: Final = 8
ENUM_RANGES: Final = {"i32": (-(1 << 31), (1 << 31) - 1), "u32": (0, (1 << 32) - 1)}
STRUCT_BYTES_LIMIT: Final = 1 << 31
ALIGN_LIMIT: Final = 4096
TYPES_LIMIT: Final = 2_000  # structs, unions, enums; fields, values: of each kind in one type
CONSTANTS_LIMIT: Final = 5_000
USER_POINTER: Final = "void*"  # what is passed back to a call-back


class KnownTypes:
    """The types a descriptor describes, by name."""

    def __init__(self, descriptor: Descriptor) -> None:
        self.records: Mapping[str, Struct] = {**descriptor.unions, **descriptor.structs}
        self.unions: Mapping[str, Struct] = descriptor.unions
        self.enums = descriptor.enums
        self._bytes = {**SCALARS, **{name: SCALARS.get(one.type, 0) for name, one in self.enums.items()}}
        self._bytes |= {name: one.bytes for name, one in self.records.items()}

    def pointed_size(self, text: str) -> int:
        """Return the bytes of what a pointer leads to; 0 where it is none that a state may have."""
        kind = _parsed(text)
        if not isinstance(kind, Pointer) or kind.const or kind.volatile or not isinstance(kind.to, Scalar | Named):
            return 0
        return self._bytes.get(kind.to.name, 0)

    def __contains__(self, name: str) -> bool:
        """Is this the name of a scalar, a struct, a union or an enum?"""
        return name in self._bytes

    def is_value(self, name: str) -> bool:
        """May it cross by value: is it a scalar or an enum?"""
        return name in SCALARS or name in self.enums

    def size_of(self, text: str) -> int:
        """Return the bytes of a type that a field may have; 0 where it may have none such."""
        found = self._bytes.get(text)
        if found is not None:
            return found
        kind = _parsed(text)
        count = 1
        while isinstance(kind, Array):
            count *= kind.count or 0
            kind = kind.of
        size = count * self._bytes.get(type_text(kind), 0) if kind is not None else 0
        return size if size <= STRUCT_BYTES_LIMIT else 0

    def is_callback(self, text: str) -> bool:
        """Is this the text of a pointer to a function that could be called with what crosses?"""
        kind = _parsed(text)
        if not isinstance(kind, Pointer) or kind.const or kind.volatile or not isinstance(kind.to, FunctionType):
            return False
        function = kind.to
        passed = all(one != VOID and self._is_passed(one) for one in function.parameters)
        return passed and self._is_passed(function.result) and not function.is_variadic

    def _is_passed(self, kind: CType) -> bool:
        """By value, or by pointer to what is known."""
        if isinstance(kind, Pointer):
            return not kind.volatile and (
                kind.to == VOID or (isinstance(kind.to, Scalar | Named) and kind.to.name in self)
            )
        return kind == VOID or (isinstance(kind, Scalar | Named) and self.is_value(kind.name))


def type_violations(descriptor: Descriptor, known: KnownTypes) -> Iterator[str]:
    """Yield what cannot be true of its structs, unions, enums and constants."""
    for what, kinds in (("structs", descriptor.structs), ("unions", descriptor.unions), ("enums", descriptor.enums)):
        if len(kinds) > TYPES_LIMIT:
            yield f"has {len(kinds)} {what}; at most {TYPES_LIMIT} are read"
            return
    twice = [name for name in descriptor.structs if name in descriptor.unions or name in descriptor.enums]
    twice += [name for name in descriptor.unions if name in descriptor.enums]
    yield from (f"the type {name[:64]} stands twice" for name in twice)
    for name, struct in descriptor.structs.items():
        yield from _record("struct", name, struct, known)
    for name, union in descriptor.unions.items():
        yield from _record("union", name, union, known)
    for name, enum in descriptor.enums.items():
        yield from _enum(name, enum)
    yield from _cycles(known.records)
    yield from _constants(descriptor)


def named(what: str, name: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield a sentence where `name` is not one of the form that `pattern` wants."""
    if not pattern.fullmatch(name):
        yield f"{what} has the name {name[:64]!r}, which is not of the form {pattern.pattern}"


def twice(sentence: str, names: list[str]) -> Iterator[str]:
    """Yield `sentence` with each name that stands there again."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield sentence.format(name[:64])
        seen.add(name)


def _parsed(text: str) -> CType | None:
    """Read a type's text; None where it is not canonical."""
    if text.isidentifier():
        return Scalar(text) if text in SCALAR_BYTES else Named(text)
    try:
        kind = parse_type(text)
    except ValueError:
        return None
    return kind if type_text(kind) == text else None


def _type_name(kind: str, name: str) -> Iterator[str]:
    article = "an" if kind == "enum" else "a"
    yield from named(f"{article} {kind}", name, IDENTIFIER)
    if name in SCALAR_BYTES:
        yield f"{kind} {name} has the name of a scalar"


def _record(kind: str, name: str, struct: Struct, known: KnownTypes) -> Iterator[str]:
    yield from _type_name(kind, name)
    if not 0 < struct.bytes <= STRUCT_BYTES_LIMIT:
        yield f"{kind} {name} has {struct.bytes} bytes"
    if not (0 < struct.align <= ALIGN_LIMIT and struct.align.bit_count() == 1 and struct.bytes % struct.align == 0):
        yield f"{kind} {name} of {struct.bytes} bytes is aligned to {struct.align}"
    yield from twice(f"{kind} {name}: field {{}} stands twice", [field.name for field in struct.fields])
    end = 0
    for index, field in enumerate(struct.fields):
        where = f"{kind} {name}, field {field.name[:64]}"
        yield from _field(where, field, known)
        yield from declared_violations(where, kind, struct, field, known)
        if field.shares and (index == 0 or kind == "union"):
            yield f"{where}: lies over a field before it, and there is none"
        start = 0 if field.shares or kind == "union" else end
        if kind == "union" and field.offset != 0:
            yield f"{where}: begins at byte {field.offset}; what is in a union begins at 0"
        elif field.offset < start or field.bytes < 1 or field.offset + field.bytes > struct.bytes:
            yield f"{where}: bytes {field.offset} to {field.offset + field.bytes} of {struct.bytes}, {start} is next"
        end = max(end, field.offset + field.bytes)


def _field(where: str, field: Field, known: KnownTypes) -> Iterator[str]:
    yield from named(where, field.name, IDENTIFIER)
    pointed = POINTER_BYTES if field.counted and known.pointed_size(field.type) else 0
    size = pointed or known.size_of(field.type)
    if not size:
        yield f"{where}: type {field.type[:64]!r} is not known"
    elif field.count < 1 or field.bytes != size * field.count:
        yield f"{where}: {field.bytes} bytes for {field.count} elements of {size} bytes"


def _enum(name: str, enum: Enumeration) -> Iterator[str]:
    yield from _type_name("enum", name)
    yield from twice(f"enum {name}: {{}} stands twice", [one for one, _ in enum.values])
    if enum.type not in ENUM_RANGES:
        yield f"enum {name} is of type {enum.type[:64]!r}; one that crosses is an i32 or u32"
        return
    least, most = ENUM_RANGES[enum.type]
    for one, value in enum.values:
        yield from named(f"a constant of enum {name}", one, IDENTIFIER)
        if not least <= value <= most:
            yield f"enum {name}: {one[:64]} is {value if abs(value) < 1 << 64 else 'beyond 64 bits'}, no {enum.type}"
    if not enum.values:
        yield f"enum {name} has no constants"


def _cycles(records: Mapping[str, Struct]) -> Iterator[str]:
    inside = {
        name: {inner for one in struct.fields for inner in _names(one.type) if inner in records}
        for name, struct in records.items()
    }
    try:
        graphlib.TopologicalSorter(inside).prepare()
    except graphlib.CycleError as error:
        yield f"structs contain themselves: {' in '.join(error.args[1])}"


def _names(text: str) -> Iterator[str]:
    if text.isidentifier():
        yield text
    elif (kind := _parsed(text)) is not None:
        yield from names_in(kind)


def _constants(descriptor: Descriptor) -> Iterator[str]:
    if len(descriptor.constants) > CONSTANTS_LIMIT:
        yield f"has {len(descriptor.constants)} constants; at most {CONSTANTS_LIMIT} are read"
        return
    for name, value in descriptor.constants.items():
        yield from named("a constant", name, IDENTIFIER)
        if len(value) > TEXT_LIMIT:
            yield f"constant {name[:64]} has {len(value)} characters; at most {TEXT_LIMIT} are read"
        if not value.isprintable():
            yield f"constant {name[:64]} holds characters that cannot be shown"
    enumerators: dict[str, str] = {}
    for enum, one in descriptor.enums.items():
        for name, _ in one.values:
            first = enumerators.setdefault(name, enum)
            if first != enum:
                yield f"the constant {name[:64]} stands in enum {first[:64]} and in enum {enum[:64]}"
    for name in descriptor.constants:
        if name in enumerators:
            yield f"the constant {name[:64]} stands in enum {enumerators[name][:64]} too"
