"""Who calls whom among loaded plugins, as they are bound: not as they would be if they were bound anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.graph import arrange
from hotgraft.core.graph_facts import Edge, Unbound, facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hotgraft.core.graph import Graph
    from hotgraft.core.graph_facts import PluginFacts
    from hotgraft.host.loaded import Loaded

__all__ = ["bound_graph", "is_in_cycle", "loaded_facts"]


def loaded_facts(loaded: Loaded) -> PluginFacts:
    """Return what a graph knows of what serves."""
    serving = loaded.serving
    return facts_of(
        serving.descriptor,
        name=loaded.name,
        priority=loaded.priority,
        digest=serving.generation.sha256,
        where=loaded.source,
        ranges={interface: bound.accepts for interface, bound in loaded.imports.items()},
    )


def bound_graph(listed: Iterable[Loaded]) -> Graph:
    """Return who calls whom."""
    plugins = {one.name: one for one in listed}
    facts = {name: loaded_facts(one) for name, one in plugins.items()}
    edges: list[Edge] = []
    unbound: list[Unbound] = []
    for name, one in plugins.items():
        for need in facts[name].requires:
            bound = one.imports.get(need.interface)
            if bound is None or bound.provider not in facts:
                unbound.append(Unbound(name, need, "it was not there when this was bound"))
                continue
            offered = facts[bound.provider].provides
            version = next((v for offer, v in offered if f"{offer}/{v[0]}" == bound.interface), (0, 0))
            edges.append(Edge(name, need, bound.provider, version))
    return arrange(facts, edges, unbound=unbound)


def is_in_cycle(loaded: Loaded, listed: Callable[[], Iterable[Loaded]]) -> bool:
    """Tell whether a plugin calls itself through others: they are one unit."""
    if not loaded.imports:
        return False
    known = {one.name: one for one in listed()}
    todo, seen = [loaded], {loaded.name}
    while todo:
        for bound in todo.pop().imports.values():
            if bound.provider == loaded.name:
                return True
            if bound.provider in known and bound.provider not in seen:
                seen.add(bound.provider)
                todo.append(known[bound.provider])
    return False
