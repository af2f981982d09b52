"""The folder for staged copies that a program names."""

from __future__ import annotations

import mmap
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hotgraft import Host, ImageError
from sample_plugins import STATELESS, Workshop

if TYPE_CHECKING:
    from pathlib import Path


def test_a_relative_staging_folder_is_meant_as_it_was_when_the_host_was_made(
    build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """chdir, as every daemon does: copies went to another folder, and the first was never removed."""
    staged, other = tmp_path / "staged", tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(tmp_path)
    with Host(staging_folder="staged", probe="off") as host:
        host.load(build(STATELESS))
        monkeypatch.chdir(other)
        host.reload("counter", build(replace(STATELESS, build=2)))
        assert [path.suffix for path in staged.glob("*.g2.*")] == [".so"]
    assert list(staged.iterdir()) == []
    assert list(other.iterdir()) == []


def test_nobody_is_told_to_close_a_folder_that_all_use(build: Workshop, tmp_path: Path) -> None:
    """/tmp, say: to take it from everybody else would be the end of much more than a host."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with (
        Host(staging_folder=shared, probe="off") as host,
        pytest.raises(ImageError, match="others can write to it") as refused,
    ):
        host.load(build(STATELESS))
    assert refused.value.advice.startswith("give the host a folder of its own for staged copies")


def left_in(folder: Path, name: str, *, age_s: float = 3_600.0) -> Path:
    """Return a copy as a host leaves it that is killed."""
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / name
    copy.write_bytes(b"copy")
    then = time.time() - age_s
    os.utime(copy, (then, then))
    return copy


def test_what_killed_hosts_left_in_a_named_folder_is_removed(build: Workshop, tmp_path: Path) -> None:
    """A hundred of them, and the plugin could not be loaded any more: a service that is killed again and again."""
    staged = tmp_path / "staged"
    for name in ("counter.g1.01234567.so", "counter.g1.01234567.99.so", "counter.g1.01234567.previous"):
        left_in(staged, name)
    fresh, other = left_in(staged, "counter.g2.01234567.so", age_s=1), left_in(staged, "notes.txt")
    with Host(staging_folder=staged, probe="off") as host:
        assert set(staged.iterdir()) == {fresh, other}
        host.load(build(STATELESS))
    assert set(staged.iterdir()) == {fresh, other}


def test_while_another_host_lives_there_or_maps_it_nothing_goes(build: Workshop, tmp_path: Path) -> None:
    """Its copies may be older than any host that comes."""
    staged = tmp_path / "staged"
    with Host(staging_folder=staged, probe="off") as host:
        old = left_in(staged, "counter.g1.01234567.so")
        with Host(staging_folder=staged, probe="off"):
            assert old.exists()
        host.load(build(STATELESS))
    mapped = left_in(staged, "counter.g3.01234567.so")
    with (
        mapped.open("rb") as file,
        mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ),
        Host(staging_folder=staged, probe="off"),
    ):
        assert (mapped.exists(), old.exists()) == (True, False)
