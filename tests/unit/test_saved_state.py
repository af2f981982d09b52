"""`Host.saved_state`: looking at what a plugin would save."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import hotgraft
import pytest
from sample_plugins import HANDS_OVER, PLAIN, SAVES, STATELESS, Sample

if TYPE_CHECKING:
    from sample_plugins import Workshop

NESTS = replace(PLAIN, source="nests_state", saves=True)


def test_values_are_read_by_instance_and_nothing_changes(host: hotgraft.Host, build: Workshop) -> None:
    """As a person asks for them while callers go on."""
    first = host.load(build(SAVES))
    second = host.load("counter", instance="left")
    first.add(3)
    second.add(4)
    assert host.saved_state("counter") == {"main": {"count": 3}, "left": {"count": 4}}
    assert (first.add(1), second.add(1), first.generation) == (4, 5, 1)


def test_what_is_nested_is_read_as_plain_values(host: hotgraft.Host, build: Workshop) -> None:
    """Maps are dicts, with keys that are text or numbers; bytes are bytes, however they were put."""
    plain = host.load(build(NESTS))
    plain.add(1, 2)
    plain.add(1, 2)
    assert host.saved_state("plain")["main"] == {"tallies": {0: 0, 1: 1}, "blob": b"\2" * 100_000}


@pytest.mark.parametrize("sample", [STATELESS, HANDS_OVER], ids=["none", "handed over"])
def test_a_plugin_without_save_says_so(host: hotgraft.Host, build: Workshop, sample: Sample) -> None:
    """Its block has no names."""
    host.load(build(sample))
    with pytest.raises(hotgraft.StateError, match="offers no save") as caught:
        host.saved_state("counter")
    assert caught.value.running == "generation 1 still serves"


def test_a_pinned_plugin_is_not_looked_at(host: hotgraft.Host, build: Workshop) -> None:
    """A pin's calls have a way in of their own."""
    plugin = host.load(build(SAVES))
    with plugin.pin(who="session 7"), pytest.raises(hotgraft.Busy, match="session 7"):
        host.saved_state("counter")
    assert host.saved_state("counter")["main"] == {"count": 0}


def test_callers_on_other_threads_go_on(host: hotgraft.Host, build: Workshop) -> None:
    """They wait for the moment, and lose no call; what is read lies between what they saw."""
    plugin, is_over, counts = host.load(build(SAVES)), threading.Event(), list[int]()

    def call() -> None:
        while not is_over.is_set():
            counts.append(plugin.add(1))

    callers = [threading.Thread(target=call) for _ in range(2)]
    for caller in callers:
        caller.start()
    try:
        read = [host.saved_state("counter")["main"]["count"] for _ in range(10)]
    finally:
        is_over.set()
        for caller in callers:
            caller.join()
    assert read == sorted(read)
    assert sorted(counts) == list(range(1, len(counts) + 1))
    assert read[-1] <= len(counts)
