"""From facts to the plan of a swap of many: the minimal reload set, and what each of its members does in it.

Whoever carries the swap out decides by this too, with the descriptors of staged copies in the place of those of files.
What is staged beside what was asked for is looked at only where the swap would else be refused, or breaks somebody.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from hotgraft.core.contract import Consumer, broken_interfaces
from hotgraft.core.contract_judge import compare
from hotgraft.core.dataclass import dataclass
from hotgraft.core.expected_pause import expected_pause
from hotgraft.core.graph_facts import key_of
from hotgraft.core.graph_violations import PassedOver
from hotgraft.core.plan import make_plan
from hotgraft.core.reload_search import by_provider
from hotgraft.core.reload_set import NOT_STAGED, Reason, reload_set
from hotgraft.core.set_plan import PlannedMember, SetPlan
from hotgraft.core.versions import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from hotgraft.core.expected_pause import MeasuredPause
    from hotgraft.core.graph import Graph
    from hotgraft.core.graph_facts import Edge, Need, PluginFacts
    from hotgraft.core.plan import Running, Side
    from hotgraft.core.reload_set import Member, Refusal, ReloadSet

__all__ = ["NO_LEASES", "Incoming", "Rules", "Runs", "Staged", "plan_set"]

NO_LEASES: Mapping[str, Collection[str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A candidate: what a graph needs of it, what callers would rely on, and the path that would be loaded.

    `refusals`: what stands against it whatever else happens, such as a quarantine or a config that does not fit it.
    """

    facts: PluginFacts
    side: Side
    image: str
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What serves of a plugin, its consumers left out, and the image that it would be loaded anew from."""

    running: Running
    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What lies ready beside what was asked for, by plugin, and why what lies there of others is not usable."""

    candidates: Mapping[str, Incoming] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for all members; see `make_plan`."""

    is_probed: bool = True
    is_on_probation: bool = False
    allow_downgrade: bool = False
    allows_unknown: bool = False


def plan_set(
    graph: Graph,
    changes: Mapping[str, Incoming],
    *,
    runs: Callable[[str], Runs],
    rules: Rules,
    staged: Callable[[], Staged] = Staged,
    leases: Mapping[str, Collection[str]] = NO_LEASES,
    measured: Mapping[str, MeasuredPause] | None = None,
    may_go_back: Collection[str] = (),
) -> SetPlan:
    """Return what replacing plugins by `changes` would do.

    Args:
        graph: what runs, as it is bound.
        changes: by plugin, its candidate.
        runs: asked for members only: what serves of a plugin.
        rules: of the host, and of whoever asked.
        staged: asked once at most: what else may be taken.
        leases: by plugin, who holds leased objects of its generation.
        measured: by plugin, what callers waited in its last swap.
        may_go_back: plugins on probation, of which `graph` has what is offered after a rollback too.

    Threads: any; nothing is kept. Time: one walk over the edges, and a comparison or two for each member.
    """
    offered = dict(changes)
    calls = by_provider(graph.edges)

    def breaks(name: str) -> Collection[str]:
        today = tuple(_as_bound(edge) for edge in calls.get(name, ()))
        return _broken(runs(name).running, offered[name].side, today, rules)

    asked = {name: one.facts for name, one in changes.items()}
    found, unusable = reload_set(graph, asked, breaks=breaks, leases=leases, calls=calls), {}
    if found.refusals or any(one.reason is Reason.BROKEN for one in found.members):
        more = staged()
        unusable = dict(more.unusable)
        further = {name: one for name, one in more.candidates.items() if name not in changes}
        if further:
            offered.update(further)
            facts = {name: one.facts for name, one in further.items()}
            found = reload_set(graph, asked, staged=facts, breaks=breaks, leases=leases, calls=calls)
    after = _After(graph, found, offered, calls)
    members = tuple(_planned(one, after, runs, rules) for one in found.members)
    plans = [one.plan for one in members if one.plan is not None]
    return SetPlan(
        members=members,
        set_refusals=tuple(_explained(one, unusable, may_go_back) for one in found.refusals),
        pause=expected_pause(plans, measured or {}),
    )


def _planned(member: Member, after: _After, runs: Callable[[str], Runs], rules: Rules) -> PlannedMember:
    """Return what becomes of one member."""
    name = member.plugin
    incoming = after.offered[name] if member.is_candidate else None
    if member.is_new:
        assert incoming is not None  # what does not run has no image of its own
        return PlannedMember(member=member, plan=None, image=incoming.image, own_refusals=incoming.refusals)
    now = runs(name)
    plan = make_plan(
        name,
        replace(now.running, consumers=after.consumers(name)),
        incoming.side if incoming is not None else now.running.side,
        is_probed=rules.is_probed,
        is_on_probation=rules.is_on_probation,
        allow_downgrade=rules.allow_downgrade,
        allows_unknown=rules.allows_unknown,
        is_one_of_many=after.are_many,
        released=after.released(name),
        must_leave=after.must_leave(name),
    )
    if incoming is None:
        return PlannedMember(member=member, plan=plan, image=now.image)
    return PlannedMember(member=member, plan=plan, image=incoming.image, own_refusals=incoming.refusals)


class _After:
    """Who calls a member once all of them are replaced.

    A member whose needs are not met counts as what it is today: its provider's plan says what it would lose.
    """

    def __init__(
        self,
        graph: Graph,
        found: ReloadSet,
        offered: Mapping[str, Incoming],
        calls: Mapping[str, Sequence[Edge]],
    ) -> None:
        self._graph = graph
        self._calls = calls
        self.offered = offered
        self.members = {one.plugin: one for one in found.members}
        self.are_many = sum(not one.is_new for one in found.members) > 1  # those that are replaced
        unmet = {one.plugin for one in found.refusals}
        self._moved = self.members.keys() - unmet
        self._new: dict[str, list[Consumer]] = {}
        for name in self._moved:
            for need in self._facts(name).requires:
                self._note(name, need)
        calls_of = (edge for name in self.members for edge in calls.get(name, ()))
        self._callers = {one.consumer for one in calls_of if one.consumer in self.members}

    def consumers(self, provider: str) -> tuple[Consumer, ...]:
        """Return who will be bound to `provider`, and who is and cannot be moved."""
        stay = [_as_bound(edge) for edge in self._calls.get(provider, ()) if edge.consumer not in self._moved]
        return (*stay, *self._new.get(provider, ()))

    def released(self, provider: str) -> frozenset[str]:
        """Return the keys of its interfaces whose every caller is replaced, and fits what is new."""
        found: dict[str, bool] = {}
        for edge in self._calls.get(provider, ()):
            key = key_of(edge.interface, edge.version)
            found[key] = found.get(key, True) and edge.consumer in self._moved and self._fits(edge, key)
        return frozenset(key for key, is_so in found.items() if is_so)

    def must_leave(self, consumer: str) -> bool:
        """Tell whether it calls another member: who stayed inside of it would meet one old and the other new."""
        return consumer in self._callers

    def _fits(self, edge: Edge, key: str) -> bool:
        """Tell whether a member was built against what is new, or is led elsewhere."""
        if self.members[edge.consumer].is_candidate:
            return True
        return not any(one.plugin == edge.consumer and one.interface == key for one in self._new.get(edge.provider, ()))

    def _note(self, consumer: str, need: Need) -> None:
        provider = self.members[consumer].providers.get(need.interface)
        if provider is None or provider not in self.members:
            return
        fitting = [
            version
            for interface, version in self._facts(provider).provides
            if interface == need.interface and need.accepts.allows_interface(version)
        ]
        if fitting:
            self._new.setdefault(provider, []).append(_as_consumer(consumer, need, max(fitting)))

    def _facts(self, name: str) -> PluginFacts:
        return self.offered[name].facts if self.members[name].is_candidate else self._graph.plugins[name]


def _as_bound(edge: Edge) -> Consumer:
    return _as_consumer(edge.consumer, edge.need, edge.version)


def _as_consumer(plugin: str, need: Need, version: tuple[int, int]) -> Consumer:
    return Consumer(
        plugin=plugin,
        interface=key_of(need.interface, version),
        accepts=need.accepts,
        uses=frozenset(need.features),
    )


def _explained(refusal: Refusal, unusable: Mapping[str, str], may_go_back: Collection[str]) -> Refusal:
    """Say why what lies ready for a plugin was not taken, and of whom less is counted on than it offers."""

    def told(one: PassedOver) -> PassedOver:
        if one.reason == NOT_STAGED and refusal.plugin in unusable:
            return PassedOver(one.plugin, f"{one.reason}: {unusable[refusal.plugin]}")
        is_on_probation = one.plugin.partition(" ")[0] in may_go_back
        return PassedOver(one.plugin, f"{one.reason} after a rollback") if is_on_probation else one

    return replace(refusal, passed_over=tuple(map(told, refusal.passed_over)))


def _broken(running: Running, candidate: Side, consumers: tuple[Consumer, ...], rules: Rules) -> Collection[str]:
    """Return the keys of the interfaces of which a candidate breaks what callers rely on."""
    is_lower = Version.parse(candidate.version) < Version.parse(running.side.version)
    return broken_interfaces(
        running.side.surface,
        candidate.surface,
        consumers,
        comparison=compare(running.side.surface, candidate.surface, consumers),
        goes_back=is_lower and rules.allow_downgrade,
        allows_unknown=rules.allows_unknown,
    )
