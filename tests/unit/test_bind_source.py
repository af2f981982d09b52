"""The descriptor in an image: what bind wrote, whatever a compiler does to the objects around it."""

from __future__ import annotations

import itertools
import shutil
from typing import TYPE_CHECKING

import pytest
from hotgraft import _core
from hotgraft.core.descriptor import write_descriptor
from hotgraft.engine.bind import bind
from hotgraft.engine.build import build_plugin
from hotgraft.engine.new_plugin import new_plugin

if TYPE_CHECKING:
    from pathlib import Path


FLAGS = ("-fsanitize=address", "-fsanitize=undefined", "-O0 -g3", "-O3 -flto")
# Quick: red zones behind what a sanitizer watches, and the one that moves objects about.
QUICK = (
    ("clang", "-fsanitize=address"),
    ("gcc", "-fsanitize=address"),
    ("gcc", "-O3 -flto"),
)


@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        pytest.param(*one, marks=() if one in QUICK else pytest.mark.full)
        for one in itertools.product(("gcc", "clang"), FLAGS)
    ],
)
def test_note_is_byte_for_byte_what_was_written(tmp_path: Path, compiler: str, flags: str) -> None:
    """A sanitizer pads what it watches: clang's red zone behind the note made it one that nobody could read."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    new_plugin("gain", tmp_path)
    image = build_plugin(tmp_path / "gain", compiler=compiler, flags=flags.split())
    assert _core.read_descriptor(str(image)) == write_descriptor(bind(tmp_path / "gain" / "plugin.toml").descriptor)
