"""Kill a host at given points of its snapshots and swaps, start another on its folder, and look at what that resumes.

    python crash_snapshots.py IMAGE NEXT_IMAGE STRIDE OFFSET

Every STRIDE-th point from OFFSET on, each with a host of its own. A point lies before and after each step of a change,
and around each call that touches the folder: half a write is a point too. Prints how many points there are, and how
many hosts were killed. Exit 0: after each of them the next host went on from a state that was saved as a whole, none
older than the last that was promised, and nothing was left of what was half written.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crash_journal import HOME, NEVER
from forked_hosts import in_child, prepare
from hotgraft import Host, _core
from hotgraft.engine import snapshot_files, snapshot_folder
from hotgraft.engine.timing import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotgraft.host.events import HostEvent

ROUNDS = 3
OPENED: list[object] = []  # what is forgotten ends
OPTIONS: dict[str, Any] = {"probe": "off", "snapshots_kept": 2, "snapshot_before_swap": True}


class Points:
    """Counts the points that this process passes, and ends it at one of them."""

    def __init__(self, at: int) -> None:
        self.at, self.passed = at, 0

    def __call__(self, *_: object) -> str:
        self.passed += 1
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()
        return "run"

    def hook(self, folder: Path) -> None:
        """Pass a point around each step, and each call of the system's that has to do with the folder."""
        plain_step, plain_write = Stopwatch.__call__, os.write

        @contextmanager
        def step(watch: Stopwatch, name: str) -> Iterator[None]:
            self()
            with plain_step(watch, name):
                yield
            self()

        def write_half(fd: int, data: Any) -> int:
            if str(folder) not in str(Path(f"/proc/self/fd/{fd}").readlink()):
                return plain_write(fd, data)
            self()
            written = plain_write(fd, memoryview(data)[: (len(data) + 1) // 2])
            self()
            return written

        def around(plain: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **more: Any) -> Any:
                self()
                answer = plain(*args, **more)
                self()
                return answer

            return call

        Stopwatch.__call__ = step  # type: ignore[method-assign, assignment] # a seam
        os.write = write_half
        for name in ("fsync", "rename", "unlink"):
            setattr(os, name, around(getattr(os, name)))
        snapshot_files.sync_folder = around(snapshot_files.sync_folder)  # type: ignore[attr-defined] # a seam
        snapshot_folder.write_snapshot = around(snapshot_folder.write_snapshot)  # type: ignore[attr-defined] # a seam
        _core.take_snapshot = around(_core.take_snapshot)
        _core._seams.set_step_hook(self)


def serve(folder: Path, images: tuple[str, str], points: Points, promises: int) -> None:
    """Count, take snapshots and swap; tell each count that is promised. Ends somewhere in it, or after it."""
    tell = os.write
    points.hook(folder)
    with Host(snapshots=folder, **OPTIONS) as host:
        name, counter = load(host, images[0])
        for one in range(ROUNDS):
            counter.add(1)
            host.snapshot()
            tell(promises, f"{counter.add(0)}\n".encode())
            counter.add(10)
            host.reload(name, images[(one + 1) % 2])
        counter.add(1)
    print(points.passed, flush=True)


def load(host: Host, image: str) -> tuple[str, Any]:
    """Load the counter, or the plugin of sessions; return its name, and what counts: of sessions, Alice's.

    What waits to be opened is kept once more before it is.
    """
    name, plugin = Path(image).stem, host.load(image)
    if name != "sessions":
        return name, plugin
    if host.waiting_sessions(name):
        host.snapshot()
    session = plugin.session(who="alice")
    OPENED.append(session)
    return name, session.plugin


def look(folder: Path, images: tuple[str, str], promised: int) -> None:
    """Go on from what was left, and hold it against what was promised."""
    saved = {0} | {11 * one + more for one in range(ROUNDS) for more in (1, 11)} | {11 * ROUNDS + 1}
    for image in images:
        told: list[str] = []

        def note(event: HostEvent, told: list[str] = told) -> None:
            told.append(str(event.facts["error"]))

        with Host(snapshots=folder, **{**OPTIONS, "snapshot_at_close": False}) as host:
            host.on("snapshot.passed_over", note)
            found = load(host, image)[1].add(0)
            assert found in saved, (found, saved)
            assert found >= promised, (found, promised)
            assert told == [], told
            left = [one.name for one in folder.iterdir() if one.suffix != ".snapshot"]
            assert left == ["lock"], left


def kill_at(point: int, images: tuple[str, str]) -> int:
    """Kill a host at one point and look at what it left; return how many points it passed, 0 if it was killed."""
    home = Path(tempfile.mkdtemp(prefix="snapshot-kill-"))
    folder = home / "snapshots"
    os.environ["TMPDIR"] = tempfile.tempdir = str(home)
    try:
        code, told, said = in_child(lambda fd: serve(folder, images, Points(point), fd))
        assert code in (0, -signal.SIGKILL), f"point {point}: the host ended with {code}"
        promised = int(told.split()[-1]) if told else 0
        code, _, _ = in_child(lambda _: look(folder, images, promised))
        assert code == 0, f"killed at point {point}, the next host ended with {code}"
    finally:
        shutil.rmtree(home)
        os.environ["TMPDIR"] = tempfile.tempdir = HOME
    return int(said or 0)


def main(images: tuple[str, str], stride: int, offset: int) -> None:
    """Count the points, then kill a host at each that was asked for."""
    count = kill_at(NEVER, images)
    killed = [point for point in range(1 + offset, count + 1, stride) if kill_at(point, images) == 0]
    print(f"{count} points, {len(killed)} killed")


if __name__ == "__main__":
    prepare()
    main((sys.argv[1], sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
