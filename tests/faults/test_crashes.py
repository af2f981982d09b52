"""A process that dies in a plugin's code says in which plugin, generation, image and function; no other one does."""

from __future__ import annotations

import re
import signal
import subprocess
from dataclasses import dataclass, replace
from signal import SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV
from typing import TYPE_CHECKING, Protocol

import pytest
from child_process import run_child
from prepared_child import PreparedChild
from sample_plugins import CRASHES, SOURCES, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from signal import Signals

    from _pytest.mark import ParameterSet

FORKS_WITH_THREADS = "ignore::DeprecationWarning"  # CPython 3.12 and later warn of it
PYTHON_FRAMES = "Fatal Python error"


@dataclass(frozen=True)
class Way:
    """One way to crash: its number in crashes.c, the signal, and what the report says."""

    how: int
    signal: Signals
    function: str
    found: str
    is_at_pc: bool = True


WAYS = {
    "write to null": Way(1, SIGSEGV, "write_to_null", "nothing is mapped at 0x0"),
    "divide by zero": Way(2, SIGFPE, "divide_by_zero", "an integer was divided by zero"),
    "overflow": Way(3, SIGSEGV, "overflow_stack", "the stack is used up"),
    "jump to null": Way(4, SIGSEGV, "jump_to_null", "nothing is mapped at 0x0", is_at_pc=False),
    "abort": Way(5, SIGABRT, "give_up", "the process raised it itself", is_at_pc=False),
    "no instruction": Way(6, SIGILL, "run_no_instruction", "the processor knows no such instruction"),
    "cut file": Way(7, SIGBUS, "touch_cut_file", "no memory stands behind the mapping"),
    "free twice": Way(8, SIGABRT, "free_twice", "the process raised it itself", is_at_pc=False),
    "copy from null": Way(9, SIGSEGV, "copy_from_null", "nothing is mapped at 0x0", is_at_pc=False),
    "own thread": Way(10, SIGSEGV, "write_to_null", "nothing is mapped at 0x0"),
    "own thread aborts": Way(11, SIGABRT, "give_up", "the process raised it itself", is_at_pc=False),
    "raise": Way(13, SIGSEGV, "crash", "the process raised it itself", is_at_pc=False),
}
NULL, OVERFLOW = WAYS["write to null"], WAYS["overflow"]


def in_full(value: object) -> ParameterSet:
    """A way that takes the path of one beside it, and is in the quick tests elsewhere."""
    return pytest.param(value, marks=pytest.mark.full)


class Run(Protocol):
    """Run one scene of crash_in_plugin.py."""

    def __call__(self, name: str, way: Way, *, preload: Path | None = None) -> subprocess.CompletedProcess[str]: ...


def build_library(name: str, folder: Path) -> Path:
    """Compile a library of tests/plugins that is no plugin."""
    library = folder / f"{name}.so"
    command = ["cc", "-std=gnu11", "-O1", "-fno-builtin", "-fPIC", "-shared", str(SOURCES / f"{name}.c"), "-o"]
    subprocess.run([*command, str(library)], check=True)
    return library


