"""What a new session waits for once the one before died or hangs: a save that changes a source, or a key."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Final

from hotgraft.dev.said import Said
from hotgraft.dev.saves import Saves
from hotgraft.dev.sources import changed_files, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from hotgraft.dev.keys import Keys
    from hotgraft.dev.wish import Wish

__all__ = ["SAVED", "Cue"]

SAVED: Final = "saved"  # longer than any key


class Cue:
    """Waits while it is entered.

    What counts is whether the sources are other than those the session built last, not when they were saved: so a save
    at the moment of a death is answered at once, and a session that dies of the same sources again waits.

    Args:
        wish: which sources, and how long they must be quiet.
        built: stands for the sources that were built last (`digest_of`); None where none were: those of now, then.
        keys: of the terminal.
        may_read: whether the keys are ours to read; asked right before each read.
        say: told where inotify has nothing left.
    """

    def __init__(
        self,
        wish: Wish,
        built: bytes | None,
        keys: Keys,
        *,
        may_read: Callable[[], bool],
        say: Callable[[Said], None],
    ) -> None:
        self._wish = wish
        self._keys = keys
        self._may_read = may_read
        self._saves = Saves(wish.sources, wish.delay_s, lambda error: say(Said("polling", {"reason": str(error)})))
        self._contents: Mapping[str, str] = wish.sources.contents()  # after the watch began: nothing falls in between
        self._built = digest_of(self._contents) if built is None else built
        self.files: list[str] = []
        if digest_of(self._contents) != self._built:
            self._saves.note()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._saves.close()

    def wait(self, wake: int, at_most_s: float) -> str:
        """Return a key, or SAVED with `files` changed as far as is known; nothing when `wake` woke or time is up."""
        timeout_s = min(at_most_s, self._saves.wait_s())
        fds = [wake, self._saves.fd, *([] if self._keys.fd is None else [self._keys.fd])]
        ready, _, _ = select.select(fds, [], [], timeout_s)
        if wake in ready:
            return ""
        if self._keys.fd in ready and self._may_read() and (key := self._keys.read()):
            return key
        return SAVED if self._saves.are_due() and self._is_changed() else ""

    def _is_changed(self) -> bool:
        before, self._contents = self._contents, self._wish.sources.contents()
        if digest_of(self._contents) == self._built:
            return False
        self.files = [path.removeprefix(f"{self._wish.folder}/") for path in changed_files(before, self._contents)]
        return True
