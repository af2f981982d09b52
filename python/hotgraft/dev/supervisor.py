"""The process that the author started: it runs sessions, one at a time, and is there when one is not any more.

A plugin shares the session's process. One that crashes, calls exit() or never returns takes the session with it, never
this process: it holds the terminal, says what happened, and begins a new session when a source is saved or a key is
pressed. It never begins one by itself, so that a build that crashes at once is not built and loaded for ever.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import ManifestError
from hotgraft.core.manifest import read_manifest
from hotgraft.dev import PULSE_VARIABLE
from hotgraft.dev.cue import SAVED, Cue
from hotgraft.dev.keys import Keys, kept_terminal, terminal_fd
from hotgraft.dev.pulse import STARTS_WITHOUT, Stage
from hotgraft.dev.said import Said
from hotgraft.dev.signals import Signals
from hotgraft.engine.small_file import read_small_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.dev.pulse import Inside, Pulse
    from hotgraft.dev.screen import Screen
    from hotgraft.dev.wish import Wish

__all__ = ["supervise"]

KEYS: Final = {"r": "reload", "b": "roll back", "s": "state", "q": "quit"}
HANGS_AFTER_S: Final = 5.0
RETURNED_WITHIN_S: Final = 0.25  # a hang that is over is noticed
INTERRUPT_S: Final = 0.3  # ^C reaches the session too, unless it was sent by kill(1)
END_S: Final = 3.0
WAIT_S: Final = 3600.0  # for what wakes anyhow
CRASHES: Final = frozenset({
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS,
})  # fmt: skip

_Session = subprocess.Popen[bytes]


def supervise(wish: Wish, screen: Screen, pulse: Pulse) -> None:
    """Run sessions until `q`, ^C or a signal that ends.

    Raises:
        SystemExit: ended by a signal, or with the session by an error. Nothing is left: no process, no file, and the
            terminal is as it was.
    """
    fd = terminal_fd()
    prefix = f"hotgraft-{os.getpid()}-"  # `hotgraft doctor` finds by it what is left where this process is killed
    with (
        Signals() as signals,
        tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as place,
        kept_terminal(fd) as take_terminal,
    ):
        _say_start(wish, screen, has_keys=fd is not None)
        code = _Supervisor(wish, screen, pulse, signals, take_terminal, Path(place)).run()
    if code:
        raise SystemExit(code)


def _say_start(wish: Wish, screen: Screen, *, has_keys: bool) -> None:
    path = wish.folder / "plugin.toml"
    try:
        name = read_manifest(read_small_file(path), path=str(path)).name
    except (ManifestError, OSError):
        name = wish.folder.name  # the first build says what is wrong
    said = " · ".join(f"{key} {word}" for key, word in KEYS.items()) if has_keys else ""
    files = len(wish.sources.tree()[1])
    folder = "this folder" if wish.folder == Path.cwd() else str(wish.folder)
    screen.show(Said("started", {"plugin": name, "folder": folder, "files": files, "keys": said}))


class _Supervisor:
    """Thread safety: the main thread.

    Invariants
      (1) At most one session lives, and none outlives `run`.
      (2) Keys are read here only while no session lives that would answer them: it died, or it hangs. Of a session that
          returns at this very moment both may wake; then the turn to read decides, and either answers.
    """

    def __init__(
        self,
        wish: Wish,
        screen: Screen,
        pulse: Pulse,
        signals: Signals,
        take_terminal: Callable[[], None],
        place: Path,
    ) -> None:
        self._wish = wish
        self._screen = screen
        self._pulse = pulse
        self._signals = signals
        self._take_terminal = take_terminal
        self._place = place
        self._keys = Keys(terminal_fd(), pulse.turn_to_read)

    def run(self) -> int:
        """Return the code to end with."""
        for number in itertools.count(1):
            session = self._begin(number)
            try:
                code = self._look_after(session)
            finally:  # (1)
                session.kill()
                session.wait()
            if code is not None:
                return code
        raise AssertionError("numbers do not end")

    def _begin(self, number: int) -> _Session:
        """Start this very command again, as a session with a folder of its own for what it stages."""
        shutil.rmtree(self._place / str(number - 1), ignore_errors=True)  # until now for who looks at a core file
        folder = self._place / str(number)
        folder.mkdir(mode=0o700)
        self._pulse.reset()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STARTS_WITHOUT)
        try:
            return subprocess.Popen(
                [sys.executable, *sys.orig_argv[1:]],
                env={**os.environ, PULSE_VARIABLE: str(self._pulse.fd), "TMPDIR": str(folder)},
                pass_fds=(self._pulse.fd,),
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _look_after(self, session: _Session) -> int | None:
        """Wait until the session is to be no more; return the code to end with, or None to begin another."""
        while session.poll() is None:
            inside = self._pulse.look()
            if self._signals.ending is not None:
                return self._stop(session, self._signals.ending)
            if inside is None:  # what it enters from now on will have hung at the next look, at the soonest
                self._signals.wait(HANGS_AFTER_S)
            elif inside.lasts_s < HANGS_AFTER_S:
                self._signals.wait(HANGS_AFTER_S - inside.lasts_s)
            elif answer := self._while_it_hangs(session, inside):
                return self._answered(answer)
        return self._died(session.returncode)

    def _while_it_hangs(self, session: _Session, inside: Inside) -> str:
        """Return what ends the hang: a key, or SAVED; nothing when the session goes on, died, or a signal ends all."""

        def hangs() -> bool:
            return session.poll() is None and self._pulse.look() == inside

        facts = {"what": inside.what, "after_s": HANGS_AFTER_S, "has_keys": self._keys.fd is not None}
        self._take_terminal()
        with self._cue(hangs) as cue:
            self._screen.show(Said("hangs", facts))
            answer = ""
            while not answer and hangs() and self._signals.ending is None:
                answer = cue.wait(self._signals.fd, RETURNED_WITHIN_S)
                self._signals.take()
            if answer == SAVED and not hangs():
                return ""  # the session has seen the save itself
            if answer:  # a key was read, so it is answered even if the session has just come back
                session.kill()
                session.wait()
                self._say_why(answer, cue)
            return answer

    def _died(self, code: int) -> int | None:
        """Say how it ended, unless it said so itself; return the code to end with, or None to begin another."""
        stage, what = self._pulse.stage, _what(self._pulse.look())
        if stage is Stage.STARTS or (stage is Stage.ENDS and code >= 0):
            return _as_shell(code)
        if self._pulse.is_cut:
            self._screen.end_line()
        self._take_terminal()  # a plugin may have changed it; before it is said that keys are answered
        is_over = stage is Stage.ENDS
        facts = {"how": _how(code, what), "what": what, "has_keys": self._keys.fd is not None, "is_over": is_over}
        if is_over:
            self._screen.show(Said("died", facts))
            return _as_shell(code)
        with self._cue(lambda: True) as cue:  # first, so that which file was saved is known to who reads that it died
            self._screen.show(Said("died", facts))
            while self._signals.ending is None:
                if answer := cue.wait(self._signals.fd, WAIT_S):
                    self._say_why(answer, cue)
                    return self._answered(answer)
                self._signals.take()
        return 128 + self._signals.ending

    def _cue(self, may_read: Callable[[], bool]) -> Cue:
        return Cue(self._wish, self._pulse.sources, self._keys, may_read=may_read, say=self._screen.show)

    def _say_why(self, answer: str, cue: Cue) -> None:
        if answer == "q":
            self._screen.show(Said("stopped", {"why": "q was pressed"}))
        elif self._pulse.stage is not Stage.ENDS:
            key = "" if answer == SAVED else answer
            self._screen.show(Said("begins", {"key": key, "files": cue.files}))

    def _answered(self, answer: str) -> int | None:
        if answer == "q":
            return 0
        return 128 + signal.SIGKILL if self._pulse.stage is Stage.ENDS else None  # it was to end, and had to be killed

    def _stop(self, session: _Session, number: int) -> int:
        """End the session by the signal that came, and at last by one that nothing holds up; return the code."""
        inside = self._pulse.look()
        if inside is None or inside.lasts_s < HANGS_AFTER_S:
            if number != signal.SIGINT:
                session.send_signal(number)
            elif not _ends(session, INTERRUPT_S) and self._pulse.stage is not Stage.ENDS:
                session.terminate()
            if not _ends(session, END_S):
                self._screen.show(Said("killed", {"after_s": END_S, "what": _what(self._pulse.look())}))
        return 128 + number


def _ends(session: _Session, within_s: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        session.wait(within_s)
    return session.returncode is not None


def _as_shell(code: int) -> int:
    """Return the exit code that a shell would tell of."""
    return code if code >= 0 else 128 - code


def _what(inside: Inside | None) -> str:
    return inside.what if inside is not None else ""


def _how(code: int, what: str) -> str:
    where = f"in {what}" if what else "while nothing of it was called"
    if code >= 0:
        return f"it called exit({code}) {where}"
    number = signal.Signals(-code) if -code in set(signal.Signals) else None
    name = number.name if number is not None else f"signal {-code}"
    return f"it {'crashed with' if number in CRASHES else 'was ended by'} {name} {where}"
