"""`Host.watch` beside who may write to an image: what is refused for it comes in once that is mended."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from sample_plugins import Sample, Workshop
from watch_scene import Listener

if TYPE_CHECKING:
    from pathlib import Path

    import hotgraft


@pytest.mark.parametrize("which", ["image", "folder"])
def test_what_others_could_write_to_is_tried_again_once_they_cannot(
    host: hotgraft.Host, build: Workshop, tmp_path: Path, which: str
) -> None:
    """chmod is what the refusal says; nobody should have to build again for it."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    image, fresh = folder / "counter.so", folder / "next.so"
    shutil.copyfile(build(Sample(build=1)), image)
    plugin, listener = host.load(image), Listener(host)
    with host.watch():
        shutil.copyfile(build(Sample(build=2)), fresh)
        (folder if which == "folder" else fresh).chmod(0o777)
        fresh.rename(image)
        refused = listener.wait_for("watch.refused")
        assert "chmod" in refused.facts["error"].advice
        assert plugin.build() == 1
        (folder if which == "folder" else image).chmod(0o755)
        listener.wait_for_build(plugin, 2)
