"""What happened, for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Said"]


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that happened: what, and what is known of it."""

    event: str
    facts: Mapping[str, Any]
