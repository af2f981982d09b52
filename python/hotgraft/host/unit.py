"""A unit: the plugins that one swap replaced together, until they are committed. They go back together, or stay.

A swap of some of them, or of some and of others, joins all of these to one unit: whatever of it goes back, what it was
proven with goes back too.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hotgraft.core.plan import Side
    from hotgraft.host.loaded import Bound, Loaded

__all__ = ["Unit", "called_by", "join", "lacking_after", "lacking_back", "on_probation_with", "unit_of"]


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
    unit, known = dict[str, "Loaded"](), set[int]()
    for member in members:
        joined = member.held.unit if member.held is not None else None
        if joined is None:
            unit.setdefault(member.name, member)
        elif id(joined) not in known:  # once for all of it
            known.add(id(joined))
            for one in joined.plugins:
                unit.setdefault(one.name, one)
    return Unit(list(unit.values()))


def join(unit: Unit) -> None:
    """Let whatever is held for the unit's plugins go back with it, by whoever has the turns of all. Twice is once."""
    for one in unit.plugins:
        if one.held is not None and one.held.unit is not unit:
            one.held = replace(one.held, unit=unit)


def on_probation_with(loaded: Loaded) -> tuple[Loaded, ...]:
    """Return the plugins that go back with `loaded`, itself too: alone, or nobody where nothing is held.

    What was closed meanwhile is in no unit any more.
    """
    held = loaded.held
    if held is None:
        return ()
    return tuple(one for one in held.unit.plugins if one.held is not None and one.held.unit is held.unit)


def called_by(loaded: Loaded, unit: Sequence[Loaded]) -> tuple[str, ...]:
    """Return the others of a unit that a plugin, as it serves, calls.

    Whoever calls it through a pin that is left there meets it as it is, and those as they are once they are back.
    """
    others = {one.name for one in unit if one is not loaded}
    return tuple(dict.fromkeys(bound.provider for bound in loaded.imports.values() if bound.provider in others))


def lacking_after(loaded: Loaded, unit: Sequence[Loaded]) -> tuple[str, ...]:
    """Return what a plugin, as it serves, needs of a unit's others that these lack once they are back.

    Whoever is inside of it then calls them by a table that ends sooner.
    """
    return _lacking(loaded.imports, {one.name: _side_of(one) for one in unit if one is not loaded})


def lacking_back(loaded: Loaded, unit: Sequence[Loaded], others: Iterable[Loaded]) -> tuple[str, ...]:
    """Return what a plugin, once it is back, needs of others that these lack then; those of its unit are back as well.

    What it was bound to may have been replaced since it was.
    """
    assert loaded.held is not None  # it is to go back
    sides = {one.name: one.serving.side for one in others} | {one.name: _side_of(one) for one in unit}
    return _lacking(loaded.held.imports, sides)


def _side_of(loaded: Loaded) -> Side:
    """Return what a plugin goes back to."""
    return loaded.serving.side if loaded.held is None else loaded.held.candidate.side


def _lacking(imports: Mapping[str, Bound], sides: Mapping[str, Side]) -> tuple[str, ...]:
    found: list[str] = []
    for bound in imports.values():
        side = sides.get(bound.provider)
        offers = [one for one in side.interfaces if one.key == bound.interface] if side is not None else []
        if side is not None and not any(bound.accepts.allows_interface(one.known_version) for one in offers):
            name = bound.interface.partition("/")[0]
            found.append(f"needs {name} {bound.accepts}, and {bound.provider} {side.version} has less")
    return tuple(found)
