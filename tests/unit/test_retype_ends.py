"""Calls that wait for their handle's new functions, and what else may come: limits, ends, failures, forks."""

from __future__ import annotations

import asyncio
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from child_process import run_child
from hotgraft import Backpressure, Busy, DrainRules, Host, HostClosed, PinExpired, _core
from hotgraft.host import instances
from pair_scene import player
from retype_scene import DEADLINE_S, calling, first, load, once_published, second, swap, waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from sample_plugins import Workshop


@pytest.fixture
def host() -> Iterator[Host]:
    """A host whose swaps can be rolled back, without a probe."""
    with Host(probe="off", probation="on") as made:
        yield made


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Say what is done once, after the next swap was published and before anything of it is noted."""
    return once_published(monkeypatch)


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


@pytest.mark.control
def test_control_a_fork_that_does_not_wait_loses_the_childs_calls(build: Workshop) -> None:
    """That is why it waits."""
    assert answer_of_fork(build, "unmarked") == "99"
