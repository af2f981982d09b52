"""In which order plugins can be loaded: whoever provides an interface before those that require it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hotgraft.core.errors import DependencyError
from hotgraft.core.graph import make_graph
from hotgraft.core.graph_facts import facts_of
from hotgraft.core.graph_violations import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.graph import Graph

__all__ = ["graph_in_order", "providers_first"]

Entry = TypeVar("Entry")


def providers_first(described: Iterable[tuple[str, Entry, Descriptor]]) -> list[Entry]:
    """Return the entries so that each comes after those whose interfaces it requires.

    What nobody among them provides may be there already: that is for who binds it to say.

    Args:
        described: name, entry and descriptor of each.

    Raises:
        DependencyError: they require each other, and not all of them say that they may.
    """
    entries = {name: (entry, what) for name, entry, what in described}
    graph = graph_in_order((name, what) for name, (_, what) in entries.items())
    return [entries[name][0] for name in graph.load_order]


def graph_in_order(described: Iterable[tuple[str, Descriptor]]) -> Graph:
    """Return the graph of plugins, by name and descriptor, whose needs nobody may meet.

    Raises:
        DependencyError: as `providers_first`.
    """
    graph = make_graph(facts_of(what, name=name) for name, what in described)
    cycles = [str(one) for one in graph.violations if one.kind is Kind.CYCLE]
    if cycles:
        raise DependencyError("order them", on="the plugins", found=cycles)
    return graph
