"""What a program waits for while plugins come, change and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hotgraft
import pytest
from hotgraft import _core

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.python.conftest import Benchmark

ROUNDS = 100


@pytest.mark.parametrize("name", ["template", "counter"])
def test_swap(benchmark: Benchmark, host: hotgraft.Host, images: dict[str, Path], name: str) -> None:
    """A whole reload: without state it needs no gate, with one the pointer is handed over behind it."""
    benchmark.group = "swap"
    host.load(images[f"{name} v1"])

    report = benchmark.pedantic(lambda: host.reload(name), rounds=ROUNDS)

    assert report.outcome == "published"
    benchmark.extra_info["last pause, microseconds"] = report.pause_us


def test_configure(benchmark: Benchmark, host: hotgraft.Host, images: dict[str, Path]) -> None:
    """A new config is a swap of the same image."""
    benchmark.group = "swap"
    host.load(images["counter v1"])

    benchmark.pedantic(lambda: host.configure("counter", {}), rounds=ROUNDS)


def test_load(benchmark: Benchmark, images: dict[str, Path]) -> None:
    """From the path of an image to a handle that answers; the host before it and its close are left out."""
    benchmark.group = "load"
    hosts: list[hotgraft.Host] = []

    def fresh() -> None:
        while hosts:
            hosts.pop().close()
        hosts.append(hotgraft.Host())

    benchmark.pedantic(lambda: hosts[0].load(images["template v1"]), setup=fresh, rounds=ROUNDS)
    hosts.pop().close()


def test_plan(benchmark: Benchmark, host: hotgraft.Host, images: dict[str, Path]) -> None:
    """What would be done: inspect the file, compare, nothing else."""
    benchmark.group = "load"
    host.load(images["template v1"])

    benchmark(host.plan, "template", images["template v2"])


def test_publish(benchmark: Benchmark, called: dict[str, Any]) -> None:
    """Two stores and their barrier, from Python: the floor below every swap."""
    benchmark.group = "publish"
    slot = _core._seams.slot("publish/1")
    benchmark(_core._seams.publish, slot, -1)
