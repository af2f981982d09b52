"""What a descriptor of the right shape may still lie about: names, offsets, counts, structs, state.

Whoever calls by a descriptor trusts these checks: an offset in it becomes an address, a count a length.
"""

from __future__ import annotations

import graphlib
from typing import TYPE_CHECKING, Final

from hotgraft.core.manifest_checks import IDENTIFIER, INTERFACE_NAME, PLUGIN_NAME
from hotgraft.core.versions import Range, Version

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping

    from hotgraft.core.descriptor import Descriptor, Function, Interface, Parameter, Requirement, Returns, State, Struct

FORMAT: Final = 1
ABI_MAJOR: Final = 1
SCALARS: Final = {
    "i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4, "i64": 8, "u64": 8, "f32": 4, "f64": 8,
}  # fmt: skip
FIRST_FUNCTION_OFFSET: Final = 8
POINTER_BYTES: Final = 8
STRUCT_BYTES_LIMIT: Final = 1 << 31
ALIGN_LIMIT: Final = 4096
COUNT_DIGITS: Final = 18  # what the call path reads


def descriptor_violations(descriptor: Descriptor) -> list[str]:
    """Return everything in it that cannot be true or cannot be served."""
    found = [*_head(descriptor)]
    for name, struct in descriptor.structs.items():
        found += _struct(name, struct, descriptor.structs)
    found += _cycles(descriptor.structs)
    found += _twice("interface {} is provided twice", [one.interface for one in descriptor.provides])
    for interface in descriptor.provides:
        found += _interface(interface, descriptor.structs)
    found += _twice("interface {} is required twice", [one.interface for one in descriptor.requires])
    for requirement in descriptor.requires:
        found += _requirement(requirement)
    return [*found, *_state(descriptor.state)]


def _head(descriptor: Descriptor) -> Iterator[str]:
    if descriptor.hotgraft != FORMAT:
        yield f"has format {descriptor.hotgraft}; this host reads format {FORMAT}"
    if descriptor.abi[0] != ABI_MAJOR or descriptor.abi[1] < 0:
        yield f"was built for ABI {descriptor.abi[0]}.{descriptor.abi[1]}; this host offers major {ABI_MAJOR}"
    yield from _named("the plugin", descriptor.name, PLUGIN_NAME)
    yield from _parsed("the version", descriptor.version, Version.parse)


def _named(what: str, name: str, pattern: re.Pattern[str]) -> Iterator[str]:
    if not pattern.fullmatch(name):
        yield f"{what} has the name {name[:64]!r}, which is not of the form {pattern.pattern}"


def _parsed(what: str, text: str, parse: Callable[[str], object]) -> Iterator[str]:
    try:
        parse(text)
    except ValueError as error:
        yield f"{what}: {error}"


