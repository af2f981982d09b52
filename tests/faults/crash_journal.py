"""Kill a host at given points of a change of what it serves, start another on its journal, and look at what that finds.

    python crash_journal.py PLAN IMAGE NEXT_IMAGE REFUSED_IMAGE STRIDE OFFSET

Every STRIDE-th point from OFFSET on, each with a host of its own. A point lies before and after each step of the change
and each write of the journal. Prints one line: how many points there are, and how many hosts were killed. Exit 0: after
each of them the next host started, nothing that was promised was lost, no attempt was left without an end, the last
good image served, and nothing of the dead was left.

The hosts are forked from this process, which has imported what they need (forked_hosts.py).
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from forked_hosts import in_child, prepare
from hotgraft import Host, HotgraftError, _core
from hotgraft.core.audit import verify
from hotgraft.engine.journal import Journal
from hotgraft.engine.journal_reading import export, read_anchors, verify_journal
from hotgraft.engine.timing import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEVER = 1 << 30


class Images(NamedTuple):
    """What there is to load; for a set of two each is two, with a colon between them."""

    first: str
    second: str
    refused: str


def refused(change: Callable[[], object]) -> None:
    """Do what ends with an error of ours."""
    with suppress(HotgraftError):
        change()
        raise AssertionError("it was not refused")


def take_back(host: Any, images: Images) -> None:
    """Reload what is not fit, and let it in after that."""
    host.health("counter")(lambda plugin: plugin.build() == 1)
    refused(lambda: host.reload("counter", images.second))
    host.allow("counter")


PAIR = "codec", "player"


def replace_pair(host: Any, images: Images, **more: Any) -> object:
    """Replace two plugins as one."""
    return host.reload_set(dict(zip(PAIR, images.second.split(":"), strict=True)), reason="kill", **more)


# What is done to the first image, which serves.
PLANS: dict[str, Callable[[Any, Images], object]] = {
    "reload": lambda host, images: host.reload("counter", images.second, reason="kill"),
    "configure": lambda host, images: host.configure("counter", {"volume": 1}),
    "instance": lambda host, images: (
        host.load("counter", instance="left"),
        host.reload("counter", images.second),
    ),
    "refuse": lambda host, images: refused(lambda: host.reload("counter", images.refused)),
    "fail": lambda host, images: refused(lambda: host.reload("counter", images.second, config={"fail": "create"})),
    "commit": lambda host, images: (host.reload("counter", images.second), host.commit("counter")),
    "roll back": lambda host, images: (host.reload("counter", images.second), host.rollback("counter")),
    "take back": take_back,
    "set": replace_pair,
    "set, commit": lambda host, images: (replace_pair(host, images), host.commit("player")),
    "set, roll back": lambda host, images: (replace_pair(host, images), host.rollback("codec")),
    "set, call off": lambda host, images: refused(
        lambda: replace_pair(host, images, configs={"player": {"fail": "start"}})
    ),
    "call off": lambda host, images: refused(lambda: host.reload("counter", images.second, config={"fail": "start"})),
}


ON_PROBATION = {"probation": "on", "probation_s": 3600.0, "probation_max_s": 3600.0}
PROBATIONS = "commit", "roll back", "set, commit", "set, roll back"
OPTIONS: dict[str, dict[str, Any]] = dict.fromkeys(PROBATIONS, ON_PROBATION)


class Points:
    """Counts the points that this process passes, and ends it at one of them."""

    def __init__(self, at: int, promises: int) -> None:
        self.at, self.passed, self.promises = at, 0, promises

    def __call__(self, *_: object) -> str:
        self.passed += 1
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()
        return "run"

    def hook(self) -> None:
        """Pass a point before and after each step, and each write of the journal; tell what the journal promises."""
        plain_step, plain_write = Stopwatch.__call__, Journal.write

        @contextmanager
        def step(watch: Stopwatch, name: str) -> Iterator[None]:
            self()
            with plain_step(watch, name):
                yield
            self()

        def write(journal: Journal, *args: Any, **more: Any) -> Any:
            written = plain_write(journal, *args, **more)
            if written.error is None:
                os.write(self.promises, f"{journal.end.count}:{journal.end.head}\n".encode())
            return written

        Stopwatch.__call__ = step  # type: ignore[method-assign, assignment] # a seam
        Journal.write = write  # type: ignore[method-assign, assignment] # a seam
        Journal.at = self.__call__  # type: ignore[method-assign, assignment] # a seam
        _core._seams.set_step_hook(self)


def change(folder: Path, plan: str, images: Images, points: Points) -> None:
    """Serve the first image, and do what the plan says; ends somewhere in it, or after it."""
    points.hook()
    with Host(journal=folder / "journal", **OPTIONS.get(plan, {})) as host:
        for image in images.first.split(":"):
            host.load(image)
        PLANS[plan](host, images)
    print(points.passed, flush=True)


def look(folder: Path, promised: str) -> None:
    """Start on what was left, and hold it against what was promised."""
    journal = folder / "journal"
    with Host(journal=journal) as host:
        rows = list(export(journal))
        kept = read_anchors(promised) if promised else ()
        assert verify_journal(journal, kept).verdict.finding is None, verify_journal(journal, kept)
        assert verify(rows[: kept[0].count if kept else 0], kept).finding is None
        records = [row.record for row in rows]
        begun = {one.attempt for one in records if one.step == "intent"}
        ended = [one.attempt for one in records if one.step == "outcome"]
        assert len(ended) == len(set(ended)), ended
        assert begun <= set(ended), (begun, ended)
        commits = [one.after_sha256 for one in records if one.step == "commit"]
        left = [one.name for one in (folder / "tmp").iterdir()]
        assert left == [one for one in left if f"-{os.getpid()}-" in one], left
        assert {one.stem for one in (journal / "images").iterdir()} == set(commits)
        if commits:
            host.restore_last_good()
            for loaded in host._listed():
                own = [one.after_sha256 for one in records if one.step == "commit" and one.plugin == loaded.name]
                assert loaded.serving.generation.sha256 == own[-1]
                plugin: Any = host[loaded.name]
                assert plugin.add(5) == 5
                assert loaded.name != "player" or plugin.build() in (11_001, 12_002)  # on one side
    assert verify_journal(journal).verdict.finding is None


def kill_at(point: int, plan: str, images: Images) -> int:
    """Kill a host at one point and look at what it left; return how many points it passed, 0 if it was killed."""
    folder = Path(tempfile.mkdtemp(prefix="journal-kill-"))
    (folder / "tmp").mkdir()
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder / "tmp")
    try:
        code, told, said = in_child(lambda fd: change(folder, plan, images, Points(point, fd)))
        assert code in (0, -signal.SIGKILL), f"{plan}, point {point}: the host ended with {code}"
        code, _, _ = in_child(lambda _: look(folder, told.split()[-1] if told else ""))
        assert code == 0, f"{plan}: killed at point {point}, the next host ended with {code}"
    finally:
        shutil.rmtree(folder)
        tempfile.tempdir = os.environ["TMPDIR"] = HOME
    return int(said or 0)


def main(plan: str, images: Images, stride: int, offset: int) -> None:
    """Count the points, then kill a host at each that was asked for."""
    count = kill_at(NEVER, plan, images)
    killed = [point for point in range(1 + offset, count + 1, stride) if kill_at(point, plan, images) == 0]
    print(f"{count} points, {len(killed)} killed")


HOME = tempfile.gettempdir()
if __name__ == "__main__":
    prepare()
    main(sys.argv[1], Images(*sys.argv[2:5]), int(sys.argv[5]), int(sys.argv[6]))
