"""Which image a caller names: the file itself, or the one that belongs to a manifest."""

from __future__ import annotations

import os
from pathlib import Path

from hotgraft.core.errors import ImageError
from hotgraft.core.manifest import read_manifest
from hotgraft.engine.small_file import read_small_file

__all__ = ["image_of"]


def image_of(image: str | os.PathLike[str]) -> str:
    """Return the absolute path of an image: the one given, or the one that belongs to a ``plugin.toml``.

    Absolute, because it is read again at every reload and watched meanwhile, and the program may change its folder.
    Beside a manifest these are looked for, in this order: ``build/<name>.so``, ``<name>.so``.

    Raises:
        ImageError: a manifest that cannot be read, or without an image; every place looked at is named.
        ManifestError: it breaks its schema.
    """
    path = Path(image)
    if path.suffix != ".toml":
        return os.fspath(path.absolute())
    try:
        text = read_small_file(path)
    except OSError as error:
        raise ImageError(
            "read the manifest",
            on=os.fspath(path.absolute()),
            found=error.strerror or str(error),
            advice="give the path of a plugin.toml, or of a plugin's shared library",
        ) from error
    name = read_manifest(text, path=os.fspath(path)).name
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
