"""Sets, rollbacks and configs of the same two plugins from many threads, with steps that fail, while both are called.

No call meets two builds, and no count is lost but those that a report of a lossy rollback says.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Busy, DrainTimeout, HotgraftError, PinExpired, _core
from sides_scene import DEADLINE_S, Sides, make_host

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Sized
    from sample_plugins import Workshop

pytestmark = pytest.mark.full
ASKERS, CALLERS, BUILDS = 8, 3, range(1, 5)
UNDO = frozenset({"give back", "resume", "let go", "stop", "drop converted", "reopen gates"})


class Storm:
    """What all threads do to one host, and what they saw."""

    def __init__(self, sides: Sides, seed: int, changes: int) -> None:
        self.sides, self.seed, self.changes = sides, seed, changes
        self.over = threading.Event()
        self.lost, self.ways = Counter[str](), Counter[str]()  # by whoever has the lock
        self.lock = threading.Lock()
        self.called = [0] * CALLERS
        self.mixed: list[int] = []
        self.images = {
            (name, number, more): sides.image(name, number, more=more)
            for name in ("base", "top")
            for number in BUILDS
            for more in (False, True)
        }

    def call(self, number: int) -> None:
        """Call the consumer until all is over, now and then through a pin."""
        draw = random.Random(f"{self.seed} caller {number}")
        while not self.over.is_set():
            try:
                if draw.random() < 0.02:
                    with self.sides.top.pin(who=f"caller {number}") as pinned:
                        self._note(number, pinned.both())
                else:
                    self._note(number, self.sides.top.both())
            except (Busy, DrainTimeout, PinExpired):
                continue  # no pin is given while a swap waits for pins: nothing was called
            threading.Event().wait(0.0005)

    def _note(self, number: int, answer: int) -> None:
        self.called[number] += 1
        if answer // 1000 != answer % 1000:
            self.mixed.append(answer)

    def ask(self, number: int) -> None:
        """Change both, time and again."""
        draw = random.Random(f"{self.seed} asker {number}")
        for _ in range(self.changes):
            way = draw.choice(("set", "set", "set", "config", "rollback", "plan"))
            try:
                getattr(self, way)(draw)
            except HotgraftError as error:
                way += f": {type(error).__name__}"
            with self.lock:
                self.ways[way] += 1

    def _set(self, draw: random.Random) -> dict[str, Any]:
        number, more = draw.choice(BUILDS), draw.random() < 0.5
        return {name: self.images[name, number, more] for name in ("base", "top")}

    def set(self, draw: random.Random) -> None:
        """Another build of both."""
        self.sides.host.reload_set(self._set(draw), is_settled=True, allow_downgrade=True)

    def config(self, draw: random.Random) -> None:
        """The same builds, told otherwise."""
        self.sides.host.reload_set({"base": None, "top": None}, configs={"top": {"told": draw.random()}})

    def rollback(self, draw: random.Random) -> None:
        """What served before."""
        report = self.sides.host.rollback(draw.choice(("base", "top")))
        assert report.set is not None
        with self.lock:
            self.lost.update({name: one.lost_calls for name, one in report.set.members.items()})

    def plan(self, draw: random.Random) -> None:
        """What would be."""
        self.sides.host.plan(self._set(draw))

    def rage(self) -> None:
        """Do all of it, with a step in two hundred that fails."""
        draw = random.Random(f"{self.seed} steps")
        _core._seams.set_step_hook(lambda step: "fail" if step not in UNDO and draw.random() < 0.005 else "run")
        callers = [threading.Thread(target=self.call, args=(number,)) for number in range(CALLERS)]
        askers = [threading.Thread(target=self.ask, args=(number,)) for number in range(ASKERS)]
        try:
            for thread in callers + askers:
                thread.start()
            for thread in askers:
                thread.join()
        finally:
            self.over.set()
            for thread in callers:
                thread.join(DEADLINE_S)
            _core._seams.set_step_hook(None)


@pytest.mark.parametrize("seed", [3, 4])
def test_overlapping_sets_from_many_threads_mix_nothing_and_lose_what_they_say(
    build: Workshop, tmp_path: Path, sized: Sized, seed: int
) -> None:
    """What a rollback cannot take along, it says."""
    with make_host(swap_deadline_s=30.0, journal=str(tmp_path / "journal")) as host:
        sides = Sides(host, build, {"base": True, "top": False})
        sides.base, sides.top = (host.load(sides.image(name, 1)) for name in ("base", "top"))
        storm = Storm(sides, seed, sized(quick=5, full=40, soak=1_000))

        storm.rage()

        assert not storm.mixed
        assert sides.counts == tuple(sum(storm.called) - storm.lost[name] for name in ("base", "top"))
        assert storm.ways["set"] > 0
        assert storm.ways["rollback"] > 0
    assert host.unloads(DEADLINE_S).waiting == ()
