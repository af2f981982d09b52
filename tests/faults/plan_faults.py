"""How each way to fail is brought about at a step: for real, and only while that step goes on."""

from __future__ import annotations

import ctypes
import hashlib
import os
import resource
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from hotgraft import Outcome, _core
from hotgraft.core.plan import Action
from plan_cells import IN_PROBE, STAGE
from plan_scene import DEADLINE_S, SHORT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from plan_cells import Cell
    from plan_scene import Scene

YEAR_S: Final = 365 * 86_400
INJECT_MALLOC: Final = 1
# Steps of the plugin's own functions: whose build runs them.
OLD: Final = frozenset({Action.QUIESCE, Action.SURRENDER, Action.SAVE})
NEW: Final = frozenset({
    Action.CREATE, Action.RUN_CONVERTERS, Action.TAKE, Action.ATTACH, Action.RESTORE, Action.START, Action.HEALTH,
})  # fmt: skip
# Where they are not named as their step.
FUNCTIONS: Final[dict[str, str]] = {Action.HEALTH: "health", Action.RUN_CONVERTERS: "convert"}
CORE: Final = frozenset({
    Action.WAIT_PINS, Action.MOVE_PINS, Action.LEAVE_PINS, Action.CLOSE_GATES, Action.DRAIN, Action.CONVERT,
    Action.PUBLISH,
})  # fmt: skip
CALL_BACK: Final = ctypes.CFUNCTYPE(ctypes.c_int64)


def carry_out(scene: Scene, cell: Cell, nth: int = 1) -> None:
    """Reload with the cell's fault; what it needs to be brought about is taken back when this returns."""
    if cell.step.startswith(STAGE):
        scene.tell(-os.getpid(), 2, cell.step.removeprefix(STAGE), cell.way)
        if cell.way == "hang":
            scene.control_within(SHORT_S)
        scene.reload()
    elif cell.way == "memory":
        memory(scene, cell.step, nth)
    else:
        WAYS[cell.way](scene, cell.step)


def at(scene: Scene, step: str, enter: Callable[[], object], leave: Callable[[], object] = bool) -> None:
    """Reload, with `enter` and `leave` called around the last time of the step."""
    if step != Action.RECLAIM:
        scene.steps.ask(step, scene.scenery.times(step), enter, leave)
        scene.reload()
        return
    scene.hold.touch()
    scene.steps.ask(Action.COMMIT, 1, lambda: scene.tell(os.getpid(), 1, "destroy", "hold"), bool)
    scene.reload()
    enter()
    scene.hold.unlink()
    _core.wait_idle(SHORT_S)
    leave()


# --- the step fails ---


def error(scene: Scene, step: str) -> None:
    """The step fails."""
    own = os.getpid()
    if step in NEW:
        at(scene, step, lambda: scene.tell(own, 2, FUNCTIONS.get(step, step), "fail"))
    elif step in OLD:
        at(scene, step, lambda: scene.tell(own, 1, step, "fail"))
    elif step in CORE:
        at(scene, step, lambda: "fail")
    elif step in UNFIT:
        scene.source.write_bytes(UNFIT[step](scene))
        scene.reload()
    else:
        ERRORS[step](scene)


UNFIT: Final[dict[str, Callable[[Scene], bytes]]] = {
    Action.SETTLE: lambda _: b"#!/bin/sh\n" * 1000,  # no wait makes it an image
    Action.INSPECT: lambda scene: scene.image(2, version="not a version").read_bytes(),
    Action.CHECK_NEEDS: lambda scene: scene.image(2, flags=("-Wl,-z,execstack",)).read_bytes(),
    Action.COMPARE: lambda scene: scene.image(2, interface_version=(2, 0)).read_bytes(),
}


def _open_folder(scene: Scene) -> None:
    at(scene, Action.STAGE, lambda: scene.staged.chmod(0o777), lambda: scene.staged.chmod(0o700))


def _probe_fails(scene: Scene) -> None:
    at(scene, Action.PROBE, lambda: scene.tell(-os.getpid(), 2, "create", "fail"))


def _map_fails(scene: Scene) -> None:
    at(scene, Action.MAP, lambda: scene.tell(os.getpid(), 2, "entry", "fail"))


