"""Pins: a hold on one generation that is independent of thread, order and coroutine."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import greenlet
import pytest
from hotgraft import Busy, DrainTimeout, Host, HostClosed, PinExpired, _core
from hotgraft.host.pin import Pin, PinClock
from sample_plugins import HANDS_OVER, STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Sized

NEW = replace(STATELESS, build=2)


def wait_until(condition: object, deadline_s: float = 60) -> None:
    """Look again and again until it holds; the deadline is the failure."""
    assert callable(condition)
    until = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < until, "the deadline passed"
        threading.Event().wait(0.002)


def test_pinned_calls_stay_on_the_old_code_while_the_rest_moves(host: Host, build: Workshop) -> None:
    """Without state a swap goes now; a session that began on the old code ends on it."""
    counter = host.load(build(STATELESS))
    with counter.pin() as pinned:
        host.reload("counter", build(NEW))

        assert (pinned.build(), counter.build()) == (1, 2)
        assert (pinned.generation, counter.generation) == (1, 2)
        assert pinned.version == "1.0.0"


def test_a_pinned_generation_leaves_memory_only_after_the_pin(host: Host, build: Workshop) -> None:
    """The count on the generation is what keeps its code mapped."""
    counter = host.load(build(STATELESS))
    pin = counter.pin(who="session 7")
    host.reload("counter", build(NEW))

    assert host.unloads(deadline_s=0.3).proven == 0
    assert "session 7" in host.unloads().waiting[0]
    pin.end()
    assert host.unloads(deadline_s=10).proven == 1


def test_a_pin_that_cannot_be_made_holds_nothing(host: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted first and made second: what fails in between must not leave a hold that nobody can end."""

    def no_memory(*_: object) -> None:
        raise MemoryError

    counter = host.load(build(HANDS_OVER))
    monkeypatch.setattr("hotgraft.host.instances.PinLink", no_memory)
    with pytest.raises(MemoryError):
        counter.pin(who="session 7")

    assert host.reload("counter", deadline_s=0.5).generation == 2  # it waits for pins


def test_after_its_deadline_the_next_call_raises(host: Host, build: Workshop) -> None:
    """A session that was forgotten cannot hold old code for ever."""
    counter = host.load(build(STATELESS))
    pin = counter.pin(deadline_s=0.05)
    assert pin.plugin.build() == 1
    wait_until(lambda: host._loaded("counter").serving.generation.pins == 0)

    assert not pin.is_open
    with pytest.raises(PinExpired, match=r"deadline of 0\.05 s passed"):
        pin.plugin.build()
    assert counter.build() == 1


def test_an_ended_pin_raises_and_may_be_ended_twice(host: Host, build: Workshop) -> None:
    """Leaving the with block is the end of the session."""
    counter = host.load(build(STATELESS))
    with counter.pin() as pinned:
        add = pinned.build
    with pytest.raises(PinExpired, match="ended"):
        add()
    pin = counter.pin()
    pin.end()
    pin.end()
    assert host["counter"].build() == 1


def test_a_forgotten_pin_lets_go_when_it_is_collected(host: Host, build: Workshop) -> None:
    """A generation must not stay because somebody dropped a variable."""
    counter = host.load(build(STATELESS))
    pin: Pin | None = counter.pin()
    host.reload("counter", build(NEW))

    pin = None  # noqa: F841 - the last reference goes
    gc.collect()

    assert host.unloads(deadline_s=10).proven == 1


def test_a_swap_with_state_waits_for_pins_and_then_goes(host: Host, build: Workshop) -> None:
    """One state for all cannot be in two places: the swap waits until the session ends."""
    counter = host.load(build(HANDS_OVER))
    pin = counter.pin()
    done: list[int] = []

    def reload() -> None:
        done.append(host.reload("counter", build(replace(HANDS_OVER, build=2)), deadline_s=30).generation)

    thread = threading.Thread(target=reload)
    thread.start()
    assert pin.plugin.add(3) == 3
    assert counter.add(1) == 4  # calls keep running while the swap waits for pins
    pin.end()
    thread.join(30)

    assert done == [2]
    assert (counter.build(), counter.add(1)) == (2, 5)


def test_while_a_swap_waits_for_pins_new_ones_are_turned_away(host: Host, build: Workshop) -> None:
    """Otherwise a busy server's sessions would keep the swap waiting for ever."""
    counter = host.load(build(HANDS_OVER))
    pin = counter.pin()

    def reload() -> None:
        with pytest.raises(DrainTimeout):
            host.reload("counter", deadline_s=0.5)

    thread = threading.Thread(target=reload)
    thread.start()

    def is_turned_away() -> bool:
        try:
            counter.pin().end()
        except Busy:
            return True
        return False

    wait_until(is_turned_away)
    thread.join(30)
    counter.pin().end()  # the swap was called off: pins are let in again
    pin.end()


def test_an_expired_pin_does_not_hold_up_a_swap(host: Host, build: Workshop) -> None:
    """The swap's patience is longer than the pin's."""
    counter = host.load(build(HANDS_OVER))
    pin = counter.pin(deadline_s=0.1)

    assert host.reload("counter", deadline_s=30).generation == 2
    with pytest.raises(PinExpired):
        pin.plugin.add(1)


