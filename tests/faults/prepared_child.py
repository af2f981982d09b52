"""A Python that has imported a script, and forks for each run of it: as good as a Python for each, and quicker.

The script's side is `serve` of forked_hosts.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from child_process import FAULTS
from kept_images import KEPT, compiler_bytes, kept_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NATIVE: Final = FAULTS.parent / "native"


def preloaded(name: str) -> Path:
    """Return the library of tests/native/NAME.c, for LD_PRELOAD; compiled once for all runs."""
    source = NATIVE / f"{name}.c"
    command = ["cc", "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-pthread"]

    def make(folder: Path) -> None:
        subprocess.run([*command, source, "-o", folder / f"{name}.so"], check=True)

    headers = [one.read_bytes() for one in (source.with_suffix(".h"),) if one.exists()]
    parts = [compiler_bytes("cc"), " ".join(command).encode(), source.read_bytes(), *headers]
    return kept_folder(KEPT, parts, make) / f"{name}.so"


class PreparedChild:
    """Runs of one script of tests/faults, one at a time, each in a process of its own."""

    def __init__(
        self, script: str, *, preload: Path | None = None, within: Sequence[str] = (), warnings: str = "error"
    ) -> None:
        """Start it; `within`: what is to start it, `warnings`: what becomes of them."""
        self._command = [*within, sys.executable, "-W", warnings, str(FAULTS / script)]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(FAULTS.parent), os.environ.get("PYTHONPATH")])),
            "PYTHONFAULTHANDLER": "1",
            **({"LD_PRELOAD": str(preload)} if preload else {}),
        }
        self._process = subprocess.Popen(
            self._command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def run(self, *args: object, deadline_s: int, before: Sequence[object] = ()) -> subprocess.CompletedProcess[str]:
        """Run the script with these arguments; `before`: a command, first. Ended by a signal: minus its number."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        arguments = [*map(str, args)]
        request = {"args": arguments, "before": [*map(str, before)], "deadline_s": deadline_s}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        code, out, err = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess([*self._command, *arguments], code, out, err)

    def close(self) -> None:
        """Let it end, which it does well."""
        self._process.communicate()
        assert self._process.returncode == 0
