"""The search for a minimal reload set: what a change makes necessary, and nothing else.

Begin with what changed. Whoever is not served on in the slot that it has joins; so do those that hold leased objects of
what is replaced, the rest of a cycle, and a staged provider where a need would else be unmet. A member that did not
change itself keeps its own image if that will do when it is bound anew, and takes its staged candidate otherwise. A
plugin joins once and takes a candidate once, so the time is that of the edges of who joins. At the end a provider
that joined and is not needed after all leaves again, with whom it brought.

No other choice is tried where a chosen staged provider turns out to have needs that nobody meets: that is refused, and
the refusal says whose needs they are.
"""

from __future__ import annotations

from collections import defaultdict, deque
from enum import StrEnum
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from hotgraft.core.graph_facts import key_of
from hotgraft.core.reload_after import After, Form

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from hotgraft.core.graph import Graph
    from hotgraft.core.graph_facts import Edge, Need, PluginFacts

__all__ = ["Joined", "Reason", "Search", "by_provider"]


class Reason(StrEnum):
    """Why a plugin is in the set."""

    CHANGED = "changed"
    BROKEN = "broken"  # by a provider that is replaced
    REQUIRED = "required"  # by a member that nobody else serves
    LEASE = "lease"  # it holds leased objects of what is replaced
    CYCLE = "cycle"  # it and a member need each other


class Joined(NamedTuple):
    """Why a member joined; `cause` is the plugin that made it necessary, itself for what changed."""

    reason: Reason
    cause: str
    sentence: str