def test_two_tasks_pin_different_generations(host: Host, build: Workshop) -> None:
    """Tasks interleave on one thread: a pin that lived in the thread's record would overwrite the other's."""
    counter = host.load(build(STATELESS))
    seen: dict[str, list[int]] = {"old": [], "new": []}

    async def session(name: str, entered: asyncio.Event, other: asyncio.Event) -> None:
        with counter.pin() as pinned:
            entered.set()
            await other.wait()
            for _ in range(50):
                seen[name].append(pinned.build())
                await asyncio.sleep(0)

    async def both() -> None:
        first, second = asyncio.Event(), asyncio.Event()
        old = asyncio.create_task(session("old", first, second))
        await first.wait()
        await asyncio.to_thread(host.reload, "counter", build(NEW))
        await asyncio.gather(old, session("new", second, first))

    asyncio.run(both())
    assert set(seen["old"]) == {1}
    assert set(seen["new"]) == {2}


def test_two_greenlets_pin_different_generations(host: Host, build: Workshop) -> None:
    """Greenlets share one thread's C stack and record: pins must not care."""
    counter = host.load(build(STATELESS))
    seen: list[tuple[str, int]] = []

    def session(name: str) -> None:
        with counter.pin() as pinned:
            for _ in range(3):
                outer = greenlet.getcurrent().parent
                assert outer is not None
                outer.switch()
                seen.append((name, pinned.build()))

    old = greenlet.greenlet(session)
    old.switch("old")
    host.reload("counter", build(NEW))
    new = greenlet.greenlet(session)
    new.switch("new")
    for _ in range(3):
        new.switch()
        old.switch()

    assert set(seen) == {("old", 1), ("new", 2)}
    assert old.dead
    assert new.dead


def test_a_pin_is_used_from_many_threads(host: Host, build: Workshop) -> None:
    """Nothing of it belongs to the thread that made it."""
    counter = host.load(build(STATELESS))
    wrong: list[int] = []
    with counter.pin() as pinned:
        host.reload("counter", build(NEW))

        def call() -> None:
            wrong.extend(answer for answer in (pinned.build() for _ in range(500)) if answer != 1)

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_closing_the_host_ends_pins(build: Workshop) -> None:
    """A session that outlives its host is told so."""
    host = Host()
    pin = host.load(build(STATELESS)).pin()

    host.close()

    assert not pin.is_open
    with pytest.raises(HostClosed):
        pin.plugin.build()


def test_the_pin_clock_leaves_no_thread_behind(host: Host, build: Workshop) -> None:
    """A standing thread would make CPython warn at every fork."""
    counter = host.load(build(STATELESS))
    counter.pin().end()

    wait_until(lambda: all(thread.name != "hotgraft pins" for thread in threading.enumerate()))


def test_pins_end_in_the_order_of_their_deadlines(host: Host, build: Workshop) -> None:
    """The clock is an argument: time passes when the test says so."""
    now = [0.0]
    clock = PinClock(lambda: now[0])
    counter = host.load(build(STATELESS))
    pins = [counter.pin(deadline_s=60) for _ in range(2)]
    for pin, deadline_s in zip(pins, (20.0, 10.0), strict=True):
        pin.deadline_s = deadline_s
        clock.watch(pin)

    now[0] = 10.0
    wait_until(lambda: not pins[1].is_open)
    assert pins[0].is_open
    now[0] = 20.0
    wait_until(lambda: not pins[0].is_open)
    assert clock.open_pins() == []


def test_a_pin_that_cannot_be_ended_for_want_of_memory_does_not_stop_the_clock(
    host: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault R04: nor does a thread that is not to be had: the next pin gets one."""
    counter = host.load(build(STATELESS))
    pins = [counter.pin(deadline_s=60) for _ in range(3)]
    for pin, deadline_s in zip(pins, (60.0, 0.01, 0.02), strict=True):
        pin.deadline_s = deadline_s
    clock, start = PinClock(time.monotonic), threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", no_memory)
    with pytest.raises(MemoryError):
        clock.watch(pins[0])
    monkeypatch.setattr(threading.Thread, "start", start)
    with monkeypatch.context() as patch:
        patch.setattr(Pin, "expire", no_memory_once(Pin.expire))
        clock.watch(pins[1])
        clock.watch(pins[2])
        wait_until(lambda: not pins[2].is_open)


def no_memory(*_: object) -> None:
    """Find none."""
    raise MemoryError


def no_memory_once(work: Callable[[Pin], None]) -> Callable[[Pin], None]:
    """Return the same, which finds none the first time."""
    times = iter([no_memory])
    return lambda pin: next(times, work)(pin)


def test_pins_and_swaps_race_without_loss(host: Host, build: Workshop, sized: Sized) -> None:
    """A pin taken in the very moment of a swap holds one generation or the other, never a dead one."""
    counter = host.load(build(STATELESS))
    images = [build(STATELESS), build(NEW)]
    stop = threading.Event()
    wrong: list[object] = []

    def pin_and_call() -> None:
        while not stop.is_set():
            with counter.pin() as pinned:
                expected = 1 if pinned.generation % 2 else 2
                answers = (pinned.build(), pinned.build())
                wrong.extend((pinned.generation, answer) for answer in answers if answer != expected)

    threads = [threading.Thread(target=pin_and_call) for _ in range(2)]
    for thread in threads:
        thread.start()
    swaps = sized(quick=12, full=200)
    for number in range(swaps):
        host.reload("counter", images[(number + 1) % 2])
    stop.set()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert host.unloads(deadline_s=10).proven == swaps
    assert _core.abandoned_count() == 0
