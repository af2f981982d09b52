"""Bring up what the settings name, providers first; where an image is not usable, the last good one of the journal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.errors import DependencyError, HotgraftError, ImageError, JournalError
from hotgraft.core.graph import make_graph
from hotgraft.core.graph_facts import facts_of
from hotgraft.engine.stage import inspect_file
from hotgraft.host.image import image_of
from hotgraft.host.load_units import BOUND_ANEW, load_units

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.graph_facts import PluginFacts
    from hotgraft.core.settings import PluginEntry, Settings
    from hotgraft.host.host import Host

__all__ = ["start_plugins"]

IMAGES_NAMED: Final = 3  # of a folder that was named instead


def start_plugins(host: Host, settings: Settings, say: Callable[[str, str, dict[str, Any]], None]) -> None:
    """Load every plugin.

    Args:
        host: the one that serves them.
        settings: what to load.
        say: told of each plugin that runs on its last good image, with the reason.

    Raises:
        DependencyError: they do not fit together; nothing was loaded. HotgraftError: one can be loaded neither from
        its image nor from the journal.
    """
    described = _described(host, settings)
    graph = make_graph(facts for _, facts in described)
    if graph.violations:
        raise DependencyError("load them", on="the plugins", found=map(str, graph.violations))

    entries = {facts.name: entry for entry, facts in described}

    def start_one(name: str) -> None:
        _start(host, entries[name], say)
        host.set_priority(name, entries[name].priority)

    def start_as_one(names: Sequence[str]) -> None:
        _start_as_one(host, {name: entries[name] for name in names}, say)
        for name in names:
            host.set_priority(name, entries[name].priority)

    load_units(graph, graph.load_order, start_one, start_as_one, lambda name: host.reload(name, reason=BOUND_ANEW))


def _start(host: Host, entry: PluginEntry, say: Callable[[str, str, dict[str, Any]], None]) -> None:
    """Load a plugin from its image or, where that does not come up, its last good one."""
    try:
        _load(host, entry)
    except (HotgraftError, OSError) as error:
        is_hopeless = not entry.name or entry.name in host or isinstance(error, JournalError)
        if is_hopeless or host.last_good(entry.name) is None:
            raise
        if isinstance(error, HotgraftError):
            error.running = "its last good image serves"
        host.restore_last_good(entry.name, images=_place_of(entry))
        say("plugin.restored", entry.name, {"error": error})


def _start_as_one(
    host: Host, entries: Mapping[str, PluginEntry], say: Callable[[str, str, dict[str, Any]], None]
) -> None:
    """Load plugins that need each other from their images or, where one does not come up, all of their last good."""
    try:
        images = {name: entry.image for name, entry in entries.items()}
        instances = {name: entry.instances for name, entry in entries.items()}
        priorities = {name: entry.priority for name, entry in entries.items()}
        host.load_together(images, instances=instances, priorities=priorities)
    except (HotgraftError, OSError) as error:
        is_hopeless = not all(one.name for one in entries.values()) or isinstance(error, JournalError)
        if is_hopeless or any(host.last_good(name) is None for name in entries):
            raise
        if isinstance(error, HotgraftError):
            error.running = "their last good images serve"
        places = {name: place for entry in entries.values() for name, place in _place_of(entry).items()}
        host.restore_last_good(*entries, images=places)
        for name in entries:
            say("plugin.restored", name, {"error": error})


def _place_of(entry: PluginEntry) -> dict[str, str]:
    """Return where a mended image will be looked for; nowhere new if a manifest does not lead to one now."""
    try:
        return {entry.name: image_of(entry.image)}
    except (HotgraftError, OSError):
        return {}


def _described(host: Host, settings: Settings) -> list[tuple[PluginEntry, PluginFacts]]:
    """Return what each image declares, or its last good one where it says nothing.

    Raises:
        DependencyError: several say nothing; each is named. And what one alone raises.
    """
    described: list[tuple[PluginEntry, PluginFacts]] = []
    errors: list[tuple[PluginEntry, HotgraftError | OSError]] = []
    deadline_s = settings.options.settle_deadline_s
    for entry in settings.plugins:
        try:
            descriptor = _descriptor(host, entry, deadline_s)
        except (HotgraftError, OSError) as error:
            errors.append((entry, error))
            continue
        facts = facts_of(descriptor, name=entry.name, priority=entry.priority, where=entry.image)
        described.append((entry, facts))
    if len(errors) == 1:
        raise errors[0][1]
    if errors:
        found = [f"{entry.image}: {_reasons(error)}" for entry, error in errors]
        raise DependencyError("load them", on="the plugins", found=found)
    return described


def _descriptor(host: Host, entry: PluginEntry, deadline_s: float) -> Descriptor:
    try:
        _check_is_no_folder(entry.image)
        return inspect_file(image_of(entry.image), settle_deadline_s=deadline_s)[0]
    except (HotgraftError, OSError):
        good = host.last_good(entry.name) if entry.name else None
        if good is None:
            raise
        return inspect_file(good, settle_deadline_s=deadline_s)[0]


def _check_is_no_folder(image: str) -> None:
    """Refuse a folder, and say what in it may be meant: all that lies there is for `load_all`, which is asked for it.

    Raises:
        ImageError: it is one.
    """
    place = Path(image)
    if not place.is_dir():
        return
    manifest, images = place / "plugin.toml", sorted(place.glob("*.so"))
    if manifest.exists():
        advice = f"name what is in it: {manifest}"
    elif images:
        advice = f"name the images in it: {' '.join(map(str, images[:IMAGES_NAMED]))}"
    else:
        advice = (
            f"there is no plugin.toml and no *.so in it: build the plugin (hotgraft build {place}), or name another"
        )
    raise ImageError(
        "load it", on=str(place.absolute()), found="it is a folder", advice=advice, running="nothing of it is loaded"
    )


def _reasons(error: HotgraftError | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "; ".join(error.found) or error.tried


def _load(host: Host, entry: PluginEntry) -> None:
    for instance, config in entry.instances.items():
        host.load(entry.image, name=entry.name or None, instance=instance, config=config)
