"""Loading the units of a graph in their order: a cycle that can be loaded one by one so, another one as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from hotgraft.host.wish import SetWish, Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from hotgraft.core.graph import Graph
    from hotgraft.engine.journal_asked import Asked

__all__ = ["BOUND_ANEW", "Arriving", "load_units", "units_as_one", "wish_to_load"]

BOUND_ANEW: Final = "bind it to who was loaded after it"


class Arriving(NamedTuple):
    """A plugin that is loaded with others: its image, and the config of each instance as JSON.

    `comes_from`: where it comes from next, if that is not its image; it is then one that served before. `priority`:
    among those that provide an interface in one version.
    """

    image: str
    configs: Mapping[str, str]
    comes_from: str = ""
    priority: int = 0


def wish_to_load(arriving: Mapping[str, Arriving], who: Asked) -> SetWish:
    """Return the wish for loading these plugins, by name, as one."""
    wishes = {
        name: Wish(
            asked=who,
            deadline_s=0.0,  # of a window, and there is none
            source=one.image,
            configs=one.configs,
            priority=one.priority,
            comes_from=one.comes_from,
            goes_back=bool(one.comes_from),
        )
        for name, one in arriving.items()
    }
    return SetWish(asked=who, wishes=wishes)


def units_as_one(graph: Graph) -> list[tuple[str, ...]]:
    """Return the cycles that cannot be loaded one plugin after the other: who comes first needs who comes later."""
    place = {name: number for number, name in enumerate(graph.load_order)}
    late = {
        edge.consumer
        for edge in graph.edges
        if place[edge.provider] > place[edge.consumer] and not edge.need.is_optional
    }
    return [unit for unit in graph.units if len(unit) > 1 and not late.isdisjoint(unit)]


def load_units(
    graph: Graph,
    names: Collection[str],
    load_one: Callable[[str], object],
    load_as_one: Callable[[Sequence[str]], object],
    bind_anew: Callable[[str], object],
) -> None:
    """Load plugins, providers first, then bind those anew whose provider came after them in a cycle.

    Args:
        graph: who calls whom; without violations.
        names: of those that are to be loaded; the others are.
        load_one, load_as_one: load one, or a cycle that must be loaded as one.
        bind_anew: binds one again, to who is there by now.
    """
    place = {name: number for number, name in enumerate(graph.load_order)}
    as_one = units_as_one(graph)
    together = {name for unit in as_one for name in unit}
    for unit in graph.units:
        wanted = [name for name in unit if name in names]
        if unit in as_one and len(wanted) > 1:
            load_as_one(wanted)
            continue
        for name in wanted:
            load_one(name)
    late = {edge.consumer for edge in graph.edges if place[edge.provider] > place[edge.consumer]}
    for name in graph.load_order:
        if name in late and name in names and name not in together:
            bind_anew(name)
