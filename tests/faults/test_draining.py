"""Calls that do not come back as they should, while their plugin is replaced: a live host through all of it."""

from __future__ import annotations

import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from belongings import belongings
from child_process import run_child
from hotgraft import DrainTimeout, Host, Outcome, _core
from sample_plugins import HANDS_OVER, LEAVER, PLAIN, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Sized
    from hotgraft.host.plugin import Plugin

DEADLINE_S = 30
CALL_BACK = ctypes.CFUNCTYPE(ctypes.c_int64)
NEXT = replace(HANDS_OVER, build=2)


@pytest.fixture
def at_step() -> Iterator[Callable[[str], threading.Event]]:
    """A function that answers an event which is set when a swap reaches the step of that name."""
    events: dict[str, threading.Event] = {}

    def hook(name: str) -> str:
        if name in events:
            events[name].set()
        return "run"

    def watch(name: str) -> threading.Event:
        return events.setdefault(name, threading.Event())

    _core._seams.set_step_hook(hook)
    yield watch
    _core._seams.set_step_hook(None)


def inside(counter: Plugin, work: Callable[[], int]) -> tuple[ThreadPoolExecutor, Any]:
    """Call into the plugin on a thread of its own; the plugin calls `work` back."""
    call_back = CALL_BACK(work)
    pool = ThreadPoolExecutor(1)
    address = ctypes.cast(call_back, ctypes.c_void_p).value
    future = pool.submit(lambda: (counter.run(address), call_back)[0])
    return pool, future


def test_a_call_that_does_not_return_calls_the_swap_off(host: Host, build: Workshop, at_step: Any) -> None:
    """Fault D01: it is named, everybody else is served by the old, and once it is back the swap goes."""
    counter = host.load(build(HANDS_OVER))
    counter.add(5)
    entered, let_go = threading.Event(), threading.Event()

    def stay() -> int:
        entered.set()
        let_go.wait(DEADLINE_S)
        return 7

    pool, future = inside(counter, stay)
    assert entered.wait(DEADLINE_S)
    with pytest.raises(DrainTimeout) as caught:
        host.reload("counter", build(NEXT), deadline_s=0.1)

    assert "calls were still inside" in str(caught.value)
    assert "generation 1" in str(caught.value)
    assert caught.value.running == "generation 1 still serves"
    assert caught.value.advice
    assert caught.value.report.outcome is Outcome.CALLED_OFF  # type: ignore[attr-defined] # a swap's errors carry one
    assert (counter.generation, counter.build(), counter.add(1)) == (1, 1, 6)
    assert not future.done()
    let_go.set()
    assert future.result(DEADLINE_S) == 7
    pool.shutdown()
    assert host.reload("counter", build(NEXT)).outcome is Outcome.PUBLISHED
    assert (counter.build(), counter.add(1)) == (2, 7)
    assert host.unloads(DEADLINE_S).waiting == ()


def test_a_call_back_into_the_draining_plugin_passes_and_the_swap_goes(
    host: Host, build: Workshop, at_step: Any
) -> None:
    """Fault D02: plugin → host → plugin, met by a swap in between. The inner call takes the old side."""
    counter = host.load(build(HANDS_OVER))
    counter.add(5)
    draining, entered = at_step("drain"), threading.Event()

    def call_again() -> int:
        entered.set()
        assert draining.wait(DEADLINE_S)
        return int(counter.build() * 100 + counter.add(1))

    pool, future = inside(counter, call_again)
    assert entered.wait(DEADLINE_S)

    assert host.reload("counter", build(NEXT)).outcome is Outcome.PUBLISHED

    assert future.result(DEADLINE_S) == 106
    pool.shutdown()
    assert (counter.build(), counter.add(1)) == (2, 7)
    assert host.unloads(DEADLINE_S).proven >= 1


def test_a_call_that_keeps_the_interpreter_lock_is_waited_for_without_it(
    host: Host, build: Workshop, at_step: Any
) -> None:
    """Fault D11: the drain waits for a call that holds the very lock the swap's thread came with."""
    counter = host.load(build(HANDS_OVER))
    draining, entered = at_step("drain"), threading.Event()
    nap = ctypes.PyDLL(None).usleep  # keeps the lock, as a plugin's function does

    def keep_the_lock() -> int:
        entered.set()
        assert draining.wait(DEADLINE_S)
        nap(100_000)
        return 1

    pool, future = inside(counter, keep_the_lock)
    assert entered.wait(DEADLINE_S)

    assert host.reload("counter", build(NEXT)).outcome is Outcome.PUBLISHED

    assert future.result(DEADLINE_S) == 1
    pool.shutdown()
    assert (counter.build(), counter.add(1)) == (2, 1)


def test_a_swap_asked_for_from_inside_is_done_afterwards(host: Host, build: Workshop) -> None:
    """Fault D10: it would wait for itself."""
    counter = host.load(build(HANDS_OVER))
    counter.add(5)
    reports: list[Any] = []

    def reload() -> int:
        reports.append(host.reload("counter", build(NEXT)))
        return int(counter.build())

    build(NEXT)
    pool, future = inside(counter, reload)

    assert future.result(DEADLINE_S) == 1  # the call that asked ends on the generation it began on
    pool.shutdown()
    assert reports[0].outcome is Outcome.DEFERRED
    assert reports[0].result(DEADLINE_S).outcome is Outcome.PUBLISHED
    assert (counter.build(), counter.add(1)) == (2, 6)


