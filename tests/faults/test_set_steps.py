"""Every step of a swap of two, of each of them, is made to fail: both are as they were, and can still be replaced."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from child_process import run_child
from hotgraft import DrainTimeout, Host, HotgraftError, Outcome, SetReport, _core
from hotgraft.core.plan import UNDO, Action
from hotgraft.engine.timing import Stopwatch
from pair_scene import codec, expect, player

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sample_plugins import Sample, Workshop

ALL = ("wait for pins", "close gates", "drain", "publish")
EACH = {
    "hands over": ("quiesce", "surrender", "take", "start"),
    "saves": ("quiesce", "save", "restore", "start"),
}
BEFORE = ("settle", "stage", "inspect", "check needs", "compare contract", "map", "create main", "make tables")
OLD, NEW = ("quiesce", "surrender", "save"), ("create", "take", "restore", "start")
MEMBERS = ("codec", "player")


@pytest.fixture
def seam() -> Iterator[Any]:
    """The step hook of the core, taken out again afterwards."""
    yield _core._seams.set_step_hook
    _core._seams.set_step_hook(None)


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tell a build what to do at a step of its own."""
    return lambda build, step, way: monkeypatch.setenv("COUNTER_DOES", f"{os.getpid()}:{build}:{step}:{way}")


def sides(way: str) -> tuple[Sample, Sample, Sample, Sample]:
    """Return codec and player, as they run and as they are to."""
    more: dict[str, Any] = {"hands_over": way == "hands over", "saves": way == "saves"}
    return codec(1, **more), player(11, **more), codec(2, 2, **more), player(12, "^2", **more)


def load(host: Host, build: Workshop, way: str) -> dict[str, Any]:
    """Load both and return the images that they are to be replaced by."""
    old_codec, old_player, new_codec, new_player = sides(way)
    host.load(build(old_codec)).add(5)
    host.load(build(old_player)).add(7)
    return {"codec": build(new_codec), "player": build(new_player)}


def refused(host: Host, images: dict[str, Any], **more: Any) -> tuple[HotgraftError, SetReport]:
    """Ask for both, and return the error and its report."""
    with pytest.raises(HotgraftError) as caught:
        host.reload_set(images, **more)
    return caught.value, caught.value.report  # type: ignore[attr-defined] # a swap's errors carry one


def expect_old(host: Host, images: dict[str, Any]) -> None:
    """Both are as they were, none of their calls waits, and both can still be replaced."""
    expect(host, 11_001)
    assert [host[name].generation for name in MEMBERS] == [1, 1]
    host.reload_set(images)
    expect(host, 12_002)


@pytest.mark.parametrize("step", ALL)
def test_a_step_of_all_that_fails_leaves_both(unprobed: Host, build: Workshop, seam: Any, step: str) -> None:
    """Nobody's own step: the set as a whole is called off."""
    images = load(unprobed, build, "hands over")
    seam(lambda name: "fail" if name == step else "run")

    error, report = refused(unprobed, images)

    seam(None)
    assert report.outcome is Outcome.CALLED_OFF
    assert {one.outcome for one in report.members.values()} == {Outcome.CALLED_OFF}
    assert all(one.after_undo == () for one in report.members.values())
    assert error.running == "codec: generation 1 still serves; player: generation 1 still serves"
    expect_old(unprobed, images)


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize(("way", "step"), [(way, step) for way, steps in EACH.items() for step in steps])
def test_a_step_of_one_that_fails_leaves_both(
    unprobed: Host, build: Workshop, seam: Any, way: str, step: str, member: str
) -> None:
    """Whichever of them it is, and whatever of the other was done by then."""
    images = load(unprobed, build, way)
    at = ("codec", "player") if step in NEW else ("player", "codec")  # consumers rest first, and come up last
    times = iter(at)
    seam(lambda name: "fail" if name == step and next(times, "") == member else "run")

    error, report = refused(unprobed, images)

    seam(None)
    assert error.on == member
    assert report.outcome is Outcome.CALLED_OFF
    assert report.members[member].refusals
    assert [one.after_undo for one in report.members.values()] == [(), ()]
    undone = {str(UNDO[Action(one.partition(" ")[0])]) for one in done(report) if Action(one.partition(" ")[0]) in UNDO}
    assert undone <= {"resume", "give back", "let go", "stop", "reopen gates", "allow pins", "drop converted"}
    expect_old(unprobed, images)


def done(report: SetReport) -> list[str]:
    """Return the steps of single plugins in the window that went well."""
    known = {str(one) for one in Action}
    return [
        time.step
        for one in report.members.values()
        for time in one.pause_steps
        if not time.failure and time.step.partition(" ")[0] in known
    ]


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("step", BEFORE)
def test_a_step_before_the_window_that_fails_leaves_both(
    unprobed: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch, step: str, member: str
) -> None:
    """Nothing of what runs was touched by then; every candidate is let go of."""
    images = load(unprobed, build, "hands over")
    plain = Stopwatch._note
    times = iter(MEMBERS)

    def note(watch: Stopwatch, name: str, began_ns: int, failure: str) -> None:
        plain(watch, name, began_ns, failure)
        if name == step and not failure and next(times, "") == member:
            raise HotgraftError("go on", found=f"the end of {name}")

    with monkeypatch.context() as broken:
        broken.setattr(Stopwatch, "_note", note)
        error, report = refused(unprobed, images)

    assert error.on == member
    assert report.outcome in (Outcome.REFUSED, Outcome.FAILED)
    expect_old(unprobed, images)


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("step", [*OLD, *NEW])
def test_a_plugins_own_function_that_fails_leaves_both(
    unprobed: Host, build: Workshop, does: Any, step: str, member: str
) -> None:
    """The plugin's own word for why reaches who asked."""
    images = load(unprobed, build, "saves" if step in ("save", "restore") else "hands over")
    number = {"codec": 1, "player": 11}[member] + (step in NEW)
    does(number, step, "fail")

    error, report = refused(unprobed, images)

    does(0, "none", "none")
    assert f"told to fail in {step}" in str(error)
    assert error.on.startswith(member)
    assert report.members[member].refusals
    expect_old(unprobed, images)


@pytest.mark.full
@pytest.mark.parametrize("member", MEMBERS)
def test_a_candidates_function_that_never_returns_leaves_both(member: str) -> None:
    """It is given up with its thread, and the other's candidate goes."""
    ran = run_child("crash_set_hang.py", member)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [f"{step}: both serve" for step in ("create", "take", "start")]


@pytest.mark.parametrize("member", MEMBERS)
def test_who_does_not_leave_one_of_them_holds_up_the_set_until_its_deadline(
    unprobed: Host, build: Workshop, member: str
) -> None:
    """It is named, and both serve on."""
    images = load(unprobed, build, "hands over")
    with unprobed[member].pin(who="a long call"):
        error, report = refused(unprobed, images, deadline_s=0.05)
    assert isinstance(error, DrainTimeout)
    assert "a long call" in str(error)
    assert report.outcome is Outcome.CALLED_OFF
    expect_old(unprobed, images)
