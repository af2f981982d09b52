"""The stress scene: four plugins, everybody who calls them, and who replaces them at full speed."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING, Any

import hotgraft
from hotgraft import _core
from stress_callers import CALLERS
from stress_counts import Counts, View
from stress_images import Role, compile_role
from stress_sessions import SESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A drain waits at most for a nap, a swap for a session of a few milliseconds: this is for a machine that stands still.
SWAP_DEADLINE_S = 60.0
# Every so many swaps of the ground its gate is held until a caller that keeps the interpreter lock has come to it.
HOLD_EVERY = 50
# In the order of hammer.c.
HAMMER_COUNTS = ("calls", "wrong", "failed", "gates_met", "nested", "back", "added", "threads")
HAMMER_KINDS = (0, 1, 2)


class Scene:
    """Loads everything, lets everybody run, and adds up."""

    def __init__(self, language: str, folder: Path) -> None:
        self.counts = Counts()
        self.stop = threading.Event()  # who replaces
        self.over = threading.Event()  # who calls
        self.host = hotgraft.Host(swap_deadline_s=SWAP_DEADLINE_S, close_deadline_s=SWAP_DEADLINE_S)
        self._roles = {name: Role(name, language, folder) for name in ("ground", "roof", "leaf")}
        self.ground, self.roof, self.leaf = (self._load(role) for role in self._roles.values())
        self._replace("ground")  # now that there is a roof to call back
        self.hammer: Any = self.host.load(compile_role("hammer", folder))
        self._alone = threading.Lock()  # a held gate is to be the ground's
        self._threads: list[threading.Thread] = []
        self._swappers: list[threading.Thread] = []

    def _load(self, role: Role) -> Any:
        image, config = role.next()
        return self.host.load(image, config=config)

    # --- run ---

    def start(self) -> None:
        """Let everybody run."""
        for kind in HAMMER_KINDS:
            self.hammer.begin(kind)
        for life in (*CALLERS, *SESSIONS):
            self._threads.append(self._thread(life.__name__, self._live, life))
        for swap in (self._swap_ground_and_leaf, self._swap_roof):
            self._swappers.append(self._thread(swap.__name__, swap))
        for thread in (*self._threads, *self._swappers):
            thread.start()

    def finish(self) -> dict[str, Any]:
        """End everybody, close the host and return all counts."""
        self.stop.set()
        for thread in self._swappers:
            thread.join()
        self.over.set()
        for thread in self._threads:
            thread.join()
        self.hammer.end()
        sums = self.sums()
        lost = sums["added"] - self.ground.total()
        unloads = self.host.close()
        return {
            **sums,
            "lost_state": lost,
            "generations": sums["replaced"] + len(self._roles) + 1,  # loaded first, and the hammer
            "proven": unloads.proven,
            "stuck": [f"{one.plugin} {one.generation}: {one.reason}" for one in unloads.stuck],
            "waiting": list(unloads.waiting),
            "complaints": self.counts.complaints,
        }

    def sums(self) -> dict[str, int]:
        """Return what was counted so far, by Python and by the hammer."""
        keys = ("calls", "wrong", "failed", "cycles", "called_off", "held_gates", "naps", "forks", "pins", "nested")
        sums = dict.fromkeys(keys, 0) | self.counts.all()
        for key, count in zip(HAMMER_COUNTS, self._hammer_counts(), strict=True):
            sums[key] = sums.get(key, 0) + count
            sums[f"native_{key}"] = count
        return sums

    def _hammer_counts(self) -> list[int]:
        counts = memoryview(bytearray(8 * len(HAMMER_COUNTS))).cast("Q")
        self.hammer.counts(counts, len(HAMMER_COUNTS))
        return counts.tolist()

    # --- everybody's life ---

    def guarded(self, life: Callable[..., None], *args: Any) -> None:
        """Run `life`; what it raises is a failed call."""
        try:
            life(*args)
        except BaseException:
            self.counts.complain(traceback.format_exc())
            self.counts.count("failed")

    def _thread(self, name: str, target: Callable[..., None], *args: Any) -> threading.Thread:
        return threading.Thread(target=self.guarded, args=(target, *args), name=name, daemon=True)

    def _live(self, life: Callable[[Scene, View], None]) -> None:
        view = View(self.counts, life.__name__)
        try:
            life(self, view)
        finally:
            view.flush()

    # --- replacing ---

    def _replace(self, name: str) -> None:
        image, config = self._roles[name].next()
        report = self.host.reload(name, image, config=config)
        for _ in report.set.members if report.set is not None else [name]:  # ground and roof need each other: one unit
            self.counts.count("replaced")

    def _cycle(self, name: str) -> None:
        try:
            self._replace(name)
            self.counts.count("cycles")
        except hotgraft.SwapTimeout:
            self.counts.count("called_off")
            self.counts.complain(traceback.format_exc())

    def _swap_ground_and_leaf(self) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            if number % HOLD_EVERY == 1:
                with self._alone:
                    self._cycle_with_held_gate()
            else:
                self._cycle("ground")
            self._cycle("leaf")

    def _swap_roof(self) -> None:
        while not self.stop.is_set():
            with self._alone:
                self._cycle("roof")

    def _cycle_with_held_gate(self) -> None:
        """Swap the ground, and open its gate only once a caller that keeps the interpreter lock has come to it.

        If that caller did not let go of the lock at the gate, this process would stand still from here on.
        """
        closed, called = threading.Event(), threading.Event()

        def hold(step: str) -> str:
            if step == "drain":
                closed.set()
                called.wait(SWAP_DEADLINE_S)
                closed.clear()
                threading.Event().wait(0.002)  # for it to come from Python to the gate
            return "run"

        def call() -> None:
            if closed.wait(SWAP_DEADLINE_S):
                view = View(self.counts, "caller at a held gate")
                called.set()
                view.call("ground", self.roof.below)
                view.flush()
                self.counts.count("held_gates")

        caller = self._thread("caller at a held gate", call)
        caller.start()
        _core._seams.set_step_hook(hold)
        try:
            self._cycle("ground")
        finally:
            _core._seams.set_step_hook(None)
            closed.set()
        caller.join()
