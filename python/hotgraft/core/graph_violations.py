"""What is wrong with a graph, said so that a stranger can mend it: every candidate, and why it was passed over."""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hotgraft.core.graph_facts import Edge, Need

__all__ = ["Kind", "PassedOver", "Violation", "nearest", "spelled"]

PASSED_OVER_SHOWN: Final = 8
EDGES_SHOWN: Final = 8
NAMES_COMPARED: Final = 500  # with more, a nearest name costs more than it helps


class Kind(StrEnum):
    """What is wrong."""

    MISSING = "missing"  # nobody provides the interface
    UNSATISFIABLE = "unsatisfiable"  # somebody does, and nobody in a version that will do
    AMBIGUOUS = "ambiguous"  # two would do, and nothing says which
    CYCLE = "cycle"  # plugins need each other and do not say that they may
    TWICE = "twice"  # two plugins of one name


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A provider that was looked at, and why it is not the one."""

    plugin: str
    reason: str

    def __str__(self) -> str:
        return f"{self.plugin} {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that is wrong.

    Args:
        kind: of it.
        plugin: who has it; of a cycle, the one it begins with.
        sentence: what was found, without what was passed over.
        interface: that is needed; empty for two of one name.
        passed_over: every provider that was looked at.
        cycle: the edges of it, each beginning where the one before ends.
        undeclared: the edges within the same part that do not say they may be part of a cycle.
    """

    kind: Kind
    plugin: str
    sentence: str
    interface: str = ""
    passed_over: tuple[PassedOver, ...] = ()
    cycle: tuple[Edge, ...] = ()
    undeclared: tuple[Edge, ...] = ()

    def __str__(self) -> str:
        shown = [str(one) for one in self.passed_over[:PASSED_OVER_SHOWN]]
        if len(self.passed_over) > len(shown):
            shown.append(f"and {len(self.passed_over) - len(shown)} more")
        return f"{self.sentence}: {'; '.join(shown)}" if shown else self.sentence

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "kind": str(self.kind),
            "plugin": self.plugin,
            "interface": self.interface,
            "found": str(self),
            "passed_over": [{"plugin": one.plugin, "reason": one.reason} for one in self.passed_over],
            "cycle": [one.consumer for one in self.cycle],
        }


def missing(consumer: str, need: Need, *, plugins: int, near: str) -> Violation:
    """Nobody provides the interface."""
    hint = f'; did you mean "{near}"?' if near else ""
    looked = f"none of the {plugins} plugins" if plugins > 1 else "no other plugin"
    return Violation(
        kind=Kind.MISSING,
        plugin=consumer,
        interface=need.interface,
        sentence=f"{consumer} needs interface {need}: {looked} provides it{hint}",
    )


def unsatisfiable(consumer: str, need: Need, passed_over: tuple[PassedOver, ...]) -> Violation:
    """Somebody provides it, and nobody so that it will do."""
    return Violation(
        kind=Kind.UNSATISFIABLE,
        plugin=consumer,
        interface=need.interface,
        sentence=f"{consumer} needs interface {need}",
        passed_over=passed_over,
    )


def ambiguous(consumer: str, need: Need, tied: tuple[PassedOver, ...]) -> Violation:
    """Two would do equally well."""
    names = [one.plugin.split(" ")[0] for one in tied]
    return Violation(
        kind=Kind.AMBIGUOUS,
        plugin=consumer,
        interface=need.interface,
        sentence=(
            f"{consumer} needs interface {need}, and nothing says whose: "
            f"give one a higher priority ([plugins.{names[0]}] priority = 1 in hotgraft.toml)"
        ),
        passed_over=tied,
    )


def undeclared_cycle(cycle: tuple[Edge, ...], undeclared: tuple[Edge, ...]) -> Violation:
    """Plugins need each other, and not every need says that it may be part of a cycle."""
    listed = [f"{one.interface} of {one.consumer}" for one in undeclared[:EDGES_SHOWN]]
    more = len(undeclared) - len(listed)
    names = ", ".join(listed) + (f" and {more} more" if more else "")
    needs = "; ".join(f"{one.consumer} needs {one.need} of {one.provider}" for one in cycle)
    return Violation(
        kind=Kind.CYCLE,
        plugin=cycle[0].consumer,
        interface=cycle[0].interface,
        sentence=f"{spelled(cycle)}: they require each other in a cycle ({needs}), and cycle = true is not said "
        f"for {names}",
        cycle=cycle,
        undeclared=undeclared,
    )


def twice(name: str, places: Iterable[str]) -> Violation:
    """Two plugins have one name."""
    return Violation(
        kind=Kind.TWICE,
        plugin=name,
        sentence=f"plugin {name} is there more than once, and only one can serve: leave out all but one",
        passed_over=tuple(PassedOver(name, f"at {place or 'a place not told'}") for place in places),
    )


def spelled(cycle: Iterable[Edge]) -> str:
    """Return the names of a cycle in its order: ``a → b → a``."""
    edges = tuple(cycle)
    return " → ".join((*(one.consumer for one in edges), edges[0].consumer))


def nearest(name: str, known: Collection[str]) -> str:
    """Return the known name that is nearest to `name`, empty when none is near or there are too many."""
    if len(known) > NAMES_COMPARED:
        return ""
    return next(iter(difflib.get_close_matches(name, known, n=1)), "")
