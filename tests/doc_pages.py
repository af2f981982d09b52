"""The code blocks of a page in docs/, in order, and how each is run: as somebody would who types the page through.

A sentence that ends with "in `<file>`" and a colon says where the next block goes; a block in sh or Python is run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"in `([^`]+)`:[^`]*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """One code block: its language, its text, and the file that the page puts it into."""

    language: str
    text: str
    file: str
    line: int


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the page's code blocks."""
    text = page.read_text(encoding="utf-8")
    end = 0
    for found in _BLOCK.finditer(text):
        named = _FILE.search(text[end : found.start()])
        yield Block(found[1], found[2], named[1] if named else "", text.count("\n", 0, found.start()) + 1)
        end = found.end()


def type_through(page: Path, folder: Path, environment: dict[str, str]) -> dict[int, str]:
    """Do in `folder` what the page says; return what each block that runs printed, by its line."""
    printed = {}
    for block in blocks_of(page):
        where = f"{page.name}:{block.line}"
        if block.language in ("cmake", "make", "c"):
            assert block.file, f"{where}: the sentence before does not say which file it goes into"
            (folder / block.file).write_text(block.text, encoding="utf-8")
            continue
        assert block.language in ("sh", "python"), f"{where}: nobody runs a block in {block.language!r}"
        program = ["bash", "-euo", "pipefail", "-c"] if block.language == "sh" else [python_of(environment), "-c"]
        done = subprocess.run(
            [*program, block.text],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{where}:\n{block.text}\n{done.stdout}\n{done.stderr}"
        printed[block.line] = done.stdout
    return printed


def python_of(environment: dict[str, str]) -> str:
    """Return the interpreter that comes first on the environment's path."""
    return next(
        f"{folder}/python" for folder in environment["PATH"].split(os.pathsep) if os.access(f"{folder}/python", os.X_OK)
    )


def environment_of(bin_folder: Path | None = None, **more: str) -> dict[str, str]:
    """Return this process's environment with an installation's commands first; warnings are errors there too."""
    first = str(bin_folder) if bin_folder is not None else os.path.dirname(sys.executable)  # noqa: PTH120 - a venv's link
    path = os.pathsep.join([first, os.environ["PATH"]])
    dropped = ("CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "PYTHONPATH", "MAKEFLAGS", "CMAKE_GENERATOR")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PATH": path, "PYTHONWARNINGS": "error", **more}
