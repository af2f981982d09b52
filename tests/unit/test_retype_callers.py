"""Who calls through a handle while a new major takes its functions: between publish and the handle's new ones, and after.

The slots of an interface that goes are emptied by the swap, and handles are retyped from Python a moment later.
"""

from __future__ import annotations

import asyncio
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from child_process import run_child
from hotgraft import Backpressure, Busy, DrainRules, Host, HostClosed, Outcome, PinExpired, _core
from hotgraft.host import attempt, instances
from pair_scene import codec, player
from sample_plugins import COUNTER, SESSIONS, function, parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from conftest import Sized
    from hotgraft import SetReport
    from sample_plugins import Sample, Workshop

DEADLINE_S = 30.0
ADD_NARROW = function("add", 8, "i64", parameter("by", "i32"))  # another signature: no C function for both
NEXT = (ADD_NARROW, *COUNTER[1:-1])  # without fail()

CALLS: dict[str, Callable[[Any], Any]] = {
    "none": lambda codec: codec.build(),
    "one": lambda codec: codec.add(0),
    "blocking": lambda codec: codec.nap(0),
    "buffer": lambda codec: codec.say(0, b"text", 4),
}
ANSWERS = {"none": (1, 2), "one": (5, 5), "blocking": (None, None), "buffer": (None, None)}


def first(**more: Any) -> Sample:
    """Return codec 1, which has fail()."""
    return codec(1, **more)


def second(**more: Any) -> Sample:
    """Return codec 2, which has not, and whose add() is another."""
    return codec(2, 2, **{"functions": NEXT, **more})


SIDES = {
    "pin": (first(moves_pins=True), second(moves_pins=True)),
    "session": (
        replace(SESSIONS, version="1.0.0"),
        replace(
            SESSIONS,
            build=2,
            version="2.0.0",
            interface_version=(2, 0),
            functions=(ADD_NARROW, *SESSIONS.functions[1:]),
        ),
    ),
}


def load(host: Host, build: Workshop, sample: Sample) -> Any:
    """Load it, with a player that calls it: a major is replaced together with all who need the one before."""
    handle = host.load(build(sample))
    host.load(build(player(11, calls=sample.name)))
    return handle


def swap(host: Host, build: Workshop, sample: Sample) -> SetReport:
    """Replace it by a new major, and the player with it."""
    return host.reload_set({sample.name: build(sample), "player": build(player(12, "^2", calls=sample.name))})


