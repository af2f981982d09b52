"""Commit: what serves stays, and what was held for it is on its way out of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.host.previous import keep_previous

if TYPE_CHECKING:
    from hotgraft.host.loaded import Loaded

__all__ = ["commit"]


def commit(loaded: Loaded, *, folder: str) -> None:
    """Make what serves the last good, by whoever has the plugin's turn; `folder`: of the host's staged copies.

    Its image is kept for a rollback after commit, which is a new swap.
    """
    held = loaded.release_held()
    try:
        loaded.previous = keep_previous(
            held.generation,
            folder=folder,
            version=held.candidate.side.version,
            configs=held.configs,
            before=loaded.previous,
        )
        held.record.commit()
    finally:
        _core.retire(held.generation)  # needs no memory: what there was none for must not keep it for good
