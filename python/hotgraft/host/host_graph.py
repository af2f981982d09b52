"""What a `Host` offers about many plugins: loading them in their order, and who calls whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hotgraft.engine.config import config_text
from hotgraft.engine.discovery import discover
from hotgraft.engine.journal_asked import asked
from hotgraft.host.bound_graph import bound_graph, loaded_facts
from hotgraft.host.loaded import MAIN

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from hotgraft.core.graph import Graph
    from hotgraft.core.graph_facts import PluginFacts
    from hotgraft.host.changing import Changes
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.plugin import Plugin
    from hotgraft.host.report import SwapReport

__all__ = ["BOUND_ANEW", "HostGraph", "load_units", "one_by_one"]

BOUND_ANEW: Final = "bind it to who was loaded after it"


class HostGraph:
    """A part of `Host`; see there for threads, interrupts and forks."""

    _changes: Changes

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...
        def _listed(self) -> tuple[Loaded, ...]: ...
        def __getitem__(self, name: str | tuple[str, str]) -> Plugin: ...
        def reload(self, name: str, *, reason: str = "") -> SwapReport: ...

    def load_all(
        self,
        *places: str | os.PathLike[str],
        installed: bool = False,
        configs: Mapping[str, Mapping[str, Any]] | None = None,
        priorities: Mapping[str, int] | None = None,
        reason: str = "",
    ) -> dict[str, Plugin]:
        """Load many plugins, providers first, and return their handles by name in that order.

        Everything that does not fit together is refused at once, before any of it is loaded. A plugin whose own
        functions fail while it is loaded ends it: what was loaded before it serves.

        Args:
            places: images, ``plugin.toml`` files with their image beside them, or folders with images in them.
            installed: also the plugins of installed packages, see `hotgraft.engine.discovery`.
            configs: by plugin, what create is given.
            priorities: by plugin: of those that provide an interface in one version, the highest is called.
            reason: why, for the journal.

        Raises:
            DependencyError: an image cannot be read, or needs are missing, ambiguous, not met or a cycle that is not
            declared. ValueError: one is loaded. And what `load` raises.
        """
        self._check_control()
        found = discover(places, installed=installed, priorities=priorities)
        new, present = found.by_name(), self._listed()
        taken = [one.name for one in present if one.name in new]
        if taken:
            raise ValueError(f"plugin {taken[0]!r} is loaded: reload() replaces it")
        texts = {name: config_text((configs or {}).get(name)) for name in new}
        graph = found.graph(_provider_facts(one) for one in present)
        found.check(graph, tried="load them", on="the plugins", further=one_by_one(graph))
        who = asked("load", reason)

        def load_one(name: str) -> None:
            self._changes.load(name, new[name].image, {MAIN: texts[name]}, who)
            self.set_priority(name, new[name].facts.priority)

        names = [name for name in graph.load_order if name in new]
        load_units(graph, names, load_one, lambda name: self.reload(name, reason=BOUND_ANEW))
        return {name: self[name] for name in names}

    def set_priority(self, name: str, priority: int) -> None:
        """Prefer `name`, among those that provide an interface in one version, for who is bound from now on.

        Raises:
            UnknownPlugin: nothing of that name is loaded.
        """
        self._loaded(name).priority = priority

    def graph(self) -> Graph:
        """Return who calls whom among what is loaded, as it is bound: not as it would be if it were bound anew."""
        return bound_graph(self._listed())


def one_by_one(graph: Graph) -> list[str]:
    """Return why units of a graph cannot be loaded one plugin after the other; empty when they can."""
    place = {name: number for number, name in enumerate(graph.load_order)}
    units = {name: unit for unit in graph.units if len(unit) > 1 for name in unit}
    refused = {units[edge.consumer] for one in graph.violations for edge in one.undeclared}  # with words of their own
    return [
        f"{edge.consumer} needs {edge.need} of {edge.provider}, which needs it in turn: plugins are loaded one by one, "
        "so one need of each cycle must be optional; it is bound when all are loaded"
        for edge in graph.edges
        if place[edge.provider] > place[edge.consumer] and not edge.need.is_optional
        if units[edge.consumer] not in refused
    ]


def load_units(
    graph: Graph, names: Iterable[str], load_one: Callable[[str], object], bind_anew: Callable[[str], object]
) -> None:
    """Load plugins in their order, then bind those anew whose provider came after them in a cycle."""
    place = {name: number for number, name in enumerate(graph.load_order)}
    late = {edge.consumer for edge in graph.edges if place[edge.provider] > place[edge.consumer]}
    listed = list(names)
    for name in listed:
        load_one(name)
    for name in listed:
        if name in late:
            bind_anew(name)


def _provider_facts(loaded: Loaded) -> PluginFacts:
    """Return what a loaded plugin is to those that are not: it has what it needs."""
    return replace(loaded_facts(loaded), requires=(), where="loaded")
