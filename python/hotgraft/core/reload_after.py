"""What would be there after a swap: who is replaced by which image, and who would offer what to whom.

Images that are replaced are looked over, candidates of members are added; so to ask costs what the plugins of one
interface cost, not what all plugins do.
"""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.core.graph import Offer, Offers
from hotgraft.core.graph_facts import key_of
from hotgraft.core.graph_violations import PassedOver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.graph import Graph
    from hotgraft.core.graph_facts import Edge, Need, PluginFacts

__all__ = ["After", "Form"]


@dataclass(slots=True)
class Form:
    """In which form a member of the set would serve.

    Args:
        facts: of its image.
        is_candidate: that image is another one than it runs; else its own is loaded anew, and bound anew.
        broken: keys of the interfaces whose contract that image breaks.
        providers: to whom its needs would lead, by interface.
    """

    facts: PluginFacts
    is_candidate: bool
    broken: frozenset[str] = frozenset()
    providers: dict[str, str] = field(default_factory=dict)


class After:
    """The plugins of a graph with those of a set replaced."""

    def __init__(self, graph: Graph, staged: Mapping[str, PluginFacts]) -> None:
        self._graph = graph
        self._staged = staged
        self.forms: dict[str, Form] = {}
        self._fresh: dict[str, list[Offer]] = {}  # of candidates, by interface

    def add(self, name: str, form: Form) -> None:
        """Let a plugin serve in this form."""
        self.forms[name] = form
        if form.is_candidate:
            for interface, version in form.facts.provides:
                self._fresh.setdefault(interface, []).append(Offer(version, form.facts.priority, name))

    def remove(self, name: str) -> None:
        """Let a plugin be as it is."""
        form = self.forms.pop(name)
        for interface, _ in form.facts.provides if form.is_candidate else ():
            self._fresh[interface] = [one for one in self._fresh[interface] if one.plugin != name]

    def keeps(self, edge: Edge) -> bool:
        """Tell whether a consumer that is not replaced is served on, in the slot that it has."""
        form = self.forms.get(edge.provider)
        if form is None or not form.is_candidate:
            return True
        if key_of(edge.interface, edge.version) in form.broken:
            return False
        return any(
            interface == edge.interface and version[0] == edge.version[0] and self._will_do(edge.need, form, version)
            for interface, version in form.facts.provides
        )

    def still_leads(self, consumer: str, need: Need, provider: str) -> bool:
        """Tell whether what a member needs is still offered by the one to whom it leads."""
        form = self.forms[provider]
        is_candidate = self.forms[consumer].is_candidate
        return any(
            interface == need.interface
            and self._will_do(need, form, version)
            and (is_candidate or key_of(interface, version) not in form.broken)
            for interface, version in form.facts.provides
        )

    def provider(self, consumer: str, need: Need, *, is_candidate: bool, without: str = "") -> str | None:
        """Return who would be chosen for a need, as at a load; None: nobody will do. Of equals, who meets it today.

        Args:
            consumer: whose need it is; it never provides for itself.
            need: what must be met.
            is_candidate: the consumer was built against the new contracts; its own image was not.
            without: a member that is taken to stay as it is.
        """
        best: list[Offer] = []  # equals
        for offer in self._present.of(need.interface):
            if best and offer[:2] != best[0][:2]:
                break
            form = self.forms.get(offer.plugin) if offer.plugin != without else None
            is_there = offer.plugin != consumer and (form is None or not form.is_candidate)
            if is_there and not self._present.why_not(need, offer):
                best.append(offer)
        for offer in self._fresh.get(need.interface, ()):
            form = self.forms[offer.plugin]
            if (
                offer.plugin not in (consumer, without)
                and (not best or offer[:2] >= best[0][:2])
                and self._will_do(need, form, offer.version)
                and (is_candidate or key_of(need.interface, offer.version) not in form.broken)
            ):
                best = [*best, offer] if best and offer[:2] == best[0][:2] else [offer]
        if len(best) > 1:
            today = self._today.get((consumer, need.interface))
            return next((one.plugin for one in best if one.plugin == today), best[0].plugin)
        return best[0].plugin if best else None

    def staged_provider(self, consumer: str, need: Need) -> str | None:
        """Return the staged candidate, of a plugin that has none in the set yet, that would meet a need best."""
        for offer in self._waiting.of(need.interface):
            form = self.forms.get(offer.plugin)
            is_free = offer.plugin != consumer and (form is None or not form.is_candidate)
            if is_free and not self._waiting.why_not(need, offer):
                return offer.plugin
        return None

    def passed_over(self, consumer: str, need: Need, *, is_candidate: bool) -> tuple[PassedOver, ...]:
        """Return all who offer the interface, or are staged and would, and why each will not do."""
        return tuple(self._passed_over(consumer, need, is_candidate))

    def _passed_over(self, consumer: str, need: Need, is_candidate: bool) -> Iterator[PassedOver]:
        for offer in self._present.of(need.interface):
            form = self.forms.get(offer.plugin)
            if offer.plugin != consumer and (form is None or not form.is_candidate):
                yield PassedOver(str(self._graph.plugins[offer.plugin]), self._present.why_not(need, offer))
        for offer in self._fresh.get(need.interface, ()):
            form, key = self.forms[offer.plugin], key_of(need.interface, offer.version)
            is_broken = not is_candidate and key in form.broken
            reason = f"breaks the contract of {key}" if is_broken else self._present.lacks(need, offer, form.facts)
            if offer.plugin != consumer:
                yield PassedOver(str(form.facts), reason)
        for offer in self._waiting.of(need.interface):
            if offer.plugin not in self.forms and offer.plugin != consumer:
                yield PassedOver(f"staged {self._staged[offer.plugin]}", self._waiting.why_not(need, offer))

    def _will_do(self, need: Need, form: Form, version: tuple[int, int]) -> bool:
        has_features = not need.features or set(need.features) <= set(form.facts.features)
        return has_features and self._present.allows(need, version)

    @cached_property
    def _today(self) -> Mapping[tuple[str, str], str]:
        """By consumer and interface, who meets the need; asked only where several would do equally well."""
        return {(edge.consumer, edge.interface): edge.provider for edge in self._graph.edges}

    @cached_property
    def _present(self) -> Offers:
        return self._graph.offers or Offers(self._graph.plugins)

    @cached_property
    def _waiting(self) -> Offers:
        return Offers(self._staged)
