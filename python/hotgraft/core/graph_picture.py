"""A graph as text: a tree for a terminal, Mermaid and DOT for documents.

Nothing here trusts a name: what a format could take for its own syntax is written as its code.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.graph_violations import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from hotgraft.core.graph import Graph
    from hotgraft.core.graph_facts import Edge, Need, PluginFacts

__all__ = ["dot", "mermaid", "plain", "quoted", "tree"]

DEPTH_MAX: Final = 12  # what lies deeper is drawn as a tree of its own beneath: the eye has lost the line by then
# What Mermaid takes for text between quotes, whatever stands around it; all else is written as its code.
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 ._/+^~=(),:-]")
_MARKED: Final = "fill:#ffe08a,stroke:#806000,color:#000"


@dataclass(frozen=True, slots=True)
class _Line:
    """One need of a plugin, and what became of it."""

    need: Need
    edge: Edge | None
    note: str


def tree(graph: Graph) -> str:
    """Return a tree for each plugin that nobody calls: beneath each plugin what it needs, and who provides that.

    A plugin is drawn out once; where it stands again it says *above*. A cycle that nobody else calls begins with the
    first of its names.
    """
    return "\n".join(_Tree(graph).lines())


def mermaid(graph: Graph, *, marked: Collection[str] = ()) -> str:
    """Return a Mermaid flowchart: an arrow from each consumer to its provider; `marked` plugins stand out."""
    ids = {name: f"p{number}" for number, name in enumerate(graph.plugins)}
    lines = ["flowchart TD"]
    lines += [f'    {ids[name]}["{plain(str(facts))}"]' for name, facts in graph.plugins.items()]
    for one in graph.edges:
        arrow = "-.->" if one.need.is_optional else "-->"
        lines.append(f'    {ids[one.consumer]} {arrow}|"{plain(str(one.need))}"| {ids[one.provider]}')
    for number, (consumer, need, note) in enumerate(_nowhere(graph)):
        lines.append(f'    n{number}(["{plain(f"{need.interface}: {note}")}"])')
        lines.append(f'    {ids[consumer]} -.->|"{plain(str(need))}"| n{number}')
    lines += [f"    style {ids[name]} {_MARKED}" for name in graph.plugins if name in marked]
    return "\n".join(lines)


def dot(graph: Graph, *, marked: Collection[str] = ()) -> str:
    """Return a DOT digraph: an arrow from each consumer to its provider; `marked` plugins stand out."""
    lines = ["digraph hotgraft {", "    node [shape=box];"]
    for name, facts in graph.plugins.items():
        style = ', style=filled, fillcolor="#ffe08a"' if name in marked else ""
        lines.append(f"    {quoted(name)} [label={quoted(str(facts))}{style}];")
    for one in graph.edges:
        style = ", style=dashed" if one.need.is_optional else ""
        lines.append(f"    {quoted(one.consumer)} -> {quoted(one.provider)} [label={quoted(str(one.need))}{style}];")
    for number, (consumer, need, note) in enumerate(_nowhere(graph)):
        where = quoted(f"nowhere {number}")  # no plugin has a space in its name
        lines.append(f"    {where} [label={quoted(f'{need.interface}: {note}')}, shape=plaintext];")
        lines.append(f"    {quoted(consumer)} -> {where} [label={quoted(str(need))}, style=dashed];")
    return "\n".join([*lines, "}"])


class _Tree:
    """One drawing. Held as a stack of what is still to be drawn, so that depth costs no recursion."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._needs = _needs(graph)
        self._drawn: set[str] = set()
        self._roots = deque(_roots(graph))

    def lines(self) -> Iterator[str]:
        """Return the lines of all trees."""
        while self._roots:
            root = self._roots.popleft()
            if root not in self._drawn:
                yield from self._tree(root)

    def _tree(self, root: str) -> Iterator[str]:
        yield _titled(self._graph.plugins[root])
        self._drawn.add(root)
        todo = self._beneath(root, "", 1)
        while todo:
            line, indent, depth, is_last = todo.pop()
            branch = "└─ " if is_last else "├─ "
            below = indent + ("   " if is_last else "│  ")
            edge = line.edge
            if edge is None:
                yield f"{indent}{branch}{_wanted(line.need)}: {line.note}"
                continue
            provider = edge.provider
            text = f"{indent}{branch}{_wanted(line.need)} → {self._graph.plugins[provider]}"
            text += f" ({edge.interface} {edge.version[0]}.{edge.version[1]})"
            needs = self._needs.get(provider, ())
            if provider in self._drawn:
                yield text + (", above" if needs else "")
            elif depth == DEPTH_MAX and needs:
                self._roots.appendleft(provider)
                yield text + ", below"
            else:
                self._drawn.add(provider)
                yield text
                todo += self._beneath(provider, below, depth + 1)

    def _beneath(self, name: str, indent: str, depth: int) -> list[tuple[_Line, str, int, bool]]:
        needs = self._needs.get(name, ())
        return [(line, indent, depth, number == 0) for number, line in enumerate(reversed(needs))]


def _needs(graph: Graph) -> Mapping[str, Sequence[_Line]]:
    """Return what became of each need of a plugin, in the order in which its manifest has them."""
    met = {(edge.consumer, edge.interface): edge for edge in graph.edges}
    notes = {(consumer, need.interface): note for consumer, need, note in _nowhere(graph)}
    return {
        name: tuple(
            _Line(need, met.get((name, need.interface)), notes.get((name, need.interface), ""))
            for need in facts.requires
        )
        for name, facts in graph.plugins.items()
    }


def _roots(graph: Graph) -> Iterator[str]:
    """Those whom nobody calls, then whoever is left: a cycle, or what is only called by one."""
    called = {edge.provider for edge in graph.edges}
    yield from (name for name in graph.plugins if name not in called)
    yield from (sorted(unit)[0] for unit in reversed(graph.units))


def _nowhere(graph: Graph) -> Iterator[tuple[str, Need, str]]:
    """Each need that leads to no provider, and why in a word or a few."""
    for one in graph.unbound:
        yield one.consumer, one.need, f"unbound, {one.note}"
    needs = {(name, need.interface): need for name, facts in graph.plugins.items() for need in facts.requires}
    for violation in graph.violations:
        if violation.kind in (Kind.MISSING, Kind.UNSATISFIABLE, Kind.AMBIGUOUS):
            yield violation.plugin, needs[violation.plugin, violation.interface], violation.kind.upper()


def _titled(facts: PluginFacts) -> str:
    offers = ", ".join(f"{name} {version[0]}.{version[1]}" for name, version in facts.provides)
    return f"{facts}: {offers}" if offers else str(facts)


def _wanted(need: Need) -> str:
    words = [word for word, is_so in (("optional", need.is_optional), ("cycle", need.is_cycle)) if is_so]
    return f"{need} ({', '.join(words)})" if words else str(need)


def plain(text: str) -> str:
    """Return what Mermaid shows as `text` between quotes."""
    return _NOT_PLAIN.sub(lambda found: f"#{ord(found[0])};", text)


def quoted(text: str) -> str:
    """Return a DOT text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
