"""`await plugin.aio.f(...)`: at a closed gate the task waits and the loop goes on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, PluginError, _core
from sample_plugins import HANDS_OVER, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator


class HeldGate:
    """Keeps the gate of the next swap closed until told; made of the core's step hook."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, step: str) -> str:
        if step == "drain":
            self.closed.set()
            self.go_on.wait(30)
        return "run"


@pytest.fixture
def gate() -> Iterator[HeldGate]:
    """A gate that stays closed from the drain of the next swap until `go_on` is set."""
    held = HeldGate()
    _core._seams.set_step_hook(held)
    yield held
    held.go_on.set()
    _core._seams.set_step_hook(None)


def swap_in_thread(host: Host, build: Workshop) -> threading.Thread:
    """Start the swap to build 2 beside the loop."""
    image = build(replace(HANDS_OVER, build=2))
    thread = threading.Thread(target=lambda: host.reload("counter", image, deadline_s=30))
    thread.start()
    return thread


def test_an_open_gate_answers_in_place(host: Host, build: Workshop) -> None:
    """The usual call costs no future and no switch of tasks."""
    counter = host.load(build(HANDS_OVER))

    async def call() -> int:
        answer: int = await counter.aio.add(2)
        return answer

    assert asyncio.run(call()) == 2


def test_at_a_closed_gate_the_task_waits_and_gets_the_new_code(host: Host, build: Workshop, gate: HeldGate) -> None:
    """No call is lost: it runs as soon as the gate is open, on the loop's own thread."""
    counter = host.load(build(HANDS_OVER))
    counter.add(5)
    ticks: list[float] = []

    async def run() -> tuple[int, int]:
        swap = swap_in_thread(host, build)
        await asyncio.to_thread(gate.closed.wait, 30)
        call = asyncio.create_task(counter.aio.add(1))
        for _ in range(20):
            await asyncio.sleep(0.001)
            ticks.append(time.monotonic())
        assert not call.done()
        gate.go_on.set()
        answer = await asyncio.wait_for(call, 30)
        await asyncio.to_thread(swap.join, 30)
        return answer, await counter.aio.build()

    assert asyncio.run(run()) == (6, 2)
    assert len(ticks) == 20


def test_a_cancelled_wait_harms_nobody(host: Host, build: Workshop, gate: HeldGate) -> None:
    """A request whose client went away must not take the others with it."""
    counter = host.load(build(HANDS_OVER))

    async def run() -> int:
        swap = swap_in_thread(host, build)
        await asyncio.to_thread(gate.closed.wait, 30)
        gone, stays = (asyncio.create_task(counter.aio.add(1)) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        gate.go_on.set()
        answer: int = await asyncio.wait_for(stays, 30)
        await asyncio.to_thread(swap.join, 30)
        return answer

    assert asyncio.run(run()) == 1


def test_waiting_leaves_no_fd_behind(host: Host, build: Workshop, gate: HeldGate) -> None:
    """One eventfd per loop and handle while somebody waits, none afterwards."""
    counter = host.load(build(HANDS_OVER))

    def fds() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def run() -> tuple[int, int, int]:
        before = fds()
        swap = swap_in_thread(host, build)
        await asyncio.to_thread(gate.closed.wait, 30)
        calls = [asyncio.create_task(counter.aio.add(1)) for _ in range(100)]
        await asyncio.sleep(0)
        during = fds()
        gate.go_on.set()
        await asyncio.wait_for(asyncio.gather(*calls), 30)
        await asyncio.to_thread(swap.join, 30)
        await asyncio.to_thread(host.unloads, 30)  # what looks whether the old library is gone opens files
        return before, during, fds()

    before, during, after = asyncio.run(run())
    assert during - before <= 2  # the eventfd, and perhaps the image being read
    assert after == before


def test_an_error_of_the_plugin_is_raised_where_it_is_awaited(host: Host, build: Workshop) -> None:
    """A status is a status, awaited or not."""
    counter = host.load(build(HANDS_OVER))

    async def call() -> None:
        await counter.aio.fail(-1)

    with pytest.raises(PluginError):
        asyncio.run(call())


def test_a_blocking_function_runs_beside_the_loop(host: Host, build: Workshop) -> None:
    """What its author marked as slow must not stop everybody else."""
    counter = host.load(build(HANDS_OVER))

    async def run() -> int:
        nap = asyncio.create_task(counter.aio.nap(100))
        ticks = 0
        while not nap.done():
            await asyncio.sleep(0.001)
            ticks += 1
        return ticks

    assert asyncio.run(run()) > 2  # once where the nap held the loop up; a hundred times, or a few on a busy machine


def test_a_pinned_handle_awaits_too(host: Host, build: Workshop) -> None:
    """A pin never meets a gate, and is called the same way."""
    counter = host.load(build(HANDS_OVER))

    async def call(pinned: Any) -> int:
        answer: int = await pinned.aio.add(4)
        return answer

    with counter.pin() as pinned:
        assert asyncio.run(call(pinned)) == 4


def test_a_host_that_nobody_awaits_does_without_asyncio() -> None:
    """It is a fifth of what a host takes to start."""
    code = "import sys\nfrom hotgraft import Host\nHost().close()\nassert 'asyncio' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