def _unload_fails(scene: Scene) -> None:
    """A plugin that was not asked to quiesce in the window is asked now; destroy itself has no way to fail."""
    scene.steps.ask(Action.COMMIT, 1, lambda: scene.tell(os.getpid(), 1, "quiesce", "fail"), bool)
    scene.stuck = 0 if scene.scenery.plan().is_gated else 1
    scene.reload(and_unload=True)


def _in_the_way(scene: Scene, step: str, path: Callable[[], Path]) -> None:
    """A folder stands where the journal wants to have a file."""
    aside = scene.folder / "aside"

    def put() -> None:
        if path().exists():
            path().rename(aside)
        path().mkdir()

    def take() -> None:
        path().rmdir()
        if aside.exists():
            aside.rename(path())

    at(scene, step, put, take)


def _intent_fails(scene: Scene) -> None:
    sha256 = hashlib.sha256(scene.source.read_bytes()).hexdigest()
    _in_the_way(scene, "intent", lambda: scene.journal / "images" / f"{sha256}.so")


def _outcome_fails(scene: Scene) -> None:
    _in_the_way(scene, "outcome", lambda: scene.journal / "anchor")
    assert scene.report is not None
    assert "its anchor: " in scene.report.journal


ERRORS: Final[dict[str, Callable[[Scene], None]]] = {
    Action.STAGE: _open_folder,
    Action.PROBE: _probe_fails,
    Action.MAP: _map_fails,
    Action.RECLAIM: _unload_fails,
    "intent": _intent_fails,
    "outcome": _outcome_fails,
}


# --- the candidate dies in the probe ---


def crash(scene: Scene, step: str) -> None:
    """The candidate's own function of that step crashes where it is tried first."""
    scene.tell(-os.getpid(), 2, IN_PROBE[step], "crash")
    scene.reload()


# --- it does not come back ---


def hang(scene: Scene, step: str) -> None:
    """The step waits for something that does not come."""
    own = os.getpid()
    scene.deadline_s = SHORT_S
    if step in NEW:
        scene.is_abandoned = True
        scene.control_within(SHORT_S)
        at(scene, step, lambda: scene.tell(own, 2, FUNCTIONS.get(step, step), "hang"))
    elif step in OLD:
        scene.is_abandoned = scene.is_old_abandoned = True
        scene.is_old_held = step in ("quiesce", "save")
        at(scene, step, lambda: scene.tell(own, 1, step, "hang"))
    else:
        HANGS[step](scene)


