"""Tests core/graph.py: who provides what to whom, in which order plugins are loaded, and all that can be wrong."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

import pytest
from graph_scene import calls_of, leads_to, many, plugin
from hotgraft.core.descriptor import Descriptor, Requirement, State
from hotgraft.core.graph import Graph, make_graph
from hotgraft.core.graph_facts import Edge, PluginFacts, facts_of
from hotgraft.core.graph_violations import Kind, spelled
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    import random

    from conftest import Sized


def kinds(graph: Graph) -> list[tuple[Kind, str, str]]:
    """Return kind, plugin and interface of every violation."""
    return [(one.kind, one.plugin, one.interface) for one in graph.violations]


def test_providers_come_before_consumers_and_names_decide_the_rest() -> None:
    """A diamond: the shared provider first and once; stopping goes the other way."""
    graph = make_graph(
        [
            plugin("top", "", "left ^1", "right ^1"),
            plugin("right", "right 1.0", "base ^1"),
            plugin("left", "left 1.0", "base ^1"),
            plugin("base", "base 1.3"),
            plugin("alone"),
        ]
    )
    assert graph.violations == ()
    assert graph.load_order == ("alone", "base", "left", "right", "top")
    assert graph.stop_order == graph.load_order[::-1]
    assert ("left", "base", "base") in leads_to(graph)


@pytest.mark.parametrize(
    ("providers", "wanted", "chosen"),
    [
        (("a 1.0", "b 1.2", "c 1.1"), "^1", "b"),
        (("a 1.0", "b 2.0", "c 1.1"), "^1", "c"),
        (("a 1.2 -1", "b 1.2 3", "c 1.2 2"), "^1", "b"),
        (("a 1.0 9", "b 1.2"), "^1", "b"),
        (("a 3.0", "b 1.2"), ">=1", "a"),
    ],
)
def test_the_highest_version_is_chosen_and_then_the_highest_priority(
    providers: tuple[str, ...], wanted: str, chosen: str
) -> None:
    """An operator must be able to say who answers, and to foresee it when nothing is said."""
    split = [one.split(" ") for one in providers]
    plugins = [plugin(name, f"codec {version}", priority=int(rest[0] if rest else 0)) for name, version, *rest in split]
    graph = make_graph([*plugins, plugin("user", "", f"codec {wanted}")])
    assert leads_to(graph) == {("user", "codec", chosen)}
    assert graph.violations == ()


def test_a_plugin_never_provides_for_itself() -> None:
    """It would call through a slot what it can call by name; a filter before another of its kind is the use."""
    graph = make_graph([plugin("outer", "gain 1.9", "gain ^1"), plugin("inner", "gain 1.1")])
    assert leads_to(graph) == {("outer", "gain", "inner")}
    alone = make_graph([plugin("outer", "gain 1.9", "gain ^1")])
    assert kinds(alone) == [(Kind.UNSATISFIABLE, "outer", "gain")]
    assert "outer 1.0.0 is the plugin itself" in str(alone.violations[0])


def test_of_two_majors_of_one_plugin_the_range_decides() -> None:
    """A provider that offers the old major too serves both kinds of consumers."""
    graph = make_graph(
        [plugin("zip", "codec 1.4, codec 2.0"), plugin("old", "", "codec ^1"), plugin("new", "", "codec >=1")]
    )
    assert {(one.consumer, one.version) for one in graph.edges} == {("old", (1, 4)), ("new", (2, 0))}


def test_a_provider_without_the_feature_is_passed_over() -> None:
    """A feature is what callers rely on beyond functions."""
    plain, rich = plugin("plain", "codec 1.9"), plugin("rich", "codec 1.0", features=("stereo",))
    user = plugin("user", "", "codec ^1 +stereo")
    assert leads_to(make_graph([plain, rich, user])) == {("user", "codec", "rich")}
    assert "plain 1.0.0 lacks feature stereo" in str(make_graph([plain, user]).violations[0])


def test_an_optional_need_that_nobody_meets_is_left_unbound_with_the_reason() -> None:
    """It refuses nothing, and whoever wonders finds why."""
    graph = make_graph([plugin("user", "", "meter ^1 optional", "codec ^2 optional"), plugin("zip", "codec 1.0")])
    assert graph.violations == ()
    assert [(one.need.interface, one.note) for one in graph.unbound] == [
        ("meter", "no plugin provides it"),
        ("codec", "zip 1.0.0 offers codec 1.0"),
    ]


def test_everything_wrong_is_found_at_once_each_with_who_was_passed_over() -> None:
    """An author mends them in one go."""
    graph = make_graph(
        [
            plugin("user", "", "codecs ^1", "zip ^2", "log ^1"),
            plugin("zip", "zip 1.0, codec 1.0", where="/p/zip.so"),
            plugin("log-a", "log 1.0"),
            plugin("log-b", "log 1.0"),
            plugin("ring", "ring 1.0", "gnir ^1"),
            plugin("gnir", "gnir 1.0", "ring ^1"),
            plugin("twin", digest="1", where="/p"),
            plugin("twin", digest="2", where="/q"),
        ]
    )
    assert [str(one) for one in graph.violations] == [
        "plugin twin is there more than once, and only one can serve: leave out all but one: twin at /p; twin at /q",
        'user needs interface codecs ^1: none of the 7 plugins provides it; did you mean "codec"?',
        "user needs interface zip ^2: zip 1.0.0 (/p/zip.so) offers zip 1.0",
        "user needs interface log ^1, and nothing says whose: give one a higher priority ([plugins.log-a] priority = 1 "
        "in hotgraft.toml): log-a 1.0.0 offers log 1.0 with priority 0; log-b 1.0.0 offers log 1.0 with priority 0",
        "gnir → ring → gnir: they require each other in a cycle (gnir needs ring ^1 of ring; ring needs gnir ^1 of "
        "gnir), and cycle = true is not said for ring of gnir, gnir of ring",
    ]


def test_one_image_at_two_places_is_one_plugin() -> None:
    """A build folder beside what was installed from it is no conflict."""
    graph = make_graph([plugin("gain", digest="1", where="/a"), plugin("gain", digest="1", where="/b")])
    assert graph.violations == ()
    assert list(graph.plugins) == ["gain"]


def test_a_cycle_that_all_declare_is_one_unit_behind_what_it_needs() -> None:
    """And before who needs it; within it, needs that are not optional decide."""
    graph = make_graph(
        [
            plugin("a", "a 1.0", "b ^1 cycle", "base ^1"),
            plugin("b", "b 1.0", "a ^1 cycle optional"),
            plugin("user", "", "a ^1"),
            plugin("base", "base 1.0"),
        ]
    )
    assert graph.violations == ()
    assert graph.units == (("base",), ("b", "a"), ("user",))


def test_a_cycle_is_refused_where_one_edge_is_not_declared() -> None:
    """Half a declaration is a mistake of one of the two authors, and the message says whose."""
    graph = make_graph(
        [plugin("a", "a 1.0", "b ^1 cycle"), plugin("b", "b 1.0", "c ^1"), plugin("c", "c 1.0", "a ^1 cycle")]
    )
    (found,) = graph.violations
    assert spelled(found.cycle) == "b → c → a → b"
    assert [(one.consumer, one.interface) for one in found.undeclared] == [("b", "c")]


def test_a_long_chain_is_no_recursion(sized: Sized) -> None:
    """Also a cycle of as many: Python gives up a thousand calls deep."""
    count = sized(quick=1_500, full=10_000)
    chain = [plugin(f"p{n:05}", f"i{n} 1.0", f"i{n - 1} ^1" if n else "j ^1 optional") for n in range(count)]
    assert make_graph(chain).load_order == tuple(one.name for one in chain)
    (found,) = make_graph([*chain[1:], plugin("p00000", "i0 1.0", f"i{count - 1} ^1")]).violations
    assert len(found.cycle) == count


def test_the_work_grows_with_the_edges() -> None:
    """10,000 plugins are a large system, and nobody waits for its graph. Calls are counted: time is the machine's."""
    systems_by_size = [tuple(many(size)) for size in (200, 400, 800)]
    work = [calls_of(partial(make_graph, plugins)) for plugins in systems_by_size]
    assert work[2] < 2.1 * work[1] < 4.41 * work[0]


