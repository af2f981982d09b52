"""Who calls whom: from what plugins provide and require to edges, an order to load them in, and all that is wrong.

The provider of a need is, among the other plugins whose version and features will do, the one that offers the highest
version; of those the one with the highest priority; two that are equal are ambiguous. An optional need that nobody can
meet is left unbound. No other choice is tried when a chosen provider has needs of its own that nobody meets: who reads
the graph can say in one sentence why it is so.

Plugins may need each other only where every edge between them says so (``cycle = true``): they are one unit.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hotgraft.core.dataclass import dataclass
from hotgraft.core.graph_cycles import cycle_through, inner_order, strong_parts
from hotgraft.core.graph_facts import Edge, Need, PluginFacts, Unbound
from hotgraft.core.graph_violations import (
    PassedOver,
    Violation,
    ambiguous,
    missing,
    nearest,
    twice,
    undeclared_cycle,
    unsatisfiable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Graph", "Offer", "Offers", "arrange", "make_graph"]

HINTS: Final = 20  # nearest names are looked for so often: each costs a look at all names
BEST: Final = 3  # the choice, one that ties with it, and the consumer itself


class Offer(NamedTuple):
    """An interface that a plugin provides; the greatest is the best, names aside."""

    version: tuple[int, int]
    priority: int
    plugin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Plugins and what leads from each to whom.

    Args:
        plugins: by name, in the order of names.
        edges: from consumer to provider, in the order of consumers and of their needs.
        units: what is loaded as one, providers first, by name where that says nothing; one of several is a cycle.
        unbound: optional needs that lead nowhere.
        violations: everything that is wrong; while there is one, nothing is to be loaded.
        offers: who provides what, where that was looked for.
    """

    plugins: Mapping[str, PluginFacts]
    edges: tuple[Edge, ...]
    units: tuple[tuple[str, ...], ...]
    unbound: tuple[Unbound, ...] = ()
    violations: tuple[Violation, ...] = ()
    offers: Offers | None = field(default=None, compare=False, repr=False)

    @property
    def load_order(self) -> tuple[str, ...]:
        """Return all names, providers first: the order in which they are loaded and started."""
        return tuple(name for unit in self.units for name in unit)

    @property
    def stop_order(self) -> tuple[str, ...]:
        """Return all names, consumers first: the order in which they are stopped."""
        return self.load_order[::-1]

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return {
            "plugins": [_plugin_object(one) for one in self.plugins.values()],
            "edges": [
                {**_need_object(one.consumer, one.need), "provider": one.provider, "version": list(one.version)}
                for one in self.edges
            ],
            "unbound": [{**_need_object(one.consumer, one.need), "why": one.note} for one in self.unbound],
            "load_order": list(self.load_order),
            "units": [list(unit) for unit in self.units if len(unit) > 1],
            "violations": [one.as_dict() for one in self.violations],
        }


def make_graph(plugins: Iterable[PluginFacts]) -> Graph:
    """Return the graph of `plugins`; what is wrong with it is in its `violations`, all of it."""
    known, doubles = _by_name(plugins)
    offers = Offers(known)
    edges: list[Edge] = []
    unbound: list[Unbound] = []
    violations = list(doubles)
    new_edge = tuple.__new__  # what Edge(...) calls, at half of its cost
    for name, facts in known.items():
        for need in facts.requires:
            best = offers.best(need)
            if len(best) == 1 and best[0][2] != name:  # nearly always
                version, _, provider = best[0]
                edges.append(new_edge(Edge, (name, need, provider, version)))
                continue
            if best and best[0].plugin == name:
                best = best[1:]
            if not best:
                _note_unmet(name, need, offers, unbound, violations)
            elif len(best) > 1 and _is_tied(best, name):
                violations.append(ambiguous(name, need, offers.tied(need, best[0], name)))
            else:
                edges.append(Edge(name, need, best[0].plugin, best[0].version))
    return replace(arrange(known, edges, unbound=unbound, violations=violations), offers=offers)


def _is_tied(best: Sequence[Offer], consumer: str) -> bool:
    """Tell whether another plugin than the consumer offers as much as the best does."""
    second = best[1] if best[1].plugin != consumer else best[-1]
    return second.plugin != consumer and second[:2] == best[0][:2]


