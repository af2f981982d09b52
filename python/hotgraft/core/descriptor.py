"""The descriptor: what an image says about itself, as JSON inside it.

Written by ``hotgraft bind``, read by hosts before any of the image's code runs. It is a claim, and it may be
hostile: every violation is found, at once, however large or deep the bytes.

What was added to format 1 is left out where it says nothing, so that hosts of before read what uses nothing of it.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec

from hotgraft.core.descriptor_checks import FIRST_FUNCTION_OFFSET, FORMAT, descriptor_violations, era_violations
from hotgraft.core.descriptor_shape import read_json, shape_violations
from hotgraft.core.descriptor_types import SCALARS
from hotgraft.core.errors import ManifestError
from hotgraft.core.sentences import sentences

__all__ = [
    "FIRST_FUNCTION_OFFSET", "FORMAT", "SCALARS", "Descriptor", "Drain", "Enumeration", "Field", "Function",
    "Interface", "Parameter", "Requirement", "Returns", "State", "Struct", "read_descriptor", "signature",
    "write_descriptor",
]  # fmt: skip


class _Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base: values, compared by content; a key that is not known is refused."""


class Parameter(_Value, frozen=True):
    """One parameter of a function; `self` is not listed.

    `type` is a scalar, the name of a struct, union or enum, or as canonical text (`c_types`) a pointer to a function
    or the ``void*`` that is passed back to one. Those two are addresses that nobody reads through: `pointer` is 0.
    """

    name: str
    type: str
    pointer: int
    direction: Literal["in", "out", "inout"] | None
    count: str | None
    nullable: bool
    const: bool


class Returns(_Value, frozen=True, omit_defaults=True):
    """What a function answers. `const`: of what a pointer leads to; None: as usual, const unless it is owned."""

    kind: Literal["status", "void", "value", "pointer"]
    type: str
    ownership: Literal["copied", "owned", "leased"] | None
    count: str | None
    nullable: bool = False
    const: bool | None = None


class Function(_Value, frozen=True, omit_defaults=True):
    """One function of an interface. serial: one call at a time; realtime: it never waits and asks for no memory."""

    name: str
    offset: int
    since: tuple[int, int]
    blocking: bool
    idempotent: bool
    returns: Returns
    parameters: tuple[Parameter, ...]
    serial: bool = False
    realtime: bool = False


class Interface(_Value, frozen=True):
    """One interface a plugin provides."""

    interface: str
    version: tuple[int, int]
    struct: str
    bytes: int
    functions: tuple[Function, ...]


class Requirement(_Value, frozen=True, omit_defaults=True):
    """One interface a plugin calls. What was added later is left out where it says nothing."""

    interface: str
    range: str
    optional: bool
    features: tuple[str, ...] = ()  # of its provider, that it uses
    cycle: bool = False  # its provider may need this plugin in turn


class Field(_Value, frozen=True, omit_defaults=True):
    """One field of a struct or union; `count` elements of `type`, which is a name or an array as text: ``i32[2][4]``.

    Fields of members without a name stand as the outer's own. `shares`: it lies over one of those before it, because
    both are in a union without a name. The rest is what its author declared for states (`surface.Member`).
    """

    name: str
    type: str
    offset: int
    bytes: int
    count: int
    shares: bool = False
    counted: str = ""  # type is a pointer: ``particle*``
    tag: str = ""
    when: int | None = None
    handle: bool = False


class Struct(_Value, frozen=True):
    """The layout of a struct that crosses by pointer, or of a union, whose fields all begin at 0."""

    bytes: int
    align: int
    fields: tuple[Field, ...]


class Enumeration(_Value, frozen=True):
    """An enum: the scalar that it is, and its constants in order."""

    type: str
    values: tuple[tuple[str, int], ...]


class State(_Value, frozen=True, omit_defaults=True):
    """How state crosses a swap. Fields are named by struct and field: ``band.gain``."""

    kind: Literal["none", "single", "concurrent", "session"]
    schema: int
    layout_id: int
    handover: bool
    save: bool
    struct: str = ""  # that is handed over or shared; its layout is among the structs
    renamed_from: dict[str, str] = {}
    defaults: dict[str, Any] = {}
    dropped: tuple[str, ...] = ()
    copies: bool = False  # take and start write to a block that is handed over: a copy is kept until publish
    converters: tuple[tuple[int, int], ...] = ()  # that its library offers: from schema, to schema


class Drain(_Value, frozen=True, omit_defaults=True):
    """What the author wishes for where a swap waits for calls; what is None is the host's to say."""

    deadline_s: float | None = None
    at_deadline: Literal["call off", "leave"] | None = None


class Descriptor(_Value, frozen=True, omit_defaults=True):
    """All of it. Field names are those of the JSON. What was added later is left out where it says nothing."""

    hotgraft: int
    name: str
    version: str
    abi: tuple[int, int]
    provides: tuple[Interface, ...]
    requires: tuple[Requirement, ...]
    structs: dict[str, Struct]
    state: State
    config_schema: dict[str, Any]
    pins: Literal["wait", "move"]
    drain: Drain | None = None
    outputs: dict[str, dict[str, Any]] = {}
    features: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    unions: dict[str, Struct] = {}
    enums: dict[str, Enumeration] = {}
    constants: dict[str, str] = {}  # macros and enumerators of its headers, by value: equal texts are equal values


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
    try:
        value = read_json(data)
    except ValueError as error:
        raise _refusal([f"is not a descriptor: {error}"]) from None
    try:
        descriptor = msgspec.convert(value, Descriptor, strict=True)
    except msgspec.ValidationError:
        # Keys that a later hotgraft added are unknown here: that it is a later one says more.
        raise _refusal([*era_violations(value), *shape_violations(value, Descriptor)]) from None
    if violations := descriptor_violations(descriptor):
        raise _refusal(violations)
    return descriptor


def signature(function: Function) -> str:
    """Return a function as a person reads it: ``process(self, in: f32[n] in, n: u64) -> status``."""
    parameters = ", ".join(["self", *(_shown(parameter) for parameter in function.parameters)])
    returns = function.returns
    kind = returns.kind if returns.kind in ("status", "void") else returns.type
    result = kind + (f" {returns.ownership}" if returns.ownership else "") + (" or NULL" if returns.nullable else "")
    tags = [name for name in ("serial", "realtime") if getattr(function, name)]
    return f"{function.name}({parameters}) -> {result}" + "".join(f", {tag}" for tag in tags)


def _shown(parameter: Parameter) -> str:
    count = f"[{parameter.count}]" if parameter.count else "*" * parameter.pointer
    direction = f" {parameter.direction}" if parameter.direction else ""
    return f"{parameter.name}: {parameter.type}{count}{direction}" + (" or NULL" if parameter.nullable else "")


def _refusal(violations: list[str]) -> ManifestError:
    return ManifestError(
        "read the descriptor",
        found=sentences(violations),
        advice="build the plugin anew with the output of hotgraft bind",
    )