class Search:
    """One search, used once."""

    def __init__(
        self,
        graph: Graph,
        changes: Mapping[str, PluginFacts],
        *,
        staged: Mapping[str, PluginFacts],
        breaks: Callable[[str], Collection[str]],
        leases: Mapping[str, Collection[str]],
        calls: Mapping[str, Sequence[Edge]] | None = None,
    ) -> None:
        self._graph = graph
        self._staged = {name: facts for name, facts in staged.items() if name not in changes}
        self._breaks = breaks
        self._leases = leases
        self._calls = calls if calls is not None else by_provider(graph.edges)
        self._units = {name: unit for unit in graph.units if len(unit) > 1 for name in unit}
        self._todo: deque[str] = deque()
        self._followers: dict[str, set[tuple[str, str]]] = {}  # by provider: consumer and interface, bound anew
        self.after = After(graph, self._staged)
        self.joined: dict[str, Joined] = {}
        self.unmet: dict[str, tuple[tuple[Need, Form], ...]] = {}  # needs of members that nobody meets
        self.visited = 0  # edges that were looked at
        for name in sorted(changes):
            before = graph.plugins.get(name)
            was = f"{before.version} → " if before is not None else "loaded for the first time: "
            self._join(name, Joined(Reason.CHANGED, name, f"{was}{changes[name].version}"))
            self._take(name, Form(changes[name], is_candidate=True))

    def run(self) -> None:
        """Find the set; it is in `after.forms`, and why each joined in `joined`."""
        while self._todo:
            name = self._todo.popleft()
            if name not in self.unmet:
                self._settle(name)
                self._spread(name)
        if any(one.reason is Reason.REQUIRED for one in self.joined.values()) and not self.unmet:
            while self._drop_needless():
                pass

    # --- joining ---

    def _join(self, name: str, joined: Joined) -> None:
        self.joined[name] = joined
        self._todo.append(name)

    def _take(self, name: str, form: Form) -> None:
        """Let a member serve in this form from now on; `_spread` tells who is concerned."""
        if form.is_candidate and name in self._graph.plugins:
            form.broken = frozenset(self._breaks(name))
        if name in self.after.forms:
            self.after.remove(name)
        self.after.add(name, form)

    def _pull(self, name: str, joined: Joined) -> None:
        """Let a plugin that runs join, in its own image until `_settle` finds that it will not do."""
        if name not in self.joined and name in self._graph.plugins:
            self._join(name, joined)
            self._take(name, Form(self._graph.plugins[name], is_candidate=False))

    def _spread(self, name: str) -> None:
        """Let those join whom the replacing of `name` concerns, and look again at members that it serves."""
        form = self.after.forms[name]
        for edge in self._calls.get(name, ()) if form.is_candidate else ():
            self.visited += 1
            if edge.consumer in self.joined:
                self._look_again(edge.consumer, edge.interface, name)
            elif not self.after.keeps(edge):
                self._pull(edge.consumer, Joined(Reason.BROKEN, name, _broken(edge, form)))
        for consumer, interface in sorted(self._followers.get(name, ())):
            self.visited += 1
            self._look_again(consumer, interface, name)
        for holder in sorted(self._leases.get(name, ())):
            self._pull(holder, Joined(Reason.LEASE, name, f"holds leased objects of {name}, which is replaced"))
        for peer in self._units.get(name, ()):
            self._pull(peer, Joined(Reason.CYCLE, name, f"is in one cycle with {name}"))

    def _look_again(self, consumer: str, interface: str, provider: str) -> None:
        """Settle a member anew if what it needs of `provider` is offered no more."""
        form = self.after.forms[consumer]
        if form.providers.get(interface) != provider:
            return  # not settled yet, or it leads elsewhere
        need = next(one for one in form.facts.requires if one.interface == interface)
        if not self.after.still_leads(consumer, need, provider):
            self._todo.append(consumer)

    # --- the form of a member ---

    def _settle(self, name: str) -> None:
        """Choose the form in which a member serves, and the staged providers that it needs."""
        chosen: Form | None = None
        for form, unmet, may_enlarge in self._tries(name):
            helpers = [self.after.staged_provider(name, need) if may_enlarge else None for need in unmet]
            if None not in helpers:
                chosen = form
                break
        if chosen is None:
            self._refuse(name)
            return
        if chosen.is_candidate and not self.after.forms[name].is_candidate:
            self._take(name, chosen)
        own = self.after.forms[name]
        own.providers = chosen.providers
        for need, helper in zip(unmet, helpers, strict=True):
            assert helper is not None  # looked at above
            known = self.after.forms.get(helper)  # it may have joined for the need before
            if known is None or not known.is_candidate:
                self._enlarge(name, need, helper)
            own.providers[need.interface] = helper
        for interface, provider in own.providers.items():
            self._followers.setdefault(provider, set()).add((name, interface))

    def _tries(self, name: str) -> Iterator[tuple[Form, list[Need], bool]]:
        """Each form that might do, with the needs that nobody meets, and whether the set may be enlarged for them.

        The set stays as it is where it can; an optional need that is met today is given up last.
        """
        current = self.after.forms[name]
        forms = [current]
        if not current.is_candidate and name in self._staged:
            forms.append(Form(self._staged[name], is_candidate=True))
        for is_lenient, may_enlarge in product((False, True), (False, True)):
            for form in forms:
                fresh = Form(form.facts, form.is_candidate)
                yield fresh, self._bind(name, fresh, is_lenient=is_lenient), may_enlarge

    def _bind(self, name: str, form: Form, *, is_lenient: bool) -> list[Need]:
        """Note to whom each need leads, and return those that lead nowhere and must."""
        unmet: list[Need] = []
        for need in form.facts.requires:
            self.visited += 1
            provider = self.after.provider(name, need, is_candidate=form.is_candidate)
            if provider is not None:
                form.providers[need.interface] = provider
            elif not need.is_optional or (not is_lenient and need.interface in self._met_today.get(name, ())):
                unmet.append(need)
        return unmet

    def _enlarge(self, name: str, need: Need, helper: str) -> None:
        """Let a staged provider join, or take its candidate if it is a member in its own image."""
        facts = self._staged[helper]
        sentence = f"{self.after.forms[name].facts} needs {need}, and only its staged {facts.version} offers that"
        if helper not in self.joined:
            self._join(helper, Joined(Reason.REQUIRED, name, sentence))
        else:
            self._todo.append(helper)
        self._take(helper, Form(facts, is_candidate=True))

    def _refuse(self, name: str) -> None:
        forms = [self.after.forms[name]]
        if not forms[0].is_candidate and name in self._staged:
            forms.append(Form(self._staged[name], is_candidate=True))
        self.unmet[name] = tuple(
            (need, form)
            for form in forms
            for need in self._bind(name, Form(form.facts, form.is_candidate), is_lenient=True)
        )

    # --- leaving again ---

    def _drop_needless(self) -> bool:
        """Let members leave, the last first, without whom nothing breaks; tell whether any did."""
        left = [name for name in reversed(tuple(self.joined)) if self._is_needless(name) and self._drop(name)]
        return bool(left)

    def _is_needless(self, name: str) -> bool:
        if self.joined[name].reason is Reason.CHANGED:
            return False
        if any(name in self._leases.get(other, ()) for other in self.joined if other != name):
            return False
        if any(peer in self.joined for peer in self._units.get(name, ()) if peer != name):
            return False
        self.visited += 1
        if not all(self.after.keeps(edge) for edge in self._needs_today.get(name, ())):
            return False
        return all(
            self.after.provider(consumer, need, is_candidate=self.after.forms[consumer].is_candidate, without=name)
            for consumer, need in self._served_by(name)
        )

    def _drop(self, name: str) -> bool:
        served = list(self._served_by(name))
        self.after.remove(name)
        del self.joined[name]
        for consumer, need in served:
            form = self.after.forms[consumer]
            provider = self.after.provider(consumer, need, is_candidate=form.is_candidate)
            assert provider is not None  # looked at by _is_needless
            form.providers[need.interface] = provider
            self._followers.setdefault(provider, set()).add((consumer, need.interface))
        return True

    def _served_by(self, name: str) -> Iterator[tuple[str, Need]]:
        """Each need of a member that leads to `name`."""
        for consumer, interface in sorted(self._followers.get(name, ())):
            form = self.after.forms.get(consumer)
            if form is not None and form.providers.get(interface) == name:
                yield consumer, next(one for one in form.facts.requires if one.interface == interface)

    @cached_property
    def _needs_today(self) -> Mapping[str, Sequence[Edge]]:
        found: dict[str, list[Edge]] = {}
        for edge in self._graph.edges:
            if edge.consumer in self.joined:
                found.setdefault(edge.consumer, []).append(edge)
        return found

    @cached_property
    def _met_today(self) -> Mapping[str, Collection[str]]:
        """By consumer, the optional needs that lead somewhere today."""
        found: dict[str, set[str]] = {}
        for edge in self._graph.edges:
            if edge.need.is_optional:
                found.setdefault(edge.consumer, set()).add(edge.interface)
        return found


def by_provider(edges: Sequence[Edge]) -> Mapping[str, Sequence[Edge]]:
    """Return the edges that lead to each plugin."""
    found: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[edge[2]].append(edge)  # by its place: this is done for every edge there is
    return found


def _broken(edge: Edge, form: Form) -> str:
    """Why a consumer is not served on."""
    facts = form.facts
    if key_of(edge.interface, edge.version) in form.broken:
        return f"relies on {key_of(edge.interface, edge.version)} of {edge.provider}, which {facts} breaks"
    offered = [f"{version[0]}.{version[1]}" for name, version in facts.provides if name == edge.interface]
    lacking = [one for one in edge.need.features if one not in facts.features]
    found = f"offers {edge.interface} {', '.join(offered)}" if offered else f"no longer offers {edge.interface}"
    without = f" without feature {', '.join(lacking)}" if lacking and offered else ""
    return f"needs {edge.need}, and {facts} {found}{without}"
