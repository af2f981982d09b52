"""Flip what a path leads to, at full speed, until stdin ends: the attacker of test_load_race.py.

    python crash_flip.py FOLDER WAY

FOLDER has whole images a.so, b.so and c.so. Ways: `rename` puts one after the other over plugins/counter.so; `link`
turns the symbolic link current.so; `parent` swaps the folder that holds it with one that holds another; `write` writes
one after the other over the file in place. Prints a line once the first flip was made, and how many there were at the
end; counts them in the file `flips` as it goes (tests/native/wide_reads.c).
"""

from __future__ import annotations

import mmap
import os
import select
import sys
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = ("a.so", "b.so", "c.so")


def rename(folder: Path) -> Callable[[str], None]:
    """Another file is renamed over it; whoever has the one before open sees that it lost a name."""
    target, fresh = str(folder / "plugins" / "counter.so"), str(folder / "fresh")

    def flip(name: str) -> None:
        os.link(folder / name, fresh)
        os.rename(fresh, target)  # noqa: PTH104 - as above

    return flip


def link(folder: Path) -> Callable[[str], None]:
    """The link leads to the next file, which is whole and stays."""
    target, fresh = str(folder / "plugins" / "counter.so"), str(folder / "fresh")

    def flip(name: str) -> None:
        os.symlink(folder / name, fresh)  # noqa: PTH211 - as above
        os.rename(fresh, target)  # noqa: PTH104 - as above

    return flip


def parent(folder: Path) -> Callable[[str], None]:
    """The folder is moved away and another is moved in; for moments there is none."""
    for name in IMAGES:
        own = folder / f"of {name}"
        own.mkdir()
        (own / "counter.so").write_bytes((folder / name).read_bytes())
    there, state = str(folder / "plugins"), {"now": ""}

    def flip(name: str) -> None:
        if state["now"] == "":
            os.rename(there, folder / "first")  # noqa: PTH104 - as above
        else:
            os.rename(there, folder / f"of {state['now']}")  # noqa: PTH104 - as above
        os.rename(folder / f"of {name}", there)  # noqa: PTH104 - as above
        state["now"] = name

    return flip


def write(folder: Path) -> Callable[[str], None]:
    """Written over in place: the file that somebody reads is another one in the middle."""
    fd = os.open(folder / "plugins" / "counter.so", os.O_WRONLY)
    data = {name: (folder / name).read_bytes() for name in IMAGES}

    def flip(name: str) -> None:
        os.pwrite(fd, data[name], 0)

    return flip


WAYS = {one.__name__: one for one in (rename, link, parent, write)}


def main(folder: Path, way: str) -> None:
    """Flip until stdin ends."""
    flip = WAYS[way](folder)
    (folder / "flips").write_bytes(bytes(8))
    with (folder / "flips").open("r+b") as file:
        flips = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
    for count, name in enumerate(cycle(IMAGES), start=1):
        flip(name)
        flips[0] = count
        if count == 1:
            print("flips", flush=True)
        if count % 64 == 0 and select.select([sys.stdin], [], [], 0)[0]:
            print(count, flush=True)
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
