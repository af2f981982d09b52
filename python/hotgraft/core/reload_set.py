"""The minimal reload set: which plugins one swap must replace together, in which order, and why each.

The changed plugins, and those that a change breaks: by range, by contract, by a leased object of what is replaced, by a
cycle that is one unit. Not all dependents: who is served on in the slot that it has is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.graph import arrange
from hotgraft.core.graph_facts import Edge
from hotgraft.core.graph_violations import Kind, PassedOver
from hotgraft.core.reload_search import Reason, Search

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from hotgraft.core.graph import Graph
    from hotgraft.core.graph_facts import PluginFacts

__all__ = ["NOT_STAGED", "Member", "Reason", "Refusal", "ReloadSet", "reload_set"]

NOT_STAGED: Final = "has no candidate ready where it was loaded from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One plugin of the set.

    Args:
        plugin: its name.
        version: of the image that is to serve.
        is_candidate: that image is another one than it runs now; else its own is loaded anew, and bound anew.
        is_new: nothing of it runs now.
        reason: why it is in the set.
        cause: the plugin that made it necessary; itself for what changed.
        sentence: the same for people.
        providers: to whom its needs will lead, by interface.
    """

    plugin: str
    version: str
    is_candidate: bool
    is_new: bool
    reason: Reason
    cause: str
    sentence: str
    providers: Mapping[str, str]

    def __str__(self) -> str:
        image = f"candidate {self.version}" if self.is_candidate else f"its own {self.version}, bound anew"
        return f"{self.plugin} ({image}): {self.sentence}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "plugin": self.plugin,
            "version": self.version,
            "candidate": self.is_candidate,
            "new": self.is_new,
            "reason": str(self.reason),
            "cause": self.cause,
            "why": self.sentence,
            "providers": dict(self.providers),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the set cannot be swapped."""

    plugin: str
    sentence: str
    passed_over: tuple[PassedOver, ...] = ()

    def __str__(self) -> str:
        shown = "; ".join(map(str, self.passed_over))
        return f"{self.sentence}: {shown}" if shown else self.sentence

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "plugin": self.plugin,
            "found": str(self),
            "passed_over": [{"plugin": one.plugin, "reason": one.reason} for one in self.passed_over],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadSet:
    """What one swap replaces.

    Args:
        members: providers first: the order in which they are started; they are quiesced in the other one.
        refusals: everything that stands against it; while there is one, nothing is to be swapped.
        visited: how many edges were looked at: what it cost.
    """

    members: tuple[Member, ...]
    refusals: tuple[Refusal, ...] = ()
    visited: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Return the members' names in their order."""
        return tuple(one.plugin for one in self.members)

    def __str__(self) -> str:
        many = "s" if len(self.members) != 1 else ""
        head = f"a swap of {len(self.members)} plugin{many}" + (", refused" if self.refusals else "")
        lines = [f"{number:3} {one}" for number, one in enumerate(self.members, start=1)]
        return "\n".join((head, *lines, *(f"  refused: {one}" for one in self.refusals)))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "members": [one.as_dict() for one in self.members],
            "refusals": [one.as_dict() for one in self.refusals],
        }


def reload_set(
    graph: Graph,
    changes: Mapping[str, PluginFacts],
    *,
    staged: Mapping[str, PluginFacts] | None = None,
    breaks: Callable[[str], Collection[str]] = lambda _: (),
    leases: Mapping[str, Collection[str]] | None = None,
    calls: Mapping[str, Sequence[Edge]] | None = None,
) -> ReloadSet:
    """Return the plugins that must be replaced together when `changes` are, and no others.

    Args:
        graph: what runs.
        changes: by plugin, the candidate that is to replace it.
        staged: by plugin, further candidates that may be taken where they are needed.
        breaks: of a plugin that gets its candidate, the keys (``codec/1``) of the interfaces of which the candidate
            breaks what callers rely on, whatever its version says. Asked once for each.
        leases: by plugin, who holds leased objects of its generation.
        calls: the edges of `graph` by provider, where somebody has them.

    Source:
        The opposite is what OSGi's ``refreshBundles`` does: all dependents (OSGi Core 8, ch. 7.6).
    """
    search = Search(graph, changes, staged=staged or {}, breaks=breaks, leases=leases or {}, calls=calls)
    search.run()
    order, cycles = _ordered(graph, search)
    members = tuple(
        Member(
            plugin=name,
            version=form.facts.version,
            is_candidate=form.is_candidate,
            is_new=name not in graph.plugins,
            reason=search.joined[name].reason,
            cause=search.joined[name].cause,
            sentence=search.joined[name].sentence,
            providers=form.providers,
        )
        for name in order
        for form in (search.after.forms[name],)
    )
    return ReloadSet(members=members, refusals=(*_unmet(search, set(changes)), *cycles), visited=search.visited)


def _ordered(graph: Graph, search: Search) -> tuple[tuple[str, ...], tuple[Refusal, ...]]:
    """Return the members, providers first, and what is wrong with the cycles that there would be.

    The order in which they were loaded will do, unless a need leads to where it did not lead before.
    """
    ranks = {name: rank for rank, name in enumerate(graph.load_order)}
    units = {name: unit for unit in graph.units if len(unit) > 1 for name in unit}
    forms = search.after.forms
    is_moved = any(
        name not in ranks
        or provider not in ranks
        or ranks[provider] > ranks[name]
        or (name in units and units[name] is units.get(provider))
        for name, form in forms.items()
        for provider in form.providers.values()
    )
    if not is_moved and all(name in ranks for name in forms):
        return tuple(sorted(forms, key=ranks.__getitem__)), ()
    edges = [edge for edge in graph.edges if edge.consumer not in forms]
    edges += [
        Edge(name, need, provider, (0, 0))
        for name, form in forms.items()
        for need in form.facts.requires
        if (provider := form.providers.get(need.interface)) is not None
    ]
    after = arrange({**graph.plugins, **{name: form.facts for name, form in forms.items()}}, edges)
    known = {_ends(one.undeclared) for one in graph.violations if one.kind is Kind.CYCLE}
    cycles = tuple(
        Refusal(plugin=one.plugin, sentence=one.sentence)
        for one in after.violations
        if _ends(one.undeclared) not in known
    )
    return tuple(name for name in after.load_order if name in forms), cycles


def _ends(edges: Iterable[Edge]) -> frozenset[tuple[str, str, str]]:
    """Return who needs what of whom: with other versions it is the same cycle."""
    return frozenset((one.consumer, one.interface, one.provider) for one in edges)


def _unmet(search: Search, changed: set[str]) -> Iterator[Refusal]:
    """What members need and nobody offers; of a member that could take a candidate, for both of its forms."""
    for name, needs in sorted(search.unmet.items()):
        joined, forms = search.joined[name], {one.is_candidate for _, one in needs}
        why = "" if name in changed or joined.reason is Reason.BROKEN else f", and it {joined.sentence}"
        for need, form in needs:
            passed_over = search.after.passed_over(name, need, is_candidate=form.is_candidate)
            if not passed_over:
                why += ", and nobody offers it"
            if True not in forms:
                passed_over += (PassedOver(name, NOT_STAGED),)
            yield Refusal(plugin=name, sentence=f"{form.facts} needs {need}{why}", passed_over=passed_over)
