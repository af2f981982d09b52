"""What `hotgraft new` says to do next is what can be done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import hotgraft as package
import pytest
from command_scene import hotgraft
from hotgraft.dev.calling import make_call, parse_call
from hotgraft.engine.build import build_plugin
from hotgraft.engine.stage import inspect_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.full
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_call_that_the_new_folder_suggests_is_one_of_its_plugin(tmp_path: Path, language: str) -> None:
    """A README whose first line to type fails is the last thing a newcomer reads."""
    said, _ = hotgraft("new", "gain", *(["--cpp"] if language == "cpp" else []), folder=tmp_path)
    assert "next: cd gain && hotgraft dev" in said
    (text,) = re.findall(r"hotgraft dev --call '(.*?)'", (tmp_path / "gain" / "README.md").read_text())
    image = build_plugin(tmp_path / "gain")
    with package.Host() as host:
        plugin = host.load(image)
        descriptor, _ = inspect_file(str(image), settle_deadline_s=1.0)
        assert make_call(plugin, descriptor, parse_call(text)) == "out = [2, 4, 6]"
