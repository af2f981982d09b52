"""Sides of the plugins of a graph, for the tests of what a swap of many would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotgraft.core.c_types import Scalar
from hotgraft.core.graph import make_graph
from hotgraft.core.plan import Running, Side
from hotgraft.core.set_planning import Incoming, Rules, Runs, Staged, plan_set
from hotgraft.core.state import StateFacts
from hotgraft.core.surface import Function, Interface, Parameter, Surface

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hotgraft.core.graph_facts import PluginFacts
    from hotgraft.core.set_plan import SetPlan

I64, F64 = Scalar("i64"), Scalar("f64")
BLOCK = StateFacts(kind="single", schema=1, layout_id=7, can_hand_over=True, can_save=True)


def side(facts: PluginFacts, *, takes: Scalar = I64, state: StateFacts | None = None, **more: Any) -> Side:
    """Return what a plugin offers: of each interface one function, that takes one value."""
    function = Function(name="add", offset=8, parameters=(Parameter(name="by", type=takes),), result=I64)
    interfaces = tuple(
        Interface(name=name, version=version, bytes=16, functions=(function,)) for name, version in facts.provides
    )
    return Side(
        surface=Surface(
            label=str(facts),
            version=facts.version,
            interfaces=interfaces,
            features=facts.features,
            state=state or StateFacts(),
            **more,
        )
    )


def incoming(facts: PluginFacts, *, refusals: tuple[str, ...] = (), **more: Any) -> Incoming:
    """Return a candidate."""
    return Incoming(facts=facts, side=side(facts, **more), image=f"/new/{facts.name}.so", refusals=refusals)


class System:
    """Plugins that run, and what was asked of each: who was looked at, and whether what is staged was."""

    def __init__(self, *plugins: PluginFacts, state: StateFacts | None = None) -> None:
        self.graph = make_graph(plugins)
        assert self.graph.violations == ()
        self.sides = {one.name: side(one, state=state) for one in plugins}
        self.asked: list[str] = []
        self.looked = 0

    def runs(self, name: str) -> Runs:
        """Return what serves of a plugin."""
        self.asked.append(name)
        running = Running(generation=3, side=self.sides[name], instances=("main",))
        return Runs(running=running, image=f"/own/{name}.so")

    def plan(
        self,
        *changes: Incoming,
        staged: Sequence[Incoming] = (),
        unusable: dict[str, str] | None = None,
        rules: Rules | None = None,
        **more: Any,
    ) -> SetPlan:
        """Return the plan of these changes."""
        by_name = {one.facts.name: one for one in staged}
        return plan_set(
            self.graph,
            {one.facts.name: one for one in changes},
            runs=self.runs,
            rules=rules or Rules(),
            staged=self._look(Staged(candidates=by_name, unusable=unusable or {})),
            **more,
        )

    def _look(self, found: Staged) -> Callable[[], Staged]:
        def look() -> Staged:
            self.looked += 1
            return found

        return look
