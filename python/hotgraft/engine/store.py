"""The committed images of a journal, each under the hash of its content: what a host goes back to.

A copy is put in before any code of the candidate runs, so that a full disk refuses the swap, and synced once the
candidate serves: nobody who calls waits for that. Power lost in between can leave a damaged copy; its name says what it
should hold, so it is found when it is wanted, and the one before it is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import JournalError
from hotgraft.engine.journal_folder import IMAGES, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["KEPT_EACH", "Store"]

KEPT_EACH: Final = 3  # images of a plugin
_BLOCK: Final = 1 << 20


class Store:
    """The folder of kept images, and which of them are good.

    Args:
        folder: of the journal.
        good: the committed images of each plugin, the newest first. What is there besides is removed.

    Thread safety: any thread; one change of a plugin goes on at a time.
    """

    def __init__(self, folder: Path, good: Mapping[str, Sequence[str]]) -> None:
        self._folder = folder / IMAGES
        self._lock = threading.Lock()
        self._good = {plugin: list(images) for plugin, images in good.items()}
        self._under_way: dict[str, str] = {}  # image by attempt
        self._remove(one.name.removesuffix(".so") for one in self._folder.iterdir())

    def plugins(self) -> tuple[str, ...]:
        """Return the names of the plugins that have a committed image."""
        with self._lock:
            return tuple(self._good)

    def good(self, plugin: str) -> tuple[str, ...]:
        """Return the hashes of the plugin's committed images that are kept, the newest first."""
        with self._lock:
            return tuple(self._good.get(plugin, ()))

    def path(self, sha256: str) -> Path:
        """Return where the image of that hash is, or would be."""
        return self._folder / f"{sha256}.so"

    def keep(self, attempt: str, source: str, sha256: str) -> None:
        """Copy the image in, unless it is there unharmed; it stays until the attempt's end at least.

        Raises:
            JournalError: no room, no permission, or `source` is not that image.
        """
        with self._lock:
            self._under_way[attempt] = sha256
        if not self.damage_of(sha256):
            return
        fresh = self._folder / f"{sha256}.{attempt}.new"
        try:
            found = _copy(source, fresh)
            if found != sha256:
                raise JournalError("keep the image", on=source, found=f"its hash is {found}, and {sha256} was checked")
            fresh.replace(self.path(sha256))
        except OSError as error:
            raise JournalError("keep the image", on=str(self._folder), found=error.strerror or str(error)) from None
        finally:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)

    def sync(self, attempt: str) -> None:
        """Make the attempt's image durable, if it has one.

        Raises:
            OSError: it could not be.
        """
        with self._lock:
            sha256 = self._under_way.get(attempt)
        if sha256 is None:
            return
        fd = os.open(self.path(sha256), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        sync_folder(self._folder)

    def end(self, attempt: str, plugin: str, *, is_committed: bool) -> None:
        """The attempt is over: its image is the plugin's newest good one, or goes again."""
        with self._lock:
            sha256 = self._under_way.pop(attempt, None)
            if sha256 is None:
                return
            before = self._good.get(plugin, [])
            if is_committed:
                self._good[plugin] = [sha256, *(one for one in before if one != sha256)][:KEPT_EACH]
            self._remove({sha256, *before})

    def damage_of(self, sha256: str) -> str:
        """Return why the kept image cannot be used; empty: it is there, every byte of it."""
        try:
            found = _hash_of(self.path(sha256))
        except OSError as error:
            return f"{self.path(sha256)}: {error.strerror or error}"
        return "" if found == sha256 else f"{self.path(sha256)} is damaged: its hash is {found}"

    def _remove(self, images: Iterable[str]) -> None:
        """Remove those that nobody wants; what cannot be removed stays until the next host begins."""
        wanted = {one for good in self._good.values() for one in good} | set(self._under_way.values())
        for one in set(images) - wanted:
            for path in (self.path(one), self._folder / one):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(source: str, into: Path) -> str:
    """Copy a file and return the hash of what was copied."""
    digest = hashlib.sha256()
    fd = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as target, open(source, "rb") as file:  # noqa: PTH123 - a path as the core gives it
        while block := file.read(_BLOCK):
            digest.update(block)
            target.write(block)
    return digest.hexdigest()
