"""Tests the order in which a host is closed, and a unit goes back: each plugin after all that call it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, cast

from hotgraft.host.closing import consumers_first


@dataclass
class Node:
    """Stands for a loaded plugin, and counts how often it is asked whom it calls."""

    name: str
    calls: frozenset[str]
    asked: int = 0

    @property
    def providers(self) -> frozenset[str]:
        """Return whom it calls."""
        self.asked += 1
        return self.calls


def order(nodes: list[Node]) -> list[Node]:
    """Return the order of the host."""
    return cast("list[Node]", consumers_first(cast("Any", nodes)))


def plain(nodes: list[Node]) -> list[Node]:
    """Return the same by its definition: of those that nobody calls the one that was loaded last."""
    waiting, ordered = nodes[::-1], []
    while waiting:
        free = [one for one in waiting if not any(one.name in other.calls for other in waiting)]
        ordered.append((free or waiting)[0])
        waiting.remove(ordered[-1])
    return ordered


def test_each_comes_after_all_that_call_it_and_a_cycle_is_cut_at_who_was_loaded_last() -> None:
    """Random graphs, with cycles and with calls to who is not there."""
    for seed in range(300):
        draw = random.Random(seed)
        count = draw.randint(0, 8)
        nodes = [
            Node(str(at), frozenset(str(draw.randrange(count + 1)) for _ in range(draw.randint(0, 3))) - {str(at)})
            for at in range(count)
        ]
        assert order(nodes) == plain(nodes), f"seed {seed}"


def test_each_is_asked_once_whom_it_calls() -> None:
    """Two hundred plugins in a row took a second, and a thousand minutes: each was asked by each, time and again."""
    nodes = [Node(str(at), frozenset((str(at - 1),)) if at else frozenset()) for at in range(200)]
    assert order(nodes) == nodes[::-1]
    assert {one.asked for one in nodes} == {1}
