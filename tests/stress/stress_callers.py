"""Python threads that call while everything is replaced: each function is one caller's whole life.

A caller ends when `over` is set. Whatever it raises is a failed call.
"""

from __future__ import annotations

import os
import signal
import threading
import warnings
from typing import TYPE_CHECKING

from stress_counts import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from stress_scene import Scene

NAP_MS = 20
# A caller of the second rank lets the others run this long between two bursts: there is one interpreter lock for all.
REST_S = 0.004


def call_hot(scene: Scene, view: View) -> None:
    """Call all three without a pause, keeping the interpreter lock."""
    while not scene.over.is_set():
        for _ in range(50):
            view.call("ground", scene.ground.add, 1)
            view.own["added"] += 1
            view.call("roof", scene.roof.stamp)
            view.call("leaf", scene.leaf.stamp)
        view.flush()
        scene.over.wait(0.0005)


def call_nested(scene: Scene, view: View) -> None:
    """Python → roof (keeps the interpreter lock) → ground, whose gate may be closed; and roof → ground → roof."""
    while not scene.over.wait(REST_S):
        for _ in range(20):
            view.call("ground", scene.roof.below)
            view.call("roof", scene.roof.around)
        view.own["nested"] += 20
        view.own["back"] += 20
        view.flush()


def nap(scene: Scene, view: View) -> None:
    """Stay inside the ground for 20 ms, so that swaps of it have somebody to wait for."""
    while not scene.over.wait(0.08):
        view.call("ground", scene.ground.nap, NAP_MS)
        view.own["naps"] += 1
        view.flush()


def let_threads_come_and_go(scene: Scene, view: View) -> None:
    """Threads that make a few calls and end: records are handed on from thread to thread."""

    def briefly() -> None:
        own = View(scene.counts, "brief thread")
        for _ in range(3):
            own.call("ground", scene.ground.stamp)
            own.call("ground", scene.roof.below)
        own.flush()

    while not scene.over.wait(REST_S):
        threads = [threading.Thread(target=scene.guarded, args=(briefly,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        view.own["threads"] += len(threads)
        view.flush()


def fork(scene: Scene, view: View) -> None:
    """Make children in the middle of it all: each calls, through every plugin, and ends."""
    while not scene.over.wait(0.05):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # this process does have many threads
            child = os.fork()
        if child == 0:
            _live_as_child(scene)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        view.own["forks"] += 1
        view.own["calls"] += 6
        if code != 0:
            view.own["wrong" if code == 1 else "failed"] += 1
            scene.counts.complain(f"a forked child ended with {code}")
        view.flush()


def _live_as_child(scene: Scene) -> None:
    """Exit 0: all answers of one piece; 1: not; 2: a call raised. A hang ends by the alarm."""
    code = 2
    signal.alarm(20)
    try:
        own = View(scene.counts, "child")
        for _ in range(2):
            own.call("ground", scene.ground.stamp)
            own.call("roof", scene.roof.around)
            own.call("leaf", scene.leaf.stamp)
        code = 1 if own.own["wrong"] else 0
    finally:
        os._exit(code)


CALLERS: tuple[Callable[[Scene, View], None], ...] = (call_hot, call_nested, nap, let_threads_come_and_go, fork)
