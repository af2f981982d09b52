"""What a caller names, made definite: which image, which content."""

from __future__ import annotations

import os
from pathlib import Path

from hotgraft.core.errors import ImageError
from hotgraft.core.manifest import read_manifest
from hotgraft.engine.small_file import read_small_file
from hotgraft.engine.stage import inspect_file
from hotgraft.engine.watch import content_of

__all__ = ["content_key", "image_of", "name_in"]


def image_of(image: str | os.PathLike[str]) -> str:
    """Return the absolute path of an image: the one given, or the one that belongs to a ``plugin.toml``.

    Absolute, because it is read again at every reload and watched meanwhile, and the program may change its folder.
    Beside a manifest these are looked for, in this order: ``build/<name>.so``, ``<name>.so``.

    Raises:
        ImageError: a manifest without an image; every place looked at is named.
    """
    path = Path(image)
    if path.suffix != ".toml":
        return os.fspath(path.absolute())
    name = read_manifest(read_small_file(path), path=os.fspath(path)).name
    places = [path.parent / "build" / f"{name}.so", path.parent / f"{name}.so"]
    for place in places:
        if place.exists():
            return os.fspath(place.absolute())
    raise ImageError(
        "find the image of the manifest",
        on=os.fspath(path),
        found=[f"{place}: not there" for place in places],
        advice="build the plugin, or give the image's own path",
    )


def name_in(source: str, *, settle_deadline_s: float) -> str:
    """Return the name that the image's descriptor says."""
    return inspect_file(source, settle_deadline_s=settle_deadline_s)[0].name


def content_key(source: str) -> str:
    """Return what tells contents apart, to merge equal requests.

    What cannot be read, or is no regular file, is its own path: refusing it is the attempt's.
    """
    return content_of(source) or source
