"""Each error class, raised for real through the public way that leads to it, answers all that its reader needs."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import hotgraft
import pytest
from child_process import run_child
from hotgraft import Host, HotgraftError, _core
from hotgraft.core import errors
from hotgraft.core.probation import Criterion
from hotgraft.core.verdict import Breach, Verdict
from hotgraft.core.verdict import Outcome as VerdictOutcome
from hotgraft.engine.build import build_plugin
from hotgraft.engine.stage import StagingPlace, stage_candidate
from hotgraft.engine.timing import Stopwatch
from hotgraft.run.asking import the_host
from sample_plugins import CALLER_PLUGIN, COUNTER, HANDS_OVER, PLAIN, SAVES, STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANSWERS: Final = ("tried", "on", "found", "advice", "running")
# Named for what is to come: nothing raises them yet, and a test sees to it that this stays true of what is listed.
NOT_RAISED_YET: Final = {"StaleHandle": "opaque handles do not outlive a swap yet: it waits for them or moves them"}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a case may use."""

    host: Host
    build: Workshop
    folder: Path

    def fill(self, **files: str) -> Path:
        """Write files into the folder, `_` for `.` in their names, and return it."""
        for name, text in files.items():
            (self.folder / name.replace("_", ".")).write_text(text)
        return self.folder


Case = tuple[str, "Callable[[Scene], object]", str]  # class, how, the culprit's path or symbol in its text

MANIFEST: Final = """
[plugin]
name = "gain"
version = "1.0.0"

[provides.gain]
version = "1.0"
header = "gain.h"
struct = "gain_v1"
"""
HEADER: Final = """
#include <hotgraft/hotgraft.h>
typedef struct gain_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t a, int64_t b);
} gain_v1;
"""


def old_and(scene: Scene, candidate: Any, *, old: Any = STATELESS, **options: Any) -> object:
    """Reload what serves with something that is refused."""
    scene.host.load(scene.build(old))
    return scene.host.reload(old.name, scene.build(candidate), **options)


def drain_timeout(scene: Scene) -> object:
    """A pin stands in the way of a swap that has state."""
    counter = scene.host.load(scene.build(HANDS_OVER))
    with counter.pin(who="session 7"):
        return scene.host.reload("counter", scene.build(replace(HANDS_OVER, build=2)), deadline_s=0.05)


def pin_expired(scene: Scene) -> object:
    """A session that was forgotten."""
    pin = scene.host.load(scene.build(STATELESS)).pin(deadline_s=0.01)
    until = time.monotonic() + 60
    while pin.is_open:
        assert time.monotonic() < until
        threading.Event().wait(0.002)
    return pin.plugin.build()


def closed(scene: Scene) -> object:
    """A host that is closed."""
    scene.host.load(scene.build(STATELESS))
    scene.host.close()
    return scene.host.reload("counter")


def call_closed(scene: Scene) -> object:
    """A handle outlives its host."""
    counter = scene.host.load(scene.build(STATELESS))
    scene.host.close()
    return counter.build()