@pytest.mark.parametrize("way", ["exception_leaves", "longjmp_leaves"])
def test_a_guard_that_was_left_by_the_back_door_does_not_stop_a_swap(host: Host, build: Workshop, way: str) -> None:
    """Faults D04, D05: an exception gives the guard up; what longjmp went over is found, named, and kept mapped."""
    counter = host.load(build(HANDS_OVER))
    leaver = host.load(build(LEAVER))
    assert getattr(leaver, way)() == 1

    assert host.reload("counter", build(NEXT)).outcome is Outcome.PUBLISHED

    if way == "longjmp_leaves":
        waiting = host.unloads(0.2).waiting
        assert len(waiting) == 1
        assert "jumped out of a call (longjmp)" in waiting[0]
    assert (counter.build(), counter.add(1)) == (2, 2)  # a call of the thread that jumped takes the entry back
    unloads = host.unloads(DEADLINE_S)
    assert (unloads.proven, unloads.waiting, unloads.stuck) == (1, (), ())


SAID = {
    "thread_ends": "which ended inside a call",
    "leaves_thread": "is inside leaves_thread_loop",
    "leaves_key": "still has its destructor end_of_thread",
    "leaves_handler": "handler of SIGUSR1 was on_signal (put back)",
}


@pytest.mark.parametrize("fault", SAID)
def test_what_a_thread_holds_for_ever_stays_mapped_and_is_named(fault: str) -> None:
    """Faults D03, D06, D07, D08: a thread that ended inside a guard, one that runs on, a pthread key, a handler."""
    done = run_child("crash_threads.py", fault)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "the new generation serves" in done.stdout
    assert SAID[fault] in done.stdout


def test_a_call_back_that_is_still_registered_keeps_its_code(host: Host, build: Workshop) -> None:
    """Fault D09: whoever holds it may call it whenever it likes; the lease says who that is."""
    plain = host.load(build(replace(PLAIN, source="takes_lease")))
    call_back = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(plain.calls())

    assert host.reload("plain", build(PLAIN)).outcome is Outcome.PUBLISHED

    waiting = host.unloads(0.2).waiting
    assert len(waiting) == 1
    assert "call-back registered with the audio server" in waiting[0]
    assert call_back(0) == 1  # still the code that was registered
    assert (plain.generation, plain.add(2, 3)) == (2, 5)
    call_back(1)
    unloads = host.unloads(DEADLINE_S)
    assert (unloads.proven, unloads.waiting, unloads.stuck) == (1, (), ())


def test_threads_that_come_and_go_are_all_answered(build: Workshop, tmp_path: Path, sized: Sized) -> None:
    """Fault D12: 64 at a time, each for a few calls, through 10 swaps. (How long each waits: test_guard_threads.)"""
    swaps = sized(quick=3, full=10)
    with Host(staging_folder=str(tmp_path / "staged")) as host:
        counter = host.load(build(HANDS_OVER))
        images = [build(replace(HANDS_OVER, build=number)) for number in (1, 2)]
        is_over = threading.Event()
        calls = [0] * 64

        def live(place: int) -> None:
            while not is_over.is_set():
                thread = threading.Thread(target=lambda: [counter.add(1) for _ in range(5)])
                thread.start()
                thread.join()
                calls[place] += 5

        with ThreadPoolExecutor(64) as pool:
            lives = [pool.submit(live, place) for place in range(64)]
            for number in range(swaps):
                assert host.reload("counter", images[number % 2]).outcome is Outcome.PUBLISHED
            is_over.set()
            for one in lives:
                one.result(DEADLINE_S)

        assert counter.add(0) == sum(calls)  # none lost, none twice
        assert counter.generation == swaps + 1
        unloads = host.unloads(DEADLINE_S)
        assert (unloads.proven, unloads.waiting) == (swaps, ())
        copies: Any = belongings(tmp_path / "staged")["copies"]
    assert len([one for one in copies if one.endswith(".so")]) == 1  # and the one before may be kept to go back to


def test_64_reloads_at_once_are_one(host: Host, build: Workshop, at_step: Any) -> None:
    """Fault R06: 64 editors save at once: one reload wins, the others get its answer."""
    counter = host.load(build(HANDS_OVER))
    counter.add(5)
    image = build(NEXT)
    asked = threading.Semaphore(0)
    all_asked = threading.Event()

    def wait_for_the_others(name: str) -> str:
        if name == "drain":
            all_asked.wait(DEADLINE_S)
        return "run"

    def reload() -> Any:
        asked.release()
        return host.reload("counter", image)

    _core._seams.set_step_hook(wait_for_the_others)
    with ThreadPoolExecutor(64) as pool:
        futures = [pool.submit(reload) for _ in range(64)]
        for _ in range(64):
            assert asked.acquire(timeout=DEADLINE_S)
        all_asked.set()
        reports = [future.result(DEADLINE_S) for future in futures]

    assert {report.outcome for report in reports} == {Outcome.PUBLISHED}
    generations = {report.generation for report in reports}
    assert len(generations) <= 3  # whoever came when the first was over took a turn of its own
    assert counter.generation == max(generations)
    assert (counter.build(), counter.add(1)) == (2, 6)
    assert host.unloads(DEADLINE_S).proven == len(generations)
