"""A person at `hotgraft dev`, played by a script in a pseudo-terminal: edits, waits for the answer, presses keys."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from dev_process import COUNTER, copy_counter

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S: Final = 60.0
COLUMNS, ROWS = 118, 48
ESCAPE: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass
class Terminal:
    """`hotgraft dev` in a pseudo-terminal, and all that it wrote, with what the person did noted in between."""

    folder: Path
    arguments: tuple[str, ...] = ()
    transcript: list[tuple[str, str]] = field(default_factory=list)  # ("did" | "shown", text)
    answers_ms: list[float] = field(default_factory=list)
    _pending: bytes = b""

    def __enter__(self) -> Self:
        self._master, self._slave = os.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._before = termios.tcgetattr(self._slave)
        # At a terminal Ctrl-C is never ignored; where these tests run in the background it is, and would be inherited.
        before = signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hotgraft.cli.main", "dev", *self.arguments],
                cwd=self.folder,
                env={**os.environ, "TERM": "xterm-256color"},
                stdin=self._slave,
                stdout=self._slave,
                stderr=self._slave,
            )
        finally:
            signal.signal(signal.SIGINT, before)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(DEADLINE_S)
        os.close(self._slave)
        os.close(self._master)

    def did(self, text: str) -> None:
        """Note what the person does."""
        self.transcript.append(("did", text))

    def press(self, key: str) -> None:
        """Press a key."""
        os.write(self._master, key.encode())

    def read_until(self, pattern: str) -> str:
        """Return what is shown up to the end of the line that matches.

        Raises:
            AssertionError: it is not shown by the deadline.
        """
        until_s, shown = time.monotonic() + DEADLINE_S, ""
        while True:
            line, end, rest = self._pending.partition(b"\n")
            if end:
                self._pending = rest
                text = line.decode().rstrip("\r")
                self.transcript.append(("shown", text))
                shown += ESCAPE.sub("", text) + "\n"
                if re.search(pattern, ESCAPE.sub("", text)):
                    self._note_answer(text)
                    return shown
                continue
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not select.select([self._master], [], [], left_s)[0]:
                raise AssertionError(f"no {pattern!r} in\n{shown}{self._pending!r}")
            self._pending += os.read(self._master, 65536)

    def _note_answer(self, text: str) -> None:
        found = re.search(r"answered ([\d,]+) ms", ESCAPE.sub("", text))
        if found:
            self.answers_ms.append(float(found[1].replace(",", "")))

    def send(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end; return the exit code."""
        return self._process.wait(DEADLINE_S)

    @property
    def is_as_before(self) -> bool:
        """Whether the terminal's settings are those from before."""
        now: list[Any] = termios.tcgetattr(self._slave)
        return now == self._before

    @property
    def is_cbreak(self) -> bool:
        """Whether keys arrive one by one, unseen."""
        flags: int = termios.tcgetattr(self._slave)[3]
        return not flags & (termios.ICANON | termios.ECHO)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Change one place of a source, as an editor saves it."""
    path = folder / name
    text = path.read_text()
    assert text.count(old) == 1, (name, old)
    path.write_text(text.replace(old, new))


ANSWERED: Final = r"answered [\d,]+ ms after the save"


def play(folder: Path) -> Terminal:
    """Play the story; return the terminal, closed, with the transcript.

    One good edit, one that does not compile, one that removes a function, one good again; then roll back, state, quit.
    """
    copy_counter(folder)
    with Terminal(folder, ("--call", "next()")) as terminal:
        terminal.did("$ hotgraft dev --call 'next()'")
        shown = terminal.read_until(r"next\(\) → 1 ")
        assert "generation 1 (version 1.0.0) serves" in shown
        assert terminal.is_cbreak

        terminal.did("counter.c: #define STEP 10")
        edit(folder, "counter.c", "#define STEP 1\n", "#define STEP 10\n")
        shown = terminal.read_until(ANSWERED)
        assert "generation 2 (version 1.0.0) serves; its state went on" in shown
        assert "next() → 11 " in shown

        terminal.did("counter.c: a semicolon too few")
        edit(folder, "counter.c", "number, __ATOMIC_RELAXED);", "number, __ATOMIC_RELAXED)")
        shown = terminal.read_until(ANSWERED)
        assert re.search(r"counter\.c:\d+:\d+: error: expected", shown), shown
        assert "^" in shown
        assert "generation 2 still serves" in shown
        assert "next() → 21 " in shown

        terminal.did("counter.h, counter.c: without the function value()")
        header, source = (COUNTER / name for name in ("counter.h", "counter.c"))
        (folder / "counter.c").write_text(
            re.sub(r"static int64_t value.*?\n}\n\n", "", source.read_text(), flags=re.DOTALL).replace(
                "next, value}", "next}"
            )
        )
        (folder / "counter.h").write_text(header.read_text().replace("    int64_t (*value)(void *self);\n", ""))
        shown = terminal.read_until(ANSWERED)
        while "lacks" not in shown:  # a person's two saves may be answered one by one
            shown = terminal.read_until(ANSWERED)
        assert "generation 2 still serves" in shown

        terminal.did("counter.h, counter.c: value() is back, #define STEP 100")
        (folder / "counter.h").write_text(header.read_text())
        (folder / "counter.c").write_text(source.read_text().replace("#define STEP 1\n", "#define STEP 100\n"))
        shown = terminal.read_until(r"next\(\) → 1[23]1 ")
        assert "serves; its state went on" in shown
        terminal.read_until(ANSWERED)

        terminal.did("b")
        terminal.press("b")
        shown = terminal.read_until(r"next\(\) → ")
        assert "rolled back by an ordinary reload of the image that served before" in shown
        terminal.did("s")
        terminal.press("s")
        terminal.read_until("state: it offers no save")
        terminal.did("q")
        terminal.press("q")
        terminal.read_until("stopped")
        assert terminal.wait() == 0
        assert terminal.is_as_before
    return terminal
