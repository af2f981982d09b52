"""Watching folders with watchdog, and reading what lies in them: nothing here decides what an event means.

inotify where there is any left, else polling. A file that is watched is read, never mapped and never opened for
writing, so that its writer may do to it what he likes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.watching import EVENTS, hints_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchdog.observers.api import BaseObserver, ObservedWatch

    from hotgraft.core.watching import Hint

__all__ = ["FileFacts", "FolderWatch", "access_of", "age_s", "content_of", "deciding_entries", "facts_of"]

POLL_EVERY_S: Final = 0.25
NONE_LEFT: Final = (errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSYS)  # inotify_add_watch(2)
IMAGE_BYTES_MAX: Final = 1 << 30  # kImageBytesMax of the core
LINKS_MAX: Final = 40  # path_resolution(7)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What tells a file that may have changed from one that has not; `kind` is of the file, links followed."""

    dev: int
    ino: int
    kind: int
    bytes: int
    mtime_ns: int
    ctime_ns: int


def facts_of(path: str) -> FileFacts | None:
    """Return the facts of what `path` leads to, or None where nothing can be seen there."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    kind = stat.S_IFMT(found.st_mode)
    return FileFacts(found.st_dev, found.st_ino, kind, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def access_of(path: str) -> tuple[tuple[int, int], ...]:
    """Return mode and owner of what `path` leads to and of the folder it is in: who may write to an image."""
    try:
        found = [one.stat() for one in (Path(path), Path(path).parent)]
    except (OSError, ValueError):
        return ()
    return tuple((stat.S_IMODE(one.st_mode), one.st_uid) for one in found)


def age_s(facts: FileFacts) -> float:
    """Return how long ago the file changed, by its own times; below 0 where its clock is ahead."""
    return (time.time_ns() - max(facts.mtime_ns, facts.ctime_ns)) / 1e9


def content_of(path: str) -> str | None:
    """Return the SHA-256 of a regular file's bytes in hex, or None where there is none to read.

    Nor of one beyond any image's size: a hash of gigabytes takes longer than anybody waits.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError):
        return None
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > IMAGE_BYTES_MAX:
            return None
        with os.fdopen(fd, "rb", buffering=0, closefd=False) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
    finally:
        os.close(fd)


def deciding_entries(path: str) -> frozenset[str]:
    """Return every path whose entry in its folder decides what `path` leads to: its links, and where they end."""
    entries: set[str] = set()
    todo = [*Path(path).absolute().parts[1:]]  # of an absolute path without asking where we are: that may be gone
    done = Path("/")
    while todo and len(entries) < LINKS_MAX:
        part = todo.pop(0)
        if part == "..":
            done = done.parent
        if part in ("", ".", ".."):
            continue
        here = done / part
        try:
            target = here.readlink()
        except OSError:  # no link, or not there
            done = here
            continue
        entries.add(str(here))
        todo = [*target.parts, *todo]
        done = Path("/") if target.is_absolute() else done
        todo = todo[1:] if target.is_absolute() else todo
    return frozenset({*entries, str(done)})


