"""Tests engine/leftovers.py: what dead hosts left is removed, what a living one may still use never is."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hotgraft import Host
from hotgraft.engine.leftovers import claim_folder, remove_left_folders
from sample_plugins import STATELESS, Workshop

if TYPE_CHECKING:
    from pathlib import Path


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
    claim_folder(folder)
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
    """Its number says so."""
    folder = left_by(os.getpid(), tmp_path)
    assert remove_left_folders(tmp_path) == ()
    assert folder.exists()


@pytest.mark.parametrize("note", ["", "another-boot pid:[4026531836]", None])
def test_what_another_machine_or_namespace_made_stays(tmp_path: Path, dead: int, note: str | None) -> None:
    """A number of theirs means nothing here; and whoever makes a folder just now has not signed it yet."""
    folder = left_by(dead, tmp_path)
    if note is None:
        (folder / ".owner").unlink()
    else:
        (folder / ".owner").write_text(note)
    assert remove_left_folders(tmp_path) == ()
    assert (folder / "gain.g1.01234567.so").exists()


def test_what_somebody_maps_stays_whatever_the_number_says(tmp_path: Path, dead: int) -> None:
    """A child that was forked from a host may outlive it, and calls on."""
    folder = left_by(dead, tmp_path)
    with (folder / "gain.g1.01234567.so").open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ):
        assert remove_left_folders(tmp_path) == ()
    assert [one.path for one in remove_left_folders(tmp_path)] == [folder]


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


def test_a_folder_that_cannot_be_signed_is_no_reason_to_fail(tmp_path: Path) -> None:
    """The disk is full, say: it is never removed then, and doctor tells of it."""
    claim_folder(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []
