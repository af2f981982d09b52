"""Plugins that are built once for all tests that build the same."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import kept_plugins
import pytest
from kept_plugins import kept_plugin
from sample_plugins import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = ("-O0", "-g0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sources of a plugin."""
    return shutil.copytree(
        ROOT / "plugins_c" / "template" / "v1", tmp_path / "v1", ignore=shutil.ignore_patterns("build")
    )


def test_the_same_sources_are_one_image_wherever_they_are(folder: Path, tmp_path: Path) -> None:
    """What lies in their build folder has no part in it."""
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "build").mkdir()
    (other / "build" / "old.so").touch()
    assert kept_plugin(folder, flags=FLAGS) == kept_plugin(other, flags=FLAGS)


def test_other_sources_flags_or_builders_are_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a test would pass with what was built before the change that it is there for."""
    images = {kept_plugin(folder, flags=FLAGS), kept_plugin(folder, flags=(*FLAGS, "-DNOTHING"))}
    with monkeypatch.context() as patch:
        patch.setattr(kept_plugins, "_builder_bytes", lambda: b"another hotgraft")
        images.add(kept_plugin(folder, flags=FLAGS))
        patch.setenv("CFLAGS", "-DNOTHING")
        images.add(kept_plugin(folder, flags=FLAGS))
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text() + "\n# more\n")
    images.add(kept_plugin(folder, flags=FLAGS))
    assert len(images) == 5
