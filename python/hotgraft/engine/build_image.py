"""Build a plugin's folder the way it wants: with the project's CMake where there is one, else the compiler directly."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from typing import TYPE_CHECKING, Final, Literal

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import ManifestError
from hotgraft.engine.build import build_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["WARNINGS", "Built", "Way", "build_image", "way_for"]

Way = Literal["cmake", "compiler"]

# What an author wants to hear; the project's CMake has its own.
WARNINGS: Final = ("-Wall", "-Wextra")


@dataclass(frozen=True, slots=True)
class Built:
    """An image, and what made it."""

    image: Path
    way: Way
    warnings: str  # what the compiler said all the same, as it drew it


def way_for(folder: Path) -> Way:
    """Return how `folder` is built unless somebody says otherwise: CMake wants both its file and its program."""
    return "cmake" if (folder / "CMakeLists.txt").is_file() and shutil.which("cmake") else "compiler"


def build_image(folder: Path, *, output: Path | None = None, way: Way | None = None, is_colored: bool = False) -> Built:
    """Build the plugin of `folder`; its image appears under its name in one step, or stays as it was.

    Args:
        folder: holds plugin.toml.
        output: path of the image; ``<folder>/build/<name>.so`` unless said.
        way: None: as `way_for` says.
        is_colored: let the compiler colour what it says.

    Raises:
        ManifestError, BindError: before a compiler runs; there is no manifest, or it or a header is refused.
        BuildError: the compiler's or the build tool's own words.
    """
    if not (folder / "plugin.toml").is_file():
        raise ManifestError(
            "build the plugin",
            on=str(folder),
            found="it holds no plugin.toml",
            advice="give a plugin's folder, or begin one: hotgraft new NAME",
        )
    chosen = way or way_for(folder)
    said: list[str] = []
    with _turn(folder):
        if chosen == "cmake":
            from hotgraft.engine.build_cmake import build_with_cmake

            image = build_with_cmake(folder, output=output, is_colored=is_colored, say=said.append)
        else:
            flags = (*WARNINGS, *(("-fdiagnostics-color=always",) if is_colored else ()))
            image = build_plugin(folder, output=output, flags=flags, say=said.append)
    return Built(image, chosen, "".join(said))


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Let builds of one folder take turns, those of other processes included.

    Each reads the sources after the one before it was done, so no image is ever replaced by an older one, and no
    descriptor is written again between another build's bind and its compiler. The lock is the folder's own and ends
    with its fd, however the process ends (flock(2)); a file system without such locks builds as before.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
