"""What a `Host` offers about many plugins: loading them in their order, and who calls whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotgraft.engine.config import config_text
from hotgraft.engine.discovery import discover
from hotgraft.engine.journal_asked import asked
from hotgraft.host.bound_graph import bound_graph, loaded_facts
from hotgraft.host.image import image_of
from hotgraft.host.load_units import BOUND_ANEW, Arriving, load_units, wish_to_load
from hotgraft.host.loaded import MAIN

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Mapping, Sequence

    from hotgraft.core.graph import Graph
    from hotgraft.core.graph_facts import PluginFacts
    from hotgraft.host.changing import Changes
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.plugin import Plugin
    from hotgraft.host.report import SwapReport

__all__ = ["HostGraph"]


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
        allow_empty: bool = False,
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
            allow_empty: a folder may hold no plugin, and there may be none at all: a folder for what others add.
            reason: why, for the journal.

        Raises:
            DependencyError: an image cannot be read, a folder holds no plugin, or needs are missing, ambiguous, not met
            or a cycle that is not declared. ValueError: no place is named, one is loaded, or `configs` or `priorities`
            name others. And what `load` raises.
        """
        self._check_control()
        if not (places or installed or allow_empty):
            raise ValueError("no place is named: say images, plugin.toml files or folders, or installed=True")
        found = discover(places, installed=installed, priorities=priorities)
        new, present = found.by_name(), self._listed()
        taken = [one.name for one in present if one.name in new]
        if taken:
            raise ValueError(f"plugin {taken[0]!r} is loaded: reload() replaces it")
        texts = {name: config_text((configs or {}).get(name)) for name in new}
        graph = found.graph(_provider_facts(one) for one in present)
        found.check(graph, tried="load them", on="the plugins", allow_empty=allow_empty)
        _check_given(new, configs=configs, priorities=priorities)
        who = asked("load", reason)

        def load_one(name: str) -> None:
            self._changes.load(name, new[name].image, {MAIN: texts[name]}, who)
            self.set_priority(name, new[name].facts.priority)

        def load_as_one(names: Sequence[str]) -> None:
            facts = {name: new[name].facts for name in names}
            arriving = {
                name: Arriving(new[name].image, {MAIN: texts[name]}, priority=one.priority)
                for name, one in facts.items()
            }
            self._changes.load_set(wish_to_load(arriving, who))

        names = [name for name in graph.load_order if name in new]
        load_units(graph, names, load_one, load_as_one, lambda name: self.reload(name, reason=BOUND_ANEW))
        return {name: self[name] for name in names}

    def load_together(
        self,
        images: Mapping[str, str | os.PathLike[str]],
        *,
        instances: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
        priorities: Mapping[str, int] | None = None,
        reason: str = "",
    ) -> dict[str, Plugin]:
        """Load plugins as one, and return their handles by name: all of them serve then, or none does.

        They may need each other: each is bound to the others before any of them is started.

        Args:
            images: by the name that the host is to call it, the path of each.
            instances: by plugin, the config of each of its instances; else it has one, with an empty config.
            priorities: as in `load_all`.
            reason: why, for the journal.

        Raises:
            ValueError: one is loaded, there is none, or the others name more. And what `load` raises, of the one that
            failed.
        """
        self._check_control()
        taken = [one.name for one in self._listed() if one.name in images]
        if taken or not images:
            raise ValueError(f"plugin {taken[0]!r} is loaded: reload() replaces it" if taken else "there is no image")
        _check_given(images, instances=instances, priorities=priorities)
        arriving = {}
        for name, image in images.items():
            configs = (instances or {}).get(name) or {MAIN: {}}
            texts = {one: config_text(config) for one, config in configs.items()}
            arriving[name] = Arriving(image_of(image), texts, priority=(priorities or {}).get(name, 0))
        self._changes.load_set(wish_to_load(arriving, asked("load", reason)))
        return {name: self[name, next(iter(arriving[name].configs))] for name in images}

    def set_priority(self, name: str, priority: int) -> None:
        """Prefer `name`, among those that provide an interface in one version, for who is bound from now on.

        Raises:
            UnknownPlugin: nothing of that name is loaded.
        """
        self._loaded(name).priority = priority

    def graph(self) -> Graph:
        """Return who calls whom among what is loaded, as it is bound: not as it would be if it were bound anew."""
        return bound_graph(self._listed())


def _check_given(names: Collection[str], **given: Mapping[str, Any] | None) -> None:
    """Refuse what is said of others than `names`: a misspelt one would begin without its config."""
    for what, by_plugin in given.items():
        if others := [one for one in by_plugin or {} if one not in names]:
            raise ValueError(f"{what} names {others[0]!r}, which is not loaded here: {', '.join(names) or 'none'}")


def _provider_facts(loaded: Loaded) -> PluginFacts:
    """Return what a loaded plugin is to those that are not: it has what it needs."""
    return replace(loaded_facts(loaded), requires=(), where="loaded")
