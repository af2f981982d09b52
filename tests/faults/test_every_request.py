"""Faults R03 and R04: every request for memory, for a mapping and for an fd that a reload makes is refused once, and
then that one and all after it. After each: what serves has the whole state, the next reload works, nothing is left.

The program (tests/native/fail_every.c) is a host in C, so that all that fails is the core's, the loader's or the
plugin's. It gives each N a process of its own; a signal or a call of std::terminate is a wrong answer.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import hotgraft
import pytest
from child_process import run_child
from hotgraft.engine.build import find_compiler
from pair_scene import codec, player
from sample_plugins import HANDS_OVER, PLAIN, SAVES, STATELESS, Sample, Workshop
from sides_scene import base, top

if TYPE_CHECKING:
    from conftest import Sized

PROGRAMS = Path(__file__).parents[1] / "native"
PACKAGE = Path(hotgraft.__path__[0])
SAMPLES = {"hand over": HANDS_OVER, "save and restore": SAVES, "no state": STATELESS}
IN_QUICK = (("hand over", "one"), ("hand over", "all"), ("save and restore", "one"), ("no state", "all"))
WAYS = [
    pytest.param(way, mode, id=f"{way}-{mode}", marks=() if (way, mode) in IN_QUICK else pytest.mark.full)
    for way in SAMPLES
    for mode in ("one", "all")
]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The host and the library that refuses, built against the installed package."""
    folder = tmp_path_factory.mktemp("fail_every")
    host, refuser = folder / "fail_every", folder / "inject.so"
    compiler = [find_compiler(), "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]
    library = PACKAGE / "lib"
    package = [f"-I{PACKAGE / 'include'}", str(library / "libhotgraft.so.1"), f"-Wl,-rpath,{library}:{folder}"]
    commands = (
        [*compiler, "-fPIC", "-shared", str(PROGRAMS / "inject.c"), "-o", str(refuser)],
        [*compiler, str(PROGRAMS / "fail_every.c"), "-o", str(host), str(refuser), *package],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return host, refuser


def fail_every(
    programs: tuple[Path, Path], build: Workshop, folder: Path, sample: Sample, kind: str, mode: str, stride: int
) -> dict[str, int]:
    """Return how many N ended how; fails with every N that ended wrong."""
    host, refuser = programs
    images = [str(build(replace(sample, build=number))) for number in (1, 2)]
    state = "stateless" if sample is STATELESS else "state"
    command = [str(host), kind, mode, str(folder / "staged"), *images, "1", str(stride), "0", state]
    environment = {**os.environ, "LD_PRELOAD": str(refuser)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)
    print(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        name: int(count) for name, count in re.findall(r"(refused|published|never reached|wrong) (\d+)", done.stdout)
    }


@pytest.mark.parametrize(("way", "mode"), WAYS)
def test_r04_no_memory_at_any_point_of_a_reload_is_refused_or_undone(
    programs: tuple[Path, Path], build: Workshop, tmp_path: Path, sized: Sized, way: str, mode: str
) -> None:
    """Fault R04: the N-th malloc fails, alone or with all after it: refused or back, never a crash."""
    counts = fail_every(programs, build, tmp_path, SAMPLES[way], "malloc", mode, sized(quick=9, full=1))

    assert counts["wrong"] == 0
    assert counts["refused"] > sized(quick=8, full=80)  # the failures really hit, or this shows nothing
    assert counts["never reached"] == 1  # and they were all tried


@pytest.mark.parametrize(("way", "mode"), WAYS)
def test_r04_no_mapping_at_any_point_of_a_reload_is_refused_or_undone(
    programs: tuple[Path, Path], build: Workshop, tmp_path: Path, way: str, mode: str
) -> None:
    """Fault R04: the N-th mmap fails, in a thread's stack, in the loader, in the proof."""
    counts = fail_every(programs, build, tmp_path, SAMPLES[way], "mmap", mode, 1)

    assert (counts["wrong"], counts["never reached"]) == (0, 1)
    assert counts["refused"] >= 3


@pytest.mark.parametrize(("way", "mode"), WAYS)
def test_r03_no_fd_at_any_point_of_a_reload_is_refused(
    programs: tuple[Path, Path], build: Workshop, tmp_path: Path, way: str, mode: str
) -> None:
    """Fault R03: each place that opens an fd finds none: source, folder, copy, loader, maps, threads.

    Fault K08: and each asks for close-on-exec, so that no program started meanwhile gets it.
    """
    counts = fail_every(programs, build, tmp_path, SAMPLES[way], "open", mode, 1)

    assert (counts["wrong"], counts["never reached"]) == (0, 1)
    assert counts["refused"] >= 5


def test_r04_an_object_in_its_holder_is_made_whole_or_not_at_all(programs: tuple[Path, Path], build: Workshop) -> None:
    """Fault R04: pybind11 deletes what a holder owns where it cannot register the object; then the holder does, too."""
    done = run_child("crash_held.py", build(HANDS_OVER), preload=programs[1])

    assert done.returncode == 0, done.stderr
    shared, unique = map(int, done.stdout.split())
    assert min(shared, unique) >= 2  # the object and its place in the register, or nothing failed


@pytest.mark.full
def test_r04_a_health_check_without_memory_says_nothing_about_the_plugin(
    programs: tuple[Path, Path], build: Workshop
) -> None:
    """Fault R04: for its thread, its lease, its sentence; nothing is left behind, and the next look finds it fit."""
    image = build(replace(PLAIN, source="unhealthy"))

    done = run_child("crash_health_memory.py", image, preload=programs[1])

    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) >= 5  # thread, lease, list, …: or nothing failed


ONE = [[replace(HANDS_OVER, build=number)] for number in (1, 2)]
TWO = [[codec(1), player(11)], [codec(2), player(12)]]


@pytest.mark.full
@pytest.mark.parametrize("sides", [ONE, TWO], ids=["one", "two"])
def test_r04_a_python_host_survives_a_failed_request_as_well(
    programs: tuple[Path, Path], build: Workshop, sized: Sized, sides: list[list[Sample]]
) -> None:
    """Fault R04: the bindings and the interpreter ask for memory too; nothing of theirs may end the process."""
    images = [":".join(str(build(one)) for one in side) for side in sides]
    became: Counter[str] = Counter()
    stride = sized(quick=120, full=5 if sides is ONE else 29, soak=5)
    for n in range(1, 10_000, stride):
        try:
            done = run_child("crash_no_memory.py", n, *images, preload=programs[1], deadline_s=20)
        except subprocess.TimeoutExpired as late:
            # CPython's Thread.start waits for ever for a thread whose _bootstrap found no memory: one N, and not ours.
            assert b"Thread._bootstrap" in (late.stderr or b""), f"N = {n}: {late.stdout!r}{late.stderr!r}"
            became["never started"] += 1
            continue
        assert done.returncode == 0, f"N = {n}: {done.returncode}: {done.stdout}{done.stderr}"
        became[done.stdout.strip()] += 1
        if became["never reached"]:
            break

    print(dict(became))
    assert set(became) <= {"refused", "published", "never reached", "never started"}
    assert became["never started"] <= 2
    assert became["refused"] >= sized(quick=2, full=20)


@pytest.mark.full
def test_r04_a_unit_that_finds_no_memory_on_its_way_back_is_back_or_stays_as_one(
    programs: tuple[Path, Path], build: Workshop, sized: Sized
) -> None:
    """Fault R04: whatever asks for memory in a rollback of two; no state is lost, and going back works afterwards."""
    images = [build(make(number)) for number in (1, 2) for make in (base, top)]
    became: Counter[str] = Counter()
    for n in range(1, 10_000, sized(quick=120, full=13, soak=1)):
        try:
            done = run_child("crash_no_memory_set.py", n, *images, preload=programs[1], deadline_s=20)
        except subprocess.TimeoutExpired as late:  # as above
            assert b"Thread._bootstrap" in (late.stderr or b""), f"N = {n}: {late.stdout!r}{late.stderr!r}"
            became["never started"] += 1
            continue
        assert done.returncode == 0, f"N = {n}: {done.returncode}: {done.stdout}{done.stderr}"
        became[done.stdout.strip()] += 1
        if became["never reached"]:
            break

    print(dict(became))
    assert set(became) <= {"blocked", "back", "never reached", "never started"}
    assert became["blocked"] >= sized(quick=1, full=5)
