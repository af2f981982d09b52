"""The folder of a host's staged copies: a private one, or one that the program names.

A private one is removed when the host has closed with nothing left in memory, and else when it goes or the process that
made it ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from hotgraft.engine.leftovers import claim_folder
from hotgraft.engine.staging_lock import hold_folder

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["staging_folder"]


def staging_folder(owner: object, given: str) -> tuple[str, Callable[[], object]]:
    """Return the folder that was given, as it is meant now, whatever chdir does later; else a private one.

    And what lets go of it: to be called once nothing of `owner` is in memory; else that is done when it goes.
    """
    if not given:
        return _private_folder(owner)
    folder = str(Path(given).absolute())
    return folder, weakref.finalize(owner, _close, hold_folder(folder))


def _private_folder(owner: object) -> tuple[str, Callable[[], object]]:
    """Make a fresh folder of mode 0700. Its name holds the process's number: `hotgraft doctor` finds it by that."""
    folder = tempfile.mkdtemp(prefix=f"hotgraft-{os.getpid()}-")
    claim_folder(folder)
    return folder, weakref.finalize(owner, _remove, folder, os.getpid())


def _close(fd: int) -> None:
    if fd != -1:
        os.close(fd)


def _remove(folder: str, pid: int) -> None:
    if os.getpid() == pid:  # a forked child ends too, and the folder is its parent's
        shutil.rmtree(folder, ignore_errors=True)