@contextmanager
def fds_left(count: int) -> Iterator[None]:
    """Let this process open only so many more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(fd.name) for fd in Path("/proc/self/fd").iterdir()) + 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (used - 1 + count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def no_fds(scene: Scene) -> object:
    """The process has no fds left."""
    scene.host.load(scene.build(STATELESS))
    image = scene.build(replace(STATELESS, build=2))
    highest = max(int(fd.name) for fd in Path("/proc/self/fd").iterdir())
    holes = [os.open("/dev/null", os.O_RDONLY)]
    while holes[-1] < highest:  # the free numbers below it, however many this process was started with
        holes.append(os.open("/dev/null", os.O_RDONLY))
    try:
        with fds_left(0):
            return scene.host.reload("counter", image)
    finally:
        for fd in holes:
            os.close(fd)


def snapshot_unfit(scene: Scene) -> object:
    """The only snapshot is of a layout that the next image has no way from."""
    with Host(probe="off", snapshots=scene.folder / "kept") as host:
        host.load(scene.build(HANDS_OVER)).add(5)
    with Host(probe="off", snapshots=scene.folder / "kept") as host:
        return host.load(scene.build(replace(HANDS_OVER, layout=8)))


def snapshot_damaged(scene: Scene) -> object:
    """The only snapshot lost its last byte."""
    with Host(probe="off", snapshots=scene.folder / "kept") as host:
        host.load(scene.build(HANDS_OVER)).add(5)
    for path in (scene.folder / "kept").glob("*.snapshot"):
        path.write_bytes(path.read_bytes()[:-1])
    with Host(probe="off", snapshots=scene.folder / "kept") as host:
        return host.load(scene.build(HANDS_OVER))


def wrong_stage(scene: Scene) -> None:
    """The one way is inside: a host asks only for steps that the table of stages has."""
    place = StagingPlace(folder=str(scene.folder / "staged"), settle_deadline_s=1.0)
    watch = Stopwatch(time.monotonic_ns)
    candidate = stage_candidate(str(scene.build(PLAIN)), "plain", 1, place=place, watch=watch)
    try:
        candidate.generation.advance("publish")
    finally:
        candidate.generation.reject()


def swap_timeout(scene: Scene) -> object:
    """The plugin answers that it is busy until the deadline."""
    counter = scene.host.load(scene.build(HANDS_OVER), config={"again": "quiesce"})
    try:
        return scene.host.reload("counter", deadline_s=0.4)
    finally:
        counter.add(100)  # at a hundred it comes to rest


def broken_recording(scene: Scene) -> object:
    """The demo is given something that is no sound."""
    from hotgraft.demo.recording import read_recording

    return read_recording(scene.fill(song_wav="no sound") / "song.wav")


def backpressure(scene: Scene) -> None:
    """A call during a swap, of a plugin at whose gate nobody may wait."""
    counter = scene.host.load(scene.build(HANDS_OVER))
    counter._owner.instance.slots["counter/1"].queue_limit = 0
    raised: list[BaseException | None] = []

    def hook(step: str) -> str:
        if step == "quiesce":
            with ThreadPoolExecutor(1) as pool:
                raised.append(pool.submit(counter.add, 1).exception())
        return "run"

    _core._seams.set_step_hook(hook)
    try:
        scene.host.reload("counter", scene.build(replace(HANDS_OVER, build=2)))
    finally:
        _core._seams.set_step_hook(None)
    assert raised[0] is not None
    raise raised[0]


def unavailable(scene: Scene) -> object:
    """A plugin whose breaker was opened, and that declares no fallback."""
    counter = scene.host.load(scene.build(STATELESS))
    scene.host.breaker.open(scene.host._loaded("counter"), "it crashed twice")
    return counter.add(1)


def busy(scene: Scene) -> object:
    """What would be saved cannot be read while a pin may change it."""
    counter = scene.host.load(scene.build(SAVES))
    with counter.pin(who="session 7"):
        return scene.host.saved_state("counter")


def journal_taken(scene: Scene) -> None:
    """Two hosts on one journal."""
    with Host(journal=scene.folder / "journal"):
        Host(journal=scene.folder / "journal")


def journal_cut(scene: Scene) -> None:
    """Somebody took the newest records out of the database."""
    with Host(journal=scene.folder / "journal"):
        pass
    with sqlite3.connect(scene.folder / "journal" / "journal.db") as database:
        database.execute("DELETE FROM audit WHERE number = 2")
    database.close()
    Host(journal=scene.folder / "journal")


def on_probation(scene: Scene, **options: Any) -> Host:
    """Return a host of which generation 2 is on probation."""
    host = Host(probe="off", probation="on", probation_s=3600, probation_max_s=3600, **options)
    host.load(scene.build(HANDS_OVER))
    host.reload("counter", scene.build(replace(HANDS_OVER, build=2)))
    return host


def unhealthy(scene: Scene) -> object:
    """What was published says at once that it is not fit."""
    with on_probation(scene) as host:
        host._around = replace(host._around, check_health=lambda _: ("main: told to be ill",))
        host._changes = replace(host._changes, around=host._around)
        return host.reload("counter", scene.build(replace(HANDS_OVER, build=3)))


def quarantined(scene: Scene) -> object:
    """The same image comes again after it was rolled back for what probation found."""
    with on_probation(scene) as host:
        breach = Breach(Criterion.ERRORS, "errors 0 of 900 → 90 of 900", 0.0, 0.1)
        loaded = host._loaded("counter")
        host._changes.take_back(loaded, 2, Verdict(VerdictOutcome.BREACH, (breach,)))
        return host.reload("counter", scene.build(replace(HANDS_OVER, build=2)))


def blocked(scene: Scene) -> object:
    """A session has pinned what is to be rolled back."""
    with on_probation(scene, swap_deadline_s=0.05) as host, host["counter"].pin(who="session 7"):
        return host.rollback("counter")


CASES: Final[tuple[Case, ...]] = (
    ("ManifestError", lambda it: it.host.load(it.fill(plugin_toml="[plugin]\nnam = 1\n") / "plugin.toml"), "nam"),
    (
        "BindError",
        lambda it: build_plugin(it.fill(plugin_toml=MANIFEST, gain_h=HEADER.replace("int64_t a", "long a"))),
        "gain.h:5",
    ),
    (
        "BuildError",
        lambda it: build_plugin(it.fill(plugin_toml=MANIFEST, gain_h=HEADER, gain_c="int f(void) { return 1 }\n")),
        "gain.c:1:",
    ),
    ("BuildError", lambda it: build_plugin(it.fill(plugin_toml=MANIFEST, gain_h=HEADER)), "no .c"),
    ("ConfigError", lambda _: Host(swap_deadline=1), "swap_deadline_s"),
    ("DependencyError", lambda it: it.host.load_all(it.build(CALLER_PLUGIN)), "interface counter"),
    ("DependencyError", lambda it: it.host.load_all(it.fill(notes_txt="none yet")), "no plugin is in it"),
    ("ConfigError", lambda it: it.host.load(it.build(PLAIN), config={"f": float("nan")}), "config"),
    ("ImageError", lambda it: it.host.load(it.fill(text_so="no image") / "text.so"), "text.so"),
    ("ImageError", lambda it: old_and(it, replace(PLAIN, source="symbol_missing"), old=PLAIN), "nobody_defines_this"),
    ("ContractError", lambda it: old_and(it, replace(STATELESS, functions=COUNTER[:-1])), "fail"),
    ("ContractError", lambda it: old_and(it, replace(STATELESS, version="0.9.0")), "version 0.9.0"),
    ("LoadError", lambda it: old_and(it, replace(PLAIN, source="abi_minor_newer"), old=PLAIN), "ABI 1.2"),
    ("LoadError", lambda it: it.host.load(it.build(CALLER_PLUGIN)), "interface counter"),
    ("StateError", lambda it: old_and(it, replace(STATELESS, build=2), old=SAVES), "counter"),
    ("StateError", lambda it: (it.host.load(it.build(STATELESS)), it.host.saved_state("counter")), "counter"),
    ("ProbeError", lambda it: old_and(it, replace(PLAIN, source="constructor_crashes"), old=PLAIN), "write_to_null"),
    ("HealthError", unhealthy, "told to be ill"),
    ("Quarantined", quarantined, "errors 0 of 900"),
    ("PermissionRequired", lambda it: it.host.load(it.build(replace(STATELESS, permissions=("network",)))), "network"),
    ("RollbackBlocked", blocked, "session 7"),
    ("RollbackBlocked", lambda it: (it.host.load(it.build(STATELESS)), it.host.rollback("counter")), "counter"),
    ("PluginError", lambda it: old_and(it, replace(PLAIN, source="create_fails"), old=PLAIN), "create"),
    ("PluginError", lambda it: it.host.load(it.build(STATELESS)).fail(-1), "fail"),
    ("PluginAbandoned", lambda _: in_child("abandoned"), "create"),
    ("PluginCrashed", lambda _: in_child("crashed"), "write_to_null"),
    ("SwapTimeout", swap_timeout, "counter"),
    ("DrainTimeout", drain_timeout, "session 7"),
    ("Busy", busy, "session 7"),
    ("PluginUnavailable", unavailable, "it crashed twice"),
    ("Backpressure", backpressure, "its queue limit is 0"),
    ("ResourceError", no_fds, "counter"),
    ("JournalError", journal_taken, "another host"),
    ("JournalError", journal_cut, "record 2 was cut off"),
    ("JournalError", lambda it: it.host.restore_last_good(), "the host"),
    ("SnapshotError", lambda it: it.host.snapshot(), "the host"),
    ("SnapshotError", snapshot_unfit, "counter.000000000001."),
    ("SnapshotError", snapshot_damaged, "its checksum does not fit"),
    ("PinExpired", pin_expired, "build"),
    ("HostClosed", closed, "the host"),
    ("HostClosed", call_closed, "build"),
    ("ForkedHostError", lambda _: in_child("forked"), "process"),
    ("ForkedHostError", lambda _: in_child("forked_early"), "made by process"),
    ("UnknownPlugin", lambda it: it.host["gian"], "gian"),
    ("UnknownPlugin", lambda it: (it.host.load(it.build(STATELESS)), it.host["counter", "left"]), "counter:left"),
    (
        "UnknownPlugin",
        lambda it: (it.host.load(it.build(PLAIN)), it.host.reload_set({"palin": it.build(PLAIN)})),
        "palin",
    ),
    ("LifecycleError", wrong_stage, "publish"),
    ("UnsupportedPlatform", lambda _: in_child("platform"), "riscv64"),
    ("RecordingError", broken_recording, "song.wav"),
    ("NoHost", lambda it: the_host(str(it.folder / "host.sock")), "host.sock"),
)


class InChildError(Exception):
    """What a child raised, by its answers."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(answers["text"])
        self.answers = answers


