"""A session of `hotgraft dev` against what happens between its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hotgraft
from hotgraft.core.state import Crossing
from hotgraft.dev import session as module
from hotgraft.dev.said import Said
from hotgraft.dev.session import Session
from hotgraft.dev.sources import Sources
from hotgraft.engine.build_image import build_image
from hotgraft.engine.new_plugin import new_plugin
from sample_plugins import Sample

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from hotgraft.engine.build_image import Built
    from sample_plugins import Workshop


def test_every_way_in_which_state_crosses_has_words() -> None:
    """A way without words ended the session, at the first field that an author added."""
    assert set(module.STATE_WORDS) == {str(one) for one in Crossing}


def test_a_field_that_was_added_does_not_close_the_way_back(tmp_path: Path) -> None:
    """An ordinary reload of the build before would be refused: it has no place for the field."""
    new_plugin("gain", tmp_path)
    folder, keep, heard = tmp_path / "gain", tmp_path / "keep", list[Said]()
    keep.mkdir()
    header = folder / "gain.h"
    with hotgraft.Host() as host:
        session = Session(folder, Sources((folder,)), host, (), keep, heard.append)
        session.answer()
        header.write_text(
            header.read_text().replace("    uint64_t processed;", "    double peak;\n    uint64_t processed;")
        )
        session.answer()
        session.roll_back()
        session.roll_back()

    swapped = [one.facts["state"] for one in heard if one.event in ("swapped", "rolled_back")]
    assert swapped == [module.STATE_WORDS["convert"]] * 3


def test_image_that_goes_before_it_is_taken_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rm -r build` at the wrong moment: the session goes on, and so does what serves."""
    new_plugin("gain", tmp_path)
    folder, keep, heard = tmp_path / "gain", tmp_path / "keep", list[Said]()
    keep.mkdir()
    is_removed = [False]

    def build_and_remove(*arguments: object, **more: object) -> Built:
        built = build_image(*arguments, **more)  # type: ignore[arg-type] # as they came
        if is_removed[0]:
            built.image.unlink()
        return built

    monkeypatch.setattr(module, "build_image", build_and_remove)
    with hotgraft.Host() as host:
        session = Session(folder, Sources((folder,)), host, (), keep, heard.append)
        session.answer()
        source = folder / "gain.c"
        source.write_text(source.read_text().replace("2.0f", "3.0f"))
        is_removed[0] = True
        session.answer()
        refused = heard[-2]
        assert (refused.event, refused.facts["running"]) == ("refused", "generation 1 still serves")
        assert "No such file" in refused.facts["reason"]
        is_removed[0] = False
        session.answer(is_forced=True)
        assert host["gain"].generation == 2
    assert len(list(keep.iterdir())) == 2


def test_a_lower_version_is_let_in_and_that_is_said(tmp_path: Path, build: Workshop) -> None:
    """An author edits versions too; a host would refuse this one, and the author must not learn it in production."""
    heard = list[Said]()
    with hotgraft.Host(probe="off") as host:
        session = Session(tmp_path, Sources((tmp_path,)), host, (), tmp_path, heard.append)
        for version in ("1.2.0", "1.1.0", "1.1.0+again"):
            session._swap(build(Sample(version=version)), is_forced=False)
        assert host["counter"].version == "1.1.0+again"
    assert [one.facts.get("downgrade_from") for one in heard] == [None, "1.2.0", ""]


def test_what_the_author_s_own_manifest_asks_for_is_granted(tmp_path: Path) -> None:
    """Who saves a line into plugin.toml has said yes to it; another host asks its operator."""
    new_plugin("gain", tmp_path)
    folder, keep, heard = tmp_path / "gain", tmp_path / "keep", list[Said]()
    keep.mkdir()
    manifest = folder / "plugin.toml"
    text = manifest.read_text()
    with hotgraft.Host(probe="off") as host:
        session = Session(folder, Sources((folder,)), host, (), keep, heard.append)
        for words in ('["network"]', '["network", "disk"]'):
            manifest.write_text(f"{text}\n[offers]\npermissions = {words}\n")
            session.answer()
        assert host["gain"].generation == 3  # the second was refused once as generation 2
        assert host.grants("gain") == ("disk", "network")
    assert [one.event for one in heard if one.event in ("loaded", "swapped", "refused")] == ["loaded", "swapped"]
