"""Commit: what serves stays, and what was held for it is on its way out of memory."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.host.previous import keep_previous

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotgraft.host.loaded import Loaded

__all__ = ["commit", "commit_unit"]


def commit_unit(plugins: Sequence[Loaded], *, folder: str) -> None:
    """Make what serves of all of them the last good, by whoever has all their turns: whatever is in the way of one."""
    with ExitStack() as others:  # each in turn, and the first error after the last of them
        for one in plugins:  # called back from the last, the consumer, to the first
            others.callback(commit, one, folder=folder)


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
