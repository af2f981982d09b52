"""What the call path needs of a descriptor: its functions flattened over the interfaces, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from hotgraft.core.descriptor import Descriptor

__all__ = ["CallDescription", "blocking_functions", "call_description"]


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
        for index, interface in enumerate(descriptor.provides)
        for function in interface.functions
    ]
    return CallDescription(plugin, functions, msgspec.to_builtins(descriptor.structs))


def blocking_functions(descriptor: Descriptor) -> frozenset[str]:
    """Return the names of the functions that may take long."""
    return frozenset(function.name for one in descriptor.provides for function in one.functions if function.blocking)
