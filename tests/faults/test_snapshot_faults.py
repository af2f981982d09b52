"""Snapshots on a disk that is full or failing, of a host that is killed or forked: what is promised then."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from child_process import FAULTS, run_child
from hotgraft import Host, SnapshotError
from hotgraft.core import snapshot_bytes as snapshot_format
from hotgraft.engine.snapshot_folder import snapshot_paths
from sample_plugins import HANDS_OVER, SAVES, SESSIONS, SHARES, Sample, Workshop
from test_mounts import in_mount_namespace

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Sized
    from hotgraft.host.events import HostEvent

UNCHANGED = "generation 1 still serves"


@pytest.mark.full
def test_a_full_disk_refuses_what_needs_a_snapshot_and_never_stops_calls(build: Workshop, tmp_path: Path) -> None:
    """Fault R01 in the snapshots. Real: a file system of one MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    images = [build(HANDS_OVER), build(replace(HANDS_OVER, build=2))]
    command = [sys.executable, "-W", "error", FAULTS / "crash_snapshots_disk.py", "full", folder, *images]

    done = in_mount_namespace(folder, command, options="size=1m")

    assert done.returncode == 0, done.stderr
    check(done.stdout, "No space left on device")


@pytest.mark.full
def test_a_disk_that_does_not_sync_promises_no_snapshot(build: Workshop, tmp_path: Path) -> None:
    """Fault R02: EIO at fsync, by the kernel's own way of saying it; no file has a name that says it is whole."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    images = [build(HANDS_OVER), build(replace(HANDS_OVER, build=2))]
    done = run_child("crash_snapshots_disk.py", "eio", tmp_path, *images)
    if done.returncode == 77:
        pytest.skip(f"this system lets nobody trace: {done.stdout}")

    assert done.returncode == 0, done.stderr
    check(done.stdout, "Input/output error")


def check(said: str, why: str) -> None:
    """Look at what crash_snapshots_disk.py saw."""
    lines = dict(line.split(": ", 1) for line in said.splitlines() if not line.startswith("  "))
    assert f"could not keep the snapshot: {why}" in lines["asked"]
    assert f"could not keep the snapshot: {why}; {UNCHANGED}" in lines["swap"]
    assert (lines["well again"], lines["resumed"]) == ("2", "6")


@pytest.mark.full
@pytest.mark.timeout(7200)  # of a soak
@pytest.mark.parametrize(
    "sample", [HANDS_OVER, SAVES, SHARES, SESSIONS], ids=["hand over", "save", "share", "sessions"]
)
def test_a_host_killed_at_any_point_is_followed_by_one_that_goes_on(
    build: Workshop, sized: Sized, sample: Sample
) -> None:
    """Faults K01, K04: SIGKILL around every write, sync and rename. What was promised is there, nothing half is."""
    stride = sized(quick=100, full=20, soak=1)
    images = build(sample), build(replace(sample, build=2))
    done = run_child("crash_snapshots.py", *images, stride, 1, deadline_s=3600)
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"(\d+) points, (\d+) killed\n", done.stdout)
    assert found is not None, done.stdout
    points, killed = map(int, found.groups())
    assert points > 200
    assert killed == len(range(2, points + 1, stride))


@pytest.mark.full
def test_a_child_writes_none_and_does_not_hold_the_folder_of_a_dead_host(build: Workshop, tmp_path: Path) -> None:
    """Faults K07, R09: the lock ends with the host, whoever it forked."""
    command = [sys.executable, str(FAULTS / "crash_snapshots_fork.py"), str(tmp_path / "kept"), str(build(HANDS_OVER))]
    environment = {**os.environ, "PYTHONPATH": str(FAULTS.parent)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline().startswith("refused, calls go on: 6, ")
        with pytest.raises(SnapshotError, match=f"the host of process {other.pid} has it"):
            Host(snapshots=tmp_path / "kept")
        os.write(other.stdin.fileno(), b"\n")
        assert other.wait() == -9
        with Host(probe="off", snapshots=tmp_path / "kept") as host:
            assert host.load(build(HANDS_OVER)).add(0) == 5
        other.stdin.close()


def test_every_flipped_bit_and_every_cut_leads_to_the_one_before(build: Workshop, tmp_path: Path, sized: Sized) -> None:
    """Faults M02, M03: wherever it is; what is resumed is always the state before, whole, and it is said."""
    image, folder = build(HANDS_OVER), tmp_path / "kept"
    with Host(probe="off", snapshots=folder, snapshot_at_close=False) as host:
        counter = host.load(image)
        for _ in range(2):
            counter.add(5)
            host.snapshot()
    newest = snapshot_paths(folder)["counter"][0]
    whole = newest.read_bytes()
    stride = sized(quick=len(whole), full=len(whole) // 50, soak=1)
    flips = [whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :] for at in range(0, len(whole), stride)]
    cuts = [whole[:at] for at in range(len(whole) // 2, len(whole), stride)]
    for altered in flips + cuts:
        newest.write_bytes(altered)
        told: list[HostEvent] = []
        with Host(probe="off", snapshots=folder, snapshot_at_close=False) as host:
            host.on("snapshot.passed_over", told.append)
            assert host.load(image).add(0) == 5
        assert [event.plugin for event in told] == ["counter"]
        assert newest.read_bytes() == altered


@pytest.mark.control
def test_without_its_checksum_a_flipped_bit_is_resumed_from(
    build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Take the checksum out, and a count that never was is served."""

    class Blind:
        """Answers one digest for everything."""

        def __init__(self, _data: object = b"") -> None: ...
        def update(self, _data: object) -> None: ...
        def digest(self) -> bytes:
            return bytes(32)

    monkeypatch.setattr(snapshot_format, "hashlib", SimpleNamespace(sha256=Blind))
    image, folder = build(HANDS_OVER), tmp_path / "kept"
    with Host(probe="off", snapshots=folder, snapshot_at_close=False) as host:
        host.load(image).add(5)
        path = host.snapshot().taken["counter"].path
    data = bytearray(path.read_bytes())
    data[-32 - 8] ^= 1 << 6  # of the count
    path.write_bytes(data)
    with Host(probe="off", snapshots=folder, snapshot_at_close=False) as host:
        assert host.load(image).add(0) == 5 ^ 1 << 6


