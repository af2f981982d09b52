"""Images for comparing: one compiled plugin, and copies of it that say something else of themselves.

Only descriptors are compared, so nothing is compiled again: the text in the note is replaced, at the same length.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sample_plugins import PLAIN, function, parameter

if TYPE_CHECKING:
    from pathlib import Path

    from sample_plugins import Workshop

__all__ = ["POINT", "PROCESS", "READ", "RESET", "enum", "image", "offer", "state", "struct", "without_note"]

ROOM: Final = 6000  # bytes for what a copy says beyond what the compiled one does
PROCESS: Final = function(
    "process", 8, "status",
    parameter("in", "f32", pointer=1, direction="in", count="n", const=True),
    parameter("n", "u64"),
)  # fmt: skip
READ: Final = function("read", 16, "i64", parameter("at", "point", pointer=1, direction="in", const=True, count="1"))
RESET: Final = function("reset", 24, "status", parameter("mode", "mode"))
_BASE: Final = replace(
    PLAIN,
    name="gain",
    version="1.2.0",
    interface="gain",
    interface_version=(1, 2),
    functions=(PROCESS, READ),
    config_schema={"description": "." * ROOM},
)


def struct(*fields: tuple[str, str, int, int], size: int, align: int = 4) -> dict[str, Any]:
    """Return a struct; each field is name, type, offset and bytes."""
    names = ("name", "type", "offset", "bytes")
    return {
        "bytes": size,
        "align": align,
        "fields": [{**dict(zip(names, one, strict=True)), "count": 1} for one in fields],
    }


def enum(**values: int) -> dict[str, Any]:
    """Return an enum."""
    return {"type": "i32", "values": [[name, value] for name, value in values.items()]}


POINT: Final = struct(("x", "i32", 0, 4), ("y", "i32", 4, 4), size=8)


def offer(*functions: dict[str, Any], version: tuple[int, int] = (1, 2), name: str = "gain") -> list[dict[str, Any]]:
    """Return what a descriptor provides: one interface with these functions."""
    return [
        {
            "interface": name,
            "version": list(version),
            "struct": f"{name}_v{version[0]}",
            "bytes": 8 + 8 * len(functions),
            "functions": list(functions),
        }
    ]


def state(schema: int, layout: int) -> dict[str, Any]:
    """Return a state that is handed over and saved."""
    return {"kind": "single", "schema": schema, "layout_id": layout, "handover": True, "save": True}


def image(build: Workshop, path: Path, /, **changes: Any) -> Path:
    """Return a copy of the plugin `gain` whose descriptor says `changes`, keys and values of its JSON."""
    compiled = build(_BASE).read_bytes()
    text = json.dumps(_BASE.descriptor).encode()
    assert compiled.count(text) == 1
    said = copy.deepcopy(_BASE.descriptor)
    said.update(config_schema={}, structs={"point": POINT})
    said.update(changes)
    new = json.dumps(said).encode()
    path.write_bytes(compiled.replace(text, new.ljust(len(text))))
    return path


def without_note(build: Workshop, path: Path) -> Path:
    """Return a copy of the same without a descriptor."""
    path.write_bytes(build(_BASE).read_bytes().replace(b"hotgraft\0", b"somebody\0"))
    return path
