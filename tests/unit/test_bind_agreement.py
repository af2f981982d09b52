"""bind and the compiler's own account of a header come to one surface: two readers that share no code for types."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft.core.surface_descriptor import surface_of
from hotgraft.engine.bind import bind
from hotgraft.engine.header_surface import read_headers
from test_bind_headers import write
from test_bind_types import READ, SAMPLE

if TYPE_CHECKING:
    from hotgraft.core.surface import Surface

PLUGINS = Path(__file__).parents[1] / "plugins"
# A header says it of no function; what is asked of a compiler beside the declarations no descriptor has.
ONLY_IN_HEADERS = "attributes that change a call or a layout"


def compared(surface: Surface) -> dict[str, Any]:
    """What both readers see: functions without their versions, the types they pass, constants."""
    functions = [replace(one, since=None) for interface in surface.interfaces for one in interface.functions]
    constants = {name: text for name, text in surface.constants.items() if name != ONLY_IN_HEADERS}
    return {"functions": functions, "types": surface.types, "constants": constants}


def assert_both_agree(manifest: Path, path: Path) -> None:
    """Read a header both ways."""
    described, seen = surface_of(bind(manifest).descriptor), read_headers([path])

    assert seen.unseen == ()
    assert compared(described) == compared(seen)


def test_both_readers_agree_on_a_plugin_of_every_type() -> None:
    """A descriptor that differed from what callers are compiled with would let a break in."""
    assert_both_agree(PLUGINS / "shapes" / "plugin.toml", PLUGINS / "shapes" / "shapes.h")


@pytest.mark.full  # a compiler for each
@pytest.mark.parametrize("text", [SAMPLE, *(text for text, _ in READ.values())], ids=["sample", *READ])
def test_both_readers_agree_on_every_header(tmp_path: Path, text: str) -> None:
    """What bind's own tests read is read by the other too."""
    assert_both_agree(write(tmp_path, text), tmp_path / "gain.h")


@pytest.mark.full  # a compiler
def test_readers_that_differ_are_told_apart(tmp_path: Path) -> None:
    """The control of the rows above: one field more is seen."""
    manifest = write(tmp_path, SAMPLE)
    described = compared(surface_of(bind(manifest).descriptor))
    (tmp_path / "gain.h").write_text(SAMPLE.replace("int32_t x, y;", "int32_t x, y, z;"))

    assert compared(read_headers([tmp_path / "gain.h"]))["types"] != described["types"]
