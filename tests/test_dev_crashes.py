"""`hotgraft dev` survives what a plugin does to the process that it runs in."""

from __future__ import annotations

import os
import select
import shlex
import signal
from pathlib import Path

import pytest
from dev_mistakes import ABORT_AT_LOAD, CRASH, EXIT, HANG, HANG_UNTIL_REMOVED, make_mistake, second_time
from dev_process import COUNTER, DEADLINE_S, DevProcess, copy_counter, set_step
from hotgraft.dev import PULSE_VARIABLE
from hotgraft.dev.pulse import Pulse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The counter's sources."""
    return copy_counter(tmp_path / "counter")


def children_of(pid: int) -> list[int]:
    """Return the processes that one has started and that are there."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ends(fd: int) -> bool:
    """Wait until the process of a pidfd has ended; tell whether it did by the deadline."""
    return bool(select.select([fd], [], [], DEADLINE_S)[0])


@pytest.mark.full
@pytest.mark.parametrize(
    ("place", "code", "how"),
    [
        pytest.param("next", CRASH, "it crashed with SIGSEGV in call next()", id="crash in a call"),
        pytest.param("create", EXIT, "it called exit(3) in load", id="exit in create"),
        pytest.param("next", EXIT, "it called exit(3) in call next()", id="exit in a call"),
    ],
)
def test_a_death_is_told_and_the_next_save_begins_anew(folder: Path, place: str, code: str, how: str) -> None:
    """With the reason, where, and that the state is gone; and nothing of a session that died is left."""
    staged = folder.parent / "tmp"
    staged.mkdir()
    if place == "create":
        code = second_time(code, folder.parent / "mark")
    make_mistake(folder, place, code)
    with DevProcess(folder, "--call", "next()", environment={"TMPDIR": str(staged)}) as dev:
        died = dev.wait_for("died")
        assert (died["how"], died["is_over"]) == (how, False)
        set_step(folder, "10")
        assert dev.wait_for("begins")["files"] == ["counter.c"]
        called = dev.wait_for("called")
        assert (called["result"], called["generation"]) == ("10", 1)
        set_step(folder, "20")
        assert dev.wait_for("called")["result"] == "30"
        ended, words = dev.stop()
    assert ended == 128 + signal.SIGTERM
    assert ("hotgraft: SIG" in words) == ("crashed" in how)
    assert list(staged.iterdir()) == []


@pytest.mark.full
@pytest.mark.parametrize(
    ("place", "code", "found"),
    [
        pytest.param("create", EXIT, "exit code 3", id="exit in create"),
        pytest.param("constructor", ABORT_AT_LOAD, "SIGABRT", id="abort at load"),
    ],
)
def test_what_dies_in_the_probe_costs_nothing(folder: Path, place: str, code: str, found: str) -> None:
    """The old build serves on with its state; only what the probe cannot see costs a session."""
    with DevProcess(folder, "--call", "next()") as dev:
        assert dev.wait_for("called")["result"] == "1"
        make_mistake(folder, place, code)
        refused = dev.wait_for("refused")
        assert (found in refused["reason"], refused["running"]) == (True, "generation 1 still serves")
        assert dev.wait_for("called")["result"] == "2"
        set_step(folder, "10")
        assert dev.wait_for("called")["result"] == "12"
        assert "died" not in [one["event"] for one in dev.heard]


@pytest.mark.control
def test_without_a_process_that_looks_after_it_a_crash_ends_it(folder: Path) -> None:
    """The session alone, as it is run by `supervise`."""
    make_mistake(folder, "next", CRASH)
    with (
        Pulse.make() as pulse,
        DevProcess(
            folder, "--call", "next()", environment={PULSE_VARIABLE: str(pulse.fd)}, pass_fds=(pulse.fd,)
        ) as dev,
    ):
        dev.wait_for("loaded")
        ended, _ = dev.wait()
    assert ended == -signal.SIGSEGV
    assert "died" not in [one["event"] for one in dev.heard]


@pytest.mark.full
def test_a_reload_that_crashes_costs_the_session_and_says_so(folder: Path) -> None:
    """The old build served well: its state is gone too, as it was in the same process."""
    with DevProcess(folder, "--call", "next()") as dev:
        dev.wait_for("called")
        make_mistake(folder, "create", second_time(CRASH, folder.parent / "mark"))
        assert dev.wait_for("died")["how"] == "it crashed with SIGSEGV in reload"
        set_step(folder, "10")
        assert dev.wait_for("called")["result"] == "10"


@pytest.mark.full
def test_what_died_is_not_tried_again_before_something_changes(folder: Path) -> None:
    """A save without a change is no save here either; a build that crashes at once must not spin.

    And what is wrong with the environment is said once, not by every session.
    """
    make_mistake(folder, "next", CRASH)
    with DevProcess(folder, "--call", "next()", environment={"HOTGRAFT_NONSENSE": "1"}) as dev:
        dev.wait_for("died")
        (folder / "counter.c").touch()
        (folder / "counter.h").write_bytes((folder / "counter.h").read_bytes())
        set_step(folder, "10")
        assert dev.wait_for("called")["result"] == "10"
        assert [one["event"] for one in dev.heard].count("begins") == 1
        assert dev.stop()[1].count("$HOTGRAFT_NONSENSE is not read") == 1


@pytest.mark.full
def test_a_save_at_the_moment_of_the_death_is_answered(folder: Path) -> None:
    """Between the build and the crash: nobody watched when it was saved, and it counts all the same."""
    mended = folder.parent / "mended.c"
    mended.write_text((COUNTER / "counter.c").read_text().replace("#define STEP 1\n", "#define STEP 10\n"))
    save = f"cp {shlex.quote(str(mended))} {shlex.quote(str(folder / 'counter.c'))}"
    make_mistake(folder, "next", f'    if (system("{save}") == 0) {{ abort(); }}\n')
    with DevProcess(folder, "--call", "next()") as dev:
        assert dev.wait_for("died")["how"] == "it crashed with SIGABRT in call next()"
        assert dev.wait_for("called")["result"] == "10"


@pytest.mark.full
@pytest.mark.parametrize(
    ("place", "code", "what"),
    [("next", HANG, "call next()"), ("create", HANG, "load")],
    ids=["in a call", "in create"],
)
def test_a_hang_is_told_and_a_save_ends_it(folder: Path, place: str, code: str, what: str) -> None:
    """Nobody has to find the process and kill it."""
    make_mistake(folder, place, second_time(code, folder.parent / "mark") if place == "create" else code)
    with DevProcess(folder, "--call", "next()") as dev:
        hangs = dev.wait_for("hangs")
        assert (hangs["what"], hangs["after_s"]) == (what, 5.0)
        set_step(folder, "10")
        dev.wait_for("begins")
        assert dev.wait_for("called")["result"] == "10"
        assert dev.stop()[0] == 128 + signal.SIGTERM


@pytest.mark.full
def test_a_call_that_returns_after_all_goes_on_as_if_nothing_was(folder: Path) -> None:
    """Its state is not given up for being slow, and the next save is an ordinary swap."""
    waits_for = folder.parent / "waits for"
    waits_for.touch()
    make_mistake(folder, "next", HANG_UNTIL_REMOVED % waits_for)
    with DevProcess(folder, "--call", "next()") as dev:
        dev.wait_for("hangs")
        waits_for.unlink()
        assert dev.wait_for("called")["result"] == "1"
        set_step(folder, "10")
        assert dev.wait_for("called")["result"] == "11"
        assert "begins" not in [one["event"] for one in dev.heard]


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["^C", "kill"])
def test_a_signal_ends_it_while_the_plugin_hangs(folder: Path, number: signal.Signals) -> None:
    """At once where it was told already, and within seconds where it was not."""
    make_mistake(folder, "next", HANG)
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # it would be inherited where tests run in the background
    try:
        dev = DevProcess(folder, "--call", "next()")
    finally:
        signal.signal(signal.SIGINT, before)
    with dev:
        dev.wait_for("loaded")
        if number == signal.SIGINT:
            dev.wait_for("hangs")
        (session,) = children_of(dev.pid)
        fd = os.pidfd_open(session)
        assert dev.stop(number)[0] == 128 + number
        assert ends(fd)
        os.close(fd)


@pytest.mark.full
def test_a_crash_in_destroy_is_told_and_ends_it_with_its_code(folder: Path) -> None:
    """The end was asked for: nobody waits for a key any more."""
    make_mistake(folder, "destroy", second_time(CRASH, folder.parent / "mark"))
    staged = folder.parent / "tmp"
    staged.mkdir()
    with DevProcess(folder, "--call", "next()", environment={"TMPDIR": str(staged)}) as dev:
        dev.wait_for("called")
        (session,) = children_of(dev.pid)
        os.kill(session, signal.SIGTERM)
        died = dev.wait_for("died")
        assert (died["how"], died["is_over"]) == ("it crashed with SIGSEGV in close", True)
        assert dev.wait()[0] == 128 + signal.SIGSEGV
    assert list(staged.iterdir()) == []


@pytest.mark.full
def test_no_session_outlives_who_looks_after_it(folder: Path) -> None:
    """Not even one that hangs, and not even by SIGKILL."""
    make_mistake(folder, "next", HANG)
    with DevProcess(folder, "--call", "next()") as dev:
        dev.wait_for("loaded")
        (session,) = children_of(dev.pid)
        fd = os.pidfd_open(session)
        assert dev.stop(signal.SIGKILL)[0] == -signal.SIGKILL
        assert ends(fd)
        os.close(fd)
