"""The helper's process: what it is given, what bounds it, and that nothing of it is left behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hotgraft import ResourceError
from hotgraft.core.probing import read_told
from hotgraft.engine import probe
from hotgraft.engine.probe import probe_environment, run_helper


@pytest.mark.parametrize(
    "request_", [b"", b"nonsense", b"1;", b"2;5:probe9:x", b"1;7:library", b"6;5:probe1:x1:11:11:15:start"]
)
def test_a_request_that_is_none_is_told_and_nothing_runs(request_: bytes) -> None:
    """Two ends of one form, built apart."""
    ran = run_helper(request_, stage_deadline_s=10)

    assert ran.ending.exit_code == 2
    assert "the request" in read_told(ran.text).unable


def test_the_environment_is_the_hosts_without_what_makes_the_loader_talk() -> None:
    """A constructor reads it, and the loader finds libraries by it."""
    given = {"LD_LIBRARY_PATH": "/x", "HOME": "/h", "LD_DEBUG": "all", "LD_TRACE_LOADED_OBJECTS": "1"}

    assert probe_environment(given) == {"LD_LIBRARY_PATH": "/x", "HOME": "/h"}


def own_fds() -> list[str]:
    """Return the numbers of this process's fds."""
    return sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only


def test_a_system_without_processes_left_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was tried: that is no word against the candidate."""

    def refuse(*_: object, **__: object) -> int:
        raise OSError(11, os.strerror(11))

    monkeypatch.setattr(os, "posix_spawn", refuse)
    before = own_fds()

    with pytest.raises(ResourceError, match="could not start the probe"):
        run_helper(b"", stage_deadline_s=10)
    assert own_fds() == before


def test_no_fd_is_left_in_the_host() -> None:
    """One more per reload would be an end some day."""
    before = own_fds()
    run_helper(b"", stage_deadline_s=10)

    assert own_fds() == before


def test_it_goes_without_pidfds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under valgrind, and in containers whose filter is older than they are."""

    def refuse(*_: object) -> int:
        raise OSError(38, os.strerror(38))

    monkeypatch.setattr(os, "pidfd_open", refuse)

    assert run_helper(b"", stage_deadline_s=10).ending.exit_code == 2


SLEEPER = """#!/bin/sh
echo $$ > {file}
sleep 1000 &
echo $! >> {file}
wait
"""


@pytest.fixture
def sleeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A helper that never ends and has started a process of its own; the file gets the numbers of both."""
    program, file = tmp_path / "helper", tmp_path / "pids"
    program.write_text(SLEEPER.format(file=file))
    program.chmod(0o700)
    monkeypatch.setattr(probe, "helper_path", lambda: str(program))
    return file


def test_at_the_deadline_it_is_ended_with_all_that_it_started(sleeper: Path) -> None:
    """By its process group: what a candidate forked must not run on."""
    ran = run_helper(b"", stage_deadline_s=1)

    assert ran.ending.timed_out_s == 1
    for pid in sleeper.read_text().split():
        try:
            pidfd = os.pidfd_open(int(pid))
        except ProcessLookupError:
            continue
        assert _ends_within(pidfd, 10)
        os.close(pidfd)


def test_it_does_not_outlive_the_host(tmp_path: Path) -> None:
    """A host that is killed leaves no candidate running that nobody waits for."""
    host = f"""
import os, sys
sys.path[:0] = {sys.path!r}
from dataclasses import replace
from hotgraft import Host
from sample_plugins import PLAIN, Workshop
import pathlib
os.environ["FAILS_IN"] = "create:hang"
Host().load(Workshop(pathlib.Path({str(tmp_path)!r}))(replace(PLAIN, source="fails_in", hands_over=True, saves=True)))
"""
    process = subprocess.Popen([sys.executable, "-c", host])
    try:
        helper = _child_of(process, "hotgraft-probe")
        pidfd = os.pidfd_open(helper)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    try:
        assert _ends_within(pidfd, 10), "it is still there"
    finally:
        os.close(pidfd)


def _child_of(process: subprocess.Popen[bytes], program: str) -> int:
    """Wait for a child of that name that waits in its candidate, and return its number."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert process.poll() is None
        for tid in Path(f"/proc/{process.pid}/task").iterdir():
            for child in (tid / "children").read_text().split():
                with contextlib.suppress(OSError):  # a compiler's that has ended meanwhile
                    comm = Path(f"/proc/{child}/comm").read_text().strip()
                    if comm.startswith(program[:15]) and len(list(Path(f"/proc/{child}/task").iterdir())) == 2:
                        return int(child)
        threading.Event().wait(0.01)
    pytest.fail("there was no helper")


def _ends_within(pidfd: int, seconds: float) -> bool:
    return bool(select.select([pidfd], [], [], seconds)[0])
