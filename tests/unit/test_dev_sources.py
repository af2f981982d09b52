"""Which files make `hotgraft dev` build."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hotgraft.dev.sources import EXCLUDED, INCLUDED, Sources

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plugin's folder with what lies about in one."""
    files = ("gain.c", "inner/gain.h", "plugin.toml", "notes.txt", "build/gain_descriptor.h", ".git/x.c", "gain.c~")
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path


def test_sources_headers_and_manifest_count_and_what_is_built_does_not(folder: Path) -> None:
    """Else every build would ask for the next."""
    sources = Sources((folder,))
    folders, files = sources.tree()
    assert files == [str(folder / name) for name in ("gain.c", "plugin.toml", "inner/gain.h")]
    assert folders == [str(folder), str(folder / "inner")]
    assert sources.contents().keys() == sources.facts().keys() == set(files)


@pytest.mark.parametrize(
    ("path", "is_source"),
    [
        ("gain.c", True),
        ("inner/gain.h", True),
        ("inner", True),  # a folder: sources may be in it
        ("new.hpp", True),
        ("notes.txt", False),
        ("build/gain_descriptor.h", False),
        ("build", False),
        (".git/x.c", False),
        ("gain.c~", False),
        (".gain.c.swp", False),
        ("../elsewhere.c", False),
    ],
)
def test_an_event_counts_when_its_file_does(folder: Path, path: str, is_source: bool) -> None:
    """Of the same table, with or without the file being there."""
    place = folder.parent / path.removeprefix("../") if path.startswith("..") else folder / path
    assert Sources((folder,)).is_source(str(place)) is is_source


def test_include_and_exclude_add_to_what_is_known(folder: Path) -> None:
    """By name or by path."""
    sources = Sources((folder,), (*INCLUDED, "*.txt"), (*EXCLUDED, "inner/*.h"))
    assert sources.tree()[1] == [str(folder / name) for name in ("gain.c", "notes.txt", "plugin.toml")]


def test_the_content_decides(folder: Path) -> None:
    """A touch is no save, a new file is one, and so is one that went."""
    sources = Sources((folder,))
    before = sources.contents()
    (folder / "gain.c").touch()
    assert sources.contents() == before
    (folder / "more.c").write_text("x")
    assert sources.contents() != before
    (folder / "more.c").unlink()
    assert sources.contents() == before
    (folder / "gain.c").write_text("y")
    assert sources.contents() != before


def test_what_is_no_file_is_told_from_one_and_not_waited_for(folder: Path) -> None:
    """A FIFO called like a source would hold the session until somebody writes to it."""
    sources = Sources((folder,))
    os.mkfifo(folder / "pipe.c")
    (folder / "dangling.c").symlink_to("nowhere")
    contents = sources.contents()
    assert contents[str(folder / "pipe.c")] == contents[str(folder / "dangling.c")]
    assert contents[str(folder / "pipe.c")] != contents[str(folder / "gain.c")]
