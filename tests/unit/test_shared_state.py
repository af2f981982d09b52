"""Concurrent state: old and new code use one block at once, so a swap stops nobody."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import DrainRules, DrainTimeout, Host, Outcome, PluginError, StateError, _core
from sample_plugins import HANDS_OVER, SHARES, STATELESS, Sample, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Sized
    from hotgraft.host.report import SwapReport

NEW = replace(SHARES, build=2)
GROWN = replace(SHARES, build=2, grows=True)  # one more field in its block
CALL_BACK = ctypes.CFUNCTYPE(ctypes.c_int64)
BURST = 50  # calls between two rests
# Without a rest one caller keeps the interpreter lock for 5 ms while the others and the swap stand still, and all of
# them keep a processor while a probe is waited for; with it each of them comes in between a few times a millisecond.
REST_S = 0.0005


def plan_of(report: SwapReport) -> tuple[str, bool]:
    """How its state went, and whether anybody had to wait."""
    assert report.plan is not None
    return str(report.plan.crossing), report.plan.is_gated


def steps_of(report: SwapReport) -> list[str]:
    """The steps that ran in the core's window."""
    steps = [one.step for one in report.steps]
    return steps[steps.index("attach main") :] if "attach main" in steps else steps


def stay_inside(handle: object, call: Callable[[Callable[[], int]], None]) -> tuple[threading.Event, threading.Thread]:
    """Let a thread go into the plugin and stay there until the event is set."""
    inside, go_on = threading.Event(), threading.Event()

    def stay() -> int:
        inside.set()
        assert go_on.wait(20)
        return 0

    thread = threading.Thread(target=call, args=(stay,))
    thread.start()
    assert inside.wait(10)
    return go_on, thread


def test_a_swap_of_equal_layout_has_no_gate_and_one_block(host: Host, build: Workshop) -> None:
    """The count goes on, and the report says that nobody waited."""
    counter = host.load(build(SHARES))
    counter.add(5)
    report = host.reload("counter", build(NEW))

    assert plan_of(report) == ("share", False)
    assert report.pause_us == 0
    assert steps_of(report)[:3] == ["attach main", "start main", "publish"]
    assert (counter.build(), counter.add(1)) == (2, 6)


def test_a_call_that_is_inside_stops_no_swap_and_its_write_counts(host: Host, build: Workshop) -> None:
    """The old code finishes while the new one runs: both add to one number."""
    counter = host.load(build(SHARES))

    def call(stay: Callable[[], int]) -> None:
        call_back = CALL_BACK(lambda: stay() or counter.add(10))
        counter.run(ctypes.cast(call_back, ctypes.c_void_p).value)

    go_on, thread = stay_inside(counter, call)
    report = host.reload("counter", build(NEW), deadline_s=5)
    assert report.generation == 2
    counter.add(1)
    go_on.set()
    thread.join()
    assert counter.add(0) == 11


def test_pinned_calls_go_on_in_the_old_code_on_the_same_block(host: Host, build: Workshop) -> None:
    """A session that began on the old version ends on it, and sees what the new one does to the state."""
    counter = host.load(build(SHARES))
    with counter.pin() as pinned:
        host.reload("counter", build(NEW))
        assert (pinned.build(), counter.build()) == (1, 2)
        assert [pinned.add(1), counter.add(1), pinned.add(1)] == [1, 2, 3]
    assert host.unloads(deadline_s=10).proven == 1
    assert counter.add(0) == 3


def test_the_block_outlives_every_version_but_the_last(unprobed: Host, build: Workshop) -> None:
    """No version frees it, and it is billed to the one that serves."""
    counter = unprobed.load(build(SHARES))
    counter.add(7)
    for number in range(2, 5):
        unprobed.reload("counter", build(replace(SHARES, build=number)))
    assert unprobed.unloads(deadline_s=10).proven == 3
    serving = counter._owner.loaded.serving.generation
    assert serving.live_bytes == 8
    assert counter.add(0) == 7


