"""Which plugins need each other: the strongly connected parts of a graph, providers first, and a cycle spelled out.

Nothing here recurses: a chain of 10,000 plugins is a chain, not an error.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from hotgraft.core.graph_facts import Edge

__all__ = ["cycle_through", "inner_order", "strong_parts"]


def strong_parts(needed: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the strongly connected parts, each after all that it leads to.

    Args:
        needed: by node, the nodes it leads to; begun in this order, so the answer depends on nothing else.

    Source:
        Gabow (2000), "Path-based depth-first search for strong and biconnected components"; time is linear.
    """
    done = len(needed) + 1  # above every number: what is in a part already
    numbers = [0] * len(needed)
    parts: list[list[int]] = []
    met: list[int] = []  # not in a part yet, in the order in which they were met
    bounds: list[int] = []  # the first of each part as far as it is known
    count = 0
    for root in range(len(needed)):
        if numbers[root]:
            continue
        path, rests = [root], [iter(needed[root])]
        count += 1
        numbers[root] = count
        met.append(root)
        bounds.append(root)
        while path:
            for node in rests[-1]:
                number = numbers[node]
                if not number:
                    count += 1
                    numbers[node] = count
                    met.append(node)
                    bounds.append(node)
                    path.append(node)
                    rests.append(iter(needed[node]))
                    break
                while numbers[bounds[-1]] > number:
                    bounds.pop()
            else:
                node = path.pop()
                rests.pop()
                if bounds[-1] == node:
                    bounds.pop()
                    parts.append(_cut(met, node))
                    for one in parts[-1]:
                        numbers[one] = done
    return parts


def _cut(met: list[int], first: int) -> list[int]:
    """Take what was met since `first`, itself included."""
    if met[-1] == first:
        return [met.pop()]
    start = len(met) - 1
    while met[start] != first:
        start -= 1
    part = met[start:]
    del met[start:]
    return part


def inner_order(members: Iterable[str], edges: Sequence[Edge]) -> tuple[str, ...]:
    """Return the members of a cycle, providers first where needs that are not optional say so; ties by name.

    Args:
        members: of one strongly connected part.
        edges: between them.
    """
    waiting = dict.fromkeys(sorted(members), 0)
    consumers: dict[str, list[str]] = {name: [] for name in waiting}
    for edge in edges:
        if not edge.need.is_optional:
            waiting[edge.consumer] += 1
            consumers[edge.provider].append(edge.consumer)
    free = [name for name, count in waiting.items() if not count]
    heapify(free)
    rest = deque(waiting)  # for where all wait for each other: by name
    ordered: dict[str, None] = {}
    while len(ordered) < len(waiting):
        chosen = heappop(free) if free else rest.popleft()
        if chosen in ordered:
            continue
        ordered[chosen] = None
        for name in consumers[chosen]:
            waiting[name] -= 1
            if not waiting[name]:
                heappush(free, name)
    return tuple(ordered)


def cycle_through(edge: Edge, edges_of: Mapping[str, Iterable[Edge]], members: Collection[str]) -> tuple[Edge, ...]:
    """Return the shortest cycle that begins with `edge`; of several, the one whose names come first.

    Args:
        edge: between two members of one strongly connected part, so there is a way back.
        edges_of: by consumer.
        members: of that part.
    """
    came: dict[str, Edge] = {}
    todo = deque([edge.provider])
    while edge.consumer not in came:
        for one in sorted(edges_of[todo.popleft()], key=lambda one: (one.provider, one.interface)):
            if one.provider in members and one.provider not in came and one.provider != edge.provider:
                came[one.provider] = one
                todo.append(one.provider)
    back = [came[edge.consumer]]
    while back[-1].consumer != edge.provider:
        back.append(came[back[-1].consumer])
    return (edge, *reversed(back))
