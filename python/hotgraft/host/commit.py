"""Commit: what serves stays, and what was held for it is on its way out of memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.host.previous import keep_previous

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hotgraft.host.loaded import Held, Loaded

__all__ = ["commit", "commit_unit"]


def commit_unit(plugins: Sequence[Loaded], *, folder: str) -> None:
    """Make what serves of all of them the last good, by whoever has all their turns: whatever is in the way of one.

    They are one on record as well, so that a host that is killed leaves all of them or none; `folder`: of the host's
    staged copies. The images that they were replaced with are kept for a rollback after commit, which is a new swap.
    """
    held = [one.held for one in plugins if one.held is not None]
    work: list[Callable[[], object]] = [one.release_held for one in plugins]
    work += [partial(_keep_previous, loaded, one, folder) for loaded, one in zip(plugins, held, strict=True)]
    work.append(partial(held[0].record.recorder.commit, [one.record for one in held]))
    work += [partial(_core.retire, one.generation) for one in held]  # needs no memory: what there was none for ...
    failed: BaseException | None = None
    for step in work:  # ... must not keep it for good
        try:
            step()
        except BaseException as error:
            failed = failed or error
    try:
        if failed is not None:
            raise failed
    finally:
        failed = None  # else it and this frame held each other, and all that the frames above it hold, threads too


def commit(loaded: Loaded, *, folder: str) -> None:
    """Do it for one that was replaced alone."""
    commit_unit([loaded], folder=folder)


def _keep_previous(loaded: Loaded, held: Held, folder: str) -> None:
    loaded.previous = keep_previous(
        held.generation,
        folder=folder,
        version=held.candidate.side.version,
        configs=held.configs,
        before=loaded.previous,
    )
