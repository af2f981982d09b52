"""A unit: the plugins that one swap replaced together, until they are committed. They go back together, or stay.

A swap of some of them, or of some and of others, joins all of these to one unit: whatever of it goes back, what it was
proven with goes back too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.host.loaded import Loaded

__all__ = ["Unit", "unit_of"]


@dataclass(slots=True, eq=False)
class Unit:
    """Plugins, providers first; of each of them something is held. Written by whoever has the turns of all of them."""

    plugins: list[Loaded] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """Return their names in their order."""
        return tuple(one.name for one in self.plugins)


def unit_of(members: Iterable[Loaded]) -> Unit:
    """Return the unit that `members`, providers first, become when they are replaced together.

    Those that are on probation bring along what they were replaced with.
    """
    unit = Unit()
    for member in members:
        joined = member.held.unit.plugins if member.held is not None else [member]
        unit.plugins += [one for one in joined if one.name not in unit.names]
    return unit
