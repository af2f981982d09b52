"""Runs inside the interpreter that is measured: python worker.py, an order as JSON on its input, the answer as JSON.

Each process has its own addresses of code, stack and heap; whoever starts several averages over them.

    order:  {"folder", "image",
             "comparisons": [{"name", "call", "plain", "is_cached", "statements": [plain, measured]}],
             "time": {"samples", "sample_s"} or "count": [few turns, many turns]}
    answer: {name: {"plain": [ns per call, …], "again": […], "measured": […]}} of time; of count {name: {}}, and
            callgrind has written a dump for each loop and number of turns, with "name way turns" as its trigger
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import sys
import time
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import hotgraft

if TYPE_CHECKING:
    from collections.abc import Callable

    Loop = Callable[[int], int]
    Loops = dict[str, Loop]  # by way: plain, again (a second copy of the same), measured

UNROLLED: Final = 20  # statements per turn of a loop, so that the loop itself costs little
WARM_UP: Final = 200  # turns; the interpreter specialises within the first few
MODULES: Final = {"module": "plain_module", "lib": "cffi_module", "nano": "nanobind_module"}


def subject(name: str, plugin: Any) -> Any:
    """Return what a statement calls."""
    if name == "plugin":
        return plugin
    module = importlib.import_module(MODULES[name])
    return module.lib if name == "lib" else module


def buffers() -> dict[str, array.array[float]]:
    """Return what statements name beside their subject."""
    return {"source": array.array("f", [1, 2, 3, 4]), "target": array.array("f", [1, 2, 3, 4])}


def make_loop(statement: str, names: dict[str, Any]) -> Loop:
    """Return a function with code of its own that runs `statement` UNROLLED times a turn, and answers nanoseconds.

    Compiled anew each time, because call sites remember what they have seen.
    """
    found = {**names, "clock": time.perf_counter_ns, "repeat": repeat}
    locals_of_it = ", ".join(f"{name}={name}" for name in found)
    lines = [f"def loop(turns, {locals_of_it}):", "    begin = clock()", "    for _ in repeat(None, turns):"]
    lines += [f"        {statement}"] * UNROLLED + ["    return clock() - begin"]
    exec(compile("\n".join(lines), "<loop>", "exec"), found)
    loop: Loop = found["loop"]
    loop(WARM_UP)
    return loop


def make_loops(comparison: dict[str, Any], plugin: Any) -> Loops:
    """Return the three loops of one comparison."""
    plain, measured = comparison["statements"]
    loops: Loops = {}
    for way, name, statement in (
        ("plain", comparison["plain"], plain),
        ("measured", "plugin", measured),
        ("again", comparison["plain"], plain),
    ):
        called = subject(name, plugin)
        named = {"f": getattr(called, comparison["call"])} if comparison["is_cached"] else {name: called}
        loops[way] = make_loop(statement, {**buffers(), **named})
    return loops


def take_time(loops: Loops, samples: int, sample_s: float) -> dict[str, list[float]]:
    """Return nanoseconds per call of each way, sampled in turn; every second turn the other way round."""
    turns = 1
    while loops["plain"](turns) < sample_s * 1e9:
        turns *= 2
    series: dict[str, list[float]] = {way: [] for way in loops}
    for index in range(samples):
        for way in list(loops)[:: 1 if index % 2 == 0 else -1]:
            series[way].append(loops[way](turns) / (turns * UNROLLED))
    return series


def count(name: str, loops: Loops, lengths: list[int]) -> dict[str, list[float]]:
    """Let callgrind write what each loop runs; wants to be run under it."""
    counting = importlib.import_module("counting_module")
    for way, loop in loops.items():
        for turns in lengths:
            counting.on()
            loop(turns)
            counting.off(f"{name} {way} {turns}")
    return {}


def main() -> None:
    """Carry out the order."""
    order: dict[str, Any] = json.load(sys.stdin)
    sys.path.insert(0, order["folder"])
    answer: dict[str, dict[str, list[float]]] = {}
    with hotgraft.Host() as host:
        plugin = host.load(order["image"])
        gc.disable()
        for comparison in order["comparisons"]:
            loops = make_loops(comparison, plugin)
            if "count" in order:
                answer[comparison["name"]] = count(comparison["name"], loops, order["count"])
            else:
                answer[comparison["name"]] = take_time(loops, **order["time"])
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
