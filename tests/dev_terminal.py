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
from pathlib import Path
from typing import Any, Final, Self

DEADLINE_S: Final = 60.0
COLUMNS, ROWS = 118, 48
ESCAPE: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


# The commands of the environment that runs the tests, colours, and no compiler that remembers.
_PERSONS: Final = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "TERM": "xterm-256color",
    "NO_COLOR": "",
    "CCACHE_DISABLE": "1",
}


def _last_in_place(line: str) -> str:
    """Return the line with its last command in the shell's place, so that a signal for it reaches it."""
    *first, last = line.split(" && ")
    return " && ".join([*first, f"exec {last}"])


@dataclass
class Terminal:
    """A shell line in a pseudo-terminal, and all that it wrote, with what the person did noted in between."""

    folder: Path
    line: str = "hotgraft dev"
    transcript: list[tuple[str, str]] = field(default_factory=list)  # ("did" | "shown", text)
    answers_ms: list[float] = field(default_factory=list)
    _pending: bytes = b""

    def __enter__(self) -> Self:
        self._master, self._slave = os.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._before = termios.tcgetattr(self._slave)
        # At a terminal neither is ignored; where these tests run in the background or under nohup they are, and that
        # would be inherited.
        before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
        try:
            self._process = subprocess.Popen(
                ["setsid", "--ctty", "sh", "-c", _last_in_place(self.line)],  # ^C comes from the terminal itself
                cwd=self.folder,
                env={**os.environ, **_PERSONS},
                stdin=self._slave,
                stdout=self._slave,
                stderr=self._slave,
            )
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
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

    def rest(self) -> str:
        """Return what was shown since the last line that was read; for when it has ended."""
        while select.select([self._master], [], [], 0.0)[0]:
            self._pending += os.read(self._master, 65536)
        return self._pending.decode(errors="replace")

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
TYPED: Final = "hotgraft new gain && cd gain && hotgraft dev --call 'process([1, 2, 3])' --call 'processed()'"


def play(folder: Path) -> Terminal:
    """Play the story in an empty folder; return the terminal, closed, with the transcript.

    One good edit, one that does not compile, one that removes a function, one good again; then roll back, state, quit.
    After each, the functions are called, so that it shows which generation serves and that its state went on.
    """
    with Terminal(folder, TYPED) as terminal:
        terminal.did(f"$ {TYPED}")
        shown = terminal.read_until(r"processed\(\) → 3 ")
        assert "generation 1 (version 0.1.0) serves" in shown
        assert "process([1, 2, 3]) → out = [2, 4, 6] " in shown
        assert terminal.is_cbreak
        _edit_well_and_badly(folder / "gain", terminal)
        _remove_a_function_and_put_it_back(folder / "gain", terminal)
        _press_keys(terminal)
        assert terminal.wait() == 0
        assert terminal.is_as_before
    return terminal


def _edit_well_and_badly(gain: Path, terminal: Terminal) -> None:
    terminal.did("gain.c: out[i] = 3.0f * in[i];")
    edit(gain, "gain.c", "2.0f * in[i];", "3.0f * in[i];")
    shown = terminal.read_until(ANSWERED)
    assert "generation 2 (version 0.1.0) serves; its state went on" in shown
    assert "process([1, 2, 3]) → out = [3, 6, 9] " in shown
    assert "processed() → 6 " in shown

    terminal.did("gain.c: a semicolon too few")
    edit(gain, "gain.c", "3.0f * in[i];", "3.0f * in[i]")
    shown = terminal.read_until(ANSWERED)
    assert re.search(r"gain\.c:\d+:\d+: error: expected", shown), shown
    assert "^" in shown
    assert "generation 2 still serves" in shown
    assert "process([1, 2, 3]) → out = [3, 6, 9] " in shown


def _remove_a_function_and_put_it_back(gain: Path, terminal: Terminal) -> None:
    terminal.did("gain.h, gain.c: without the function processed()")
    header, source = (gain / name for name in ("gain.h", "gain.c"))
    header_before, source_before = header.read_text(), source.read_text().replace("3.0f * in[i]", "4.0f * in[i];")
    without = re.sub(r"static uint64_t processed.*?\n}\n\n", "", source_before, flags=re.DOTALL)
    source.write_text(without.replace("process, processed}", "process}"))
    header.write_text(header_before.replace("    uint64_t (*processed)(void *self);\n", ""))
    shown = terminal.read_until(ANSWERED)
    while 'lacks function "processed"' not in shown:  # a person's two saves may be answered one by one
        shown = terminal.read_until(ANSWERED)
    assert "generation 2 still serves" in shown
    assert "process([1, 2, 3]) → out = [3, 6, 9] " in shown

    terminal.did("gain.h, gain.c: processed() is back, out[i] = 4.0f * in[i];")
    header.write_text(header_before)
    source.write_text(source_before)
    shown = terminal.read_until(r"process\(\[1, 2, 3\]\) → out = \[4, 8, 12\] ")
    assert "serves; its state went on" in shown
    assert int(re.findall(r"processed\(\) → (\d+)", terminal.read_until(ANSWERED))[-1]) >= 15


def _press_keys(terminal: Terminal) -> None:
    terminal.did("b")
    terminal.press("b")
    shown = terminal.read_until(r"processed\(\) → ")
    assert "rolled back by an ordinary reload of the image that served before" in shown
    assert "process([1, 2, 3]) → out = [3, 6, 9] " in shown
    terminal.did("s")
    terminal.press("s")
    terminal.read_until("state: it offers no save")
    terminal.did("q")
    terminal.press("q")
    terminal.read_until("stopped")