def _half_written(scene: Scene) -> None:
    data = scene.source.read_bytes()
    scene.source.write_bytes(data[: len(data) * 2 // 3])
    scene.reload()


def _probe_hangs(scene: Scene) -> None:
    scene.control_within(SHORT_S)
    at(scene, Action.PROBE, lambda: scene.tell(-os.getpid(), 2, "create", "hang"))


def _pinned(scene: Scene) -> None:
    with scene.host["counter"].pin(who="a session"):
        scene.reload()


def _called(scene: Scene) -> None:
    """A call is inside and does not come back."""
    entered, let_go = threading.Event(), threading.Event()

    def stay() -> int:
        entered.set()
        let_go.wait(DEADLINE_S)
        return 7

    call_back = CALL_BACK(stay)
    address = ctypes.cast(call_back, ctypes.c_void_p).value
    counter: Any = scene.host["counter"]
    caller = threading.Thread(target=lambda: counter.run(address))
    caller.start()
    assert entered.wait(DEADLINE_S)
    scene.reload()
    let_go.set()
    caller.join()


HOLDER: Final = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


def _locked(scene: Scene, step: str) -> None:
    """Another process holds the database, and the journal's patience with it has an end."""
    holders: list[subprocess.Popen[str]] = []

    def hold() -> None:
        command = [sys.executable, "-c", HOLDER, str(scene.journal / "journal.db")]
        holders.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert holders[0].stdout is not None
        assert holders[0].stdout.readline() == "held\n"

    at(scene, step, hold, lambda: holders[0].communicate(""))


def _destroy_hangs(scene: Scene) -> None:
    scene.is_abandoned, scene.stuck = True, 1
    scene.steps.ask(Action.COMMIT, 1, lambda: scene.tell(os.getpid(), 1, "destroy", "hang"), bool)
    scene.reload(and_unload=True)


HANGS: Final[dict[str, Callable[[Scene], None]]] = {
    Action.SETTLE: _half_written,
    Action.PROBE: _probe_hangs,
    Action.WAIT_PINS: _pinned,
    Action.DRAIN: _called,
    Action.RECLAIM: _destroy_hangs,
    "intent": lambda scene: _locked(scene, "intent"),
    "outcome": lambda scene: _locked(scene, "outcome"),
}


# --- there is none left ---


def memory(scene: Scene, step: str, nth: int) -> None:
    """The n-th request for memory within the step is refused. Run with LD_PRELOAD of tests/native/inject.c."""
    inject = ctypes.CDLL(None)

    def refuse() -> None:
        _core._seams.set_step_hook(None)  # a further look at the core's steps would need memory itself
        inject.inject_arm(INJECT_MALLOC, ctypes.c_long(nth), 0)

    def allow() -> None:
        scene.reached = inject.inject_disarm() >= nth

    scene.reached, scene.is_refusing_memory = False, True
    scene.may_be_held = step in (Action.HEALTH, Action.COMMIT)
    at(scene, step, refuse, allow)


def disk(scene: Scene, step: str) -> None:
    """The file system of staging and journal is full. Run where that is a small one."""
    filler = scene.folder / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    at(scene, step, fill, filler.unlink)


def fds(scene: Scene, step: str) -> None:
    """No fd can be had."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def take() -> None:
        free = os.open("/dev/null", os.O_RDONLY)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))

    at(scene, step, take, lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)))


# --- what is around it changes ---


def changed(scene: Scene, step: str) -> None:
    """The source is written over in place."""
    at(scene, step, lambda: scene.source.write_bytes(b"no image any more\n" * 1000) and None)


def clock(scene: Scene, step: str) -> None:
    """The wall clock jumps. Run with LD_PRELOAD of tests/native/jump_clock.c."""
    jump = ctypes.CDLL(None).jump_clock
    before = time.time()

    def forward() -> None:
        jump(ctypes.c_longlong(YEAR_S))
        assert time.time() > before + YEAR_S / 2  # it did jump

    at(scene, step, forward, lambda: jump(ctypes.c_longlong(-YEAR_S)))
    jump(ctypes.c_longlong(0))


@contextmanager
def meanwhile(scene: Scene, work: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Give a function that has `work` asked for on another thread and returns when that waits for its turn."""
    failed: list[BaseException] = []
    turns = scene.host._plugins["counter"].turns

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    asker = threading.Thread(target=run)

    def ask() -> None:
        is_alone = not turns._queue
        asker.start()
        until = time.monotonic() + DEADLINE_S
        while (
            not failed and len(turns._queue) < (1 if is_alone else 2) and asker.is_alive() and "counter" in scene.host
        ):
            assert time.monotonic() < until
            threading.Event().wait(0.001)

    yield ask
    asker.join(DEADLINE_S)
    assert not asker.is_alive()
    if failed:
        raise failed[0]


def reload(scene: Scene, step: str) -> None:
    """Another reload is asked for: it takes its turn, and is carried out after this one."""
    other = scene.image(3)
    scene.asked_meanwhile = "reload"
    with meanwhile(scene, lambda: scene.host.reload("counter", other, is_settled=True, deadline_s=DEADLINE_S)) as ask:
        at(scene, step, ask)
    scene.further.append(Outcome.PUBLISHED)


def instance(scene: Scene, step: str) -> None:
    """Another instance is asked for."""
    scene.asked_meanwhile = "instance"
    with meanwhile(scene, lambda: scene.host.load("counter", instance="another")) as ask:
        at(scene, step, ask)
    scene.further.append(Outcome.PUBLISHED)
    assert scene.host["counter", "another"].add(1) == 1


def close(scene: Scene, step: str) -> None:
    """The host is closed: what goes on is carried to its end first."""
    scene.asked_meanwhile = "close"
    with meanwhile(scene, lambda: scene.host.close(DEADLINE_S)) as ask:
        at(scene, step, ask)


WAYS: Final[dict[str, Callable[[Scene, str], None]]] = {
    one.__name__: one for one in (error, crash, hang, disk, fds, changed, clock, reload, instance, close)
}
