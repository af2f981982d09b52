"""The descriptor: what an image says about itself, as JSON inside it.

Written by ``hotgraft bind``, read by hosts before any of the image's code runs. It is a claim, and it may be
hostile: every violation is found, at once, however large or deep the bytes.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, Literal

import msgspec

from hotgraft.core.errors import ManifestError

FORMAT: Final = 1
SIZE_LIMIT: Final = 1 << 20  # bytes
SCALARS: Final = {
    "i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4, "i64": 8, "u64": 8, "f32": 4, "f64": 8,
}  # fmt: skip
FIRST_FUNCTION_OFFSET: Final = 8
POINTER_BYTES: Final = 8

__all__ = [
    "FORMAT", "SCALARS", "Descriptor", "Field", "Function", "Interface", "Parameter", "Requirement", "Returns",
    "State", "Struct", "read_descriptor", "signature", "write_descriptor",
]  # fmt: skip


class _Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base: values, compared by content; a key that is not known is refused."""


class Parameter(_Value, frozen=True):
    """One parameter of a function; `self` is not listed."""

    name: str
    type: str
    pointer: int
    direction: Literal["in", "out", "inout"] | None
    count: str | None
    nullable: bool
    const: bool


class Returns(_Value, frozen=True):
    """What a function answers."""

    kind: Literal["status", "void", "value", "pointer"]
    type: str
    ownership: Literal["copied", "owned", "leased"] | None
    count: str | None


class Function(_Value, frozen=True):
    """One function of an interface."""

    name: str
    offset: int
    since: tuple[int, int]
    blocking: bool
    idempotent: bool
    returns: Returns
    parameters: tuple[Parameter, ...]


class Interface(_Value, frozen=True):
    """One interface a plugin provides."""

    interface: str
    version: tuple[int, int]
    struct: str
    bytes: int
    functions: tuple[Function, ...]


class Requirement(_Value, frozen=True):
    """One interface a plugin calls."""

    interface: str
    range: str
    optional: bool


class Field(_Value, frozen=True):
    """One field of a struct; `count` elements of `type`."""

    name: str
    type: str
    offset: int
    bytes: int
    count: int


class Struct(_Value, frozen=True):
    """The layout of a struct that crosses by pointer."""

    bytes: int
    align: int
    fields: tuple[Field, ...]


class State(_Value, frozen=True):
    """How state crosses a swap."""

    kind: Literal["none", "single"]
    schema: int
    layout_id: int
    handover: bool
    save: bool


class Descriptor(_Value, frozen=True):
    """All of it. Field names are those of the JSON."""

    hotgraft: int
    name: str
    version: str
    abi: tuple[int, int]
    provides: tuple[Interface, ...]
    requires: tuple[Requirement, ...]
    structs: dict[str, Struct]
    state: State
    config_schema: dict[str, Any]
    pins: Literal["wait"]


def write_descriptor(descriptor: Descriptor) -> bytes:
    """Return the canonical JSON: sorted keys, no spaces, UTF-8, padded with spaces to a multiple of four bytes."""
    text = json.dumps(msgspec.to_builtins(descriptor), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    data = text.encode()
    return data + b" " * (-len(data) % 4)


def read_descriptor(data: bytes) -> Descriptor:
    """Read a descriptor from the bytes of its note.

    Raises:
        ManifestError: with every violation found.
    """
    if len(data) > SIZE_LIMIT:
        raise _refusal([f"has {len(data)} bytes; a descriptor ends at {SIZE_LIMIT}"])
    try:
        text = data.decode("utf-8")
        json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
        descriptor = msgspec.json.decode(data, type=Descriptor, strict=True)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise _refusal([f"is not a descriptor: {error}"]) from None
    violations = _violations(descriptor)
    if violations:
        raise _refusal(violations)
    return descriptor


def signature(function: Function) -> str:
    """Return a function as a person reads it: ``process(self, in: f32[n] in, n: u64) -> status``."""
    parameters = ", ".join(["self", *(_shown(parameter) for parameter in function.parameters)])
    returns = function.returns
    kind = returns.kind if returns.kind in ("status", "void") else returns.type
    return f"{function.name}({parameters}) -> {kind}" + (f" {returns.ownership}" if returns.ownership else "")


def _shown(parameter: Parameter) -> str:
    count = f"[{parameter.count}]" if parameter.count else "*" * parameter.pointer
    direction = f" {parameter.direction}" if parameter.direction else ""
    return f"{parameter.name}: {parameter.type}{count}{direction}" + (" or NULL" if parameter.nullable else "")


def _refusal(violations: list[str]) -> ManifestError:
    return ManifestError(
        "read the descriptor",
        found=violations,
        advice="build the plugin anew with the output of hotgraft bind",
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:64]!r} stands twice")
    return dict(pairs)


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:32]} is beyond a double")
    return value