def test_it_is_freed_with_the_last(build: Workshop) -> None:
    """The host made it, and the host lets go of it once the last library that was told of it has left memory."""
    host = Host(probe="off")
    counter = host.load(build(SHARES))
    host.reload("counter", build(NEW))
    serving = counter._owner.loaded.serving.generation
    host.close()
    assert serving.stage == "unloaded"
    assert serving.live_bytes == 0


def test_a_rollback_needs_no_gate_and_keeps_what_was_gained(build: Workshop) -> None:
    """The held generation never let go of the block."""
    with Host(probation="on") as host:
        counter = host.load(build(SHARES))
        host.reload("counter", build(NEW))
        counter.add(3)
        report = host.rollback("counter")

        assert report.outcome is Outcome.ROLLED_BACK
        assert plan_of(report) == ("share", False)
        assert not report.is_lossy
        assert (counter.build(), counter.add(1)) == (1, 4)


def test_a_rollback_goes_beside_a_call_that_does_not_return(build: Workshop) -> None:
    """Nothing is taken from under it."""
    with Host(probation="on") as host:
        counter = host.load(build(SHARES))
        host.reload("counter", build(NEW))

        def call(stay: Callable[[], int]) -> None:
            call_back = CALL_BACK(stay)
            counter.run(ctypes.cast(call_back, ctypes.c_void_p).value)

        go_on, thread = stay_inside(counter, call)
        assert host.rollback("counter", deadline_s=2).outcome is Outcome.ROLLED_BACK
        assert counter.build() == 1
        go_on.set()
        thread.join()


def test_another_layout_is_converted_behind_a_gate_up_and_down(build: Workshop) -> None:
    """There are two blocks then, so nobody may be inside the old one while the new one is made."""
    with Host(probation="on") as host:
        counter = host.load(build(replace(SHARES, grows=True)))
        counter.add(5)
        report = host.reload("counter", build(GROWN))
        assert plan_of(report) == ("convert shared", True)
        assert counter.add(1) == 6
        report = host.rollback("counter")
        assert plan_of(report) == ("convert shared", True)
        assert not report.is_lossy
        assert (counter.build(), counter.add(1)) == (1, 7)
        host.reload("counter", build(GROWN))
        host.commit("counter")
        assert (counter.build(), counter.add(1)) == (2, 8)


def test_another_layout_waits_for_calls_that_are_inside(host: Host, build: Workshop) -> None:
    """As for a state that is handed over: at the deadline the swap is called off."""
    counter = host.load(build(replace(SHARES, grows=True)))

    def call(stay: Callable[[], int]) -> None:
        call_back = CALL_BACK(stay)
        counter.run(ctypes.cast(call_back, ctypes.c_void_p).value)

    go_on, thread = stay_inside(counter, call)
    with pytest.raises(DrainTimeout):
        host.reload("counter", build(GROWN), deadline_s=0.2)
    assert counter.add(1) == 1
    go_on.set()
    thread.join()


def test_pins_are_waited_for_or_move_where_it_is_converted(host: Host, build: Workshop) -> None:
    """The rule for one state for all: the old block is not what serves any more."""
    counter = host.load(build(replace(SHARES, grows=True)))
    with counter.pin(who="session 7") as pinned:
        pinned.add(5)
        with pytest.raises(DrainTimeout, match="session 7"):
            host.reload("counter", build(GROWN), deadline_s=0.2)
        host.set_drain("counter", DrainRules(pins="move"))
        host.reload("counter", build(GROWN))
        assert (pinned.build(), pinned.add(1)) == (2, 6)


def test_two_slots_are_gated_and_pins_stay(host: Host, build: Workshop) -> None:
    """The gate is for seeing both on one side; the state needs none."""
    left = host.load(build(SHARES), instance="left")
    right = host.load("counter", instance="right")
    left.add(1)
    right.add(2)
    with left.pin() as pinned:
        report = host.reload("counter", build(NEW), deadline_s=5)
        assert plan_of(report) == ("share", True)
        assert [pinned.build(), left.build(), right.build()] == [1, 2, 2]
        assert [pinned.add(0), left.add(0), right.add(0)] == [1, 1, 2]


