"""The private folder of a host's staged copies.

Removed when the host has closed with nothing left in memory, and else when it goes or the process that made it ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path

from hotgraft.engine.leftovers import claim_folder

__all__ = ["private_folder", "remove_private_folder", "staging_folder"]


def staging_folder(owner: object, given: str) -> str:
    """Return the folder that was given, as it is meant now, whatever chdir does later; else a private one."""
    return str(Path(given).absolute()) if given else private_folder(owner)


def private_folder(owner: object) -> str:
    """Return a fresh folder of mode 0700 that goes with `owner`.

    Its name holds the process's number: `hotgraft doctor` finds by it what a killed host left behind.
    """
    folder = tempfile.mkdtemp(prefix=f"hotgraft-{os.getpid()}-")
    weakref.finalize(owner, _remove, folder, os.getpid())
    claim_folder(folder)
    return folder


def remove_private_folder(folder: str) -> None:
    """Remove it now: a process that ends by `os._exit`, as multiprocessing's do, removes nothing later."""
    shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: str, pid: int) -> None:
    if os.getpid() == pid:  # a forked child ends too, and the folder is its parent's
        shutil.rmtree(folder, ignore_errors=True)
