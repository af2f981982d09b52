"""What a descriptor of the right shape may still lie about: names, offsets, counts, state; `descriptor_types`: types.

Whoever calls by a descriptor trusts these checks: an offset in it becomes an address, a count a length.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from hotgraft.core.descriptor_shape import SHOWN_LIMIT
from hotgraft.core.descriptor_types import SCALARS, USER_POINTER, KnownTypes, named, twice, type_violations
from hotgraft.core.manifest_checks import (
    FEATURE_NAME,
    IDENTIFIER,
    INTERFACE_NAME,
    OFFERS_LIMIT,
    PLUGIN_NAME,
    REQUIRES_LIMIT,
)
from hotgraft.core.state_edits import state_edit_violations
from hotgraft.core.versions import Range, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotgraft.core.descriptor import Descriptor, Function, Interface, Parameter, Requirement, Returns, State

FORMAT: Final = 1
ABI_MAJOR: Final = 1  # as abi/hotgraft/version.h, which a test compares
ABI_MINOR: Final = 1
FIRST_FUNCTION_OFFSET: Final = 8
POINTER_BYTES: Final = 8
COUNT_DIGITS: Final = 18  # what the call path reads


def descriptor_violations(descriptor: Descriptor) -> list[str]:
    """Return everything in it that cannot be true or cannot be served: at most `SHOWN_LIMIT` sentences."""
    return list(itertools.islice(_violations(descriptor), SHOWN_LIMIT))


def _violations(descriptor: Descriptor) -> Iterator[str]:
    yield from _head(descriptor)
    known = KnownTypes(descriptor)
    wrong = list(itertools.islice(type_violations(descriptor, known), SHOWN_LIMIT))
    yield from wrong
    yield from twice("interface {} is provided twice", [one.interface for one in descriptor.provides])
    for interface in descriptor.provides:
        yield from _interface(interface, known)
    yield from twice("interface {} is required twice", [one.interface for one in descriptor.requires])
    if len(descriptor.requires) > REQUIRES_LIMIT:
        yield f"has {len(descriptor.requires)} requirements; they end at {REQUIRES_LIMIT}"
    for requirement in descriptor.requires[:REQUIRES_LIMIT]:
        yield from _requirement(requirement)
    yield from _state(descriptor.state)
    yield from state_edit_violations(descriptor, told=wrong)


def _head(descriptor: Descriptor) -> Iterator[str]:
    yield from era_violations({"hotgraft": descriptor.hotgraft, "abi": descriptor.abi})
    yield from named("the plugin", descriptor.name, PLUGIN_NAME)
    yield from _parsed("the version", descriptor.version, Version.parse)
    yield from _words("feature", descriptor.features)
    yield from _words("permission", descriptor.permissions)


def era_violations(value: object) -> Iterator[str]:
    """Yield what says that a descriptor is of another day than this host; `value` need not have its shape."""
    known = value if isinstance(value, dict) else {}
    if isinstance(written := known.get("hotgraft", FORMAT), int) and written != FORMAT:
        yield f"has format {written}; this host reads format {FORMAT}"
    match known.get("abi"):
        case [int(major), int(minor)] if major != ABI_MAJOR or not 0 <= minor <= ABI_MINOR:
            yield f"was built for ABI {major}.{minor}; this host offers ABI {ABI_MAJOR}.{ABI_MINOR}"


def _parsed(what: str, text: str, parse: Callable[[str], object]) -> Iterator[str]:
    try:
        parse(text)
    except ValueError as error:
        yield f"{what}: {error}"


def _words(what: str, words: tuple[str, ...]) -> Iterator[str]:
    """Say what is wrong with a list of features or permissions: a manifest could not have asked for it."""
    if len(words) > OFFERS_LIMIT:
        yield f"has {len(words)} {what}s; they end at {OFFERS_LIMIT}"
        return
    for word in words:
        yield from named(f"a {what}", word, FEATURE_NAME)
    yield from twice(f"{what} {{}} stands twice", list(words))


def _requirement(requirement: Requirement) -> Iterator[str]:
    yield from named("a requirement", requirement.interface, INTERFACE_NAME)
    yield from _parsed(f"the range of {requirement.interface[:64]}", requirement.range, Range.parse)
    yield from _words(f"feature of {requirement.interface[:64]}", requirement.features)


def _interface(interface: Interface, known: KnownTypes) -> Iterator[str]:
    yield from named("an interface", interface.interface, INTERFACE_NAME)
    yield from named(f"the struct of {interface.interface[:64]}", interface.struct, IDENTIFIER)
    if not all(0 <= number <= 0xFFFF for number in interface.version):
        yield f"{interface.interface} has version {interface.version[0]}.{interface.version[1]}"
    yield from twice(f"{interface.interface}.{{}} stands twice", [one.name for one in interface.functions])
    expected = FIRST_FUNCTION_OFFSET
    newest = (0, 0)
    for function in interface.functions:
        where = f"{interface.interface}.{function.name[:64]}"
        yield from named(where, function.name, IDENTIFIER)
        if function.offset != expected:
            yield f"{where} is at byte {function.offset}; functions follow one another, {expected} is next"
        if not newest <= function.since <= interface.version:
            since = f"{function.since[0]}.{function.since[1]}"
            yield f"{where} is since {since}; functions are appended, version by version"
        newest = max(newest, function.since)
        expected += POINTER_BYTES
        yield from _function(where, function, known)
    if interface.bytes != expected:
        yield f"{interface.interface} has {interface.bytes} bytes; its functions end at {expected}"


def _function(where: str, function: Function, known: KnownTypes) -> Iterator[str]:
    by_name = {parameter.name: parameter for parameter in function.parameters}
    yield from twice(f"{where}: two parameters are called {{}}", [one.name for one in function.parameters])
    for parameter in function.parameters:
        yield from _parameter(f"{where}: parameter {parameter.name[:64]}", parameter, by_name, known)
    yield from _returns(f"{where}: its result", function.returns, by_name, known)
    if function.realtime and function.blocking:
        yield f"{where} never waits (realtime), and may take long (blocking)"


def _parameter(where: str, parameter: Parameter, by_name: Mapping[str, Parameter], known: KnownTypes) -> Iterator[str]:
    yield from named(where, parameter.name, IDENTIFIER)
    if not parameter.type.isidentifier() and (parameter.type == USER_POINTER or known.is_callback(parameter.type)):
        yield from _address(where, parameter)
        return
    if parameter.type not in known and parameter.type != "void":
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
        if not known.is_value(parameter.type):
            yield f"{where} crosses by value"
        if parameter.direction is not None or parameter.count is not None or parameter.nullable:
            yield f"{where} is a value, with what only a pointer has"


def _address(where: str, parameter: Parameter) -> Iterator[str]:
    if parameter.pointer or parameter.const or parameter.direction is not None or parameter.count is not None:
        yield f"{where} is an address, with what only a buffer has"


def _returns(where: str, returns: Returns, by_name: Mapping[str, Parameter], known: KnownTypes) -> Iterator[str]:
    if returns.kind != "pointer":
        if returns.ownership is not None or returns.count is not None or returns.nullable or returns.const is not None:
            yield f"{where} is a {returns.kind}, with what only a pointer has"
        wanted = {"status": ("i32",), "void": ("void",), "value": (*SCALARS, *known.enums)}[returns.kind]
        if returns.type not in wanted:
            yield f"{where} is a {returns.kind} of type {returns.type[:64]!r}"
        return
    if returns.type not in known and returns.type != "void":
        yield f"{where} has unknown type {returns.type[:64]!r}"
    if returns.ownership is None:
        yield f"{where} is a pointer that nobody owns"
    if returns.ownership == "copied" and (SCALARS.get(returns.type) != 1 or returns.count is not None):
        yield f"{where} is copied, which is for terminated text"
    if returns.ownership == "leased" and returns.count is None:
        yield f"{where} is leased without a count"
    if returns.const is not None and returns.const is (returns.ownership != "owned"):
        yield f"{where} is const as usual, which is not written down"
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
    if state.kind in ("single", "session") and not crosses:
        yield f"state is {state.kind} and crosses neither by hand over nor by save and restore"
    is_shared = state.kind == "concurrent"
    if is_shared and (state.handover or not state.struct):
        yield "state is concurrent and " + ("is handed over" if state.handover else "names no struct")
    if not int(state.kind != "none") <= state.schema <= 0xFFFF_FFFF:
        yield f"state.schema is {state.schema}; schemas count from 1"
    if not int(state.handover or is_shared) <= state.layout_id < 1 << 64:
        yield f"state.layout_id is {state.layout_id}; a state that is handed over or shared has one of 64 bits"
