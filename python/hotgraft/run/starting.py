"""Bring up what the settings name, providers first; where an image is not usable, the last good one of the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotgraft.core.errors import HotgraftError, JournalError
from hotgraft.core.order import providers_first
from hotgraft.engine.stage import inspect_file
from hotgraft.host.image import image_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.settings import PluginEntry, Settings
    from hotgraft.host.host import Host

__all__ = ["start_plugins"]


def start_plugins(host: Host, settings: Settings, say: Callable[[str, str, dict[str, Any]], None]) -> None:
    """Load every plugin.

    Args:
        host: the one that serves them.
        settings: what to load.
        say: told of each plugin that runs on its last good image, with the reason.

    Raises:
        HotgraftError: one can be loaded neither from its image nor from the journal.
    """
    for entry in providers_first([(entry, _described(host, entry, settings)) for entry in settings.plugins]):
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


def _place_of(entry: PluginEntry) -> dict[str, str]:
    """Return where a mended image will be looked for; nowhere new if a manifest does not lead to one now."""
    try:
        return {entry.name: image_of(entry.image)}
    except (HotgraftError, OSError):
        return {}


def _described(host: Host, entry: PluginEntry, settings: Settings) -> Descriptor:
    """Return what the image declares, or its last good one where it says nothing."""
    deadline_s = settings.options.settle_deadline_s
    try:
        return inspect_file(image_of(entry.image), settle_deadline_s=deadline_s)[0]
    except (HotgraftError, OSError):
        good = host.last_good(entry.name) if entry.name else None
        if good is None:
            raise
        return inspect_file(good, settle_deadline_s=deadline_s)[0]


def _load(host: Host, entry: PluginEntry) -> None:
    for instance, config in entry.instances.items():
        host.load(entry.image, name=entry.name or None, instance=instance, config=config)
