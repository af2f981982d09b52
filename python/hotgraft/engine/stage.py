"""From a file to an accepted candidate: settle, stage, inspect, check needs, read the descriptor.

None of the candidate's code runs here; any failure leaves no copy on disk and nothing changed.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from hotgraft import _core
from hotgraft.core.call_types import blocking_functions
from hotgraft.core.dataclass import dataclass
from hotgraft.core.descriptor import read_descriptor
from hotgraft.core.errors import ImageError
from hotgraft.core.side import side_of
from hotgraft.engine.settling import STILL_S, settle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.plan import Side
    from hotgraft.engine.timing import Stopwatch

__all__ = ["STILL_S", "Candidate", "StagingPlace", "check_path", "inspect_file", "printable_path", "stage_candidate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagingPlace:
    """Where staged copies go, how long a file may take to be complete, and how long it must have held still."""

    folder: str
    settle_deadline_s: float
    still_s: float = STILL_S


@dataclass(frozen=True, slots=True)
class Candidate:
    """A staged and inspected image: its generation, and what its descriptor says."""

    generation: _core.Generation
    descriptor: Descriptor
    side: Side
    blocking: frozenset[str]
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # schemas of what functions return, by name


def stage_candidate(
    source: str,
    plugin: str,
    number: int,
    *,
    place: StagingPlace,
    watch: Stopwatch,
    sha256: str = "",
    is_known: bool = False,
) -> Candidate:
    """Copy, hash and inspect `source` as generation `number` of `plugin`, and check that it can run here.

    `sha256`: that it must have, where it was chosen by its content; else empty. `is_known`: as in `settle`.

    Raises:
        ImageError: the file never was complete, is malformed, is refused by what it says, or needs what this
            process cannot give; `found` lists every reason.
        ManifestError: its descriptor breaks its schema.
    """
    check_path(source)
    with watch("settle"):
        settle(source, place.settle_deadline_s, place.still_s, is_known=is_known)
    with watch("stage"):
        generation = _core.stage(source, place.folder, plugin, number)
    try:
        if sha256 and generation.sha256 != sha256:
            raise ImageError("take the image", on=source, found=f"its hash is {generation.sha256}, not {sha256}")
        with watch("inspect"):
            descriptor = read_descriptor(generation.descriptor)
            side = side_of(descriptor)
        generation.note_version(side.version)
        with watch("check needs"):
            generation.check_needs()
    except BaseException:
        generation.reject()
        raise
    outputs = {name.partition(".")[2]: schema for name, schema in descriptor.outputs.items()}
    return Candidate(generation, descriptor, side, blocking_functions(descriptor), outputs)


def printable_path(path: str) -> str:
    """Return the path in one line of text, whatever bytes it holds."""
    shown = path.encode(errors="backslashreplace").decode()
    return shown if shown.isprintable() else repr(path)


def check_path(source: str) -> None:
    """Refuse a path that cannot be shown, or cannot be given to the system, as it is.

    Raises:
        ImageError: it holds a control character, or bytes that are not UTF-8.
    """
    if source.isprintable():
        return
    wrong = next(one for one in source if not one.isprintable())
    found = "bytes that are not UTF-8" if "\udc80" <= wrong <= "\udcff" else f"the control character {wrong!r}"
    raise ImageError(
        "take the image",
        on=printable_path(source),
        found=f"its path holds {found}",
        advice="give the file and its folders names that can be printed",
    )


def inspect_file(
    source: str, *, settle_deadline_s: float, still_s: float = STILL_S, is_known: bool = False
) -> tuple[Descriptor, Side]:
    """Read what an image declares without staging it: for a dry run."""
    check_path(source)
    settle(source, settle_deadline_s, still_s, is_known=is_known)
    descriptor = read_descriptor(_core.read_descriptor(source))
    return descriptor, side_of(descriptor)
