"""The folder for staged copies that a program names."""

from __future__ import annotations

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
