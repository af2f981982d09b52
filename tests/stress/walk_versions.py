"""The five versions of the walk plugin: the struct that each one's state is, and what its author says of it.

Types are written as the slow reference writes them (layout_reference.py); walk_images.py makes C of them. An author
keeps the lines of older steps, so that a version can be reached from every one before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from layout_reference import Change

STATE: Final = "walk_state"
LANE: Final = "walk_lane"
CALLERS: Final = 4  # lanes that have a thread of their own; every version has as many

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