def in_child(what: str) -> None:
    """Raise what a process of its own met."""
    done = run_child("crash_errors.py", what)
    assert done.returncode == 0, done.stderr
    raise InChildError(json.loads(done.stdout))


def all_classes() -> set[str]:
    """Every error class of the package, wherever it is defined."""
    for module in pkgutil.walk_packages(hotgraft.__path__, "hotgraft."):
        if not module.name.startswith("hotgraft._") and ".__main__" not in module.name:
            importlib.import_module(module.name)
    found, todo = set[str](), [HotgraftError]
    while todo:
        for kind in todo.pop().__subclasses__():
            if kind.__module__.startswith("hotgraft."):
                found.add(kind.__name__)
                todo.append(kind)
    return found


def test_every_error_class_has_a_case() -> None:
    """A new class without a way that leads to it is dead, or its words were never seen."""
    assert {name for name, _, _ in CASES} | set(NOT_RAISED_YET) == all_classes()


@pytest.mark.parametrize("name", NOT_RAISED_YET)
def test_what_has_no_case_is_raised_nowhere(name: str) -> None:
    """The day it is raised, it needs its case."""
    assert hasattr(errors, name)
    root = Path(hotgraft.__path__[0])
    native = Path(__file__).parents[2] / "native"
    for path in [*root.rglob("*.py"), *native.rglob("*.cpp"), *native.rglob("*.hpp")]:
        assert f"{name}(" not in path.read_text().replace(f"class {name}(", ""), path
        assert path.suffix == ".py" or name not in path.read_text(), path


@pytest.mark.parametrize(("name", "how", "culprit"), CASES, ids=[f"{name} {text}" for name, _, text in CASES])
def test_an_error_says_what_was_tried_on_what_what_was_found_what_to_do_and_what_runs(
    build: Workshop, tmp_path: Path, name: str, how: Callable[[Scene], object], culprit: str
) -> None:
    """Who reads only the text must know the next step, and whether anything stopped."""
    with Host(settle_deadline_s=0.1) as host, pytest.raises((HotgraftError, InChildError)) as caught:
        how(Scene(host, build, tmp_path))

    error = caught.value
    answers = error.answers if isinstance(error, InChildError) else {one: getattr(error, one) for one in ANSWERS}
    kind = answers["kind"] if isinstance(error, InChildError) else type(error).__name__
    text = str(error)
    assert kind == name, text
    for one in ANSWERS:
        assert answers[one], f"{one} is empty: {text}"
    for part in (answers["tried"], answers["on"], *answers["found"], answers["advice"], answers["running"]):
        assert part in text
    assert culprit in text, text
