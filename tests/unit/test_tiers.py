"""The order of the full tier: what may take longest begins, in every worker."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from conftest import longest_first


def item(name: str, timeout_s: int | None = None) -> Any:
    """Return what the order asks of a test."""
    mark = SimpleNamespace(args=(timeout_s,)) if timeout_s else None
    return SimpleNamespace(name=name, get_closest_marker=lambda name: mark if name == "timeout" else None)


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
@pytest.mark.parametrize("slow", [0, 1, 3, 7])
@pytest.mark.parametrize("quick", [0, 1, 5, 40])
def test_every_test_stays_and_the_longest_are_dealt_out_first(workers: int, slow: int, quick: int) -> None:
    """A test that is lost would never fail again."""
    items = [item(f"quick {number}") for number in range(quick)]
    for number in range(slow):
        items.insert(number * 2, item(f"slow {number}", timeout_s=1000 + number))
    ordered = [one.name for one in longest_first(items, workers)]

    assert sorted(ordered) == sorted(one.name for one in items)
    assert [name for name in ordered if name.startswith("quick")] == [f"quick {number}" for number in range(quick)]
    left, blocks = list(ordered), []
    for worker in range(workers):  # as xdist deals them out
        size = len(left) // (workers - worker)
        blocks.append(left[:size])
        del left[:size]
    if quick >= 40:
        longest = [f"slow {slow - 1 - number}" for number in range(min(slow, workers))]
        assert [block[0] for block in blocks][: len(longest)] == longest
