"""Load what the settings name, providers first, and serve it until told to stop."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hotgraft.core.errors import ConfigError
from hotgraft.host.host import Host
from hotgraft.run.starting import start_plugins
from hotgraft.run.told import ToldToEnd

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.core.settings import Settings
    from hotgraft.host.events import HostEvent

__all__ = ["run_plugins"]


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
    turn = threading.Lock()

    def tell_ours(event: str, plugin: str, facts: dict[str, Any]) -> None:
        with turn:
            say(event, plugin, facts)

    def tell(event: HostEvent) -> None:
        tell_ours(event.name, event.plugin, dict(event.facts))

    grants = {entry.name: entry.grants for entry in settings.plugins if entry.grants}  # such an entry has a name
    with ToldToEnd() as told, Host(grants=grants, **asdict(settings.options)) as host:
        host.on("*", tell)
        start_plugins(host, settings, tell_ours)
        if settings.reload:
            host.watch()
        told.wait()