@pytest.fixture
def host() -> Iterator[Host]:
    """A host whose swaps can be rolled back, without a probe."""
    with Host(probe="off", probation="on") as made:
        yield made


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Say what is done once, after the next swap was published and before anything of it is noted."""
    plain, work = _core.run_swap, list[Any]()

    def run(members: Any, **more: Any) -> Any:
        record = plain(members, **more)
        while record.is_published and work:
            work.pop()()
        return record

    monkeypatch.setattr(_core, "run_swap", run)
    return work.append


def waits(slots: Sequence[_core.Slot], asked: Future[Any]) -> None:
    """Wait until the call waits in one of the slots, or is over."""
    while not any(slot.waiting for slot in slots) and not asked.done():
        threading.Event().wait(0.001)


def calling(pool: ThreadPoolExecutor, handle: Any, call: Callable[[], Any], asked: list[Future[Any]]) -> None:
    """Have another thread call, and wait until it waits or is over."""
    slots = handle._owner.called
    asked.append(pool.submit(call))
    waits(slots, asked[0])


@pytest.mark.parametrize("kept", [False, True], ids=["by name", "bound before"])
@pytest.mark.parametrize("shape", CALLS)
def test_a_call_between_publish_and_retype_runs_in_the_next_major_and_in_the_one_before(
    host: Host, build: Workshop, between: Any, shape: str, *, kept: bool
) -> None:
    """Promise 1, forward and back: what both majors have is called by its name."""
    handle: Any = load(host, build, first())
    handle.add(5)
    bound = _Bound(handle)
    with ThreadPoolExecutor(1) as pool:
        for step, answer in zip((lambda: swap(host, build, second()), lambda: host.rollback("codec")), (1, 0)):
            asked: list[Future[Any]] = []
            target = bound if kept else handle
            between(lambda target=target, asked=asked: calling(pool, handle, lambda: CALLS[shape](target), asked))
            step()
            assert asked[0].result(DEADLINE_S) == ANSWERS[shape][answer]
            assert CALLS[shape](target) == ANSWERS[shape][answer]


class _Bound:
    """The functions of a handle as they were bound when this was made."""

    def __init__(self, handle: Any) -> None:
        self.build, self.add, self.nap, self.say = handle.build, handle.add, handle.nap, handle.say


def test_a_call_of_what_only_the_major_before_had_names_the_generation_that_lacks_it(
    host: Host, build: Workshop, between: Any
) -> None:
    """As for any function that what serves does not offer; never that the host is closed."""
    handle: Any = load(host, build, first())
    fail = handle.fail
    asked: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as pool:
        between(lambda: calling(pool, handle, lambda: handle.fail(0), asked))
        swap(host, build, second())
        with pytest.raises(AttributeError, match="could not call fail: generation 2, which serves, does not offer it"):
            asked[0].result(DEADLINE_S)
    with pytest.raises(AttributeError, match="generation 2, which serves, does not offer it"):
        fail(0)
    host.rollback("codec")
    assert fail(0) is None


def test_a_call_that_waited_at_the_gate_finds_the_next_major_in_another_slot(
    host: Host, build: Workshop, between: Any
) -> None:
    """It wakes to an emptied slot, before the handle has its functions."""
    handle: Any = load(host, build, first())
    handle.add(5)
    slots, asked = handle._owner.called, list[Any]()
    with ThreadPoolExecutor(1) as pool:

        def at(step: str) -> str:
            if step == "start" and not asked:
                asked.append(pool.submit(handle.add, 0))
                waits(slots, asked[0])
            return "run"

        _core._seams.set_step_hook(at)
        try:
            between(lambda: waits(slots, asked[0]))
            swap(host, build, second())
        finally:
            _core._seams.set_step_hook(None)
        assert asked[0].result(DEADLINE_S) == 5


def test_a_method_that_was_looked_up_before_the_swap_and_is_called_after_it_runs(host: Host, build: Workshop) -> None:
    """Arguments are made in between: codec.add(slow()), while add() becomes another."""
    handle: Any = load(host, build, first())
    handle.add(5)

    def slow() -> int:
        swap(host, build, second())
        return 1

    assert handle.add(slow()) == 6


@pytest.mark.parametrize("way", ["pin", "session"])
def test_a_pin_that_moves_and_a_session_wait_alike(host: Host, build: Workshop, between: Any, way: str) -> None:
    """Their handles have slots of their own, which are emptied with the rest."""
    before, after = SIDES[way]
    own: Any = load(host, build, before)
    with own.pin() if way == "pin" else own.session() as handle, ThreadPoolExecutor(1) as pool:
        handle.add(7)
        for step in (lambda: swap(host, build, after), lambda: host.rollback(after.name)):
            asked: list[Future[Any]] = []
            between(lambda asked=asked: calling(pool, handle, lambda: handle.add(0), asked))
            step()
            assert asked[0].result(DEADLINE_S) == 7
            assert handle.add(0) == 7


def test_a_session_that_was_pinned_waits_when_it_is_carried_alone(host: Host, build: Workshop, between: Any) -> None:
    """It follows when its pin ends."""
    before, after = SIDES["session"]
    opened: Any = load(host, build, before).session()
    handle, asked = opened.plugin, list[Any]()
    with ThreadPoolExecutor(1) as pool:
        handle.add(3)
        with opened.pin():
            swap(host, build, after)
            assert handle.build() == 1
            between(lambda: calling(pool, handle, lambda: handle.add(0), asked))
        assert (asked[0].result(DEADLINE_S), handle.build()) == (3, 2)
    opened.end()


def test_a_task_waits_without_its_loop(host: Host, build: Workshop, between: Any) -> None:
    """`try_call` answers GATED, and the loop hears of the retype."""
    handle: Any = load(host, build, first())
    handle.add(5)
    is_between, may_go_on = threading.Event(), threading.Event()

    def hold() -> None:
        is_between.set()
        assert may_go_on.wait(DEADLINE_S)

    async def ask() -> tuple[bool, int]:
        call = asyncio.ensure_future(handle.aio.add(0))
        await asyncio.sleep(0)
        was_waiting = not call.done() and handle._owner.called[0].waiting == 1
        may_go_on.set()
        return was_waiting, await call

    between(hold)
    with ThreadPoolExecutor(1) as pool:
        swapped = pool.submit(swap, host, build, second())
        assert is_between.wait(DEADLINE_S)
        assert asyncio.run(ask()) == (True, 5)
        assert swapped.result(DEADLINE_S).outcome is Outcome.PUBLISHED


def test_the_loop_of_a_thread_that_waits_is_warned_of(host: Host, build: Workshop, between: Any) -> None:
    """As at a gate; and where the warning is an error, the call ends with it."""
    handle: Any = load(host, build, first())

    async def ask() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            handle.build()

    raised: list[BaseException] = []

    def in_between() -> None:
        with ThreadPoolExecutor(1) as pool:
            raised.append(pool.submit(asyncio.run, ask()).exception(DEADLINE_S) or AssertionError("it ran"))

    between(in_between)
    swap(host, build, second())
    assert isinstance(raised[0], RuntimeWarning)


def test_a_queue_limit_counts_for_those_who_wait_for_a_retype(host: Host, build: Workshop, between: Any) -> None:
    """They wait for a swap, and an operator said how many may."""
    handle: Any = load(host, build, first())
    host.set_drain("codec", DrainRules(queue_limit=0))
    raised: list[BaseException | None] = []

    def in_between() -> None:
        with ThreadPoolExecutor(1) as pool:
            raised.append(pool.submit(handle.build).exception(DEADLINE_S))

    between(in_between)
    swap(host, build, second())
    assert isinstance(raised[0], Backpressure)


def test_the_thread_that_carries_out_the_swap_is_busy(host: Host, build: Workshop, between: Any) -> None:
    """What a collector or a handler calls there would wait for itself."""
    handle: Any = load(host, build, first())
    raised: list[BaseException] = []

    def in_between() -> None:
        with pytest.raises(Busy) as caught:
            handle.build()
        raised.append(caught.value)

    between(in_between)
    swap(host, build, second())
    assert "carrying out the swap" in str(raised[0])
    assert handle.build() == 2


@pytest.mark.parametrize("error", [MemoryError, RuntimeError])
def test_nobody_waits_for_a_retype_that_does_not_come(
    host: Host, build: Workshop, between: Any, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """However the swap ends, who waits goes on with it."""
    handle: Any = load(host, build, first())
    asked: list[Future[Any]] = []

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(instances, "retype", fail)
    with ThreadPoolExecutor(1) as pool:
        between(lambda: calling(pool, handle, handle.build, asked))
        with pytest.raises(error):
            swap(host, build, second())
        with pytest.raises(HostClosed):
            asked[0].result(DEADLINE_S)
    monkeypatch.undo()


def test_a_mark_that_is_dropped_has_ended(host: Host, build: Workshop) -> None:
    """Where there was no memory to note it, it is not left."""
    handle: Any = load(host, build, first())
    slot = handle._owner.called[0]
    mark = _core.expect_retype([handle])
    slot.publish(None)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(handle.build)
        waits([slot], asked)
        assert not asked.done()
        del mark
        with pytest.raises(HostClosed):
            asked.result(DEADLINE_S)


def test_what_is_no_handle_is_not_marked(host: Host, build: Workshop) -> None:
    """And nothing else of the list is."""
    handle: Any = load(host, build, first())
    with pytest.raises(TypeError, match="takes handles of plugins, got int"):
        _core.expect_retype([handle, 3])
    with pytest.raises(TypeError, match="takes a list"):
        _core.expect_retype((handle,))  # type: ignore[arg-type] # that is the point
    handle._owner.called[0].publish(None)
    with pytest.raises(HostClosed):
        handle.build()


def test_a_closed_host_and_an_ended_pin_are_said_at_once(host: Host, build: Workshop) -> None:
    """Nothing takes their place."""
    handle: Any = load(host, build, first())
    pin = handle.pin()
    pinned, mark = pin.plugin, _core.expect_retype([handle, pin.plugin])
    pin.end()
    with pytest.raises(PinExpired):
        pinned.build()
    host.close()
    with pytest.raises(HostClosed):
        handle.build()
    _core.end_retype(mark)
    _core.end_retype(mark)  # twice is once


def answer_of_fork(build: Workshop, how: str) -> str:
    """Return what a child answers that is forked between publish and retype."""
    images = [build(first()), build(player(11)), build(second()), build(player(12, "^2"))]
    done = run_child("crash_fork_before_retype.py", how, *images)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.full  # a process
def test_a_fork_waits_for_the_retype(build: Workshop) -> None:
    """A child could not do it: its handle would have lost its functions for good."""
    assert answer_of_fork(build, "marked") == "2"


@pytest.mark.full
def test_threads_that_call_all_the_while_lose_no_call(host: Host, build: Workshop, sized: Sized) -> None:
    """Majors forth and back under callers; what only the old one has is there or an AttributeError."""
    handle: Any = load(host, build, first())
    handle.add(5)
    fail, over, found = handle.fail, threading.Event(), list[tuple[str, Any]]()
    calls: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("add", lambda: handle.add(0)),
        ("nap", lambda: handle.nap(0)),
        ("fail", lambda: handle.fail(0)),
        ("bound", lambda: fail(0)),
    )

    def call() -> None:
        while not over.is_set():
            for name, one in calls:
                try:
                    found.append((name, one()))
                except Exception as error:
                    found.append((name, type(error)))

    with ThreadPoolExecutor(3) as pool:
        callers = [pool.submit(call) for _ in range(3)]
        try:
            for _ in range(sized(quick=2, full=20)):
                swap(host, build, second())
                host.rollback("codec")
        finally:
            over.set()
        for one in callers:
            one.result(DEADLINE_S)
    either = {None, AttributeError}
    allowed = {"add": {5}, "nap": {None}, "fail": either, "bound": either}
    assert {(name, answer) for name, answer in set(found) if answer not in allowed[name]} == set()


@pytest.mark.control
def test_control_a_fork_that_does_not_wait_loses_the_childs_calls(build: Workshop) -> None:
    """That is why it waits."""
    assert answer_of_fork(build, "unmarked") == "99"


@pytest.mark.control
def test_control_unmarked_handles_lose_their_calls_between_publish_and_retype(
    host: Host, build: Workshop, between: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is why they are marked before the swap."""
    monkeypatch.setattr(attempt, "expect_retype", lambda _: _core.expect_retype([]))
    handle: Any = load(host, build, first())
    asked: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as pool:
        between(lambda: calling(pool, handle, handle.build, asked))
        swap(host, build, second())
        with pytest.raises(HostClosed):
            asked[0].result(DEADLINE_S)