def test_a_descriptor_becomes_facts() -> None:
    """Names, versions, ranges and flags; the host's name for it where that differs."""
    state = State(kind="none", schema=0, layout_id=0, handover=False, save=False)
    needs = (Requirement(interface="codec", range="^1", optional=True, cycle=True),)
    described = Descriptor(
        hotgraft=1, name="gain", version="1.2.0", abi=(1, 0), provides=(), requires=needs, structs={}, state=state,
        config_schema={}, pins="wait", features=("stereo",),
    )  # fmt: skip
    found = facts_of(described, name="left", priority=3, digest="ab", where="/g.so")
    assert found == plugin(
        "left 1.2.0", "", "codec ^1 optional cycle", features=("stereo",), priority=3, digest="ab", where="/g.so"
    )
    assert facts_of(described).name == "gain"


# --- against a slow reference ---

INTERFACES = ("x", "y", "z")
RANGES = ("^1", "^1.1", "^2", ">=1", ">=1.1,<3")
offers = st.lists(
    st.tuples(st.sampled_from(INTERFACES), st.sampled_from(("1.0", "1.1", "2.0"))), max_size=2, unique=True
)
needs = st.lists(
    st.tuples(st.sampled_from(INTERFACES), st.sampled_from(RANGES), st.sampled_from(("", " optional", " cycle"))),
    max_size=2,
    unique_by=lambda one: one[0],
)
systems = st.lists(st.tuples(offers, needs, st.integers(0, 1)), max_size=6).map(
    lambda rows: [
        plugin(
            f"p{number}",
            ", ".join(f"{name} {version}" for name, version in provided),
            *(f"{name} {wanted}{word}" for name, wanted, word in required),
            priority=priority,
        )
        for number, (provided, required, priority) in enumerate(rows)
    ]
)


