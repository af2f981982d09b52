"""What must be running in a host with a graph of plugins, predicted over plain values; nothing of hotgraft is imported.

A plugin is known by its number, and a build of it by a `Node`. Its count is its state: it goes along from build to
build where the plugin has state, and begins with 0 in each where it has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from many_images import BUILDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from many_images import Node


@dataclass(slots=True)
class Served:
    """One generation: its build, and its count."""

    node: Node
    count: int = 0


@dataclass(slots=True)
class One:
    """One plugin: what serves, what a rollback goes back to, and who goes back with it."""

    serving: Served
    held: Served | None = None
    unit: frozenset[int] = frozenset()
    previous: Node | None = None  # what was committed before what serves was


@dataclass(slots=True)
class Model:
    """All plugins of a host.

    A method that changes something is called where the host has done so; the rest predicts.
    """

    plugins: dict[int, One] = field(default_factory=dict)

    def load(self, node: Node) -> None:
        """A plugin is there."""
        self.plugins[node.number] = One(Served(node))

    def add(self, number: int, by: int) -> int:
        """Count, and return what must be answered."""
        serving = self.plugins[number].serving
        serving.count += by
        return serving.count

    def is_downgrade(self, nodes: Iterable[Node]) -> bool:
        """Tell whether one of them is a lower version than the one that serves."""
        return any(node.build < self.plugins[node.number].serving.node.build for node in nodes)

    def replace(self, nodes: Iterable[Node]) -> None:
        """All of them serve now, as one; what one of them was replaced with before goes back with them, too."""
        nodes = tuple(nodes)
        unit = frozenset[int]().union(*(self.unit_of(node.number) for node in nodes))
        for node in nodes:
            one = self.plugins[node.number]
            if one.held is None:
                one.held = replace(one.serving)
            one.serving = Served(node, one.serving.count if node.has_state else 0)
        for number in unit:
            self.plugins[number].unit = unit

    def commit(self, number: int) -> None:
        """What serves is the last good, of all that went with it."""
        for member in self.unit_of(number):
            one = self.plugins[member]
            if one.held is not None:
                one.previous, one.held, one.unit = one.held.node, None, frozenset()

    def unit_of(self, number: int) -> frozenset[int]:
        """Return who goes back, or is committed, with a plugin."""
        return self.plugins[number].unit or frozenset({number})

    def goes_back_to(self, number: int) -> dict[int, Node] | None:
        """Return what a rollback brings back, of each that goes with it; None: there is nothing."""
        one = self.plugins[number]
        if one.held is None:
            return None if one.previous is None else {number: one.previous}
        held = {member: self.plugins[member].held for member in self.unit_of(number)}
        return {member: served.node for member, served in held.items() if served is not None}

    def with_a_way_back(self) -> list[int]:
        """Return the plugins that something can be brought back of."""
        return [number for number in self.plugins if self.goes_back_to(number) is not None]

    def roll_back(self, number: int) -> None:
        """What was held serves again, with what was counted since; or, after commit, the build before in a new swap."""
        one = self.plugins[number]
        if one.held is None:
            assert one.previous is not None
            self.replace([one.previous])
            return
        for member in self.unit_of(number):
            one = self.plugins[member]
            assert one.held is not None
            if one.held.node.has_state:
                one.held.count = one.serving.count
            one.serving, one.held, one.unit = one.held, None, frozenset()

    # --- what fits ---

    def after(self, nodes: Iterable[Node]) -> Model:
        """Return what there would be if these served; of it only what fits is right."""
        made = {number: One(Served(one.serving.node)) for number, one in self.plugins.items()}
        return Model(made | {node.number: One(Served(node)) for node in nodes})

    def is_sound(self) -> bool:
        """Tell whether everybody's needs are met."""
        majors = self.majors()
        return all(
            majors[number] == major
            for one in self.plugins.values()
            for number, major in one.serving.node.needed.items()
        )

    def majors(self) -> dict[int, int]:
        """Return the major version of each."""
        return {number: one.serving.node.major for number, one in self.plugins.items()}

    def fits(self, nodes: Iterable[Node]) -> bool:
        """Tell whether the contract lets them in: all needs are met, and where a major version goes, somebody says so.

        Those are the plugins that call it, in the same swap; where there are none, the program may rely on it.
        """
        nodes = tuple(nodes)
        gone = [node.number for node in nodes if node.major != self.plugins[node.number].serving.node.major]
        is_agreed = all(self.consumers_of({number}) for number in gone)
        return is_agreed and self.after(nodes).is_sound() and not self._may_be_left(nodes)

    def _may_be_left(self, nodes: tuple[Node, ...]) -> bool:
        """Tell whether a need of theirs would not be met once its provider had gone back without them."""
        members = {node.number for node in nodes}
        return any(
            held is not None and held.node.major != major and not members & self.unit_of(number)
            for node in nodes
            for number, major in node.needed.items()
            for held in [self.plugins[number].held]
        )

    def fits_back(self, number: int, nodes: Iterable[Node]) -> bool:
        """Tell whether a rollback of a plugin is let through, which brings `nodes` back."""
        if self.plugins[number].held is None:
            return self.fits(nodes)  # a swap like any other
        return self.after(nodes).is_sound()

    def consumers_of(self, numbers: set[int]) -> set[int]:
        """Return who calls one of them."""
        return {number for number, one in self.plugins.items() if numbers.intersection(one.serving.node.needs)}

    # --- what is seen ---

    def builds(self) -> dict[int, int]:
        """Return which build of each serves."""
        return {number: one.serving.node.build for number, one in self.plugins.items()}

    def ask(self, number: int) -> list[int]:
        """Return the stamps of a call through everything below a plugin."""
        node = self.plugins[number].serving.node
        return [node.stamp, *(stamp for below in node.needs for stamp in self.ask(below)), -node.stamp]


def fault_of_call(
    seen: list[int], before: Mapping[int, int], after: Mapping[int, int], members: frozenset[int]
) -> tuple[str, bool]:
    """Judge one outer call that was made while `members` were replaced as one; `before` and `after` are builds.

    Returns:
        What is wrong with it, or "", and whether it has seen the new side of a member.
    """
    inside: list[tuple[int, bool | None]] = []  # stamps that were entered, with the side of the members among them
    saw_new = False
    for stamp in seen:
        if stamp < 0:
            if not inside or inside.pop()[0] != -stamp:
                return f"{-stamp} was left, and another one was inside", saw_new
            continue
        number, build = stamp // BUILDS - 1, stamp % BUILDS
        if build not in (before[number], after[number]):
            return f"plugin {number} answered as build {build}", saw_new
        side = None if number not in members or before[number] == after[number] else build == after[number]
        saw_new |= side is True
        if side is not None and any(outer not in (None, side) for _, outer in inside):
            return f"plugin {number} answered from the other side than a member that calls it", saw_new
        inside.append((stamp, side))
    return "" if seen and not inside else "it did not come back", saw_new
