"""Probations: which readings are held against which, and what is begun for a verdict; all about them is made up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hotgraft.core.probation import Rules
from hotgraft.core.verdict import Outcome
from hotgraft.core.window import Reading
from hotgraft.host.probation import TRY_AGAIN_S, Probations
from hotgraft.host.unit import Unit

RULES = Rules(window_s=6.0, window_calls=100, window_max_s=60.0)
WELL = Reading(duration_s=0.5, calls=1_000, errors=0)
ILL = Reading(duration_s=0.5, calls=1_000, errors=100)


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
    """A loaded plugin, as far as probation looks."""

    name: str = "gain"
    serving: Serving = field(default_factory=Serving)
    held: Any = None

    def publish(self, number: int) -> None:
        """Another generation serves, on probation."""
        self.serving, self.held = Serving(Generation(number)), Held(Unit([self]))  # type: ignore[list-item] # made up


@dataclass
class Scene:
    """A plugin, what its meters say next, and what was begun."""

    plugin: Plugin = field(default_factory=Plugin)
    reading: Reading | None = WELL
    now_s: float = 0.0
    begun: list[tuple[str, int, Any]] = field(default_factory=list)
    probations: Any = None

    def __post_init__(self) -> None:
        self.probations = Probations(
            listed=lambda: (self.plugin,),  # type: ignore[arg-type,return-value] # made up
            looks=lambda _: self,  # type: ignore[arg-type,return-value] # made up
            clock_s=lambda: self.now_s,
            rules=RULES,
            take_back=lambda _, number, verdict: self.begun.append(("take back", number, verdict)),
            commit=lambda _, number, verdict: self.begun.append(("commit", number, verdict)),
        )
        self.probations.start = lambda: None  # the test looks itself

    def take(self) -> tuple[int, Reading | None]:
        """What Looks.take answers."""
        return self.plugin.serving.generation.number, self.reading

    def look(self, reading: Reading, times: int = 1) -> None:
        """Let time pass."""
        for _ in range(times):
            self.reading, self.now_s = reading, self.now_s + reading.duration_s
            self.probations.look()

    @property
    def words(self) -> list[tuple[str, int]]:
        """What was begun, without the verdicts."""
        return [(what, number) for what, number, _ in self.begun]


@pytest.fixture
def scene() -> Scene:
    """A plugin that has served well for a while."""
    scene = Scene()
    scene.look(WELL, 40)
    return scene


def test_what_is_committed_is_only_remembered(scene: Scene) -> None:
    """Nothing is judged while nothing is on probation."""
    assert scene.begun == []
    assert scene.probations.verdict("gain") is None


def test_what_is_as_good_is_committed_when_its_window_is_over(scene: Scene) -> None:
    """Time and calls make a window; until then the verdict is to go on."""
    scene.plugin.publish(2)
    scene.probations.begin(scene.plugin)
    scene.look(WELL, 11)
    assert scene.begun == []
    assert scene.probations.verdict("gain").outcome is Outcome.GO_ON
    scene.look(WELL)
    assert scene.words == [("commit", 2)]


def test_what_is_worse_is_taken_back_with_the_verdict(scene: Scene) -> None:
    """Before its window is over: nobody waits for a bad version to have had its time."""
    scene.plugin.publish(2)
    scene.probations.begin(scene.plugin)
    scene.look(ILL, 11)
    assert scene.words[0] == ("take back", 2)
    assert "errors" in scene.begun[0][2].reason


def test_a_verdict_is_carried_out_once_and_tried_again_after_a_while(scene: Scene) -> None:
    """A rollback takes its time, and one that was blocked is not given up."""
    scene.plugin.publish(2)
    scene.probations.begin(scene.plugin)
    scene.look(ILL, 11)
    begun = len(scene.begun)
    assert begun == 1
    scene.look(ILL, round(TRY_AGAIN_S / 0.5) + 1)
    assert scene.words == [("take back", 2)] * 2


def test_after_a_rollback_the_old_generation_is_compared_with_itself_as_before(scene: Scene) -> None:
    """What the bad one did is in nobody's window."""
    scene.plugin.publish(2)
    scene.probations.begin(scene.plugin)
    scene.look(ILL, 11)
    scene.plugin.serving, scene.plugin.held = Serving(Generation(1)), None
    scene.look(WELL, 2)
    scene.plugin.publish(3)
    scene.probations.begin(scene.plugin)
    scene.look(ILL, 11)
    assert scene.words == [("take back", 2), ("take back", 3)]


def test_what_was_committed_is_what_the_next_is_compared_with(scene: Scene) -> None:
    """Its own window becomes the last good one's."""
    scene.plugin.publish(2)
    scene.probations.begin(scene.plugin)
    scene.look(WELL, 12)
    assert scene.words == [("commit", 2)]
    assert scene.probations._watched["gain"].good.calls == 12 * WELL.calls


def test_a_generation_that_is_replaced_while_it_is_looked_at_is_not_judged(scene: Scene) -> None:
    """The reading may be of either: the next look tells."""
    scene.plugin.publish(2)
    scene.probations.begin(scene.plugin)
    take = scene.take
    scene.take = lambda: (1, take()[1])  # type: ignore[method-assign] # a look that began earlier
    scene.look(ILL, 11)
    assert scene.begun == []


def test_rules_of_its_own_count_from_the_next_look_on(scene: Scene) -> None:
    """An author knows which errors are normal."""
    scene.probations.set_rules("gain", Rules(window_s=6.0, window_calls=100, error_rise=0.5))
    scene.plugin.publish(2)
    scene.probations.begin(scene.plugin)
    scene.look(ILL, 12)
    assert scene.words == [("commit", 2)]


def test_a_plugin_whose_meters_cannot_be_read_does_not_stop_the_others(scene: Scene, caplog: Any) -> None:
    """One plugin's trouble is logged, and looked at again."""

    def fails() -> tuple[int, Reading]:
        raise MemoryError

    take, scene.take = scene.take, fails  # type: ignore[method-assign] # as it would under no memory
    scene.look(WELL)
    assert "could not be looked at" in caplog.text
    scene.take = take  # type: ignore[method-assign] # as it was
    scene.look(WELL)


@pytest.mark.control
def test_control_without_a_verdict_what_is_worse_is_committed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken out: the comparison. The failing generation stays."""
    monkeypatch.setattr("hotgraft.host.probation.judge", lambda old, new, rules: judge_only_time(new, rules))
    scene.plugin.publish(2)
    scene.probations.begin(scene.plugin)
    scene.look(ILL, 12)
    assert scene.words[0] == ("commit", 2)


def judge_only_time(new: Any, rules: Rules) -> Any:
    """Pass whatever has had its time."""
    from hotgraft.core.verdict import Verdict

    return Verdict(Outcome.PASS if new.duration_s >= rules.window_s else Outcome.GO_ON)
