"""A call by what is called: the same statement on the plugin and on what it is compared with, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.python.calls import CALLS
from benchmarks.python.worker import UNROLLED, buffers, make_loop

if TYPE_CHECKING:
    from benchmarks.python.conftest import Benchmark

TURNS = 50
PAIRS = [(call, name) for call in CALLS for name in ("plugin", "module")] + [("add", "lib"), ("add", "nano")]


@pytest.mark.parametrize(("call", "name"), PAIRS)
def test_call(benchmark: Benchmark, called: dict[str, Any], call: str, name: str) -> None:
    """TURNS times UNROLLED calls, so that the loop around them and the clock cost nothing beside them."""
    if name not in called:
        pytest.skip("nanobind is not installed: pip install nanobind")
    benchmark.group = f"{TURNS * UNROLLED} calls: {CALLS[call]}"
    loop = make_loop(f"{name}.{CALLS[call]}", {name: called[name], **buffers()})
    benchmark.extra_info["calls"] = TURNS * UNROLLED

    benchmark(loop, TURNS)


@pytest.mark.parametrize("way", ["plain", "bound", "pinned"])
def test_way_to_the_function(benchmark: Benchmark, called: dict[str, Any], way: str) -> None:
    """Looked up for each call, bound once, through a pin: one C path behind all three."""
    benchmark.group = f"{TURNS * UNROLLED} calls: ways to add"
    plugin = called["plugin"]
    with plugin.pin(who="benchmark") as pin:
        if way == "bound":
            loop = make_loop("f(2, 3)", {"f": plugin.add})
        else:
            loop = make_loop("plugin.add(2, 3)", {"plugin": pin if way == "pinned" else plugin})
        benchmark(loop, TURNS)
