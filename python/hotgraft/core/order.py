"""In which order plugins can be loaded: whoever provides an interface before those that require it."""

from __future__ import annotations

import graphlib
from typing import TYPE_CHECKING, TypeVar

from hotgraft.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.core.descriptor import Descriptor

__all__ = ["providers_first"]

Entry = TypeVar("Entry")


def providers_first(described: Iterable[tuple[Entry, Descriptor]]) -> list[Entry]:
    """Return the entries so that each comes after those whose interfaces it requires.

    Raises:
        ConfigError: they require each other in a circle.
    """
    entries = list(described)
    providers = {one.interface: index for index, (_, what) in enumerate(entries) for one in what.provides}
    needs = {
        index: {providers[need.interface] for need in what.requires if providers.get(need.interface, index) != index}
        for index, (_, what) in enumerate(entries)
    }
    try:
        order = list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError as error:
        circle = " → ".join(entries[index][1].name for index in error.args[1])
        raise ConfigError("order them", on=circle, found="they require each other in a circle") from None
    return [entries[index][0] for index in order]
