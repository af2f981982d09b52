"""The settings of a host: their defaults, their bounds, and refusing what is not one of them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHOICES", "COUNTS", "OFF", "Options", "make_options"]

OFF: Final = "off"
DURATION_LIMIT_S: Final = 1e9  # thirty years; what is far above it overflows clocks
# Durations of which 0 means that there is none.
MAY_BE_ZERO: Final = ("health_every_s", "snapshot_every_s", "snapshots_max_age_s")
FOLDERS: Final = ("staging_folder", "journal", "snapshots")
FLAGS: Final = ("crash_report", "catch_crashes", "snapshot_before_swap", "snapshot_at_close")
# Settings that were called otherwise, and what to say now.
RENAMED: Final[Mapping[str, str]] = MappingProxyType(
    {"rollback_state": 'rollback; "kept" is rollback="keep", "refuse" stays rollback="refuse"'}
)
# Settings that are one word of several.
CHOICES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "probe": ("start", "create", OFF),  # how far a candidate is brought in a process of its own before it is mapped
        "probe_changes": ("refuse", "report"),  # what comes of a candidate that changes what belongs to the process
        "probation": ("on", OFF),  # whether a new generation is compared with the old one before it is committed
        # Where the state gained since cannot come along: what was kept, that or else a snapshot, or nothing.
        "rollback": ("keep", "snapshot", "refuse"),
        "resume": ("last", "none", "required"),  # whether a plugin that is loaded begins with its last snapshot
        "unknown_contract": ("refuse", "allow"),  # what comes of a candidate of whose contract something cannot be seen
        "check_outputs": ("report", OFF),  # whether what functions return to Python is held against its schema
    }
)
COUNTS: Final = ("probation_calls", "start_limit_rollbacks", "snapshots_kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a `Host` can be told; every duration in seconds.

    What concerns crashes concerns the process: it holds from the first host that asks for it to the process's end.
    """

    settle_deadline_s: float = 5.0  # until a file that is still being written counts as broken
    control_deadline_s: float = 30.0  # for each of the plugin's own functions outside the gated window
    swap_deadline_s: float = 5.0  # gates, drain, quiesce, transfer and start together
    close_deadline_s: float = 10.0
    pin_deadline_s: float = 60.0
    staging_folder: str = ""  # empty: a private one, removed when the host closes
    journal: str = ""  # the folder in which every attempt goes on record; empty: none
    crash_report: bool = True  # when the process dies of a signal in a plugin's code, stderr tells which and where
    probe: str = "start"  # of CHOICES
    probe_deadline_s: float = 30.0  # for each stage of a probe
    probe_memory_bytes: int = 2 << 30  # that a probe may take beyond what its empty process has
    probe_state_bytes: int = 4 << 20  # of live state that a probe is given a copy of; above it, it begins fresh
    probe_changes: str = "refuse"  # of CHOICES
    probation: str = OFF  # of CHOICES
    probation_s: float = 10.0  # of a window that has enough calls
    probation_calls: int = 2_000
    probation_max_s: float = 60.0  # of a window that has fewer calls
    rollback: str = "keep"  # of CHOICES
    snapshots: str = ""  # the folder in which the state of plugins outlives the process; empty: none
    snapshot_every_s: float = 0.0  # between two snapshots of every plugin; 0: none on a schedule
    snapshot_before_swap: bool = False  # one that cannot be kept refuses the swap
    snapshot_at_close: bool = True  # where there is a folder
    snapshots_kept: int = 8  # of each plugin
    snapshots_max_age_s: float = 0.0  # what is older goes, except for the two newest; 0: nothing is too old
    resume: str = "last"  # of CHOICES
    unknown_contract: str = "refuse"  # of CHOICES
    start_limit_rollbacks: int = 3  # of one plugin, within ...
    start_limit_s: float = 600.0  # ... so many seconds; with one more, none of its candidates is tried any more
    health_deadline_s: float = 5.0  # for each health check
    health_every_s: float = 0.0  # between two quick looks at the health of what is loaded; 0: none
    check_outputs: str = OFF  # of CHOICES; for development: it costs far more than a call
    catch_crashes: bool = False  # for development: a call that crashes raises, and the process is tainted


def make_options(given: Mapping[str, Any]) -> Options:
    """Return the options, or raise `ConfigError` naming every setting that is unknown or out of bounds."""
    known = [field.name for field in fields(Options)]
    given = {name: value for name, value in given.items() if name not in ("journal", "snapshots") or value is not None}
    given = {name: value.__fspath__() if hasattr(value, "__fspath__") else value for name, value in given.items()}
    found: list[str] = []
    for name, value in given.items():
        if name in RENAMED:
            found.append(f"{name} is now called {RENAMED[name]}")
        elif name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            found.append(f"unknown setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        elif name.endswith("_s") and not is_duration(value, may_be_zero=name in MAY_BE_ZERO):
            bound = "0 or more" if name in MAY_BE_ZERO else "above 0"
            found.append(
                f"{name} is {value!r}; it must be a number of seconds {bound} and not above {DURATION_LIMIT_S:g}"
            )
        elif name in CHOICES and value not in CHOICES[name]:
            found.append(f"{name} is {value!r}; it must be one of {', '.join(CHOICES[name])}")
        elif name.endswith("_bytes") and not is_size(value):
            found.append(f"{name} is {value!r}; it must be a whole number of bytes, 0 or more")
        elif name in COUNTS and not is_size(value):
            found.append(f"{name} is {value!r}; it must be a whole number, 0 or more")
        elif name in FOLDERS and not isinstance(value, str):
            found.append(f"{name} is {value!r}; it must be a path as text")
        elif name in FLAGS and not isinstance(value, bool):
            found.append(f"{name} is {value!r}; it must be true or false")
    found += [] if found else _without_folder(given)
    if found:
        is_strange = any(one.startswith("unknown setting") and "did you mean" not in one for one in found)
        advice = f"known settings: {', '.join(known)}" if is_strange else ""
        raise ConfigError("accept its settings", on="Host", found=found, advice=advice)
    return Options(**given)


def _without_folder(given: Mapping[str, Any]) -> list[str]:
    """Return what asks for snapshots where there is no place for them, or leaves none."""
    found = ["snapshots_kept is 0; of each plugin 1 or more are kept"] if given.get("snapshots_kept") == 0 else []
    if not given.get("snapshots"):
        wishes = ("snapshot_every_s", "snapshot_before_swap")
        found += [f"{name} is {given[name]!r}, and snapshots names no folder" for name in wishes if given.get(name)]
        if given.get("resume") == "required":
            found.append("resume is 'required', and snapshots names no folder")
    return found


def is_size(value: object) -> bool:
    """Tell whether `value` is a whole number of bytes."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62


def is_duration(value: object, *, may_be_zero: bool = False) -> bool:
    """Tell whether `value` is a number of seconds above 0 that clocks can count, or 0 where that `may_be_zero`."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 < value <= DURATION_LIMIT_S or (may_be_zero and value == 0)  # false for nan too
