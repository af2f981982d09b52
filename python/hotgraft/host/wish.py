"""What a caller wants of a plugin that is loaded, or of several as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.engine.journal_asked import Asked

__all__ = ["SetWish", "Wish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a caller wants of a plugin."""

    asked: Asked
    deadline_s: float
    is_longest: bool = False  # nobody asked for that deadline: of several plugins the longest holds
    source: str | None = None  # None: the image that serves
    config_json: str | None = None  # None: each instance keeps its own
    instance: str | None = None  # whose config it is; None: of all
    key: object = None  # equal ones are one
    is_settled: bool = False
    configs: Mapping[str, str] | None = None  # by instance, all of them; None: each keeps its own
    allow_downgrade: bool = False  # a lower version is meant
    goes_back: bool = False  # to what served before: what came after it may be lost
    keeps_source: bool = False  # `source` is not where it comes from next
    sha256: str = ""  # that `source` must have; empty: any
    priority: int = 0  # of one that is loaded
    by_own_name: bool = False  # of one that is loaded: under no other name than its image's own
    comes_from: str = ""  # of one that is loaded: where it comes from next, if that is not `source`


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWish:
    """What a caller wants of several plugins, by name; those that are not loaded are to be."""

    asked: Asked
    wishes: Mapping[str, Wish]
    deadline_s: float | None = None  # None: the longest of the members'
