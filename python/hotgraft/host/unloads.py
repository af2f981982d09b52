"""What became of replaced generations: proven gone, on their way out, or stuck with the reason."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.host.loaded import Loaded

__all__ = ["StuckLibrary", "Unloads", "unloads_of"]

LOOK_AGAIN_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class StuckLibrary:
    """A library that cannot leave memory: whose, why, and the symbol that is known to keep it (or empty)."""

    plugin: str
    generation: int
    reason: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unloads:
    """How many generations are proven gone, which are on their way out and what holds them.

    And which are stuck.
    """

    proven: int
    waiting: tuple[str, ...]
    stuck: tuple[StuckLibrary, ...]


def unloads_of(plugins: Iterable[Loaded], deadline_s: float) -> Unloads:
    """Wait up to `deadline_s` until none of theirs is on its way out, then count."""
    plugins = list(plugins)
    _wait_for(plugins, deadline_s)
    # In this order: what leaves meanwhile goes from waiting to stuck or gone, and is then seen in its later place.
    waiting, stuck = _core.waiting(), _core.stuck()
    proven, ours = 0, set[str]()
    for loaded in plugins:
        gone, kept = loaded.replaced.count()
        proven += gone
        ours |= {generation.path for generation in kept}
    return Unloads(
        proven=proven,
        waiting=tuple(sentence for path, sentence in waiting if path in ours),
        stuck=tuple(StuckLibrary(*one[1:]) for one in stuck if one[0] in ours),
    )


def _wait_for(plugins: list[Loaded], deadline_s: float) -> None:
    """Wait for theirs alone: what others of the process have on its way out may be held for good."""
    until_s = time.monotonic() + deadline_s
    while (left_s := until_s - time.monotonic()) > 0 and not _core.wait_idle(min(left_s, LOOK_AGAIN_S)):
        ours = {generation.path for loaded in plugins for generation in loaded.replaced.count()[1]}
        if ours.isdisjoint(path for path, _ in _core.waiting()):
            return
