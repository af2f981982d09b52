"""What is said of a name under which nothing is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.errors import UnknownPlugin
from hotgraft.core.graph_violations import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.host.loaded import Loaded

__all__ = ["check_own_name", "unknown_plugin"]


def unknown_plugin(name: str, listed: Iterable[str]) -> UnknownPlugin:
    """Return the error that names what is loaded, and the nearest of it."""
    known = tuple(listed)
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else ""
    return UnknownPlugin("find the plugin", on=name, found=f"loaded plugins: {', '.join(known) or 'none'}{hint}")


def check_own_name(name: str, image: str, said: str, listed: Iterable[Loaded]) -> None:
    """Refuse to load what is not loaded, as part of a set, under another name than its image's own.

    A misspelt name would be loaded beside what was meant, which would go on as it was.

    Args:
        name: under which it is asked for.
        image: the path of its image.
        said: the plugin's name by the image.
        listed: all that is loaded.

    Raises:
        UnknownPlugin: the names differ.
    """
    if name == said:
        return
    meant = {one.name: one.serving.descriptor.name for one in listed}
    same = [one for one, own in meant.items() if own == said]
    near = nearest(name, same) or nearest(name, meant) or next(iter(same), "")
    ways = [f"say {near!r}, which is loaded"] if near else []
    if said not in meant:
        ways.append(f"say {said!r}, to load it with the rest")
    raise UnknownPlugin(
        "find the plugin",
        on=name,
        found=f"it is not loaded, and {image} is the image of {said!r}; loaded plugins: {', '.join(meant) or 'none'}",
        advice="; or ".join(ways) or f"load it by itself, under that name: host.load(image, name={name!r})",
    )