@pytest.mark.parametrize("step", ["attach", "start"])
def test_a_candidate_that_fails_leaves_the_block_with_who_serves(unprobed: Host, build: Workshop, step: str) -> None:
    """It was told of the block, and never owned it."""
    counter = unprobed.load(build(SHARES))
    counter.add(5)
    with pytest.raises(PluginError, match=f"told to fail in {step}"):
        unprobed.configure("counter", {"fail": step})
    assert counter.add(1) == 6
    assert unprobed.unloads(deadline_s=10).stuck == ()
    assert counter.add(1) == 7


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (replace(HANDS_OVER, build=2), "its kind is concurrent and would be single"),
        (replace(STATELESS, build=2), "the candidate declares none"),
        (replace(SHARES, build=2, schema=2), "its schema is 1 and would be 2"),
        (replace(SHARES, build=2, layout=9), "layout 0x9 says that they mean something else"),
    ],
    ids=["kind", "none", "schema", "meaning"],
)
def test_what_cannot_share_it_is_refused(host: Host, build: Workshop, new: Sample, reason: str) -> None:
    """State survives, or the swap is refused with the reason."""
    counter = host.load(build(SHARES))
    counter.add(5)
    with pytest.raises(StateError, match=reason):
        host.reload("counter", build(new))
    assert counter.add(0) == 5


def test_a_new_schema_is_saved_and_restored(host: Host, build: Workshop) -> None:
    """Where the meaning changes, restore is told so, and writes into a fresh block."""
    saves = replace(SHARES, saves=True)
    counter = host.load(build(saves))
    counter.add(5)
    report = host.reload("counter", build(replace(saves, schema=2, build=2)))
    assert plan_of(report) == ("restore", True)
    assert counter.add(1) == 6


def test_the_probe_says_that_it_began_fresh(host: Host, build: Workshop) -> None:
    """To copy a block whole, those who use it at once would have to stop."""
    host.load(build(SHARES))
    report = host.reload("counter", build(NEW))
    assert report.probe is not None
    assert "it is shared" in report.probe.not_probed


def calls_while_swapping(host: Host, build: Workshop, sample: Sample, swaps: int) -> tuple[list[int], int]:
    """Add from threads with pins and without while versions come and go; return what each added, and the count."""
    counter = host.load(build(sample))
    images = [build(replace(sample, build=number)) for number in (2, 3)]
    stop = threading.Event()
    added = [0] * 4

    def burst(on: Any, index: int) -> None:
        for _ in range(BURST):
            on.add(1)
            added[index] += 1

    def call(index: int) -> None:
        while not stop.is_set():
            if index % 2:
                burst(counter, index)
                stop.wait(REST_S)
            else:
                with counter.pin() as pinned:
                    burst(pinned, index)
                    stop.wait(REST_S)  # inside: a swap meets a session on the old side nearly always
                    burst(pinned, index)

    threads = [threading.Thread(target=call, args=(index,)) for index in range(len(added))]
    for thread in threads:
        thread.start()
    for number in range(swaps):
        report = host.reload("counter", images[number % 2])
        assert report.pause_us == 0
    stop.set()
    for thread in threads:
        thread.join()
    return added, counter.add(0)


def test_callers_on_both_sides_of_many_swaps_lose_nothing(host: Host, build: Workshop, sized: Sized) -> None:
    """With the probe on, pinned and other threads add to one number through two versions at once."""
    swaps = sized(quick=4, full=200)
    added, count = calls_while_swapping(host, build, SHARES, swaps)
    assert sum(added) == count
    assert sum(added) >= BURST * swaps, "they hardly called"
    assert host.unloads(deadline_s=20).stuck == ()


@pytest.fixture
def on_their_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take the sharing out: no candidate is told of the block, so each begins with one of its own."""
    _core._seams.set_step_hook(lambda kind: "skip" if kind == "attach" else "run")
    yield
    _core._seams.set_step_hook(None)


@pytest.mark.control
@pytest.mark.usefixtures("on_their_own")
def test_control_without_attach_what_was_added_is_lost(unprobed: Host, build: Workshop) -> None:
    """The number is not exact by chance: two blocks do not add up."""
    added, count = calls_while_swapping(unprobed, build, SHARES, 4)
    assert count < sum(added)
