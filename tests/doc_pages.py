"""The code blocks of a page in docs/, in order, and how each is run: as somebody would who types the page through.

A block's language says what it is: `sh` and `python` are run; `console` holds commands and what each prints
(`doc_session`); anything else is a file. Where a file goes is said by the sentence before it, which ends with "in
`<file>`:"; a Python block with such a sentence is a file too. A file that nothing reads fails the page.

Words after the language are for the tests alone, a page's reader does not see them: `needs=gdb` leaves a block to
machines that have gdb, and `terminal` is what `hotgraft dev` shows in a terminal that stays open; where the sentence
before says "press `b`:", that key is pressed first.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from dev_terminal import Terminal
from doc_session import Session, commands_of, matches, promised_prints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES: Final = ("c", "cpp", "toml", "json", "cmake", "make", "python")
_BLOCK: Final = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"in `([^`]+)`:[^`]*\Z", re.IGNORECASE)
_KEY: Final = re.compile(r"press `(.)`[^`]*:\s*\Z", re.IGNORECASE)
# A program that is there may still not be allowed to do its work, in a container for one.
_TRIALS: Final = {
    "gdb": "gdb -q -batch -ex run --args true 2>&1 | grep 'exited normally'",
    "perf": "perf record -q -e cpu-clock --buildid-mmap -o /dev/null true",
    "setarch": "setarch -R true",
}


@dataclass(frozen=True)
class Block:
    """One code block: its language, the words after it, its text, its line, and what the sentence before says."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int
    file: str = ""
    key: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The programs without which it is left out."""
        return tuple(word.removeprefix("needs=") for word in self.words if word.startswith("needs="))


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the page's code blocks."""
    text = page.read_text(encoding="utf-8")
    end = 0
    for found in _BLOCK.finditer(text):
        before = text[end : found.start()]
        file, key = _FILE.search(before), _KEY.search(before)
        language, *words = found[1].split() or [""]
        line = text.count("\n", 0, found.start()) + 1
        yield Block(language, tuple(words), found[2], line, file[1] if file else "", key[1] if key else "")
        end = found.end()


