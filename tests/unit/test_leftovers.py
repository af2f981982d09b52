"""Tests engine/leftovers.py: what dead hosts left is removed, what a living one may still use never is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hotgraft import Host
from hotgraft.engine import leftovers
from hotgraft.engine.leftovers import lock_folder, remove_left_folders
from sample_plugins import STATELESS, Workshop

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def old_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every folder for older than one that is being made just now."""
    monkeypatch.setattr(leftovers, "_YOUNG_S", -1.0)


@pytest.fixture
def dead() -> int:
    """The number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def left_by(pid: int, parent: Path, end: str = "abcdefgh") -> Path:
    """Return a folder as the host of that process makes it."""
    folder = parent / f"hotgraft-{pid}-{end}"
    folder.mkdir(mode=0o700)
    (folder / "gain.g1.01234567.so").write_bytes(b"copy")
    return folder


def test_what_a_dead_host_left_is_removed(tmp_path: Path, dead: int) -> None:
    """Folders of plugins that nobody maps would fill the disk by and by."""
    folder = left_by(dead, tmp_path)
    other = tmp_path / "hotgraft-doctor-abc"
    other.mkdir()
    (removed,) = remove_left_folders(tmp_path)
    assert (removed.path, removed.pid, removed.files) == (folder, dead, 1)
    assert list(tmp_path.iterdir()) == [other]


def test_what_a_living_process_made_stays(tmp_path: Path) -> None:
    """Its number says so, also where it could not lock the folder."""
    folder = left_by(os.getpid(), tmp_path)
    assert remove_left_folders(tmp_path) == ()
    assert folder.exists()


def test_what_is_locked_stays_whatever_the_number_says(tmp_path: Path, dead: int) -> None:
    """A number of another PID namespace means nothing here; a child may outlive the host it came from."""
    folder = left_by(dead, tmp_path)
    lock = lock_folder(folder)
    asks, child = os.pipe(), os.fork()
    if child == 0:
        os.close(asks[1])
        os.read(asks[0], 1)  # until the other side is closed
        os._exit(0)
    try:
        assert remove_left_folders(tmp_path) == ()
        os.close(lock)
        assert remove_left_folders(tmp_path) == ()  # the child has it still
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(asks[0])
        os.close(asks[1])
    assert [one.path for one in remove_left_folders(tmp_path)] == [folder]


def test_what_was_made_a_moment_ago_stays(tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its host may be about to lock it."""
    monkeypatch.undo()
    left_by(dead, tmp_path)
    assert remove_left_folders(tmp_path) == ()


def test_a_host_on_a_journal_cleans_up_and_leaves_a_living_one_alone(
    tmp_path: Path, dead: int, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On start; the living one stages, replaces and is called as before."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    left = left_by(dead, tmp_path / "tmp")
    with Host() as living:
        counter = living.load(build(STATELESS))
        with Host(journal=tmp_path / "journal") as host:
            assert not left.exists()
            host.load(build(STATELESS))
            assert living.reload("counter").generation == 2
            assert counter.build() == 1


def test_a_folder_that_cannot_be_locked_is_no_reason_to_fail(tmp_path: Path) -> None:
    """No fd is left, say: the process's number speaks for the folder then."""
    assert lock_folder(tmp_path / "gone") == -1
