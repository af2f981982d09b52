"""From a descriptor to the facts that a swap's plan depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.contract import FunctionFacts, InterfaceFacts
from hotgraft.core.plan import Side
from hotgraft.core.state import StateFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.descriptor import Descriptor, Function, Interface, Parameter, Struct

__all__ = ["side_of"]


def side_of(descriptor: Descriptor) -> Side:
    """Return what callers and state of this version depend on."""
    layouts = {name: layout_text(struct) for name, struct in descriptor.structs.items()}
    state = descriptor.state
    return Side(
        version=descriptor.version,
        interfaces=tuple(_interface(one, descriptor.structs, layouts) for one in descriptor.provides),
        state=StateFacts(
            kind=state.kind,
            schema=state.schema,
            layout_id=state.layout_id,
            can_hand_over=state.handover,
            can_save=state.save,
        ),
    )


def layout_text(struct: Struct) -> str:
    """Return a struct's layout as text: equal texts are equal layouts."""
    fields = ", ".join(
        f"{field.name} {field.type}{f'[{field.count}]' if field.count != 1 else ''} @{field.offset}"
        for field in struct.fields
    )
    return f"{struct.bytes} bytes ({fields})"


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


def _interface(interface: Interface, structs: Mapping[str, Struct], layouts: dict[str, str]) -> InterfaceFacts:
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
                structs=_structs_of(function, structs),
            )
            for function in interface.functions
        ),
        layouts=layouts,
    )


def _structs_of(function: Function, structs: Mapping[str, Struct]) -> tuple[str, ...]:
    """Return the structs that a call of `function` passes, those inside others included."""
    waiting = [parameter.type for parameter in function.parameters] + [function.returns.type]
    found: list[str] = []
    while waiting:
        name = waiting.pop(0)
        if name in structs and name not in found:
            found.append(name)
            waiting += [field.type for field in structs[name].fields]
    return tuple(found)
