"""The images of the walk plugin: one for each version, compiled from one source and headers that are made here."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from hotgraft.engine.build import build_plugin
from one_at_a_time import one_at_a_time
from walk_versions import LANE, STATE, VERSIONS, Version

SOURCES: Final = Path(__file__).parent / "plugins" / "walk"
C_NAMES: Final = {"f32": "float", "f64": "double"}


def build_versions(folder: Path, count: int = len(VERSIONS)) -> tuple[Path, ...]:
    """Return the images of the first versions; each is built once for all who share the folder."""
    return tuple(_built(version, folder / f"walk{version.number}") for version in VERSIONS[:count])


def _built(version: Version, folder: Path) -> Path:
    with one_at_a_time(folder):
        if not folder.exists():
            made = Path(tempfile.mkdtemp(prefix="walk-", dir=folder.parent)) / "walk"
            _build(version, made)
            made.rename(folder)  # whole or not at all
    return folder / "build" / "walk.so"


def _build(version: Version, folder: Path) -> None:
    shutil.copytree(SOURCES, folder)
    (folder / "walk_state.h").write_text(_header(version))
    (folder / "walk_words.h").write_text(_words(version))
    (folder / "plugin.toml").write_text(_manifest(version))
    image = build_plugin(folder, flags=("-O1", "-g0", "-D_POSIX_C_SOURCE=200809L"))
    assert image == folder / "build" / "walk.so"


def _manifest(version: Version) -> str:
    def names(given: dict[tuple[str, str], Any]) -> str:
        return ", ".join(f'"{owner}.{name}" = {_toml(value)}' for (owner, name), value in given.items())

    dropped = ", ".join(f'"{owner}.{name}"' for owner, name in version.dropped)
    return f"""
[plugin]
name = "walk"
version = "{version.number}.0.0"

[provides.walk]
version = "1.0"

[state]
kind = "single"
struct = "{STATE}"
header = "walk_state.h"
schema = {version.schema}
save = {str(version.saves).lower()}
renamed_from = {{ {names(version.renamed)} }}
defaults = {{ {names(version.defaults)} }}
dropped = [{dropped}]
"""


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _header(version: Version) -> str:
    lines = ["#ifndef WALK_STATE_H", "#define WALK_STATE_H", "", "#include <stdint.h>", ""]
    constants = ", ".join(f"{name} = {number}" for name, number in dict(version.kind[2])["mode"][2])
    lines += [f"typedef enum walk_mode {{ {constants} }} walk_mode;", ""]
    return "\n".join([*lines, *_structs(version.kind), "#endif"]) + "\n"


def _words(version: Version) -> str:
    """Return what walk.c calls things in this version."""
    fields = dict(version.kind[2])
    level, tap = fields[version.level], fields["taps"][1]
    lines = [f"#define WALK_VERSION {version.number}", f"#define WALK_SCHEMA {version.schema}u"]
    lines += [f"#define LANE_SUM {version.lane_sum}", f"#define WALK_LEVEL {version.level}"]
    lines += [f'#define WALK_LEVEL_KEY "{version.level}"', f"#define WALK_LEVEL_TYPE {_c_name(level)}"]
    lines += [f"#define WALK_TAP {_c_name(tap)}", f"#define WALK_TAP_MIN INT{tap[1:]}_MIN"]
    lines += [f"#define WALK_TAP_MAX INT{tap[1:]}_MAX", *(["#define WALK_SAVES"] if version.saves else [])]
    lines += ["#define WALK_EXTRA"] if "extra" in fields else []
    fresh = [f"(state)->{name} = {value}" for (owner, name), value in version.defaults.items() if owner == STATE]
    if (LANE, "weight") in version.defaults:
        fresh += [f"(state)->lanes[{at}].weight = 0.5" for at in range(fields["lanes"][2])]
    lines += [f"#define WALK_FRESH(state) {', '.join(fresh) or '(void)(state)'}"]
    return "\n".join(lines) + "\n"


def _structs(kind: Any) -> list[str]:
    """Return a struct and those inside it, inner ones first."""
    lines, fields = [], []
    for name, inner in kind[2]:
        element, count = (inner[1], f"[{inner[2]}]") if inner[0] == "array" else (inner, "")
        if not isinstance(element, str) and element[0] == "struct":
            lines += _structs(element)
        fields.append(f"    {_c_name(element)} {name}{count};")
    return [*lines, f"typedef struct {kind[1]} {{", *fields, f"}} {kind[1]};", ""]


def _c_name(kind: Any) -> str:
    if not isinstance(kind, str):
        return "walk_mode" if kind[0] == "enum" else str(kind[1])
    return C_NAMES.get(kind) or ("char" if kind == "i8" else f"{'u' * (kind[0] == 'u')}int{kind[1:]}_t")
