"""A queue limit at a plugin's gate: who is turned away during a swap, what they are told, and that nothing is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Backpressure, Host, _core
from sample_plugins import HANDS_OVER, STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotgraft.host.plugin import Plugin

DEADLINE_S = 30
NEXT = replace(HANDS_OVER, build=2)


@pytest.fixture
def host(unprobed: Host) -> Host:
    """Without a probe: nothing here is about a candidate."""
    return unprobed


@contextmanager
def swap_stopped(host: Host, image: Any) -> Iterator[Callable[[], None]]:
    """A swap that holds its gates closed until the function that this gives is called."""
    closed, go_on = threading.Event(), threading.Event()

    def hook(step: str) -> str:
        if step == "quiesce":
            closed.set()
            assert go_on.wait(DEADLINE_S)
        return "run"

    _core._seams.set_step_hook(hook)
    try:
        with ThreadPoolExecutor(1) as pool:
            swap = pool.submit(host.reload, "counter", image, deadline_s=DEADLINE_S)
            assert closed.wait(DEADLINE_S)
            try:
                yield go_on.set
            finally:
                go_on.set()
            assert swap.result(DEADLINE_S).outcome == "published"
    finally:
        _core._seams.set_step_hook(None)


def slot_of(counter: Plugin) -> _core.Slot:
    """The slot of the plugin's one interface."""
    slot: _core.Slot = counter._owner.instance.slots["counter/1"]
    return slot


def until(is_so: Callable[[], bool]) -> None:
    """Let other threads run until it is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0)


def test_a_call_beyond_the_limit_is_turned_away_before_it_entered_and_those_within_it_are_answered(
    host: Host, build: Workshop
) -> None:
    """Promise 1: refused only where an operator set a limit, and counted apart from failures."""
    counter = host.load(build(HANDS_OVER), name="counter")
    counter.add(5)
    slot_of(counter).queue_limit = 2
    with swap_stopped(host, build(NEXT)) as go_on, ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(counter.add, 1) for _ in range(2)]
        until(lambda: slot_of(counter).waiting == 2)

        with pytest.raises(Backpressure) as caught:
            counter.add(100)

        go_on()
        assert sorted(call.result(DEADLINE_S) for call in waiting) == [6, 7]
    error = caught.value
    assert (error.on, error.function, error.waiting, error.limit) == ("counter", "add", 2, 2)
    assert error.running == "generation 1 serves until the swap is over"
    assert counter.add(0) == 7  # what was turned away never ran
    stats = counter.stats()
    assert (stats.turned_away, stats.errors) == (1, 0)


def test_without_a_limit_nobody_is_turned_away(host: Host, build: Workshop) -> None:
    """How a plugin begins: a call that meets a gate waits."""
    counter = host.load(build(HANDS_OVER), name="counter")
    with swap_stopped(host, build(NEXT)) as go_on, ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(counter.add, 1) for _ in range(8)]
        until(lambda: slot_of(counter).waiting == 8)
        go_on()
        assert sorted(call.result(DEADLINE_S) for call in waiting) == list(range(1, 9))
    assert counter.stats().turned_away == 0


def test_a_task_that_awaits_a_gate_takes_a_place_in_its_queue(host: Host, build: Workshop) -> None:
    """An event loop with ten thousand tasks at a gate is what a limit is for; no thread of it sleeps."""
    counter = host.load(build(HANDS_OVER), name="counter")
    slot_of(counter).queue_limit = 1

    async def scene(go_on: Callable[[], None]) -> None:
        first = asyncio.create_task(counter.aio.add(1))
        await asyncio.sleep(0)
        assert slot_of(counter).waiting == 1
        with pytest.raises(Backpressure, match="add: its gate is closed by a swap, 1 wait there"):
            await counter.aio.add(1)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert slot_of(counter).waiting == 0
        second = asyncio.create_task(counter.aio.add(1))  # the place of who gave up is free
        await asyncio.sleep(0)
        go_on()
        assert await second == 1

    with swap_stopped(host, build(NEXT)) as go_on:
        asyncio.run(scene(go_on))
    assert slot_of(counter).waiting == 0
    assert counter.stats().turned_away == 1


def test_a_pinned_call_meets_no_gate_and_no_limit(host: Host, build: Workshop) -> None:
    """A pin's session goes on with its generation; only calls that would wait can be turned away."""
    counter = host.load(build(STATELESS), name="counter")
    slot_of(counter).queue_limit = 0
    with counter.pin() as pinned:
        host.reload("counter", build(replace(STATELESS, build=2)))
        assert pinned.build() == 1
        assert counter.build() == 2
    assert counter.stats().turned_away == 0


def test_a_place_given_back_twice_is_given_back_once(host: Host, build: Workshop) -> None:
    """A task may end in more than one way at once."""
    counter = host.load(build(HANDS_OVER), name="counter")
    slot = slot_of(counter)
    first, second = _core.join_queue(counter.add), _core.join_queue(counter.add)
    assert slot.waiting == 2
    _core.leave_queue(first)
    _core.leave_queue(first)
    assert slot.waiting == 1
    del second
    assert slot.waiting == 0
    for wrong in (len, None):
        with pytest.raises(TypeError, match="join_queue takes a function of a plugin first"):
            _core.join_queue(wrong)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(ValueError, match="PyCapsule_GetPointer"):
        _core.leave_queue(object())