def test_snapshots_while_calls_go_on_are_each_of_one_moment(build: Workshop, tmp_path: Path) -> None:
    """What is resumed is a count that was, and no caller is turned away."""
    image, folder = build(SAVES), tmp_path / "kept"
    with Host(probe="off", snapshots=folder) as host:
        counter = host.load(image)
        is_over, counted = threading.Event(), list[int]()

        def call() -> None:
            while not is_over.is_set():
                counted.append(counter.add(1))

        thread = threading.Thread(target=call)
        thread.start()
        for _ in range(3):
            host.snapshot()
        is_over.set()
        thread.join()
        assert counted == list(range(1, len(counted) + 1))
    with Host(probe="off", snapshots=folder) as host:
        assert host.load(image).add(0) == len(counted)


@pytest.mark.full
def test_a_large_state_is_copied_once_and_nothing_is_left_of_it(build: Workshop, tmp_path: Path, sized: Sized) -> None:
    """64 MB: beside the state itself there is one copy while it is written, and none afterwards."""
    large = build(replace(HANDS_OVER, flags=("-DCOUNTER_SPARE=8388607",)))
    done = run_child("crash_snapshots_memory.py", tmp_path / "kept", large, sized(quick=5, full=20, soak=200))
    assert done.returncode == 0, done.stderr
    numbers = [int(one) for one in re.findall(r"\d+", done.stdout)]
    state, peak, alive, alive_after, fds, fds_after, grew, resumed, alive_first, alive_last = numbers
    assert state == 64 << 20
    assert state * 0.99 <= peak < state * 1.25  # the kernel counts a thread's pages by the dozen
    assert (alive_after, fds_after) == (alive, fds)
    assert grew < state / 2
    assert (resumed, alive_last) == (5, alive_first)
