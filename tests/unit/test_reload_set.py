"""Tests core/reload_set.py: what a change makes necessary, nothing else, and what stands against it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from graph_scene import calls_of, candidate, many, plugin
from hotgraft.core.graph import make_graph
from hotgraft.core.graph_facts import key_of
from hotgraft.core.reload_set import Reason, reload_set
from hypothesis import assume, given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft.core.graph import Graph
    from hotgraft.core.graph_facts import Edge, Need, PluginFacts
    from hotgraft.core.reload_set import ReloadSet

ZIP = plugin("zip", "codec 1.2")
LOG = plugin("log", "log 1.0")
GAIN = plugin("gain", "gain 1.0", "codec ^1", "log ^1")
PEAK = plugin("peak", "peak 1.0", "gain ^1")
PLUGINS = (ZIP, LOG, GAIN, PEAK)
ZIP_2 = candidate(ZIP, "2.0.0", "codec 2.0")


def found(
    changes: Sequence[PluginFacts],
    staged: Sequence[PluginFacts] = (),
    *,
    plugins: tuple[PluginFacts, ...] = PLUGINS,
    **more: object,
) -> ReloadSet:
    """Return the reload set of these candidates."""
    graph = make_graph(plugins)
    assert graph.violations == ()
    return reload_set(
        graph,
        {one.name: one for one in changes},
        staged={one.name: one for one in staged},
        **more,  # type: ignore[arg-type] # as the function has them
    )


def members(the_set: ReloadSet) -> list[tuple[str, str, Reason]]:
    """Return name, version and reason of each."""
    return [(one.plugin, one.version, one.reason) for one in the_set.members]


def test_a_change_that_breaks_nobody_replaces_nobody_else() -> None:
    """Not all dependents: who is served on in its slot is left alone."""
    the_set = found([candidate(ZIP, "1.3.0", "codec 1.3")])
    assert members(the_set) == [("zip", "1.3.0", Reason.CHANGED)]
    assert the_set.refusals == ()
    assert str(the_set) == "a swap of 1 plugin\n  1 zip (candidate 1.3.0): 1.0.0 → 1.3.0"


def test_who_is_broken_joins_with_a_staged_candidate_and_who_is_not_broken_by_that_stays() -> None:
    """The set grows along what breaks, and ends where nothing does; providers come first."""
    the_set = found([ZIP_2], [candidate(GAIN, "1.1.0", "gain 1.1", "codec ^2", "log ^1")])
    assert members(the_set) == [("zip", "2.0.0", Reason.CHANGED), ("gain", "1.1.0", Reason.BROKEN)]
    assert the_set.refusals == ()
    assert the_set.members[1].sentence == "needs codec ^1, and zip 2.0.0 offers codec 2.0"
    assert the_set.members[1].providers == {"codec": "zip", "log": "log"}


def test_who_is_broken_and_has_no_candidate_is_a_refusal_with_all_that_was_looked_at() -> None:
    """The operator sees which build is missing."""
    other = plugin("rar", "codec 0.9")
    the_set = found([ZIP_2], plugins=(*PLUGINS, other))
    assert [str(one) for one in the_set.refusals] == [
        "gain 1.0.0 needs codec ^1: rar 1.0.0 offers codec 0.9; zip 2.0.0 offers codec 2.0; "
        "gain has no candidate ready where it was loaded from"
    ]
    assert str(the_set).startswith("a swap of 2 plugins, refused\n")


def test_a_broken_contract_counts_whatever_its_version_says() -> None:
    """A version is a claim, a moved function is a fact; a candidate was built against the new one."""
    liar = candidate(ZIP, "1.3.0", "codec 1.3")
    breaks = {"zip": {"codec/1"}}
    the_set = found([liar], breaks=lambda name: breaks.get(name, ()))
    assert [str(one) for one in the_set.refusals] == [
        "gain 1.0.0 needs codec ^1: zip 1.3.0 breaks the contract of codec/1; "
        "gain has no candidate ready where it was loaded from"
    ]
    helped = found([liar], [candidate(GAIN, "1.1.0")], breaks=lambda name: breaks.get(name, ()))
    assert members(helped) == [("zip", "1.3.0", Reason.CHANGED), ("gain", "1.1.0", Reason.BROKEN)]


def test_a_consumer_whose_range_takes_the_new_major_is_bound_anew_in_its_own_image() -> None:
    """The new major is another slot, so it must be replaced too; its author said that both will do."""
    both = candidate(GAIN, "1.0.0", "", "codec >=1,<3", "log ^1")
    the_set = found([ZIP_2], plugins=(ZIP, LOG, both, PEAK))
    assert members(the_set) == [("zip", "2.0.0", Reason.CHANGED), ("gain", "1.0.0", Reason.BROKEN)]
    assert not the_set.members[1].is_candidate
    assert str(the_set.members[1]).startswith("gain (its own 1.0.0, bound anew): needs codec >=1,<3")


def test_a_provider_that_keeps_the_old_major_beside_the_new_breaks_nobody() -> None:
    """The way for a provider to move on without its consumers."""
    assert found([candidate(ZIP, "2.0.0", "codec 1.2, codec 2.0")]).names == ("zip",)


def test_a_consumer_of_a_dropped_interface_is_bound_to_another_provider() -> None:
    """Somebody else offers it, so nothing is lost."""
    the_set = found([candidate(ZIP, "2.0.0", "other 1.0")], plugins=(*PLUGINS, plugin("rar", "codec 1.0")))
    assert members(the_set) == [("gain", "1.0.0", Reason.BROKEN), ("zip", "2.0.0", Reason.CHANGED)]
    assert the_set.members[0].providers["codec"] == "rar"
    assert the_set.members[0].sentence == "needs codec ^1, and zip 2.0.0 no longer offers codec"


def test_of_equals_a_need_stays_with_who_meets_it_today() -> None:
    """Nobody is moved to another provider for nothing: whatever the names, and whether that one is replaced too."""
    for name in ("aaa", "zzz"):
        graph = make_graph((ZIP, LOG, GAIN))
        rival = plugin(name, "codec 1.2")
        graph = replace(graph, plugins={**graph.plugins, name: rival}, units=(*graph.units, (name,)), offers=None)
        changes = {"gain": candidate(GAIN, "1.1.0")}
        assert reload_set(graph, changes).members[-1].providers["codec"] == "zip"
        both = {**changes, "zip": candidate(ZIP, "1.2.1"), name: candidate(rival, "1.0.1")}
        (gain,) = (one for one in reload_set(graph, both).members if one.plugin == "gain")
        assert gain.providers["codec"] == "zip"


def test_a_dropped_feature_breaks_who_relies_on_it() -> None:
    """And nobody else."""
    rich = plugin("zip", "codec 1.2", features=("fast",))
    picky, plain = plugin("picky", "", "codec ^1 +fast"), plugin("plain", "", "codec ^1")
    the_set = found([candidate(rich, "1.3.0", features=())], plugins=(rich, picky, plain))
    assert the_set.names == ("zip", "picky")
    assert [one.plugin for one in the_set.refusals] == ["picky"]


def test_a_need_of_the_candidate_that_nobody_meets_takes_a_staged_provider() -> None:
    """Also one that is not loaded yet; one that nobody has is a refusal."""
    wants = candidate(PEAK, "2.0.0", "", "gain ^2")
    the_set = found(
        [wants], [candidate(GAIN, "2.0.0", "gain 2.0", "codec ^1", "fft ^1"), plugin("fft", "fft 1.0"), ZIP_2]
    )
    assert members(the_set) == [
        ("fft", "1.0.0", Reason.REQUIRED),
        ("gain", "2.0.0", Reason.REQUIRED),
        ("peak", "2.0.0", Reason.CHANGED),
    ]
    assert the_set.members[0].is_new
    assert the_set.refusals == ()
    (refusal,) = found([wants]).refusals
    assert str(refusal) == "peak 2.0.0 needs gain ^2: gain 1.0.0 offers gain 1.0"


def test_a_staged_provider_that_turns_out_to_be_needless_leaves_again() -> None:
    """Two needs, one staged plugin that meets the first, another that meets both."""
    wants = plugin("peak 2.0.0", "", "a ^1", "b ^1")
    one, both = plugin("one", "a 2.0, a 1.9"), plugin("two", "a 1.0, b 1.0")
    the_set = found([wants], [one, both])
    assert the_set.names == ("two", "peak")


def test_who_holds_leased_objects_of_what_is_replaced_joins() -> None:
    """They must be given back before their generation can leave memory; also for members that joined later."""
    leases = {"zip": ("peak",), "log": ("gain",)}
    the_set = found([candidate(ZIP, "1.3.0")], leases=leases)
    assert members(the_set) == [("zip", "1.3.0", Reason.CHANGED), ("peak", "1.0.0", Reason.LEASE)]


def test_a_cycle_is_one_unit() -> None:
    """Two that call each other are never on two sides of a swap; who needs them is not concerned."""
    a, b = plugin("a", "a 1.0", "b ^1 cycle"), plugin("b", "b 1.0", "a ^1 cycle")
    the_set = found([candidate(a, "1.1.0")], plugins=(a, b, plugin("user", "", "a ^1")))
    assert members(the_set) == [("a", "1.1.0", Reason.CHANGED), ("b", "1.0.0", Reason.CYCLE)]
    assert the_set.refusals == ()


def test_a_candidate_that_would_close_a_cycle_is_refused_with_the_cycle() -> None:
    """There would be no order to start them in."""
    the_set = found([candidate(ZIP, "1.3.0", "", "peak ^1")])
    (refusal,) = the_set.refusals
    assert refusal.sentence.startswith("gain → zip → peak → gain: they require each other in a cycle")


def test_an_optional_need_is_given_up_last() -> None:
    """While a candidate can keep it bound it is taken; else the consumer is bound anew without."""
    user = plugin("user", "", "codec ^1 optional")
    lost = found([ZIP_2], plugins=(ZIP, user))
    assert (members(lost)[1][:2], dict(lost.members[1].providers), lost.refusals) == (("user", "1.0.0"), {}, ())
    kept = found([ZIP_2], [candidate(user, "1.1.0", "", "codec ^2 optional")], plugins=(ZIP, user))
    assert dict(kept.members[1].providers) == {"codec": "zip"}


def test_json_says_what_the_text_says() -> None:
    """A script decides by it."""
    the_set = found([ZIP_2])
    as_json = the_set.as_dict()
    assert [one["plugin"] for one in as_json["members"]] == list(the_set.names)
    assert as_json["members"][1]["reason"] == "broken"
    assert as_json["refusals"][0]["found"] == str(the_set.refusals[0])


def test_the_work_grows_with_the_edges() -> None:
    """Whoever changes everything at once pays for every edge, and not for more."""
    visited, calls = [], []
    for size in (100, 200, 400):
        graph = make_graph(many(size))
        changes = {name: candidate(facts, "2.0.0") for name, facts in graph.plugins.items()}
        visited.append(reload_set(graph, changes).visited / len(graph.edges))
        calls.append(calls_of(partial(reload_set, graph, changes)))
    assert max(visited) < 1.05 * min(visited)
    assert calls[2] < 2.1 * calls[1] < 4.41 * calls[0]


def test_a_small_change_looks_at_few_edges() -> None:
    """However large the system."""
    graph = make_graph(many(400))
    middle = graph.plugins["p000200"]
    the_set = reload_set(graph, {middle.name: candidate(middle, "1.0.1")})
    assert the_set.names == (middle.name,)
    assert the_set.visited < 40


# --- against a slow reference ---

RANGES = ("^1", "^1.1", "^2", ">=1")
NAMES = ("p0", "p1", "p2", "p3", "p4")


@st.composite
def plugins_of(draw: st.DrawFn, name: str, version: str) -> PluginFacts:
    """A plugin that provides the interface of its own name, sometimes another too, and needs up to two others."""
    own = name.replace("p", "i")
    offers = [f"{own} {draw(st.sampled_from(('1.0', '1.1', '1.2', '2.0')))}"]
    offers += [f"i{draw(st.integers(0, 4))} 1.1"] if draw(st.integers(0, 3)) == 0 else []
    others = [one for one in range(5) if f"i{one}" != own]
    wanted = draw(st.lists(st.sampled_from(others), max_size=2, unique=True))
    words = ("", " cycle", " cycle", " optional cycle")
    needs = [f"i{one} {draw(st.sampled_from(RANGES))}{draw(st.sampled_from(words))}" for one in wanted]
    return plugin(f"{name} {version}", ", ".join(dict.fromkeys(offers)), *needs)


def without_violations(plugins: Sequence[PluginFacts]) -> Graph:
    """Return the graph of the plugins without the needs that are at fault."""
    while (graph := make_graph(plugins)).violations:
        wrong = {(one.plugin, one.interface) for one in graph.violations if not one.undeclared}
        wrong |= {(edge.consumer, edge.interface) for one in graph.violations for edge in one.undeclared}
        plugins = [
            replace(one, requires=tuple(need for need in one.requires if (one.name, need.interface) not in wrong))
            for one in plugins
        ]
    return graph


class Scene:
    """A system that runs, what changes, what is staged, which contracts break and who holds leases."""

    def __init__(self, draw: st.DrawFn, staged_most: int) -> None:
        running = [draw(plugins_of(name, "1.0.0")) for name in NAMES[: draw(st.integers(2, 5))]]
        self.graph = without_violations(running)
        known = [one.name for one in running]
        changed = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True))
        others = [name for name in NAMES if name not in changed]
        staged = draw(st.lists(st.sampled_from(others), max_size=staged_most, unique=True)) if others else []
        self.changes = {name: draw(plugins_of(name, "2.0.0")) for name in changed}
        self.staged = {name: draw(plugins_of(name, "2.0.0")) for name in staged}
        self.broken = {
            name: draw(st.sets(st.sampled_from(("i0/1", "i1/1", "i2/1", f"{name.replace('p', 'i')}/1")), max_size=1))
            for name in NAMES
        }
        self.leases = {name: draw(st.sets(st.sampled_from(known), max_size=1)) for name in known if draw(st.booleans())}
        self.found = reload_set(
            self.graph, self.changes, staged=self.staged, breaks=lambda name: self.broken[name], leases=self.leases
        )

    @property
    def forms(self) -> dict[str, tuple[PluginFacts, bool]]:
        """Return the image of each member, and whether it is a candidate."""
        candidates = {**self.staged, **self.changes}
        return {
            one.plugin: ((candidates if one.is_candidate else self.graph.plugins)[one.plugin], one.is_candidate)
            for one in self.found.members
        }

    def bound(self) -> set[tuple[str, str]]:
        """Return each need of a member that leads somewhere."""
        return {(one.plugin, interface) for one in self.found.members for interface in one.providers}

    def is_whole(self, forms: Mapping[str, tuple[PluginFacts, bool]], bound: set[tuple[str, str]]) -> bool:
        """Tell whether everybody is served after a swap of `forms`; of optional needs, those that are in `bound`."""
        plugins = self.graph.plugins
        after = {**{name: (facts, False) for name, facts in plugins.items()}, **forms}
        units = [set(unit) for unit in self.graph.units if len(unit) > 1]
        return (
            all(holder in forms for name in forms for holder in self.leases.get(name, ()))
            and all(unit <= set(forms) or not unit & set(forms) for unit in units)
            and all(self._keeps(edge, forms) for edge in self.graph.edges if edge.consumer not in forms)
            and all(
                self._is_met(name, need, after)
                for name, (facts, _) in forms.items()
                for need in facts.requires
                if not need.is_optional or (name, need.interface) in bound
            )
        )

    def _keeps(self, edge: Edge, forms: Mapping[str, tuple[PluginFacts, bool]]) -> bool:
        if edge.provider not in forms or not forms[edge.provider][1]:
            return True
        key = key_of(edge.interface, edge.version)
        return key not in self.broken[edge.provider] and any(
            key_of(name, version) == key and edge.need.accepts.allows_interface(version)
            for name, version in forms[edge.provider][0].provides
        )

    def _is_met(self, consumer: str, need: Need, after: Mapping[str, tuple[PluginFacts, bool]]) -> bool:
        is_candidate = after[consumer][1]
        return any(
            name == need.interface
            and need.accepts.allows_interface(version)
            and (
                is_candidate
                or not provider_is_candidate
                or provider not in self.graph.plugins
                or key_of(name, version) not in self.broken[provider]
            )
            for provider, (facts, provider_is_candidate) in after.items()
            if provider != consumer
            for name, version in facts.provides
        )


scenes = st.composite(Scene)


@given(scenes(3))
def test_a_set_that_is_not_refused_is_closed_minimal_and_in_order(scene: Scene) -> None:
    """Closed: nothing breaks. Minimal: without any one member something does. In order: providers start first."""
    assume(not scene.found.refusals)
    forms, bound = scene.forms, scene.bound()
    assert set(scene.changes) <= set(forms)
    assert scene.is_whole(forms, bound), scene.found
    for name in set(forms) - set(scene.changes):
        assert not scene.is_whole({one: form for one, form in forms.items() if one != name}, bound), (name, scene.found)
    check_order(scene.found)


def check_order(found: ReloadSet) -> None:
    """A member comes after whom it needs, unless that needs it in turn."""
    place = {name: number for number, name in enumerate(found.names)}
    leads = {one.plugin: {p for p in one.providers.values() if p in place} for one in found.members}
    for _ in place:
        leads = {name: to | {far for near in to for far in leads[near]} for name, to in leads.items()}
    for one in found.members:
        for provider in one.providers.values():
            is_cycle = one.plugin in leads.get(provider, set())
            assert provider not in place or place[provider] < place[one.plugin] or is_cycle, found


@pytest.mark.full
@given(scenes(1))
def test_what_is_refused_has_no_way_or_a_cycle(scene: Scene) -> None:
    """With at most one staged candidate there is nothing to choose between, so every refusal is a fact."""
    assume(scene.found.refusals and not any("cycle" in one.sentence for one in scene.found.refusals))
    free = [name for name in scene.graph.plugins if name not in scene.changes]
    ways = [
        [None, (scene.graph.plugins[name], False), *([(scene.staged[name], True)] if name in scene.staged else [])]
        for name in free
    ]
    new = [{name: (facts, True)} for name, facts in scene.staged.items() if name not in scene.graph.plugins]
    changes = {name: (facts, True) for name, facts in scene.changes.items()}
    for chosen in itertools.product(*ways):
        for more in ({}, *new):
            forms = {**changes, **more, **{name: form for name, form in zip(free, chosen, strict=True) if form}}
            assert not scene.is_whole(forms, set()), forms


def test_a_cycle_that_runs_undeclared_is_known_by_who_needs_what_of_whom() -> None:
    """It was let in once; another version of one of its plugins is no other cycle."""
    running = [plugin("left", "left 1.0", "right ^1"), plugin("right", "right 1.0", "left ^1")]
    graph = make_graph(running)
    newer = candidate(running[0], "1.1.0", "left 1.1")
    found = reload_set(graph, {"left": newer})
    assert (found.names, found.refusals) == (("left", "right"), ())
