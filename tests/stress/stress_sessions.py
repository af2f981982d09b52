"""Sessions that pin: two tasks of one event loop and two greenlets of one thread, while everything is replaced."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import greenlet
from hotgraft import Busy
from stress_counts import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft import Pin
    from stress_scene import Scene


class Session:
    """One pin and what is asked through it: always the same generation."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._first = 0

    def judge(self, answer: int) -> None:
        """A pinned plugin never changes."""
        self._first = self._first or answer
        self._view.judge_pinned(answer, self._first)


def _pin(view: View, plugin: Any) -> Pin | None:
    """Pin what runs; None: a swap waits for pins and lets no new one in."""
    try:
        pin: Pin = plugin.pin(deadline_s=30)
    except Busy:
        view.own["pins_turned_away"] += 1
        return None
    view.own["pins"] += 1
    return pin


def run_tasks(scene: Scene, view: View) -> None:
    """Two tasks: one pins the leaf, which is swapped meanwhile; one the ground, whose swap waits for the session."""

    async def session(plugin: Any, about: str) -> None:
        own = View(scene.counts, f"task with a pin on {about}")
        while not scene.over.is_set():
            pin = _pin(own, plugin)
            if pin is not None:
                with pin as pinned:
                    held = Session(own)
                    for _ in range(5):
                        held.judge(await pinned.aio.stamp())
                        await asyncio.sleep(0.001)
            own.judge(about, await plugin.aio.stamp())
            own.flush()
            await asyncio.sleep(0.03)

    async def both() -> None:
        await asyncio.gather(session(scene.leaf, "leaf"), session(scene.ground, "ground"))

    asyncio.run(both())
    view.flush()


def switch_greenlets(scene: Scene, view: View) -> None:
    """Two greenlets of one thread: their pins interleave, begun and ended in any order."""

    def session(plugin: Any) -> None:
        while not scene.over.is_set():
            pin = _pin(view, plugin)
            if pin is not None:
                with pin as pinned:
                    held = Session(view)
                    for _ in range(3):
                        held.judge(pinned.stamp())
                        home.switch()
            for _ in range(20):  # a swap of the roof waits for this pin: let most of them meet none
                home.switch()

    home = greenlet.getcurrent()
    sessions = [greenlet.greenlet(session), greenlet.greenlet(session)]
    while not scene.over.wait(0.01) or not all(one.dead for one in sessions):
        for one, plugin in zip(sessions, (scene.leaf, scene.roof), strict=True):
            if not one.dead:
                one.switch(*(() if one else (plugin,)))
        view.flush()


SESSIONS: tuple[Callable[[Scene, View], None], ...] = (run_tasks, switch_greenlets)