def reference(plugins: list[PluginFacts]) -> tuple[set[tuple[str, str, str]], set[tuple[Kind, str, str]]]:
    """Return edges and violations, cycles aside, by trying everybody for every need."""
    edges, wrong = set(), set()
    for one in plugins:
        for want in one.requires:
            others = [other for other in plugins if other is not one]
            offered = [
                (version, other) for other in others for name, version in other.provides if name == want.interface
            ]
            fits = sorted(
                {
                    (
                        max(v for v, o in offered if o is other and want.accepts.allows_interface(v)),
                        other.priority,
                        other.name,
                    )
                    for version, other in offered
                    if want.accepts.allows_interface(version)
                }
            )
            if len(fits) > 1 and fits[-1][:2] == fits[-2][:2]:
                wrong.add((Kind.AMBIGUOUS, one.name, want.interface))
            elif fits:
                edges.add((one.name, want.interface, fits[-1][2]))
            elif not want.is_optional:
                is_known = any(name == want.interface for other in plugins for name, _ in other.provides)
                wrong.add((Kind.UNSATISFIABLE if is_known else Kind.MISSING, one.name, want.interface))
    return edges, wrong


def reachable(edges: tuple[Edge, ...], start: str) -> set[str]:
    """Return whom `start` needs, by whatever way."""
    found: set[str] = set()
    size = -1
    while len(found) > size:
        size = len(found)
        found |= {one.provider for one in edges if one.consumer in found | {start}}
    return found


@given(systems)
def test_edges_and_violations_are_those_of_the_slow_reference(plugins: list[PluginFacts]) -> None:
    """All of them, whatever the system."""
    graph = make_graph(plugins)
    edges, wrong = reference(plugins)
    assert leads_to(graph) == edges
    assert {one for one in kinds(graph) if one[0] is not Kind.CYCLE} == wrong


@given(systems)
def test_the_order_respects_every_edge_and_a_unit_is_who_needs_each_other(plugins: list[PluginFacts]) -> None:
    """By the definition of both: who can reach whom."""
    graph = make_graph(plugins)
    place = {name: number for number, unit in enumerate(graph.units) for name in unit}
    assert sorted(graph.load_order) == sorted(one.name for one in plugins)
    assert all(place[one.provider] <= place[one.consumer] for one in graph.edges)
    leads = {one.name: reachable(graph.edges, one.name) for one in plugins}
    for a, b in itertools.permutations(leads, 2):
        assert (place[a] == place[b]) == (b in leads[a] and a in leads[b]), (a, b)
    undeclared = {one for one in graph.edges if place[one.consumer] == place[one.provider] and not one.need.is_cycle}
    assert {edge for one in graph.violations for edge in one.undeclared} == undeclared
    for one in graph.violations:
        assert all(
            e.provider == following.consumer for e, following in itertools.pairwise((*one.cycle, *one.cycle[:1]))
        )


@given(systems, st.randoms(use_true_random=False))
def test_the_order_in_which_plugins_are_found_says_nothing(plugins: list[PluginFacts], chance: random.Random) -> None:
    """Two machines whose folders are listed differently load the same system in the same order."""
    shuffled = list(plugins)
    chance.shuffle(shuffled)
    assert make_graph(shuffled) == make_graph(plugins)
