"""A journal on a disk that is full or failing, of a host that stands still, and of two hosts: what is promised then."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from child_process import FAULTS, run_child
from hotgraft import Host, JournalError
from hotgraft.engine.journal_reading import history, verify_journal
from sample_plugins import HANDS_OVER, STATELESS, Workshop
from test_mounts import in_mount_namespace

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Sized

NO_ROOM = "No space left on device"
UNCHANGED = "generation 1 still serves"


def images(build: Workshop) -> list[Path]:
    """Return three versions of a plugin with state."""
    return [build(replace(HANDS_OVER, build=number)) for number in (1, 2, 3)]


def test_a_full_disk_refuses_swaps_and_never_stops_calls(build: Workshop, tmp_path: Path) -> None:
    """Fault R01: in the store and in the journal, before a swap and after it. Real: a file system of one MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = [sys.executable, "-W", "error", FAULTS / "crash_journal_disk.py", "full", folder, *images(build)]

    done = in_mount_namespace(folder, command, options="size=1m")

    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines() if not line.startswith("  "))
    assert f"could not keep the image: {NO_ROOM}; {UNCHANGED}" in said["store"]
    assert "database or disk is full (SQLITE_FULL)" in said["journal"]
    assert UNCHANGED in said["journal"]
    assert "database or disk is full" in said["outcome"]  # and it was published
    assert said["kept"] == "True, and of the refused one: True"
    assert said["events"] == str(["journal.failed", "journal.works"] * 2)
    assert said["history"] == str(["published", "refused", "refused", "published", "refused", "published"])


def test_a_disk_that_does_not_sync_refuses_swaps_and_no_durability_is_claimed(build: Workshop, tmp_path: Path) -> None:
    """Fault R02: EIO at fsync, by the kernel's own way of saying it."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    done = run_child("crash_journal_disk.py", "eio", tmp_path, *images(build))
    if done.returncode == 77:
        pytest.skip(f"this system lets nobody trace: {done.stdout}")

    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines() if not line.startswith("  "))
    for word in ("sync", "again"):
        assert "disk I/O error (SQLITE_IOERR_FSYNC)" in said[word]
        assert UNCHANGED in said[word]
    assert said["history"] == str(["published", "refused", "refused", "published"])


def test_a_second_host_is_told_which_process_has_the_journal_and_a_dead_one_has_it_no_more(
    build: Workshop, tmp_path: Path
) -> None:
    """Fault R09: the lock ends with its process, however that ends."""
    with serving(tmp_path / "journal", build(STATELESS)) as other:
        with pytest.raises(JournalError, match=f"the host of process {other.pid} has it"):
            Host(journal=tmp_path / "journal")
        other.kill()
        other.wait()
        with Host(journal=tmp_path / "journal") as host:
            host.restore_last_good()
            assert host["counter"].build() == 1


def test_a_host_that_is_stopped_amid_a_swap_goes_on_with_it(build: Workshop, tmp_path: Path) -> None:
    """Fault K03: SIGSTOP amid a swap, then CONT. Its journal stays its own meanwhile, and can be read."""
    journal = tmp_path / "journal"
    with serving(journal, build(HANDS_OVER), build(replace(HANDS_OVER, build=2))) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "amid the swap\n"
        other.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, other.pid, os.WSTOPPED)
        with pytest.raises(JournalError, match=f"process {other.pid}"):
            Host(journal=journal)
        assert [one.as_dict()["outcome"] for one in history(journal)] == ["published", "under way"]
        assert verify_journal(journal).verdict.finding is None
        other.send_signal(signal.SIGCONT)
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "published 2 6\n"
    assert [one.as_dict()["outcome"] for one in history(journal)] == ["published", "published"]


@pytest.mark.full
def test_a_host_that_stands_still_past_its_deadline_is_whole_when_it_goes_on(
    build: Workshop, tmp_path: Path, sized: Sized, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault K03, for as long as it says: the deadline passed meanwhile, so the swap is called off and nothing lost."""
    journal = tmp_path / "journal"
    monkeypatch.setenv("SWAP_DEADLINE_S", "2")
    with serving(journal, build(HANDS_OVER), build(replace(HANDS_OVER, build=2))) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "amid the swap\n"
        other.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, other.pid, os.WSTOPPED)
        threading.Event().wait(sized(quick=4, full=4, soak=30))  # standing still is what is tried, for that long
        other.send_signal(signal.SIGCONT)
        other.stdin.write("\n")
        other.stdin.flush()
        said = other.stdout.readline()
    assert said == "called off 1 6\n"
    assert [one.as_dict()["outcome"] for one in history(journal)] == ["published", "called off"]
    assert verify_journal(journal).verdict.finding is None


def serving(journal: Path, *images: Path) -> subprocess.Popen[str]:
    """Start a host on a journal, and wait until it serves."""
    other = subprocess.Popen(
        [sys.executable, str(FAULTS / "crash_journal_host.py"), str(journal), *map(str, images)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "serves\n"
    return other
