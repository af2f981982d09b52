"""Tests core/graph_picture.py: what is drawn is what the graph says, and no name becomes syntax."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from graph_scene import many, need, plugin
from hotgraft.core.graph import Graph, make_graph
from hotgraft.core.graph_facts import PluginFacts
from hotgraft.core.graph_picture import DEPTH_MAX, dot, mermaid, tree

DIAMOND = (
    plugin("top", "", "left ^1", "right ^1"),
    plugin("left", "left 1.0", "base ^1"),
    plugin("right", "right 1.1", "base >=1,<3", "meter ^1 optional"),
    plugin("base 1.4.2", "base 1.4", "log ^1"),
    plugin("log", "log 1.0"),
)
HOSTILE = 'a"]; x --> y["\\\n#quot;<b>|"'
# Of each line of a picture, all that its format lets stand there (graphviz.org/doc/info/lang, mermaid.js.org/syntax).
STRING = r'"(?:[^"\\\n]|\\.)*"'
DOT_LINE = re.compile(rf"    {STRING}(?: -> {STRING})? \[label={STRING}(?:, [a-z]+=(?:[a-z]+|{STRING}))*\];")
TEXT = r'"[A-Za-z0-9 ._/+^~=(),:#;-]*"'
MERMAID_LINE = re.compile(
    rf"    (?:[pn]\d+(?:\[{TEXT}\]|\(\[{TEXT}\]\))|[pn]\d+ (?:-->|-\.->)\|{TEXT}\| [pn]\d+|style p\d+ \S+)"
)


def test_a_diamond_is_drawn_once_with_versions_ranges_and_what_is_unbound() -> None:
    """What a person asks: who provides what to whom, in which version, and what is missing."""
    assert tree(make_graph(DIAMOND)).splitlines() == [
        "top 1.0.0",
        "├─ left ^1 → left 1.0.0 (left 1.0)",
        "│  └─ base ^1 → base 1.4.2 (base 1.4)",
        "│     └─ log ^1 → log 1.0.0 (log 1.0)",
        "└─ right ^1 → right 1.0.0 (right 1.1)",
        "   ├─ base >=1,<3 → base 1.4.2 (base 1.4), above",
        "   └─ meter ^1 (optional): unbound, no plugin provides it",
    ]


def test_a_cycle_and_what_is_wrong_are_drawn_too() -> None:
    """A picture is asked for most when something is wrong."""
    plugins = [
        plugin("a", "a 1.0", "b ^1 cycle"),
        plugin("b", "b 1.0", "a ^1 cycle", "x ^1", "c ^2"),
        plugin("c", "c 1.0"),
    ]
    assert tree(make_graph(plugins)).splitlines() == [
        "c 1.0.0: c 1.0",
        "a 1.0.0: a 1.0",
        "└─ b ^1 (cycle) → b 1.0.0 (b 1.0)",
        "   ├─ a ^1 (cycle) → a 1.0.0 (a 1.0), above",
        "   ├─ x ^1: MISSING",
        "   └─ c ^2: UNSATISFIABLE",
    ]


def test_a_long_chain_is_drawn_in_pieces_that_fit_a_screen() -> None:
    """Each plugin once, and no line wider than its depth allows."""
    chain = [
        plugin(f"p{number}", f"i{number} 1.0", *([f"i{number - 1} ^1"] if number else [])) for number in range(2_000)
    ]
    lines = tree(make_graph(chain)).splitlines()
    titled = [line for line in lines if line[0] == "p"]
    assert len(lines) == 2_000 + len(titled) - 1
    assert max(map(len, lines)) < 3 * DEPTH_MAX + 60


@pytest.mark.parametrize(
    "graph", [make_graph(DIAMOND), make_graph(many(30)), make_graph([])], ids=["diamond", "30", "none"]
)
def test_pictures_for_documents_hold_every_plugin_and_every_edge(graph: Graph) -> None:
    """And each line is one that the format has."""
    drawn, flow = dot(graph, marked={"base"}).splitlines(), mermaid(graph, marked={"base"}).splitlines()
    assert (drawn[0], drawn[1], drawn[-1], flow[0]) == (
        "digraph hotgraft {",
        "    node [shape=box];",
        "}",
        "flowchart TD",
    )
    assert [line for line in drawn[2:-1] if not DOT_LINE.fullmatch(line)] == []
    assert [line for line in flow[1:] if not MERMAID_LINE.fullmatch(line)] == []
    arrows = len(graph.edges) + len(graph.unbound)
    assert sum(" -> " in line for line in drawn) == sum(">|" in line for line in flow) == arrows
    assert (
        sum("fillcolor" in line for line in drawn) == sum("style" in line for line in flow) == ("base" in graph.plugins)
    )


def test_no_name_becomes_syntax() -> None:
    """Descriptors are checked, but who draws trusts nobody: an image may be anybody's."""
    wanted = need("x ^1 optional")
    graph = make_graph([PluginFacts(name=HOSTILE, version="<script>", requires=(wanted,))])
    assert all(MERMAID_LINE.fullmatch(line) for line in mermaid(graph).splitlines()[1:])
    assert all(DOT_LINE.fullmatch(line) for line in dot(graph).splitlines()[2:-1])


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_graphviz_draws_it() -> None:
    """The reader of the format has the last word."""
    for graph in (make_graph(DIAMOND), make_graph([plugin('a"b', "", "x ^1 optional")])):
        done = subprocess.run(
            ["dot", "-Tsvg"], input=dot(graph), capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stdout.count('<g id="edge') == len(graph.edges) + len(graph.unbound)
