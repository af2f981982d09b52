"""Load what the settings name, providers first, and serve it until told to stop."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotgraft.core.errors import ConfigError
from hotgraft.core.settings import NO_SOCKET
from hotgraft.engine.socket_place import default_socket
from hotgraft.host.host import Host
from hotgraft.run.socket_answers import SocketAnswers
from hotgraft.run.socket_server import SocketServer
from hotgraft.run.starting import start_plugins
from hotgraft.run.told import ToldToEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        with _asked_over_socket(host, settings, tell_ours):
            told.wait()


@contextlib.contextmanager
def _asked_over_socket(
    host: Host, settings: Settings, say: Callable[[str, str, dict[str, Any]], None]
) -> Iterator[None]:
    """Answer who asks meanwhile; where the usual socket cannot be had, that is told and the plugins serve without.

    Raises:
        ConfigError: the socket that was asked for cannot be had.
    """
    if settings.socket == NO_SOCKET:
        yield
        return
    path = Path(settings.socket) if settings.socket else default_socket()
    answers = SocketAnswers(host, allow_paths=settings.allow_paths)
    try:
        server = SocketServer(path, answers.answer)
    except ConfigError as error:
        if settings.socket:
            raise
        error.running = "the plugins serve, and nothing can be asked of their host"
        say("socket.refused", "", {"error": error})
        yield
        return
    try:
        yield
    finally:
        server.close()
