"""Every step of a swap is made to fail, and what still runs is asserted after each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Busy, DrainTimeout, Host, HotgraftError, Outcome, PluginError, SwapTimeout, _core
from sample_plugins import HANDS_OVER, SAVES, STATELESS, Sample, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW = {
    HANDS_OVER: ["wait for pins", "close gates", "drain", "quiesce", "surrender", "take", "start", "publish"],
    SAVES: ["wait for pins", "close gates", "drain", "quiesce", "save", "restore", "start", "publish"],
    STATELESS: ["start", "publish"],
}


@pytest.fixture
def host(unprobed: Host) -> Host:
    """What fails here fails in the steps of the swap itself, not before them in the probe."""
    return unprobed


@pytest.fixture
def seam() -> Iterator[Any]:
    """The step hook of the core, taken out again afterwards."""
    yield _core._seams.set_step_hook
    _core._seams.set_step_hook(None)


def expect_old(host: Host, count: int) -> None:
    """What ran before still runs, with all it counted, and can still be replaced."""
    counter = host["counter"]
    assert (counter.generation, counter.build(), counter.add(1)) == (1, 1, count + 1)
    assert host.reload("counter").outcome is Outcome.PUBLISHED
    assert counter.add(1) == count + 2


@pytest.mark.parametrize(
    ("sample", "step"), [(sample, step) for sample, steps in WINDOW.items() for step in steps], ids=str
)
def test_a_step_that_fails_is_undone_and_the_old_generation_serves(
    host: Host, build: Workshop, seam: Any, sample: Sample, step: str
) -> None:
    """Promise 2: until publish, any failure leaves what was running untouched."""
    counter = host.load(build(sample))
    counted = counter.add(5)
    seam(lambda name: "fail" if name == step else "run")

    with pytest.raises(HotgraftError) as caught:
        host.reload("counter", build(replace(sample, build=2)))

    seam(None)
    report = caught.value.report  # type: ignore[attr-defined] # a swap's errors carry one
    assert report.outcome is Outcome.CALLED_OFF
    assert (report.generation, report.candidate) == (1, 2)
    assert any(reason.startswith(step) for reason in report.refusals)
    assert report.after_undo == ()
    assert caught.value.running == "generation 1 still serves"
    if sample is STATELESS:
        assert (counter.generation, counter.build()) == (1, 1)
    else:
        expect_old(host, counted)


@pytest.mark.parametrize(
    ("sample", "step"),
    [
        (HANDS_OVER, "create"),
        (HANDS_OVER, "take"),
        (HANDS_OVER, "start"),
        (SAVES, "restore"),
        (SAVES, "start"),
    ],
    ids=str,
)
def test_a_candidate_whose_own_function_fails_is_dropped(
    host: Host, build: Workshop, sample: Sample, step: str
) -> None:
    """Faults I07, M06: the plugin's own word for why reaches the person who reloads."""
    host.load(build(sample)).add(5)

    with pytest.raises(PluginError, match=f"told to fail in {step}"):
        host.reload("counter", build(replace(sample, build=2)), config={"fail": step})

    expect_old(host, 5)


@pytest.mark.parametrize(
    ("sample", "step"), [(HANDS_OVER, "quiesce"), (HANDS_OVER, "surrender"), (SAVES, "save")], ids=str
)
def test_an_old_generation_that_will_not_let_go_keeps_serving(
    host: Host, build: Workshop, sample: Sample, step: str
) -> None:
    """Fault M01: save fails, so the swap is called off and nothing was lost."""
    counter = host.load(build(sample), config={"fail": step})
    counter.add(5)

    with pytest.raises(PluginError, match=f"told to fail in {step}"):
        host.reload("counter", build(replace(sample, build=2)))

    assert (counter.generation, counter.add(1)) == (1, 6)


def test_an_instance_that_is_null_is_refused(host: Host, build: Workshop) -> None:
    """Fault I08: create says yes and gives nothing."""
    host.load(build(HANDS_OVER)).add(5)

    with pytest.raises(PluginError, match="no instance"):
        host.reload("counter", config={"null": "create"})

    expect_old(host, 5)


def test_a_first_load_that_fails_leaves_nothing(host: Host, build: Workshop) -> None:
    """The name is free again and the library is gone."""
    for step in ("create", "start"):
        with pytest.raises(PluginError, match=step):
            host.load(build(HANDS_OVER), config={"fail": step})

    assert list(host) == []
    assert _core.wait_idle(10)
    assert host.load(build(HANDS_OVER)).add(1) == 1


def test_the_failed_candidate_leaves_memory(host: Host, build: Workshop) -> None:
    """Fault I09: half done, then an error: no library of it stays."""
    host.load(build(HANDS_OVER))
    with pytest.raises(PluginError):
        host.reload("counter", config={"fail": "start"})

    before = _core.proven_count("counter")
    assert _core.wait_idle(10)
    assert _core.proven_count("counter") >= before
    assert _core.waiting() == []


def test_a_plugin_that_is_busy_until_the_deadline_keeps_serving(host: Host, build: Workshop) -> None:
    """quiesce may say "again", but not for ever."""
    counter = host.load(build(HANDS_OVER), config={"again": "quiesce"})
    counter.add(5)

    with pytest.raises(SwapTimeout, match="again"):
        host.reload("counter", deadline_s=0.1)

    assert (counter.generation, counter.add(1)) == (1, 6)
    counter.add(94)  # at a hundred it comes to rest
    assert host.reload("counter").outcome is Outcome.PUBLISHED
    assert counter.add(1) == 101


def test_a_pin_makes_the_swap_wait_and_is_named(host: Host, build: Workshop) -> None:
    """One state for all: the swap is called off at its deadline and says who holds what since when."""
    counter = host.load(build(HANDS_OVER))
    with counter.pin(who="session 7") as pinned:
        pinned.add(5)
        with pytest.raises(DrainTimeout, match="session 7"):
            host.reload("counter", deadline_s=0.1)
        assert pinned.add(1) == 6

    expect_old(host, 6)


def test_an_instance_that_fails_to_be_added_changes_nothing(host: Host, build: Workshop) -> None:
    """The instances that serve never notice."""
    counter = host.load(build(HANDS_OVER))
    for step in ("create", "start"):
        with pytest.raises(PluginError, match=step):
            host.load("counter", instance="second", config={"fail": step})

    expect_old(host, counter.add(0))


def test_a_change_that_waits_too_long_for_its_turn_says_so(host: Host, build: Workshop, seam: Any) -> None:
    """Two different changes of one plugin take turns; the second one's patience has an end."""
    host.load(build(HANDS_OVER))
    second: list[BaseException] = []

    def reload_meanwhile(name: str) -> str:
        if name == "drain" and not second:
            with pytest.raises(Busy) as caught:
                host.configure("counter", {"other": 1}, deadline_s=0.05)
            second.append(caught.value)
        return "run"

    seam(reload_meanwhile)
    host.reload("counter")

    assert len(second) == 1
