"""`await plugin.aio.f()` beside `plugin.f()`, with the gate open: what a coroutine pays for never blocking its loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from benchmarks.python.conftest import Benchmark

CALLS = 1000


async def plain(plugin: Any) -> None:
    for _ in range(CALLS):
        plugin.add(2, 3)


async def awaited(plugin: Any) -> None:
    for _ in range(CALLS):
        await plugin.aio.add(2, 3)


async def kept(plugin: Any) -> None:
    add = plugin.aio.add
    for _ in range(CALLS):
        await add(2, 3)


@pytest.mark.parametrize("way", [plain, awaited, kept], ids=lambda way: way.__name__)
def test_calls_in_a_coroutine(benchmark: Benchmark, called: dict[str, Any], way: Any) -> None:
    """The loop is made once; what is measured runs inside it."""
    benchmark.group = f"{CALLS} calls in a coroutine"
    with asyncio.Runner() as runner:
        benchmark(lambda: runner.run(way(called["plugin"])))