@dataclass
class Typed:
    """A page that was typed through: what each block that ran printed, by its line, and what was left out, and why."""

    printed: dict[int, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def type_through(page: Path, folder: Path, environment: dict[str, str]) -> Typed:
    """Do in `folder` what the page says.

    Raises:
        AssertionError: a command fails or prints something else, or nothing runs a block.
    """
    with contextlib.ExitStack() as opened:
        typist = _Typist(page.name, Session(folder, environment), opened)
        for block in blocks_of(page):
            typist.take(block)
        typist.end()
    return typist.typed


class _Typist:
    def __init__(self, page: str, session: Session, opened: contextlib.ExitStack) -> None:
        self.page = page
        self.session = session
        self.opened = opened
        self.typed = Typed()
        self.terminal: Terminal | None = None
        self.unread: dict[Path, str] = {}  # files that blocks wrote, with where

    def take(self, block: Block) -> None:
        where = f"{self.page}:{block.line}"
        if missing := [name for name in block.needs if not _works(name)]:
            self.typed.left_out.append(f"{where}: {', '.join(missing)} does not work here")
        elif block.language in FILES and block.file:
            self._write(block, where)
        elif block.language == "sh":
            shown, code = self.session.run(block.text)
            assert code == 0, f"{where}: ended with {code}\n{block.text}\n{shown}"
            self.typed.printed[block.line] = shown
        elif block.language == "python":
            self._python(block, where)
        elif block.language == "console" and "terminal" in block.words:
            self._terminal(block, where)
        elif block.language == "console":
            self._console(block, where)
        else:
            raise AssertionError(f"{where}: nothing runs a block in {block.language!r} that no sentence calls a file")

    def end(self) -> None:
        """Hold that every file was read by a later block; which one cannot be told where some were left out."""
        if not self.typed.left_out:
            for path, where in self.unread.items():
                assert _is_read(path), f"{where}: nothing reads {path.name}"

    def _write(self, block: Block, where: str) -> None:
        path = self.session.here / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = self.unread.pop(path, None)
        assert before is None or self.typed.left_out or _is_read(path), f"{before}: nothing reads {path.name}"
        path.write_text(block.text, encoding="utf-8")
        os.utime(path, ns=(0, path.stat().st_mtime_ns))
        self.unread[path] = where

    def _python(self, block: Block, where: str) -> None:
        # What plugins log goes to the other stream, from a thread of its own, and would fall between what is printed.
        errors = self.session.state.with_suffix(".stderr")
        shown, code = self.session.run(f'python -c "$DOC_BLOCK" 2>{shlex.quote(str(errors))}', DOC_BLOCK=block.text)
        assert code == 0, f"{where}: ended with {code}\n{shown}\n{errors.read_text()}"
        promised = promised_prints(block.text)
        assert not promised or matches(promised + "...\n", shown), f"{where}: it prints\n{shown}\nand not\n{promised}"
        self.typed.printed[block.line] = shown

    def _console(self, block: Block, where: str) -> None:
        self.typed.printed[block.line] = ""
        for command, expected, wanted in commands_of(block.text):
            shown, code = self.session.run(command, strict=False)
            assert code == wanted, f"{where}: {command}\nended with {code}\n{shown}"
            assert matches(expected, shown), f"{where}: {command}\nprints\n{shown}\nand the page says\n{expected}"
            self.typed.printed[block.line] += shown

    def _terminal(self, block: Block, where: str) -> None:
        text = block.text
        if text.startswith("$ "):
            command, _, text = text.partition("\n")
            assert command.startswith("$ hotgraft dev"), f"{where}: only hotgraft dev is played in a terminal"
            self.terminal = self.opened.enter_context(Terminal(self.session.here, command[2:]))
        assert self.terminal is not None, f"{where}: no terminal is open"
        if block.key:
            self.terminal.press(block.key)
        last = text.rstrip().splitlines()[-1]
        shown = self.terminal.read_until(".*".join(re.escape(part) for part in last.strip().split("...")))
        is_as_said = matches(text.strip("\n"), shown.strip("\n"))
        assert is_as_said, f"{where}: the terminal shows\n{shown}\nand the page says\n{text}"
        if block.key == "q":
            assert self.terminal.wait() == 0


def _is_read(path: Path) -> bool:
    """Whether somebody has read the file since it was written; yes where the file system does not keep that."""
    if path.stat().st_atime_ns != 0:
        return True
    trial = path.with_name(f".{path.name}.trial")
    trial.write_text("read me", encoding="utf-8")
    os.utime(trial, ns=(0, trial.stat().st_mtime_ns))
    trial.read_text(encoding="utf-8")
    is_kept = trial.stat().st_atime_ns != 0
    trial.unlink()
    return not is_kept


def _works(program: str) -> bool:
    if program not in _TRIALS:
        return shutil.which(program) is not None
    tried = subprocess.run(["bash", "-c", _TRIALS[program]], capture_output=True, check=False)
    return tried.returncode == 0


def environment_of(bin_folder: Path | None = None, **more: str) -> dict[str, str]:
    """Return this process's environment with an installation's commands first; warnings are errors there too."""
    first = str(bin_folder) if bin_folder is not None else os.path.dirname(sys.executable)  # noqa: PTH120 - a venv's link
    path = os.pathsep.join([first, os.environ["PATH"]])
    dropped = (
        "CC",
        "CXX",
        "CFLAGS",
        "CXXFLAGS",
        "CPPFLAGS",
        "LDFLAGS",
        "PYTHONPATH",
        "MAKEFLAGS",
        "CMAKE_GENERATOR",
        "PYTHONUNBUFFERED",
    )
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PATH": path, "PYTHONWARNINGS": "error", **more}