def arrange(
    plugins: Mapping[str, PluginFacts],
    edges: Sequence[Edge],
    *,
    unbound: Iterable[Unbound] = (),
    violations: Iterable[Violation] = (),
) -> Graph:
    """Return the graph of edges that are known, as those of a host are: its order, units and undeclared cycles.

    Args:
        plugins: by name; sorted here.
        edges: between them.
        unbound: to be part of the graph.
        violations: found so far, to be followed by the cycles.
    """
    names = sorted(plugins)
    ranks = dict(zip(names, range(len(names)), strict=True))
    needed: list[list[int]] = [[] for _ in names]
    for consumer, _, provider, _ in edges:
        needed[ranks[consumer]].append(ranks[provider])
    for one in needed:
        one.sort()  # two graphs of the same edges have the same order
    parts = strong_parts(needed)
    units, cycles = (
        _units(names, parts, edges) if len(parts) < len(names) else ([(names[one],) for (one,) in parts], [])
    )
    return Graph(
        plugins={name: plugins[name] for name in names},
        edges=tuple(edges),
        units=tuple(units),
        unbound=tuple(unbound),
        violations=(*violations, *cycles),
    )


class Offers:
    """Who provides what, the best first. What was looked for once is known."""

    def __init__(self, plugins: Mapping[str, PluginFacts]) -> None:
        self._plugins = plugins
        self._offers: dict[str, list[Offer]] = {}
        known = self._offers
        for name, facts in plugins.items():
            for interface, version in facts.provides:
                if interface in known:
                    known[interface].append(Offer(version, facts.priority, name))
                else:
                    known[interface] = [Offer(version, facts.priority, name)]
        for offers in known.values():
            if len(offers) > 1:
                offers.sort(key=lambda one: one[:2], reverse=True)  # stable: equals stay in the order of names
        self._best: dict[tuple[str, str, tuple[str, ...]], Sequence[Offer]] = {}
        self._allowed: dict[str, dict[tuple[int, int], bool]] = {}  # by range and version
        self._hints = 0

    def best(self, need: Need) -> Sequence[Offer]:
        """Return the best offer of each of the first three plugins that will do."""
        offers = self._offers.get(need.interface)
        if offers is None:
            return ()
        if len(offers) == 1:  # the usual case, without a call where it is known
            known_of = self._allowed.get(need.accepts.text)
            if known_of is not None and known_of.get(offers[0][0]) and not need.features:
                return offers
            return () if self.why_not(need, offers[0]) else offers
        key = (need.interface, need.accepts.text, need.features)
        known = self._best.get(key)
        if known is None:
            chosen: dict[str, Offer] = {}
            for offer in offers:
                if offer.plugin not in chosen and not self.why_not(need, offer):
                    chosen[offer.plugin] = offer
                    if len(chosen) == BEST:
                        break
            known = self._best[key] = tuple(chosen.values())
        return known

    def of(self, interface: str) -> Sequence[Offer]:
        """Return every offer of an interface."""
        return self._offers.get(interface, ())

    def allows(self, need: Need, version: tuple[int, int]) -> bool:
        """Tell whether the need's range accepts that version."""
        known = self._allowed.get(need.accepts.text)
        if known is None:
            known = self._allowed[need.accepts.text] = {}
        allowed = known.get(version)
        if allowed is None:
            allowed = known[version] = need.accepts.allows_interface(version)
        return allowed

    def passed_over(self, need: Need, consumer: str) -> tuple[PassedOver, ...]:
        """Return every offer of the interface, none of which will do, and why."""
        return tuple(
            PassedOver(self._shown(offer), self.why_not(need, offer) or "is the plugin itself")
            if offer.plugin != consumer
            else PassedOver(self._shown(offer), "is the plugin itself")
            for offer in self._offers.get(need.interface, ())
        )

    def tied(self, need: Need, best: Offer, consumer: str) -> tuple[PassedOver, ...]:
        """Return the offers that are as good as `best`."""
        return tuple(
            PassedOver(
                self._shown(offer),
                f"offers {need.interface} {_shown(offer.version)} with priority {offer.priority}",
            )
            for offer in self._offers[need.interface]
            if offer[:2] == best[:2] and offer.plugin != consumer and not self.why_not(need, offer)
        )

    def near(self, interface: str) -> str:
        """Return the interface whose name is nearest, for the first few that are asked for."""
        self._hints += 1
        return nearest(interface, self._offers) if self._hints <= HINTS else ""

    @property
    def plugins(self) -> int:
        """Return how many plugins were looked at."""
        return len(self._plugins)

    def why_not(self, need: Need, offer: Offer) -> str:
        """Return why an offer will not do; empty when it will."""
        return self.lacks(need, offer, self._plugins[offer.plugin])

    def lacks(self, need: Need, offer: Offer, facts: PluginFacts) -> str:
        """Return the same for an offer of a plugin that is not among these."""
        if not self.allows(need, offer.version):
            return f"offers {need.interface} {_shown(offer.version)}"
        if need.features:
            lacks = [one for one in need.features if one not in facts.features]
            if lacks:
                return f"lacks feature {', '.join(lacks)}"
        return ""

    def _shown(self, offer: Offer) -> str:
        facts = self._plugins[offer.plugin]
        return f"{facts} ({facts.where})" if facts.where else str(facts)


