"""From a descriptor to the facts that a swap's plan depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.c_types import names_in, parse_type
from hotgraft.core.contract import FunctionFacts, InterfaceFacts
from hotgraft.core.plan import Side
from hotgraft.core.surface_descriptor import state_facts_of

if TYPE_CHECKING:
    from hotgraft.core.descriptor import Descriptor, Enumeration, Function, Interface, Parameter, Struct

__all__ = ["side_of"]


def side_of(descriptor: Descriptor) -> Side:
    """Return what callers and state of this version depend on."""
    layouts = {name: layout_text(one) for name, one in (descriptor.unions | descriptor.structs).items()}
    layouts |= {name: f"{one.type} {{{enum_text(one)}}}" for name, one in descriptor.enums.items()}
    return Side(
        version=descriptor.version,
        interfaces=tuple(_interface(one, descriptor, layouts) for one in descriptor.provides),
        state=state_facts_of(descriptor),
    )


def layout_text(struct: Struct) -> str:
    """Return a struct's layout as text: equal texts are equal layouts."""
    fields = ", ".join(
        f"{field.name} {field.type}{f'[{field.count}]' if field.count != 1 else ''} @{field.offset}"
        for field in struct.fields
    )
    return f"{struct.bytes} bytes ({fields})"


def enum_text(enum: Enumeration) -> str:
    """Return an enum's constants as text."""
    return ", ".join(f"{name} = {value}" for name, value in enum.values)


def signature_text(function: Function) -> str:
    """Return a function's signature as text.

    Parameters count by place, because renaming one breaks nobody.
    """
    places = {one.name: f"#{index}" for index, one in enumerate(function.parameters)}
    returns = function.returns
    result = returns.type if returns.kind == "value" else returns.kind
    if returns.kind == "pointer":
        count = places.get(returns.count or "", returns.count)
        result = f"{returns.type} * {returns.ownership}" + (f"({count})" if count is not None else "")
    parameters = ", ".join(_parameter(one, places) for one in function.parameters)
    return f"{result} {function.name}({parameters})"


def _parameter(parameter: Parameter, places: dict[str, str]) -> str:
    text = ("const " if parameter.const else "") + parameter.type + " *" * parameter.pointer
    if parameter.direction is not None:
        text += f" {parameter.direction}"
    if parameter.count is not None:
        text += f"({places.get(parameter.count, parameter.count)})"
    return text + (" or NULL" if parameter.nullable else "")


def _interface(interface: Interface, descriptor: Descriptor, layouts: dict[str, str]) -> InterfaceFacts:
    major, minor = interface.version
    return InterfaceFacts(
        name=interface.interface,
        major=major,
        minor=minor,
        struct_bytes=interface.bytes,
        functions=tuple(
            FunctionFacts(
                name=function.name,
                offset=function.offset,
                signature=signature_text(function),
                structs=_types_of(function, descriptor),
            )
            for function in interface.functions
        ),
        layouts=layouts,
    )


def _types_of(function: Function, descriptor: Descriptor) -> tuple[str, ...]:
    """Return the structs, unions and enums that a call of `function` passes, those inside others included."""
    records = descriptor.unions | descriptor.structs
    waiting = [parameter.type for parameter in function.parameters] + [function.returns.type]
    found: list[str] = []
    while waiting:
        text = waiting.pop(0)
        for name in [text] if text.isidentifier() else names_in(parse_type(text)):
            if (name in records or name in descriptor.enums) and name not in found:
                found.append(name)
                waiting += [field.type for field in records[name].fields] if name in records else []
    return tuple(found)
