"""Where this installation keeps what a plugin's author includes: headers, CMake package, pkg-config files.

Found through `hotgraft.__path__`, because an editable install spreads one package over two folders. Nothing heavy is
imported: a build asks at every configure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import hotgraft
from hotgraft.core.errors import BuildError

__all__ = ["cmake_dir", "include_dir", "pkgconfig_dir"]

_HEADER: Final = Path("hotgraft") / "hotgraft.h"


def include_dir() -> Path:
    """Return the folder that holds ``hotgraft/hotgraft.h``.

    An editable install has it twice: then the source tree's is the one that is true now.

    Raises:
        BuildError: neither has it; every place is named.
    """
    return _first([*(root.parent.parent / "abi" for root in _roots()), *_inside("include")], _HEADER)


def cmake_dir() -> Path:
    """Return the folder that holds ``hotgraftConfig.cmake``, for ``-Dhotgraft_DIR=`` or ``CMAKE_PREFIX_PATH``.

    Raises:
        BuildError: it is not installed; every place is named.
    """
    return _first(_inside("share", "cmake", "hotgraft"), Path("hotgraftConfig.cmake"))


def pkgconfig_dir() -> Path:
    """Return the folder that holds ``hotgraft.pc``, for ``PKG_CONFIG_PATH``.

    Raises:
        BuildError: it is not installed; every place is named.
    """
    return _first(_inside("share", "pkgconfig"), Path("hotgraft.pc"))


def _roots() -> list[Path]:
    return [Path(root) for root in hotgraft.__path__]


def _inside(*parts: str) -> list[Path]:
    return [root.joinpath(*parts) for root in _roots()]


def _first(places: list[Path], file: Path) -> Path:
    for place in places:
        if (place / file).is_file():
            return place
    raise BuildError(
        f"find {file.name} of this installation",
        on=str(file),
        found=[f"{place}: not there" for place in places],
        advice="install hotgraft again",
    )
