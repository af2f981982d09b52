"""What commands import, each asked in a fork of its own: what all of them need is imported once."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HEAVY = {
    "numpy",
    "cffi",
    "watchdog",
    "asyncio",
    "msgspec",
    "elftools",
    "hotgraft._core",
    "hotgraft.host",
    "hotgraft.engine.build",
    "importlib.metadata",
}

RUN_EACH = """
import json, os, sys
from hotgraft.cli.main import cli
for words in json.loads(sys.argv[1]):
    read, write = os.pipe()
    if os.fork() == 0:
        told = os.dup(1)
        os.dup2(write, 1)
        try: cli.main(words, prog_name='hotgraft')
        except SystemExit as end: assert not end.code
        sys.stdout.flush()
        os.write(told, (' '.join(sys.modules) + '\\n').encode())
        os._exit(0)
    os.close(write)
    with open(read) as said: assert said.read(), words
    assert os.wait()[1] == 0, words
"""


def modules_of(commands: Iterable[tuple[str, ...]], folder: Path) -> list[set[str]]:
    """Run commands in a process of their own; return the modules that each imported."""
    words = json.dumps(list(commands))
    command = [sys.executable, "-c", RUN_EACH, words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=folder)
    return [set(line.split()) for line in done.stdout.splitlines()]
