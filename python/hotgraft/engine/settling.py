"""Waiting until an image is finished, and for none that is not there.

A linker unlinks the old file and then writes the new one, so where a plugin was loaded from there may be nothing for a
moment. Anywhere else a path with nothing behind it is a slip, and no time makes it an image.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from hotgraft import _core
from hotgraft.core.errors import ImageError

__all__ = ["ABSENT_S", "STILL_S", "settle"]

STILL_S: Final = 0.05  # how long a file must have held still
ABSENT_S: Final = 0.5  # how long a known path may lead to nothing: from unlink to open a linker takes milliseconds


def settle(source: str, deadline_s: float, still_s: float = STILL_S, *, is_known: bool = False) -> None:
    """Return when the file is complete and has held still for so long.

    Args:
        source: its path.
        deadline_s: for a file that is there.
        still_s: how long it must have held still.
        is_known: a plugin was loaded from there, so it may be on its way.

    Raises:
        ImageError: it is not there, is no image, or was not finished by the deadline.
    """
    if not os.path.exists(source):  # noqa: PTH110 - Path.exists raises where a link leads to itself
        absent_s = min(ABSENT_S, deadline_s) if is_known else 0.0
        try:
            _core.settle(source, absent_s, still_s)
        except ImageError as error:
            if not os.path.exists(source):  # noqa: PTH110 - likewise
                _name_folder(error, source)
                raise
    _core.settle(source, deadline_s, still_s)  # what has come meanwhile has its whole time


def _name_folder(error: ImageError, source: str) -> None:
    """Say so where not even its folder is there: that is where the path went wrong."""
    missing = [one for one in Path(source).parents if not os.path.lexists(one)]
    if missing:
        error.found = (*error.found[:-1], f"{error.found[-1]}, nor is {missing[-1]}")
