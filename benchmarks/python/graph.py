"""What a dependency graph and the plan of a swap of many cost, and how that grows with the plugins.

CPU time of this process, because a neighbour's work is none of it; without the garbage collector, as timeit has it.
"""

from __future__ import annotations

import gc
import math
import random
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import Scalar
from hotgraft.core.graph import make_graph
from hotgraft.core.graph_facts import Need, PluginFacts
from hotgraft.core.plan import Running, Side
from hotgraft.core.set_planning import Incoming, Rules, Runs, plan_set
from hotgraft.core.surface import Function, Interface, Parameter, Surface
from hotgraft.core.versions import Range

from ..rows import Row, Samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..rows import Effort

SIZES: Final = (1_250, 2_500, 5_000, 10_000)  # plugins, four needs each
NEEDS: Final = 4
REACH: Final = 200  # needs lead so far back in the order of loading
WALKS: Final = 5  # one is over before the machine is steady
LIMIT_MS: Final = 100.0
LIMIT_EXPONENT: Final = 1.1
RANGES: Final = tuple(map(Range.parse, ("^1.0", "^1", "^1.2", ">=1,<3", "^1.1 || ^2", ">=1.0")))


def graph_rows(effort: Effort) -> list[Row]:
    """Return the rows; measures nothing yet."""
    rounds = max(2, effort.samples // 15)
    return [
        Row(
            name="graph.whole",
            text="graph and plan of a swap, 10,000 plugins, 40,000 edges",
            limit=LIMIT_MS,
            measures=(partial(measure_whole, SIZES[-1], rounds),),
            unit="ms",
        ),
        Row(
            name="graph.exponent",
            text="the same, exponent of its growth from 1,250 plugins",
            limit=LIMIT_EXPONENT,
            measures=(partial(measure_exponent, SIZES, rounds),),
            unit="exponent",
        ),
    ]


def measure_whole(count: int, rounds: int) -> Samples:
    """Return milliseconds; the plain side is a walk over every need."""
    plugins = make_plugins(count)
    plain: list[float] = []
    again: list[float] = []
    measured: list[float] = []
    with _uncollected():
        for _ in range(rounds):
            plain.append(_walk_ms(plugins))
            measured.append(_whole_ms(plugins))
            again.append(_walk_ms(plugins))
            measured.append(_whole_ms(plugins))
    return Samples(plain, again, measured)


def measure_exponent(sizes: Sequence[int], rounds: int) -> Samples:
    """Return exponents fitted to the times of all sizes; the plain side is a walk over every need of the largest."""
    systems = [make_plugins(count) for count in sizes]
    plain: list[float] = []
    again: list[float] = []
    measured: list[float] = []
    with _uncollected():
        for _ in range(rounds):
            for walks in (plain, again):
                walks.append(_walk_ms(systems[-1]))
                measured.append(fitted_exponent(sizes, [_whole_ms(plugins) for plugins in systems]))
    return Samples(plain, again, measured)


def fitted_exponent(sizes: Sequence[int], times: Sequence[float]) -> float:
    """Return b of the least squares fit of ``time = a * size ** b`` in logarithms."""
    xs, ys = [math.log(size) for size in sizes], [math.log(one) for one in times]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
    return slope / sum((x - middle_x) ** 2 for x in xs)


def make_plugins(count: int) -> list[PluginFacts]:
    """Return plugins of which each needs four of those before it, in the order in which a folder lists them."""
    chance = random.Random(count)  # the same system in every run
    plugins = []
    for number in range(count):
        before = chance.sample(range(max(0, number - REACH), number), min(NEEDS, number))
        plugins.append(
            PluginFacts(
                name=f"p{number:06}",
                version="1.0.0",
                provides=((f"i{number:06}", (1, chance.randrange(2, 9))),),
                requires=tuple(Need(interface=f"i{one:06}", accepts=chance.choice(RANGES)) for one in before),
            )
        )
    return plugins


def _whole_ms(plugins: Sequence[PluginFacts]) -> float:
    """A graph, and the plan of a swap of a plugin in the middle whose new major breaks its consumers."""
    middle = plugins[len(plugins) // 2]
    broken = replace(middle, version="2.0.0", provides=tuple((name, (9, 0)) for name, _ in middle.provides))
    sides = {one.name: _side(one) for one in plugins}  # descriptors that were read before
    incoming = Incoming(facts=broken, side=_side(broken), image="")
    began = time.process_time_ns()
    graph = make_graph(plugins)
    found = plan_set(graph, {middle.name: incoming}, runs=lambda name: _runs(sides[name]), rules=Rules())
    took = (time.process_time_ns() - began) / 1e6
    if graph.violations or not found.set_refusals:
        raise RuntimeError("the measured system is not the one that was meant")
    return took


def _runs(side: Side) -> Runs:
    return Runs(running=Running(generation=1, side=side, instances=("main",)), image="")


def _side(facts: PluginFacts) -> Side:
    """Return what a plugin offers: in each interface one function."""
    add = Function(name="add", offset=8, parameters=(Parameter(name="by", type=Scalar("i64")),), result=Scalar("i64"))
    interfaces = tuple(
        Interface(name=name, version=version, bytes=16, functions=(add,)) for name, version in facts.provides
    )
    return Side(surface=Surface(label=str(facts), version=facts.version, interfaces=interfaces))


def _walk_ms(plugins: Sequence[PluginFacts]) -> float:
    began = time.process_time_ns()
    for _ in range(WALKS):
        seen = {}
        for plugin in plugins:
            for need in plugin.requires:
                seen[plugin.name, need.interface] = need
    return (time.process_time_ns() - began) / 1e6


@contextmanager
def _uncollected() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
