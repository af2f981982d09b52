"""Plugins of a graph in one line each, for the tests of what is decided about them."""

from __future__ import annotations

import functools
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotgraft.core.graph_facts import Need, PluginFacts
from hotgraft.core.versions import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotgraft.core.graph import Graph


@functools.cache  # tests draw thousands of a few
def need(text: str) -> Need:
    """Return a need: ``codec ^1``, ``codec ^1 optional``, ``codec ^1 cycle``, ``codec ^1 +stereo``."""
    interface, wanted, *words = text.split(" ")
    return Need(
        interface=interface,
        accepts=Range.parse(wanted.replace("_", " ")),
        is_optional="optional" in words,
        is_cycle="cycle" in words,
        features=tuple(word[1:] for word in words if word[0] == "+"),
    )


def plugin(title: str, offers: str = "", *needs: str, **more: Any) -> PluginFacts:
    """Return a plugin: ``plugin("gain 1.2.0", "gain 1.2, meter 1.0", "codec ^1")``; without a version, 1.0.0."""
    name, _, version = title.partition(" ")
    provides = tuple(offer(text.strip()) for text in offers.split(",") if text.strip())
    return PluginFacts(
        name=name, version=version or "1.0.0", provides=provides, requires=tuple(map(need, needs)), **more
    )


def offer(text: str) -> tuple[str, tuple[int, int]]:
    """Return what is provided: ``gain 1.2``."""
    interface, version = text.split(" ")
    major, minor = map(int, version.split("."))
    return interface, (major, minor)


def candidate(facts: PluginFacts, version: str, offers: str = "", *needs: str, **more: Any) -> PluginFacts:
    """Return another version of a plugin; what is not said stays."""
    other = plugin(f"{facts.name} {version}", offers, *needs)
    return replace(
        facts,
        version=version,
        provides=other.provides or facts.provides,
        requires=other.requires or facts.requires,
        **more,
    )


def leads_to(graph: Graph) -> set[tuple[str, str, str]]:
    """Return consumer, interface and provider of every edge."""
    return {(one.consumer, one.interface, one.provider) for one in graph.edges}


def calls_of(work: Callable[[], object]) -> int:
    """Return how many functions `work` calls, Python's own included: what it costs, whatever the machine."""
    count = 0

    def note(_frame: object, event: str, _value: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def many(count: int, *, width: int = 4, reach: int = 200) -> Iterator[PluginFacts]:
    """Yield plugins of which each needs `width` of the `reach` before it, in ranges of several kinds.

    Args:
        count: how many.
        width: needs of each.
        reach: how far back they lead.
    """
    ranges = ("^1.0", "^1", "^1.2", ">=1,<3", "^1.1_||_^2", ">=1.0")
    for number in range(count):
        back = {1 + (number * 7919 + step * 104729) % min(reach, number) for step in range(width) if number}
        before = sorted(number - one for one in back)
        needs = [f"i{one} {ranges[(number + one) % len(ranges)]}" for one in before]
        yield plugin(f"p{number:06}", f"i{number} 1.{2 + number % 7}", *needs)
