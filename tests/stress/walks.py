"""Go random walks and end with one JSON line of counts. A process of its own: what it tests may kill it.

    python walks.py FIRST COUNT [--versions N] [--steps N] [--sabotage in-place]

Walks are numbered; the first that is not as predicted ends the run with its number, its steps and exit code 1. With
the sabotage a walk that fails is only counted.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

from hotgraft import _core
from sample_plugins import shared_workshop
from walk_images import build_versions
from walk_scene import Walk
from walk_versions import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

SWITCH_S = 0.0001  # callers come in between more often


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--versions", type=int, default=len(VERSIONS))
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--sabotage", choices=("in-place",))
    return parser.parse_args()


class InPlace:
    """Conversions as if they worked on the old block: once they are done, it is no longer what it was."""

    def __init__(self) -> None:
        self.block: Callable[[], tuple[int, int]] = lambda: (0, 0)  # where it lies, and its bytes
        self._found = (0, 0)
        self._last = ""

    def __call__(self, step: str) -> str:
        """A step of the window begins; the block is that of the plugin that leaves."""
        if step == "surrender":
            self._found = self.block()
        if step == "take" and self._last == "convert":
            at, size = self._found
            ctypes.memset(at, 0x5A, size)
        self._last = step
        return "run"


def main() -> int:
    """Return 0 if every walk went as predicted."""
    arguments = read_arguments()
    sys.setswitchinterval(SWITCH_S)
    images = build_versions(shared_workshop().folder, arguments.versions)
    counts: Counter[str] = Counter()
    spoil = InPlace()
    _core._seams.set_step_hook(spoil if arguments.sabotage else None)
    for number in range(arguments.first, arguments.first + arguments.count):
        walk = Walk(images, number)
        spoil.block = walk.block
        try:
            walk.run(arguments.steps)
        except AssertionError as error:
            if not arguments.sabotage:
                error.add_note(f"in walk {number}")
                raise
            counts["failed"] += 1
        counts += walk.ways + Counter(walks=1, calls=walk.calls)
    print(json.dumps(counts), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
