"""The path that a caller names an image by, and what it means later."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from sample_plugins import Sample

if TYPE_CHECKING:
    from pathlib import Path

    import hotgraft
    from sample_plugins import Workshop


@pytest.mark.parametrize("given", ["image", "manifest"])
def test_a_relative_path_stays_the_one_it_was_when_the_program_changes_its_folder(
    host: hotgraft.Host, build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """A daemon that goes to / after loading must reload and watch what it loaded, not a file of that name there."""
    here, there = tmp_path / "here", tmp_path / "there"
    for number, folder in enumerate((here, there), start=1):
        folder.mkdir()
        shutil.copyfile(build(Sample(build=number)), folder / "counter.so")
        (folder / "plugin.toml").write_text('[plugin]\nname = "counter"\nversion = "1.0.0"\n')
    monkeypatch.chdir(here)
    counter = host.load({"image": "counter.so", "manifest": "plugin.toml"}[given])
    monkeypatch.chdir(there)

    report = host.reload("counter")

    assert counter.build() == 1
    assert report.image == str(here / "counter.so")
    with host.watch() as watch:
        assert watch.paths == (str(here / "counter.so"),)
