"""Who calls through a handle while a new major takes its functions: between publish and the new ones, and after.

The slots of an interface that goes are emptied by the swap, and handles are retyped from Python a moment later.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, HostClosed, Outcome, _core
from retype_scene import DEADLINE_S, SIDES, calling, first, load, once_published, second, swap, waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from conftest import Sized
    from sample_plugins import Workshop

CALLS: dict[str, Callable[[Any], Any]] = {
    "none": lambda codec: codec.build(),
    "one": lambda codec: codec.add(0),
    "blocking": lambda codec: codec.nap(0),
    "buffer": lambda codec: codec.say(0, b"text", 4),
}
ANSWERS = {"none": (1, 2), "one": (5, 5), "blocking": (None, None), "buffer": (None, None)}


@pytest.fixture
def host() -> Iterator[Host]:
    """A host whose swaps can be rolled back, without a probe."""
    with Host(probe="off", probation="on") as made:
        yield made


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Say what is done once, after the next swap was published and before anything of it is noted."""
    return once_published(monkeypatch)


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
        for is_back in (False, True):
            asked: list[Future[Any]] = []
            target = bound if kept else handle
            between(partial(calling, pool, handle, partial(CALLS[shape], target), asked))
            host.rollback("codec") if is_back else swap(host, build, second())
            answer = ANSWERS[shape][not is_back]
            assert (asked[0].result(DEADLINE_S), CALLS[shape](target)) == (answer, answer)


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
    either: set[Any] = {None, AttributeError}
    allowed: dict[str, set[Any]] = {"add": {5}, "nap": {None}, "fail": either, "bound": either}
    assert {(name, answer) for name, answer in set(found) if answer not in allowed[name]} == set()


@pytest.mark.control
def test_control_unmarked_handles_lose_their_calls_between_publish_and_retype(
    build: Workshop, between: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is why they are marked before the swap: the plugin's own, those of pins that move, and those of sessions."""
    plain = _core.expect_retype
    monkeypatch.setattr(_core, "expect_retype", lambda _: plain([]))
    for way, (before, after) in SIDES.items():
        with Host(probe="off", probation="on") as host, ThreadPoolExecutor(1) as pool:
            own: Any = load(host, build, before)
            with own.pin() if way == "pin" else own.session() as other:
                for handle in (own, other):
                    for step in (partial(swap, host, build, after), partial(host.rollback, after.name)):
                        asked: list[Future[Any]] = []
                        between(partial(calling, pool, handle, handle.build, asked))
                        step()
                        with pytest.raises(HostClosed):
                            asked[0].result(DEADLINE_S)