@pytest.fixture(scope="session")
def other_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with a handler of its own."""
    return build_library("chains_handler", tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def prepared() -> Iterator[PreparedChild]:
    """What forks for each scene."""
    child = PreparedChild("crash_in_plugin.py", warnings=FORKS_WITH_THREADS)
    yield child
    child.close()


@pytest.fixture
def run(build: Workshop, other_library: Path, prepared: PreparedChild) -> Run:
    """A function that runs one scene and returns how it ended."""

    def scene(name: str, way: Way, *, preload: Path | None = None) -> subprocess.CompletedProcess[str]:
        images = build(CRASHES), build(replace(CRASHES, version="1.1.0", build=2))
        words = (name, *images, way.how, other_library)
        if preload is None:
            return prepared.run(*words, deadline_s=60)
        return run_child("crash_in_plugin.py", *words, preload=preload, warnings=FORKS_WITH_THREADS)

    return scene


def check_report(text: str, way: Way, *, generation: str = r"1 \(version 1.0.0, active\)") -> None:
    """Check what every report of a crash in this way must say."""
    place = rf"{way.function}\+0x[0-9a-f]+ \(crashes.so\+0x[0-9a-f]+\)"
    where = "in plugin" if way.is_at_pc else "in code called by plugin"
    head = rf"^hotgraft: {way.signal.name} {where} crashes, generation {generation}: {re.escape(way.found)}"
    assert re.search(head, text, re.MULTILINE), text
    assert text.count("hotgraft: SIG") == 1
    line = rf"^  where: {place}, thread \d+$" if way.is_at_pc else rf"^    crashes: {place}"
    assert re.search(line, text, re.MULTILINE), text


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_crash_is_reported_and_ends_the_process_by_its_signal(run: Run, way: Way) -> None:
    """With the core dump and the exit status that it would have had without us."""
    done = run("alone", way)

    assert done.returncode == -way.signal, done.stderr
    check_report(done.stderr, way)
    assert PYTHON_FRAMES not in done.stderr


def test_the_report_answers_every_question(run: Run, build: Workshop) -> None:
    """Which build, what it did, what serves, what to do: word for word."""
    done = run("alone", NULL)

    text = re.sub(r"0x[1-9a-f][0-9a-f]*", "0xN", done.stderr)
    text = re.sub(r"thread \d+", "thread N", re.sub(r"[0-9a-f]{64}", "HASH", text))
    assert text.replace(str(build(CRASHES)), "IMAGE") == (
        "hotgraft: SIGSEGV in plugin crashes, generation 1 (version 1.0.0, active): nothing is mapped at 0x0\n"
        "  where: write_to_null+0xN (crashes.so+0xN), thread N\n"
        "  on the stack, nearest first (a left-over address may be among them):\n"
        "    crashes: crash+0xN (crashes.so+0xN)\n"
        "  call: crashes/1 of crashes, generation 1, function crash\n"
        "  image: IMAGE, sha256 HASH\n"
        "  runs now: generation 1 serves; this process ends, unless another handler knows better\n"
        "  to do: put the build before this one back; for the line: addr2line -fipe IMAGE 0xN\n"
    )


@pytest.mark.parametrize("way", [NULL, in_full(OVERFLOW), in_full(WAYS["abort"])], ids=["null", "overflow", "abort"])
def test_faulthandler_before_us_gets_the_signal_after_the_report(run: Run, way: Way) -> None:
    """Native first, then the Python frames."""
    done = run("faulthandler_before", way)

    assert done.returncode == -way.signal
    check_report(done.stderr, way)
    assert done.stderr.index("hotgraft: SIG") < done.stderr.index(PYTHON_FRAMES)
    assert "crash_in_plugin.py" in done.stderr


@pytest.mark.parametrize("name", ["write to null", in_full("divide by zero"), in_full("overflow"), "abort"])
def test_faulthandler_after_us_raises_the_signal_again_and_the_first_scene_is_reported(run: Run, name: str) -> None:
    """The program counter is in raise() by then: the kernel's record of the first time is what is told."""
    way = WAYS[name]
    if name == "abort":
        way = replace(way, found="a program sent it")
    done = run("faulthandler_after", way)

    assert done.returncode == -way.signal
    check_report(done.stderr, way)
    assert done.stderr.index(PYTHON_FRAMES) < done.stderr.index("hotgraft: SIG")


@pytest.mark.parametrize("scene", ["other_library_before", "other_library_after"])
def test_another_librarys_handler_and_ours_are_both_called(run: Run, scene: str) -> None:
    """Whichever came first."""
    done = run(scene, NULL)

    assert done.returncode == -SIGSEGV
    check_report(done.stderr, NULL)
    assert done.stderr.count("the other library was here") == 1
    is_theirs_first = done.stderr.index("the other") < done.stderr.index("hotgraft: SIG")
    assert is_theirs_first is (scene == "other_library_after")


@pytest.mark.parametrize("scene", ["off", "outside", "killed"])
def test_what_is_not_a_plugins_crash_or_not_wanted_prints_nothing_of_ours(run: Run, scene: str) -> None:
    """Another library's crash is not ours; and the report can be switched off."""
    done = run(scene, NULL)

    assert done.returncode == -SIGSEGV
    assert "hotgraft: SIG" not in done.stderr
    assert PYTHON_FRAMES in done.stderr


def test_an_ignored_signal_stays_ignored_and_a_fault_cannot_be(run: Run) -> None:
    """As the kernel has it."""
    done = run("ignored", NULL)

    assert done.stdout == "a sent signal was ignored\n"
    assert done.returncode == -SIGSEGV
    check_report(done.stderr, NULL)


def test_an_overflow_on_another_thread_is_reported(run: Run) -> None:
    """Each thread gets its alternate stack with its first call."""
    done = run("on_a_thread", OVERFLOW)

    assert done.returncode == -SIGSEGV
    check_report(done.stderr, OVERFLOW)