def _by_name(plugins: Iterable[PluginFacts]) -> tuple[dict[str, PluginFacts], list[Violation]]:
    """Return the plugins in the order of their names, the first of each, and who is there twice.

    The same image found at two places is one plugin.
    """
    listed = sorted(plugins, key=lambda one: one.name)
    known = {one.name: one for one in reversed(listed)}
    if len(known) == len(listed):
        return {one.name: one for one in listed}, []
    found: dict[str, list[PluginFacts]] = {}
    for one in listed:
        found.setdefault(one.name, []).append(one)
    doubles = [
        twice(name, [one.where for one in all_of])
        for name, all_of in found.items()
        if len(all_of) > 1 and (not all_of[0].digest or len({one.digest for one in all_of}) > 1)
    ]
    return {name: all_of[0] for name, all_of in found.items()}, doubles


def _note_unmet(consumer: str, need: Need, offers: Offers, unbound: list[Unbound], violations: list[Violation]) -> None:
    if need.is_optional:
        passed_over = "; ".join(map(str, offers.passed_over(need, consumer)[:BEST]))
        unbound.append(Unbound(consumer, need, passed_over or "no plugin provides it"))
    elif passed := offers.passed_over(need, consumer):
        violations.append(unsatisfiable(consumer, need, passed))
    else:
        violations.append(missing(consumer, need, plugins=offers.plugins, near=offers.near(need.interface)))


def _units(
    names: Sequence[str], parts: Iterable[Sequence[int]], edges: Sequence[Edge]
) -> tuple[list[tuple[str, ...]], list[Violation]]:
    """Return the units in their order, and a violation for each in which an edge does not say that it may be there."""
    part_of = {names[one]: number for number, part in enumerate(parts) for one in part}
    inner: dict[int, list[Edge]] = {}
    for edge in edges:
        if part_of[edge.consumer] == part_of[edge.provider]:
            inner.setdefault(part_of[edge.consumer], []).append(edge)
    units: list[tuple[str, ...]] = []
    violations: list[Violation] = []
    for number, part in enumerate(parts):
        members = [names[one] for one in part]
        inside = inner.get(number, [])
        units.append(inner_order(members, inside) if inside else tuple(members))
        undeclared = tuple(one for one in inside if not one.need.is_cycle)
        if undeclared:
            edges_of: dict[str, list[Edge]] = {}
            for edge in inside:
                edges_of.setdefault(edge.consumer, []).append(edge)
            violations.append(undeclared_cycle(cycle_through(undeclared[0], edges_of, set(members)), undeclared))
    return units, violations


def _plugin_object(facts: PluginFacts) -> dict[str, Any]:
    return {
        "name": facts.name,
        "version": facts.version,
        "provides": [{"interface": name, "version": list(version)} for name, version in facts.provides],
        "requires": [_need_object(facts.name, one) for one in facts.requires],
        "priority": facts.priority,
        "sha256": facts.digest,
        "where": facts.where,
    }


def _need_object(consumer: str, need: Need) -> dict[str, Any]:
    return {
        "consumer": consumer,
        "interface": need.interface,
        "range": str(need.accepts),
        "optional": need.is_optional,
        "cycle": need.is_cycle,
    }


def _shown(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