def _twice(sentence: str, names: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield sentence.format(name[:64])
        seen.add(name)


def _requirement(requirement: Requirement) -> Iterator[str]:
    yield from _named("a requirement", requirement.interface, INTERFACE_NAME)
    yield from _parsed(f"the range of {requirement.interface[:64]}", requirement.range, Range.parse)


def _struct(name: str, struct: Struct, known: Mapping[str, Struct]) -> Iterator[str]:
    yield from _named("a struct", name, IDENTIFIER)
    if name in SCALARS or name == "void":
        yield f"struct {name} has the name of a scalar"
    if not 0 < struct.bytes <= STRUCT_BYTES_LIMIT:
        yield f"struct {name} has {struct.bytes} bytes"
    if not (0 < struct.align <= ALIGN_LIMIT and struct.align.bit_count() == 1 and struct.bytes % struct.align == 0):
        yield f"struct {name} of {struct.bytes} bytes is aligned to {struct.align}"
    yield from _twice(f"struct {name}: field {{}} stands twice", [field.name for field in struct.fields])
    end = 0
    for field in struct.fields:
        where = f"struct {name}, field {field.name[:64]}"
        yield from _named(where, field.name, IDENTIFIER)
        size = SCALARS.get(field.type) or (known[field.type].bytes if field.type in known else 0)
        if not size:
            yield f"{where}: type {field.type[:64]!r} is not known"
        elif field.count < 1 or field.bytes != size * field.count:
            yield f"{where}: {field.bytes} bytes for {field.count} elements of {size} bytes"
        if field.offset < end or field.bytes < 1 or field.offset + field.bytes > struct.bytes:
            yield f"{where}: bytes {field.offset} to {field.offset + field.bytes} of {struct.bytes}, {end} is next"
        end = max(end, field.offset + field.bytes)


def _cycles(structs: Mapping[str, Struct]) -> Iterator[str]:
    inside = {name: {one.type for one in struct.fields if one.type in structs} for name, struct in structs.items()}
    try:
        graphlib.TopologicalSorter(inside).prepare()
    except graphlib.CycleError as error:
        yield f"structs contain themselves: {' in '.join(error.args[1])}"


def _interface(interface: Interface, structs: Mapping[str, Struct]) -> Iterator[str]:
    yield from _named("an interface", interface.interface, INTERFACE_NAME)
    yield from _named(f"the struct of {interface.interface[:64]}", interface.struct, IDENTIFIER)
    if not all(0 <= number <= 0xFFFF for number in interface.version):
        yield f"{interface.interface} has version {interface.version[0]}.{interface.version[1]}"
    yield from _twice(f"{interface.interface}.{{}} stands twice", [one.name for one in interface.functions])
    expected = FIRST_FUNCTION_OFFSET
    newest = (0, 0)
    for function in interface.functions:
        where = f"{interface.interface}.{function.name[:64]}"
        yield from _named(where, function.name, IDENTIFIER)
        if function.offset != expected:
            yield f"{where} is at byte {function.offset}; functions follow one another, {expected} is next"
        if not newest <= function.since <= interface.version:
            since = f"{function.since[0]}.{function.since[1]}"
            yield f"{where} is since {since}; functions are appended, version by version"
        newest = max(newest, function.since)
        expected += POINTER_BYTES
        yield from _function(where, function, structs)
    if interface.bytes != expected:
        yield f"{interface.interface} has {interface.bytes} bytes; its functions end at {expected}"


def _function(where: str, function: Function, structs: Mapping[str, Struct]) -> Iterator[str]:
    by_name = {parameter.name: parameter for parameter in function.parameters}
    yield from _twice(f"{where}: two parameters are called {{}}", [one.name for one in function.parameters])
    for parameter in function.parameters:
        yield from _parameter(f"{where}: parameter {parameter.name[:64]}", parameter, by_name, structs)
    yield from _returns(f"{where}: its result", function.returns, by_name, structs)


def _parameter(
    where: str, parameter: Parameter, by_name: Mapping[str, Parameter], structs: Mapping[str, Struct]
) -> Iterator[str]:
    yield from _named(where, parameter.name, IDENTIFIER)
    if parameter.type not in SCALARS and parameter.type not in structs and parameter.type != "void":
        yield f"{where} has unknown type {parameter.type[:64]!r}"
    if parameter.pointer not in (0, 1):
        yield f"{where} has {parameter.pointer} stars"
    elif parameter.pointer == 1:
        if parameter.direction is None:
            yield f"{where} is a pointer without a direction"
        if parameter.const and parameter.direction in ("out", "inout"):
            yield f"{where} is const and written"
        yield from _count(where, parameter.count, by_name)
    else:
        if parameter.type not in SCALARS:
            yield f"{where} crosses by value"
        if parameter.direction is not None or parameter.count is not None or parameter.nullable:
            yield f"{where} is a value, with what only a pointer has"


def _returns(
    where: str, returns: Returns, by_name: Mapping[str, Parameter], structs: Mapping[str, Struct]
) -> Iterator[str]:
    if returns.kind != "pointer":
        if returns.ownership is not None or returns.count is not None:
            yield f"{where} is a {returns.kind}, with what only a pointer has"
        wanted = {"status": ("i32",), "void": ("void",), "value": tuple(SCALARS)}[returns.kind]
        if returns.type not in wanted:
            yield f"{where} is a {returns.kind} of type {returns.type[:64]!r}"
        return
    if returns.type not in SCALARS and returns.type not in structs and returns.type != "void":
        yield f"{where} has unknown type {returns.type[:64]!r}"
    if returns.ownership is None:
        yield f"{where} is a pointer that nobody owns"
    if returns.ownership == "copied" and (SCALARS.get(returns.type) != 1 or returns.count is not None):
        yield f"{where} is copied, which is for terminated text"
    if returns.ownership == "leased" and returns.count is None:
        yield f"{where} is leased without a count"
    yield from _count(where, returns.count, by_name, is_result=True)


def _count(
    where: str, count: str | None, by_name: Mapping[str, Parameter], *, is_result: bool = False
) -> Iterator[str]:
    if count is None:
        return
    if count.isascii() and count.isdigit():
        if len(count) > COUNT_DIGITS or int(count) == 0:
            yield f"{where} counts {count[:64]}"
        return
    named = by_name.get(count)
    if named is None:
        yield f"{where} counts {count[:64]!r}, which is no parameter and no number"
    elif named.type not in SCALARS or named.type[0] == "f":
        yield f"{where} counts {count}, which is no integer"
    elif named.pointer == 1 and (not is_result or named.direction != "out"):
        yield f"{where} counts {count}, which is a pointer"


def _state(state: State) -> Iterator[str]:
    crosses = state.handover or state.save
    if state.kind == "none" and crosses:
        yield "state is none, and yet is handed over or saved"
    if state.kind == "single" and not crosses:
        yield "state is single and crosses neither by hand over nor by save and restore"
    if not int(state.kind == "single") <= state.schema <= 0xFFFF_FFFF:
        yield f"state.schema is {state.schema}; schemas count from 1"
    if not int(state.handover) <= state.layout_id < 1 << 64:
        yield f"state.layout_id is {state.layout_id}; a state that is handed over has one of 64 bits"