@pytest.mark.control
def test_without_an_alternate_stack_an_overflow_is_not_reported(run: Run) -> None:
    """The control: the handler needs room."""
    done = run("without_a_stack", OVERFLOW)

    assert done.returncode == -SIGSEGV
    assert "hotgraft" not in done.stderr


def test_a_replaced_generation_is_named_with_what_serves_instead(run: Run) -> None:
    """It crashes through a pin, and is not what to roll back from."""
    done = run("retired", NULL)

    assert done.returncode == -SIGSEGV
    check_report(done.stderr, NULL, generation=r"1 \(version 1.0.0, retired\)")
    assert "  call: crashes/1 of crashes, generation 1, function crash\n" in done.stderr
    assert "  runs now: generation 2 serves;" in done.stderr


def test_a_crash_in_create_is_reported_from_the_control_thread(run: Run) -> None:
    """Nothing serves yet."""
    done = run("create", NULL)

    assert done.returncode == -SIGSEGV
    check_report(done.stderr, NULL, generation=r"1 \(version 1.0.0, mapped\)")
    assert "  call: none; the thread is not inside a call that the host guards\n" in done.stderr
    assert "  runs now: no generation of it serves;" in done.stderr


def test_a_crash_in_a_constructor_is_reported_before_the_loader_is_done(build: Workshop, other_library: Path) -> None:
    """Where the image lies is in the process's mappings only."""
    way = WAYS["abort"]
    image = build(replace(CRASHES, flags=("-DCRASHES_IN_CONSTRUCTOR",)))
    done = run_child("crash_in_plugin.py", "constructor", image, image, 0, other_library)

    assert done.returncode == -SIGABRT
    check_report(done.stderr, way, generation=r"1 \(version 1.0.0, accepted\)")
    assert re.search(r"^  where: libc.so.6\+0x[0-9a-f]+, which is no plugin, thread", done.stderr, re.MULTILINE)
    assert "  call: none; the loader runs its constructors\n" in done.stderr


def test_a_forked_child_reports_its_own_crash(run: Run) -> None:
    """And the parent goes on."""
    done = run("forked", NULL)

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"the child ended by {int(SIGSEGV)}\n"
    check_report(done.stderr, NULL)


def test_nothing_asks_for_memory_in_the_report(run: Run, tmp_path: Path) -> None:
    """A crash inside malloc holds its lock: the process would hang instead of ending."""
    preload = build_library("forbids_memory", tmp_path)
    done = run("alone", replace(NULL, how=12), preload=preload)

    assert done.returncode == -SIGSEGV, done.stderr
    check_report(done.stderr, NULL)


@pytest.mark.parametrize("name", ["write to null", in_full("divide by zero"), "overflow"])
def test_a_caught_crash_raises_and_taints_the_process(run: Run, name: str) -> None:
    """For development: the session goes on, and nobody forgets what happened."""
    way = WAYS[name]
    done = run("caught", way)

    assert done.returncode == 0, done.stderr
    slow, fast, taint, *report = done.stdout.splitlines()[1::-1] + done.stdout.splitlines()[2:]
    place = rf"{way.signal.name} in {way.function}\+0x[0-9a-f]+ \(crashes.so\+0x[0-9a-f]+\)"
    for line, function in ((fast, "crash"), (slow, "crash_slowly")):
        assert re.match(
            rf"{function} {way.signal.name} crashes: could not call {function}: {place}: {re.escape(way.found)}"
            r".*; generation 1 serves, tainted \|   to do: mend it, and start the process anew",
            line,
        ), line
    assert re.fullmatch(rf"{place} was caught", taint)
    assert f"  this process is tainted: {taint}; start it anew before its results count" in report
    assert done.stderr.count("the crash is caught, the call raises, and this process is tainted") == 2


@pytest.mark.parametrize("name", ["abort", "jump to null", "own thread"])
def test_what_is_not_the_plugins_own_code_on_the_calling_thread_is_not_caught(run: Run, name: str) -> None:
    """A lock of the C library may be held there; and no call of ours is on a thread of the plugin's own."""
    done = run("caught", WAYS[name])

    assert done.returncode == -WAYS[name].signal
    check_report(done.stderr, WAYS[name])
    assert "is caught" not in done.stderr


def test_a_crash_is_caught_also_with_faulthandler_in_front(run: Run) -> None:
    """It raises the signal again, and the fault is still the plugin's own."""
    done = run("caught_after_faulthandler", NULL)

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{signal.SIGSEGV.name}\n"
