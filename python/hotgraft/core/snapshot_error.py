"""The error of snapshots. It is a `StateError`: whoever handles state that does not cross handles this too."""

from __future__ import annotations

from typing import Any, ClassVar

from hotgraft.core.errors import StateError

__all__ = ["SnapshotError"]


class SnapshotError(StateError):
    """A snapshot could not be taken, kept, read or resumed from; the files that were there are as they were.

    `is_damaged` says that the bytes of one are not those that were written: the one before it may be whole.
    """

    usual_advice: ClassVar[str] = "give the snapshots a folder with room that this user alone can write to"
    usually_running: ClassVar[str] = "nothing was changed"

    def __init__(self, tried: str, *, is_damaged: bool = False, **answers: Any) -> None:
        super().__init__(tried, **answers)
        self.is_damaged = is_damaged
