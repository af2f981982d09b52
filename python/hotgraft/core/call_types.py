"""What the call path needs of a descriptor: its functions flattened over the interfaces, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from hotgraft.core.descriptor import Descriptor, Function, Interface

__all__ = ["ADDRESS", "CallDescription", "blocking_functions", "call_description", "called_interfaces"]

ADDRESS: Final = "address"  # to the call path: an integer that is passed on, and where it may be NULL, None


@dataclass(frozen=True, slots=True)
class CallDescription:
    """The arguments of `_core.make_call_type`."""

    plugin: str
    functions: list[dict[str, Any]]
    structs: dict[str, Any]


def call_description(descriptor: Descriptor, plugin: str, *, catches_crashes: bool = False) -> CallDescription:
    """Return the functions of all interfaces, each with the index of its own.

    Slots come in the same order. `catches_crashes`: a crash in one of them raises.
    """
    functions = [
        {**msgspec.to_builtins(function), "interface_index": index, "caught": catches_crashes}
        for index, interface in enumerate(called_interfaces(descriptor))
        for function in interface.functions
    ]
    return CallDescription(plugin, functions, msgspec.to_builtins(descriptor.unions | descriptor.structs))


def called_interfaces(descriptor: Descriptor) -> tuple[Interface, ...]:
    """Return what it provides as it is called: an enum is the integer that it is, a call-back an address."""
    if not descriptor.enums and all(
        parameter.type.isidentifier()
        for interface in descriptor.provides
        for function in interface.functions
        for parameter in function.parameters
    ):
        return descriptor.provides
    return tuple(
        msgspec.structs.replace(one, functions=tuple(_called(function, descriptor) for function in one.functions))
        for one in descriptor.provides
    )


def _called(function: Function, descriptor: Descriptor) -> Function:
    def plain(name: str) -> str:
        enum = descriptor.enums.get(name)
        return enum.type if enum is not None else name if name.isidentifier() else ADDRESS

    return msgspec.structs.replace(
        function,
        parameters=tuple(msgspec.structs.replace(one, type=plain(one.type)) for one in function.parameters),
        returns=msgspec.structs.replace(function.returns, type=plain(function.returns.type)),
    )


def blocking_functions(descriptor: Descriptor) -> frozenset[str]:
    """Return the names of the functions that may take long."""
    return frozenset(function.name for one in descriptor.provides for function in one.functions if function.blocking)