class FolderWatch:
    """Tells of events in a changing set of folders, not of those inside.

    Args:
        on_hint: called with a path and how much is known of it, on a thread of watchdog's. It must not block.
        on_polling: called once, when inotify had nothing left to give and polling took over.

    Thread safety: `follow` and `close` by one thread at a time.

    Invariants
      (1) watchdog's threads are there only while a folder is watched.
    """

    def __init__(self, on_hint: Callable[[str, Hint], None], on_polling: Callable[[OSError], None]) -> None:
        self._on_hint = on_hint
        self._on_polling = on_polling
        self._observer: BaseObserver | None = None
        self._watches: dict[str, tuple[tuple[int, int], ObservedWatch]] = {}
        self._is_polling = False

    @property
    def is_polling(self) -> bool:
        """Tell whether inotify had nothing left."""
        return self._is_polling

    def follow(self, folders: Iterable[str]) -> bool:
        """Watch exactly `folders`; return whether one came under watch only now, so that events may be missed.

        A folder that is not there is left out; call again to pick it up. One that was replaced by another of its name
        is told by its inode.
        """
        wanted = {folder: _identity(folder) for folder in folders}
        for folder, (identity, _) in list(self._watches.items()):
            if wanted.get(folder) != identity:
                self._drop(folder)
        fresh = {one: now for one, now in wanted.items() if now is not None and one not in self._watches}
        for folder, identity in fresh.items():
            self._add(folder, identity)
        if not self._watches:
            self._end()
        return bool(fresh)

    def close(self) -> None:
        """End it and its threads; twice is once."""
        self._watches.clear()
        self._end()

    def _add(self, folder: str, identity: tuple[int, int]) -> None:
        try:
            self._watches[folder] = (identity, self._schedule(folder))
        except OSError as error:
            if error.errno not in NONE_LEFT or self._is_polling:
                return  # it has just gone, or may not be read: the periodic look is what is left
            self._poll_instead(error, [*self._watches, folder])

    def _poll_instead(self, why: OSError, folders: Iterable[str]) -> None:
        self._end()
        self._watches.clear()
        self._is_polling = True
        self._on_polling(why)
        for folder in folders:
            if (identity := _identity(folder)) is not None:
                self._add(folder, identity)

    def _schedule(self, folder: str) -> ObservedWatch:
        from watchdog import events

        if self._observer is None:
            self._observer = self._start()
        handler = _Handler(self._on_hint, is_polled=self._is_polling)
        if self._is_polling:
            return self._observer.schedule(handler, folder)  # type: ignore[arg-type] # any object with `dispatch` will do
        wanted: list[type[events.FileSystemEvent]] = [
            events.FileClosedEvent, events.FileMovedEvent, events.FileCreatedEvent, events.FileDeletedEvent,
            events.DirMovedEvent, events.DirCreatedEvent, events.DirDeletedEvent,
        ]  # fmt: skip
        return self._observer.schedule(handler, folder, event_filter=wanted)  # type: ignore[arg-type] # as above

    def _start(self) -> BaseObserver:
        """Start an observer; the import costs 30 ms, paid by who watches."""
        observer: BaseObserver
        if self._is_polling:
            from watchdog.observers.polling import PollingObserver

            observer = PollingObserver(timeout=POLL_EVERY_S)
        else:
            from watchdog.observers.inotify import InotifyObserver

            before = _inotify_fds()
            observer = InotifyObserver(generate_full_events=True)  # a move from outside is a move, too
            for fd in _inotify_fds() - before:  # watchdog leaves it open for programs that a plugin may start
                os.set_inheritable(fd, False)
        observer.start()
        return observer

    def _drop(self, folder: str) -> None:
        _, watch = self._watches.pop(folder)
        if self._observer is not None:
            self._observer.unschedule(watch)

    def _end(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join()


class _Handler:
    """What watchdog calls: an object with `dispatch` is all it needs."""

    def __init__(self, on_hint: Callable[[str, Hint], None], *, is_polled: bool) -> None:
        self._on_hint = on_hint
        self._is_polled = is_polled

    def dispatch(self, event: Any) -> None:
        if event.event_type not in EVENTS:
            return
        source, target = os.fsdecode(event.src_path or ""), os.fsdecode(event.dest_path or "")
        for path, hint in hints_of(event.event_type, source, target, is_polled=self._is_polled):
            self._on_hint(path, hint)


def _inotify_fds() -> set[int]:
    found = set[int]()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            if str(link.readlink()) == "anon_inode:inotify":
                found.add(int(link.name))
    return found


def _identity(folder: str) -> tuple[int, int] | None:
    facts = facts_of(folder)
    return None if facts is None or not stat.S_ISDIR(facts.kind) else (facts.dev, facts.ino)
