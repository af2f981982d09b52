"""The loop of `hotgraft dev`: wait for a save, a key or the end, and let the session answer."""

from __future__ import annotations

import contextlib
import os
import select
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import ManifestError
from hotgraft.core.watching import LOOK_EVERY_S, Hint, Pace
from hotgraft.dev.keys import Keys
from hotgraft.dev.session import Said, Session, plugin_name
from hotgraft.engine.watch import FolderWatch
from hotgraft.host.host import Host

if TYPE_CHECKING:
    from hotgraft.dev.calling import Call
    from hotgraft.dev.screen import Screen
    from hotgraft.dev.sources import Sources
    from hotgraft.engine.build_image import Way

__all__ = ["Saves", "Wish", "run_dev", "serve"]

KEYS: Final = {"r": "reload", "b": "roll back", "s": "state", "q": "quit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for."""

    folder: Path
    sources: Sources
    calls: tuple[Call, ...]
    delay_s: float
    way: Way = "compiler"
    is_colored: bool = False
    catches_crashes: bool = False


class Saves:
    """When a source was saved: hints from watchdog's threads, in the order of one clock, and an fd that wakes a select.

    Thread safety: `note` any thread, the rest one. A hint is one assignment and one byte, so it needs no lock.
    """

    def __init__(self, sources: Sources, delay_s: float) -> None:
        self.fd, self._wake = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._wake, False)
        self._sources = sources
        self._pace = Pace(quiet_s=(delay_s,))
        self._last_s = 0.0  # of the newest hint

    def note(self, path: str, _hint: Hint) -> None:
        """An event on `path`."""
        if self._sources.is_source(path):
            self.note_any()

    def note_any(self) -> None:
        """Something may have changed."""
        self._last_s = time.monotonic()
        with contextlib.suppress(BlockingIOError):  # it is full of wakes already
            os.write(self._wake, b"!")

    def take(self) -> None:
        """Take in what was noted."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.fd, 4096):
                self._pace.note(Hint.FINISHED, self._last_s)

    def due_s(self) -> float | None:
        """Return when to answer."""
        return self._pace.due_s(time.monotonic())

    def answered(self) -> None:
        """Begin the answer to all that was taken in."""
        self._pace.looked()

    def close(self) -> None:
        """Close the fds; nothing may be noted any more."""
        os.close(self.fd)
        os.close(self._wake)


def run_dev(wish: Wish, screen: Screen) -> None:
    """Answer saves and keys until `q`, ^C or a signal that ends.

    Raises:
        KeyboardInterrupt: ^C. SystemExit: such a signal. Everything is closed and the terminal is as it was.
    """
    saves = Saves(wish.sources, wish.delay_s)
    with tempfile.TemporaryDirectory(prefix="hotgraft-dev-") as keep, Keys() as keys:
        folders = FolderWatch(saves.note, lambda error: screen.show(Said("polling", {"reason": str(error)})))
        try:
            with Host(catch_crashes=wish.catches_crashes) as host:
                session = Session(
                    wish.folder, wish.sources, host, wish.calls, Path(keep), screen.show,
                    way=wish.way, is_colored=wish.is_colored,
                )  # fmt: skip
                _start(wish, screen, keys)
                serve(wish, session, saves, folders, keys)
                screen.show(Said("stopped", {"why": "q was pressed"}))
        finally:
            folders.close()
            saves.close()


def _start(wish: Wish, screen: Screen, keys: Keys) -> None:
    try:
        name = plugin_name(wish.folder)
    except (ManifestError, OSError):
        name = wish.folder.name  # the first build says what is wrong
    said = " · ".join(f"{key} {word}" for key, word in KEYS.items()) if keys.fd is not None else ""
    files = len(wish.sources.tree()[1])
    folder = "this folder" if wish.folder == Path.cwd() else str(wish.folder)
    screen.show(Said("started", {"plugin": name, "folder": folder, "files": files, "keys": said}))


def serve(wish: Wish, session: Session, saves: Saves, folders: FolderWatch, keys: Keys) -> None:
    """Answer until a key ends it."""
    folders.follow(wish.sources.tree()[0])
    facts = wish.sources.facts()
    if not session.answer():
        saves.note_any()
    look_at_s = time.monotonic() + LOOK_EVERY_S
    while True:
        if not _rest(session, saves, keys, look_at_s):
            return
        now_s = time.monotonic()
        if now_s >= look_at_s:
            look_at_s = now_s + LOOK_EVERY_S
            folders.follow(wish.sources.tree()[0])
            before, facts = facts, wish.sources.facts()
            if facts != before:
                saves.note_any()
                saves.take()
        due_s = saves.due_s()
        if due_s is not None and due_s <= now_s:
            saves.answered()
            folders.follow(wish.sources.tree()[0])
            if not session.answer():
                saves.note_any()


def _rest(session: Session, saves: Saves, keys: Keys, look_at_s: float) -> bool:
    """Wait for whatever comes next; return whether to go on."""
    due_s = saves.due_s()
    until_s = min(look_at_s, due_s if due_s is not None else look_at_s)
    fds = [saves.fd] if keys.fd is None else [saves.fd, keys.fd]
    ready, _, _ = select.select(fds, [], [], max(until_s - time.monotonic(), 0.0))
    if saves.fd in ready:
        saves.take()
    if keys.fd is not None and keys.fd in ready:
        pressed = keys.read()
        if not pressed:
            keys.fd = None  # the terminal went; the signal that follows ends it
        return all(_press(session, saves, key) for key in pressed)
    return True


def _press(session: Session, saves: Saves, key: str) -> bool:
    """Do what a key asks for; return whether to go on."""
    if key == "r" and not session.answer(is_forced=True):
        saves.note_any()
    if key == "b":
        session.roll_back()
    elif key == "s":
        session.show_state()
    return key != "q"
