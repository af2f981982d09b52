"""Load what the settings name, providers first, and serve it until told to stop."""

from __future__ import annotations

import graphlib
import signal
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.errors import ConfigError
from hotgraft.engine.stage import inspect_file
from hotgraft.host.host import Host
from hotgraft.host.image import image_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.settings import PluginEntry, Settings
    from hotgraft.host.events import HostEvent

__all__ = ["providers_first", "run_plugins"]

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_plugins(settings: Settings, say: Callable[[str, str, dict[str, Any]], None]) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP, then close the host.

    Args:
        settings: what to load, and whether to reload it.
        say: called with an event's name, the plugin and what is known of it, on any thread, one at a time.

    Raises:
        HotgraftError: a plugin could not be loaded; nothing stays. DrainTimeout: calls were inside at the end.
    """
    if not settings.plugins:
        raise ConfigError(
            "serve",
            on="hotgraft run",
            found="no plugin is named",
            advice="name an image, or write [plugins.NAME] into hotgraft.toml",
        )
    stop, turn = threading.Event(), threading.Lock()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _ENDING}

    def tell(event: HostEvent) -> None:
        with turn:
            say(event.name, event.plugin, dict(event.facts))

    try:
        with Host(**asdict(settings.options)) as host:
            host.on("*", tell)
            entries = [(entry, image_of(entry.image)) for entry in settings.plugins]
            described = [
                (entry, inspect_file(image, settle_deadline_s=settings.options.settle_deadline_s)[0])
                for entry, image in entries
            ]
            for entry in providers_first(described):
                _load(host, entry)
            if settings.reload:
                host.watch()
            stop.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def providers_first(described: Iterable[tuple[PluginEntry, Descriptor]]) -> list[PluginEntry]:
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


def _load(host: Host, entry: PluginEntry) -> None:
    for instance, config in entry.instances.items():
        host.load(entry.image, name=entry.name or None, instance=instance, config=config)