def _violations(descriptor: Descriptor) -> list[str]:
    found: list[str] = []
    if descriptor.hotgraft != FORMAT:
        found.append(f"has format {descriptor.hotgraft}; this host reads format {FORMAT}")
    if descriptor.abi[0] != 1:
        found.append(f"was built for ABI {descriptor.abi[0]}.{descriptor.abi[1]}; this host offers major 1")
    for name, struct in descriptor.structs.items():
        found += _struct_violations(name, struct, descriptor.structs)
    seen: set[str] = set()
    for interface in descriptor.provides:
        if interface.interface in seen:
            found.append(f"interface {interface.interface} is provided twice")
        seen.add(interface.interface)
        found += _interface_violations(interface, descriptor.structs)
    state = descriptor.state
    if state.kind == "single" and not (state.handover or state.save):
        found.append("state is single and crosses neither by hand over nor by save and restore")
    if state.handover and not 0 < state.layout_id < 1 << 64:
        found.append(f"state.layout_id is {state.layout_id}; a state that is handed over has one of 64 bits")
    return found


def _struct_violations(name: str, struct: Struct, known: dict[str, Struct]) -> list[str]:
    found = []
    for field in struct.fields:
        where = f"struct {name}, field {field.name}"
        size = SCALARS.get(field.type) or (known[field.type].bytes if field.type in known else 0)
        if not size:
            found.append(f"{where}: type {field.type!r} is not known")
        elif field.count < 1 or field.bytes != size * field.count:
            found.append(f"{where}: {field.bytes} bytes for {field.count} elements of {size} bytes")
        if field.offset < 0 or field.bytes < 1 or field.offset + field.bytes > struct.bytes:
            found.append(f"{where}: bytes {field.offset} to {field.offset + field.bytes} of {struct.bytes}")
    return found


def _interface_violations(interface: Interface, structs: dict[str, Struct]) -> list[str]:
    found = []
    expected = FIRST_FUNCTION_OFFSET
    names: set[str] = set()
    for function in interface.functions:
        where = f"{interface.interface}.{function.name}"
        if function.name in names:
            found.append(f"{where} stands twice")
        names.add(function.name)
        if function.offset != expected:
            found.append(f"{where} is at byte {function.offset}; functions follow one another, {expected} is next")
        expected += POINTER_BYTES
        found += _function_violations(where, function, structs)
    if interface.bytes != expected:
        found.append(f"{interface.interface} has {interface.bytes} bytes; its functions end at {expected}")
    return found


def _function_violations(where: str, function: Function, structs: dict[str, Struct]) -> list[str]:
    found = []
    by_name = {parameter.name: parameter for parameter in function.parameters}
    if len(by_name) != len(function.parameters):
        found.append(f"{where}: two parameters have one name")
    for parameter in function.parameters:
        if parameter.type not in SCALARS and parameter.type not in structs and parameter.type != "void":
            found.append(f"{where}: parameter {parameter.name} has unknown type {parameter.type!r}")
        if parameter.pointer not in (0, 1):
            found.append(f"{where}: parameter {parameter.name} has {parameter.pointer} stars")
        if parameter.pointer == 0 and parameter.type not in SCALARS:
            found.append(f"{where}: parameter {parameter.name} crosses by value")
        found += _count_violations(f"{where}: parameter {parameter.name}", parameter.count, by_name)
    return found + _count_violations(f"{where}: its result", function.returns.count, by_name)


def _count_violations(where: str, count: str | None, by_name: dict[str, Parameter]) -> list[str]:
    if count is None or (count.isascii() and count.isdigit() and 0 < int(count[:20]) < 1 << 63):
        return []
    named = by_name.get(count)
    if named is None:
        return [f"{where} counts {count[:64]!r}, which is no parameter and no number"]
    return [] if named.type in SCALARS and named.type[0] != "f" else [f"{where} counts {count}, which is no integer"]
