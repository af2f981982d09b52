"""The five versions of the walk plugin: the struct that each one's state is, what its author says of it, its image.

Types are written as the slow reference writes them (layout_reference.py), and the C header is made of that. An author
keeps the lines of older steps, so that a version can be reached from every one before it.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hotgraft.engine.build import build_plugin
from layout_reference import Change
from one_at_a_time import one_at_a_time

SOURCES: Final = Path(__file__).parent / "plugins" / "walk"
STATE: Final = "walk_state"
LANE: Final = "walk_lane"
CALLERS: Final = 4  # lanes that have a thread of their own; every version has as many
C_NAMES: Final = {"f32": "float", "f64": "double"}

A, B, C, D, E = (("WALK_A", 0), ("WALK_B", 1), ("WALK_C", 2), ("WALK_D", 3), ("WALK_E", 9))


def mode(*constants: tuple[str, int]) -> Any:
    """Return the enum with these constants."""
    return ("enum", "u32", constants)


def lanes(count: int, *fields: tuple[str, str]) -> Any:
    """Return an array of lanes."""
    return ("array", ("struct", LANE, fields), count)


def array(kind: Any, count: int) -> Any:
    """Return an array."""
    return ("array", kind, count)


STATS_4: Final = ("struct", "walk_stats", (("n", "u64"), ("mean", array("f32", 3))))
STATS_5: Final = ("struct", "walk_stats", (("mean", array("f64", 3)), ("n", "u64"), ("worst", "f64")))


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version: `kind` is its state's type, `renamed`, `dropped` and `defaults` are by struct and field."""

    number: int
    schema: int
    kind: Any
    saves: bool = False
    renamed: dict[tuple[str, str], str] = field(default_factory=dict)
    dropped: tuple[tuple[str, str], ...] = ()
    defaults: dict[tuple[str, str], Any] = field(default_factory=dict)

    def change_from(self, older: Version) -> Change:
        """Return what is said of the step up from an older version."""
        return Change(
            renamed=dict(self.renamed),
            defaults=dict(self.defaults),
            old_defaults=dict(older.defaults),
            dropped={*self.dropped},
        )

    @property
    def lane_sum(self) -> str:
        """Return what a lane's sum is called."""
        return "total" if (LANE, "total") in self.renamed else "sum"

    @property
    def level(self) -> str:
        """Return what the level is called."""
        return "volume" if (STATE, "volume") in self.renamed else "level"


WEIGHT: Final = {(LANE, "weight"): 0.5}
RENAMED: Final = {(STATE, "volume"): "level", (LANE, "total"): "sum"}
SUM_LANE: Final = (("twin", "i64"), ("weight", "f64"), ("sum", "i64"))
TOTAL_LANE: Final = (("twin", "i64"), ("weight", "f64"), ("total", "i64"))
VERSIONS: Final = (
    Version(number=1, schema=1, kind=("struct", STATE, (
        ("level", "i32"), ("gain", "f32"), ("mode", mode(A, B, C)), ("name", array("i8", 12)),
        ("lanes", lanes(4, ("sum", "i64"), ("twin", "i64"))), ("taps", array("i16", 6)),
    ))),
    Version(number=2, schema=1, saves=True, kind=("struct", STATE, (
        ("lanes", lanes(5, *SUM_LANE)), ("level", "i64"), ("gain", "f64"), ("mode", mode(A, B, C, D)),
        ("name", array("i8", 24)), ("taps", array("i16", 9)), ("extra", "u32"),
    )), defaults={(STATE, "extra"): 7, **WEIGHT}),
    Version(number=3, schema=2, saves=True, kind=("struct", STATE, (
        ("gain", "f64"), ("mode", mode(A, B, C, D)), ("volume", "i64"), ("name", array("i8", 16)),
        ("taps", array("i32", 4)), ("lanes", lanes(5, *TOTAL_LANE)),
    )), renamed=RENAMED, dropped=((STATE, "extra"), (STATE, "taps[4:]")), defaults=WEIGHT),
    Version(number=4, schema=2, saves=True, kind=("struct", STATE, (
        ("name", array("i8", 16)), ("volume", "i32"), ("gain", "f64"), ("mode", mode(A, B, C, D, E)),
        ("lanes", lanes(5, *TOTAL_LANE)), ("taps", array("i32", 4)), ("stats", STATS_4), ("key", array("u8", 8)),
    )), renamed=RENAMED, dropped=((STATE, "extra"), (STATE, "taps[4:]")), defaults=WEIGHT),
    Version(number=5, schema=3, kind=("struct", STATE, (
        ("stats", STATS_5), ("lanes", lanes(4, ("total", "i64"), ("twin", "i64"), ("weight", "f64"))),
        ("volume", "i64"), ("ratio", "f64"), ("mode", mode(A, B, C, D, E)), ("name", array("i8", 16)),
        ("taps", array("i32", 6)),
    )), renamed=RENAMED, dropped=tuple((STATE, name) for name in ("extra", "taps[6:]", "gain", "key")),
        defaults={(STATE, "ratio"): 1.25, **WEIGHT}),
)  # fmt: skip


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
