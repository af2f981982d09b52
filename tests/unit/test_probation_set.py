"""Probations of a unit: each against its own predecessor, one breach for all, a commit when all have passed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hotgraft.core.probation import Rules
from hotgraft.core.verdict import Outcome
from hotgraft.core.window import Reading
from hotgraft.host.probation import TRY_AGAIN_S, Passed, Probations
from hotgraft.host.unit import Unit, join, on_probation_with, unit_of

RULES = Rules(window_s=6.0, window_calls=5_000, window_max_s=60.0)
WELL = Reading(duration_s=0.5, calls=1_000, errors=0)
ILL = Reading(duration_s=0.5, calls=1_000, errors=100)
SELDOM = Reading(duration_s=0.5, calls=250, errors=0)
SELDOM_ILL = Reading(duration_s=0.5, calls=250, errors=100)


@dataclass
class Generation:
    """As far as probation looks."""

    number: int = 1


@dataclass
class Serving:
    """Likewise."""

    generation: Generation = field(default_factory=Generation)


@dataclass(frozen=True)
class Held:
    """Likewise."""

    unit: Unit


@dataclass
class Plugin:
    """A loaded plugin, as far as probation looks, and what its meters say next."""

    name: str
    serving: Serving = field(default_factory=Serving)
    held: Any = None
    reading: Reading = WELL

    def take(self) -> tuple[int, Reading]:
        """What Looks.take answers."""
        return self.serving.generation.number, self.reading


@dataclass
class Scene:
    """Plugins, and what was begun for them."""

    plugins: tuple[Any, ...]
    now_s: float = 0.0
    begun: list[tuple[str, str, Any]] = field(default_factory=list)
    probations: Any = None

    def __post_init__(self) -> None:
        self.probations = Probations(
            listed=lambda: self.plugins,
            looks=lambda plugin: plugin,  # type: ignore[arg-type,return-value] # made up
            clock_s=lambda: self.now_s,
            rules=RULES,
            take_back=lambda plugin, number, _: self.begun.append(("take back", plugin.name, number)),
            commit=lambda plugin, number, passed: self.begun.append(("commit", plugin.name, (number, dict(passed)))),
        )
        self.probations.start = lambda: None  # the test looks itself

    def replace(self, *plugins: Plugin, number: int = 2) -> None:
        """Other generations serve, on probation as one."""
        unit = unit_of(plugins)  # type: ignore[arg-type] # made up
        for one in plugins:
            one.serving, one.held = Serving(Generation(number)), Held(unit)
            self.probations.begin(one)
        join(unit)

    def look(self, times: int) -> None:
        """Let time pass."""
        for _ in range(times):
            self.now_s += 0.5
            self.probations.look()


@pytest.fixture
def plugins() -> tuple[Plugin, Plugin, Plugin]:
    """A chain of three."""
    return Plugin("base"), Plugin("middle"), Plugin("top")


@pytest.fixture
def scene(plugins: tuple[Plugin, Plugin, Plugin]) -> Scene:
    """They have served well for a while."""
    scene = Scene(plugins)
    scene.look(40)
    return scene


def test_who_has_passed_waits_for_the_rest(scene: Scene, plugins: tuple[Plugin, Plugin, Plugin]) -> None:
    """One of them is called less: its window takes longer, and until it is over nothing is committed."""
    base, middle, _ = plugins
    scene.replace(base, middle)
    middle.reading = SELDOM
    scene.look(15)
    assert scene.probations.verdict("base").outcome is Outcome.PASS
    assert scene.probations.verdict("middle").outcome is Outcome.GO_ON
    assert scene.begun == []

    scene.look(10)

    assert [one[:2] for one in scene.begun] == [("commit", "middle")]
    number, passed = scene.begun[0][2]
    assert number == 2
    assert passed.keys() == {"base", "middle"}
    assert isinstance(passed["base"], Passed)
    assert passed["base"].number == 2


def test_one_that_is_worse_takes_back_also_who_has_passed(scene: Scene, plugins: tuple[Plugin, Plugin, Plugin]) -> None:
    """And a verdict is carried out once, whoever of the unit it is about."""
    base, middle, _ = plugins
    scene.replace(base, middle)
    middle.reading = SELDOM
    scene.look(12)
    middle.reading = SELDOM_ILL
    scene.look(7)
    assert scene.begun == [("take back", "middle", 2)]


def test_who_has_passed_is_looked_at_until_the_rest_has(scene: Scene, plugins: tuple[Plugin, Plugin, Plugin]) -> None:
    """What goes wrong while it waits is not overlooked."""
    base, middle, _ = plugins
    scene.replace(base, middle)
    middle.reading = SELDOM
    scene.look(12)
    base.reading = ILL
    scene.look(10)
    assert scene.begun[0] == ("take back", "base", 2)


def test_who_is_replaced_again_is_proven_anew_and_the_rest_waits(
    scene: Scene, plugins: tuple[Plugin, Plugin, Plugin]
) -> None:
    """The others' own windows are not begun anew: what they do is theirs."""
    base, middle, _ = plugins
    scene.replace(base, middle)
    scene.look(11)
    scene.replace(middle, number=3)
    scene.look(2)
    assert scene.probations.verdict("base").outcome is Outcome.PASS
    assert scene.begun == []
    scene.look(10)
    number, passed = scene.begun[0][2]
    assert {name: one.number for name, one in passed.items()} == {"base": 2, "middle": 3}
    assert number == 3


def test_units_that_overlap_are_one_unit(scene: Scene, plugins: tuple[Plugin, Plugin, Plugin]) -> None:
    """{base, middle}, then {middle, top}: what base was proven with has gone on to be proven with top."""
    base, middle, top = plugins
    scene.replace(base, middle)
    scene.replace(middle, top, number=3)

    assert [one.name for one in on_probation_with(base)] == ["base", "middle", "top"]  # type: ignore[arg-type] # made up
    base.reading = ILL
    scene.look(10)
    assert scene.begun[0] == ("take back", "base", 2)


def test_a_commit_that_did_not_happen_is_begun_again(scene: Scene, plugins: tuple[Plugin, Plugin, Plugin]) -> None:
    """Its turn did not come in time, perhaps: the unit is not forgotten."""
    base, middle, _ = plugins
    scene.replace(base, middle)
    scene.look(13)
    assert {one[0] for one in scene.begun} == {"commit"}
    begun = len(scene.begun)
    scene.look(round(TRY_AGAIN_S / 0.5) + 1)
    assert len(scene.begun) > begun


def test_what_was_committed_is_what_each_of_the_next_is_compared_with(
    scene: Scene, plugins: tuple[Plugin, Plugin, Plugin]
) -> None:
    """Each has a window of its own."""
    base, middle, _ = plugins
    scene.replace(base, middle)
    scene.look(12)
    for one in (base, middle):
        assert scene.probations._watched[one.name].good.calls == 12 * WELL.calls


def test_a_plugin_alone_is_a_unit_of_one(scene: Scene, plugins: tuple[Plugin, Plugin, Plugin]) -> None:
    """As ever."""
    base, middle, _ = plugins
    scene.replace(base)
    scene.replace(middle)
    middle.reading = ILL
    scene.look(12)
    assert ("commit", "base") in [one[:2] for one in scene.begun]
    assert ("take back", "middle", 2) in scene.begun
