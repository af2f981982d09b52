"""The loop of a session of `hotgraft dev`: wait for a save, a key or the end, and let the session answer."""

from __future__ import annotations

import logging
import select
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hotgraft.dev.keys import Keys, ended_in_order, terminal_fd
from hotgraft.dev.said import Said
from hotgraft.dev.saves import Saves
from hotgraft.dev.session import Session
from hotgraft.host.host import Host

if TYPE_CHECKING:
    from hotgraft.dev.pulse import Pulse
    from hotgraft.dev.screen import Screen
    from hotgraft.dev.wish import Wish

__all__ = ["run_session", "serve"]


def run_session(wish: Wish, screen: Screen, pulse: Pulse) -> None:
    """Answer saves and keys until `q`, ^C or a signal that ends; a plugin may end it too, as it shares the process.

    Raises:
        KeyboardInterrupt: ^C. SystemExit: such a signal. Everything is closed.
    """
    try:
        pulse.begin()
        with ended_in_order(), tempfile.TemporaryDirectory(prefix="hotgraft-dev-") as keep:
            _run_in(Path(keep), wish, screen, pulse)
    finally:
        pulse.end()  # if it did not come as far as to be said


def _run_in(keep: Path, wish: Wish, screen: Screen, pulse: Pulse) -> None:
    saves = Saves(wish.sources, wish.delay_s, lambda error: screen.show(Said("polling", {"reason": str(error)})))
    try:
        with Host(catch_crashes=wish.catches_crashes, check_outputs="report") as host:
            logging.getLogger("hotgraft.outputs").setLevel(logging.ERROR)  # the screen shows it
            host.on("output.violation", lambda event: screen.show(Said("output", event.facts)))
            session = Session(
                wish.folder, wish.sources, host, wish.calls, keep, screen.show, pulse,
                way=wish.way, is_colored=wish.is_colored,
            )  # fmt: skip
            try:
                serve(session, saves, Keys(terminal_fd(), pulse.turn_to_read))
            finally:
                pulse.end()
        screen.show(Said("stopped", {"why": "q was pressed"}))
    finally:
        saves.close()


def serve(session: Session, saves: Saves, keys: Keys) -> None:
    """Answer until a key ends it."""
    if not session.answer():
        saves.note()
    while _rest(session, saves, keys):
        if saves.are_due() and not session.answer():
            saves.note()


def _rest(session: Session, saves: Saves, keys: Keys) -> bool:
    """Wait for whatever comes next; return whether to go on."""
    fds = [saves.fd] if keys.fd is None else [saves.fd, keys.fd]
    ready, _, _ = select.select(fds, [], [], saves.wait_s())
    return keys.fd not in ready or _press(session, saves, keys.read())


def _press(session: Session, saves: Saves, key: str) -> bool:
    """Do what a key asks for; return whether to go on."""
    if key == "r" and not session.answer(is_forced=True):
        saves.note()
    if key == "b":
        session.roll_back()
    elif key == "s":
        session.show_state()
    return key != "q"
