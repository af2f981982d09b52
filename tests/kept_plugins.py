"""Plugins that tests build as an author does, bound and compiled, kept under a hash of all that goes into one."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import hotgraft
from hotgraft.engine.build import build_plugin
from kept_images import KEPT, compiler_bytes, header_bytes, kept_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

BUILT = "build"  # in a folder of sources: what was built from them, by hand or here
VARIABLES = ("CC", "CXX", "CPPFLAGS", "CFLAGS", "CXXFLAGS", "LDFLAGS")  # that a build follows


def kept_plugin(folder: Path, *, flags: tuple[str, ...] = ()) -> Path:
    """Return the image of the plugin whose sources are in `folder`: the same ones are built once, whoever asks.

    It is shared, so it is not to be written to.
    """

    def build_into(place: Path) -> None:
        shutil.copytree(folder, place, ignore=shutil.ignore_patterns(BUILT), dirs_exist_ok=True)
        build_plugin(place, flags=flags)

    parts = [_builder_bytes(), compiler_bytes("cc"), compiler_bytes("c++"), header_bytes(), _bytes_of([folder])]
    parts += [word.encode() for word in (*flags, *(os.environ.get(name, "") for name in VARIABLES))]
    (image,) = (kept_folder(KEPT, parts, build_into) / BUILT).glob("*.so")
    return image


@functools.cache
def _builder_bytes() -> bytes:
    """Return what binds and builds, as a hash: what is tested must have built what it is tested with."""
    package = Path(hotgraft.__path__[0])
    return _bytes_of([package / "core", package / "engine"], pattern="*.py")


def _bytes_of(folders: Iterable[Path], pattern: str = "*") -> bytes:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(one for one in folder.rglob(pattern) if one.is_file()):
            name = path.relative_to(folder)
            if name.parts[0] != BUILT:
                digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.digest()
