"""What the command line of `hotgraft dev` asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.dev.calling import Call
    from hotgraft.dev.sources import Sources
    from hotgraft.engine.build_image import Way

__all__ = ["Wish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The same in the process that was started and in each session that it starts."""

    folder: Path
    sources: Sources
    calls: tuple[Call, ...]
    delay_s: float
    way: Way = "compiler"
    is_colored: bool = False
    catches_crashes: bool = False
