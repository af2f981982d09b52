"""What became of replaced generations: proven gone, on their way out, or stuck with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotgraft import _core

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.host.loaded import Loaded

__all__ = ["StuckLibrary", "Unloads", "unloads_of"]


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
    """Wait up to `deadline_s` until nothing is on its way out, then count."""
    if deadline_s > 0:
        _core.wait_idle(deadline_s)
    proven, open_labels, numbers = 0, set[str](), set[tuple[str, int]]()
    for loaded in plugins:
        loaded.sweep()
        proven += loaded.proven
        open_labels |= {generation.label for generation in loaded.replaced}
        numbers |= {(loaded.name, generation.number) for generation in loaded.replaced}
    return Unloads(
        proven=proven,
        waiting=tuple(line for line in _core.waiting() if any(line.startswith(f"{one}:") for one in open_labels)),
        stuck=tuple(
            StuckLibrary(plugin, number, reason, symbol)
            for plugin, number, reason, symbol in _core.stuck()
            if (plugin, number) in numbers
        ),
    )
