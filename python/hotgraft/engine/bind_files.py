"""Which files `hotgraft bind` reads and writes: what a build tool needs to know to run it again at the right time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.errors import BindError
from hotgraft.core.manifest import read_manifest
from hotgraft.engine.bind_schemas import schema_files
from hotgraft.engine.header_includes import HeaderReader
from hotgraft.engine.small_file import read_small_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hotgraft.core.manifest import Manifest

__all__ = ["dependency_rule", "generated_files", "load_manifest", "read_files"]


def load_manifest(path: Path) -> Manifest:
    """Read the manifest at `path`.

    Raises:
        BindError: the file cannot be read. ManifestError: it breaks its schema.
    """
    try:
        return read_manifest(read_small_file(path), path=str(path))
    except OSError as error:
        raise BindError(
            "read the manifest", on=str(path), found=error.strerror or str(error), advice="give the path of plugin.toml"
        ) from None


def generated_files(name: str, folder: Path) -> tuple[Path, ...]:
    """Return what bind writes for plugin `name`: the descriptor, the C++ wrapper, the Protocol and its module."""
    kinds = ("_descriptor.h", "_wrapper.hpp", "_interface.pyi", "_interface.py")
    return tuple(folder / f"{name}{kind}" for kind in kinds)


def read_files(manifest: Manifest, path: Path) -> tuple[Path, ...]:
    """Return what bind reads: the manifest at `path`, the headers and the schema it names, and what those include."""
    headers = [name for name in (*(one.header for one in manifest.provides), manifest.state.header) if name]
    reader = HeaderReader(path.parent, [])  # bind is who complains
    for name in headers:
        reader.read(name)
    names = [*headers, *schema_files(manifest), *reader.files.values()]
    return tuple(dict.fromkeys([path, *(path.parent / name for name in names if name)]))


def dependency_rule(target: str, files: Sequence[Path]) -> str:
    """Return a makefile rule, as compilers write it with -MD: `target` is older than none of `files`."""
    return f"{_escaped(target)}: " + " \\\n  ".join(_escaped(str(one.absolute())) for one in files) + "\n"


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace("$", "$$").replace(" ", "\\ ").replace("#", "\\#")
