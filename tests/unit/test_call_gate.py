"""At a closed gate: who waits lets go of the GIL, who must not wait is told when to come again."""

from __future__ import annotations

import asyncio
import os
import select
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from call_scene import Scene, scene
from hotgraft import _core
from hotgraft.core import errors

DEADLINE_S = 20.0
SOURCE = """
#include <semaphore.h>
#include <errno.h>
#include <time.h>
static sem_t inside, go_on;
__attribute__((constructor)) static void prepare(void) { sem_init(&inside, 0, 0); sem_init(&go_on, 0, 0); }
static int32_t take(sem_t *from)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    while (sem_timedwait(from, &until) != 0)
        if (errno != EINTR)
            return -1;
    return 0;
}
int64_t add(void *self, int64_t a, int64_t b) { return a + b; }
int32_t hold(void *self) { sem_post(&inside); return take(&go_on); }
int32_t wait_inside(void *self) { return take(&inside); }
int32_t let_go(void *self) { sem_post(&go_on); return 0; }
int32_t call_back(void *self, const uint64_t *function) { ((void (*)(void))*function)(); return 0; }
"""
ADD = "add(i64 a, i64 b) -> i64"
HOLD = "hold() -> status"
SYNC = ("wait_inside() -> status", "let_go() -> status")
CALL_BACK = "call_back(u64* function in(1)) -> status"


class Worker(threading.Thread):
    """A thread whose result is asked for within the deadline."""

    def __init__(self, call: Any) -> None:
        super().__init__(daemon=True)
        self.call = call
        self.answer: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self.call()
        except BaseException as error:
            self.answer = error

    def result(self) -> Any:
        self.join(DEADLINE_S)
        assert not self.is_alive(), "still waiting at the deadline"
        return self.answer


def until(is_so: Any) -> None:
    """Let other threads run until it is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0)


@pytest.mark.parametrize("blocking", [False, True])
def test_a_call_at_a_closed_gate_waits_without_the_gil_and_then_answers(blocking: bool) -> None:
    """With the GIL it would stop every thread, and the swap that is to open the gate too."""
    served = scene(SOURCE, ADD, blocking=blocking)
    gate = _core._seams.close([served.slot])
    worker = Worker(lambda: served.plugin.add(2, 3))
    until(lambda: _core._seams.waiters(served.slot) == 1)  # this thread runs, so the waiter holds no GIL

    _core._seams.reopen(gate)

    assert worker.result() == 5


def test_many_threads_wait_and_all_go_on() -> None:
    """No call is lost at a gate."""
    served = scene(SOURCE, ADD)
    gate = _core._seams.close([served.slot])
    workers = [Worker(lambda index=index: served.plugin.add(index, 1)) for index in range(16)]
    until(lambda: _core._seams.waiters(served.slot) == 16)

    _core._seams.reopen(gate)

    assert [worker.result() for worker in workers] == list(range(1, 17))


def test_a_blocking_function_runs_without_the_gil() -> None:
    """HOTGRAFT_BLOCKING says that it may take long."""
    served = scene(SOURCE, HOLD, blocking=True, name="slow")
    with_gil = scene(SOURCE, *SYNC, name="sync")
    worker = Worker(served.plugin.hold)

    with_gil.plugin.wait_inside()  # keeps the GIL: hold() posted only if it runs without
    with_gil.plugin.let_go()

    assert worker.result() is None


def test_a_nested_wait_lets_go_of_the_gil_too() -> None:
    """Python → A (keeps the GIL) → call-back → B, whose gate is closed."""
    import ctypes

    outer, inner = scene(SOURCE, CALL_BACK, name="outer"), scene(SOURCE, ADD, name="inner")
    heard: list[int] = []
    call_back = ctypes.CFUNCTYPE(None)(lambda: heard.append(inner.plugin.add(2, 3)))
    address = (ctypes.c_uint64 * 1)(ctypes.cast(call_back, ctypes.c_void_p).value or 0)
    gate = _core._seams.close([inner.slot])
    worker = Worker(lambda: outer.plugin.call_back(address))
    until(lambda: _core._seams.waiters(inner.slot) == 1)

    _core._seams.reopen(gate)

    assert worker.result() is None
    assert heard == [5]


def test_try_call_answers_gated_instead_of_waiting() -> None:
    """A coroutine must not sleep on the loop's thread."""
    served = scene(SOURCE, ADD)
    assert _core.try_call(served.plugin.add, 2, 3) == 5
    gate = _core._seams.close([served.slot])

    assert _core.try_call(served.plugin.add, 2, 3) is _core.GATED
    assert not _core._seams.is_inside()
    assert repr(_core.GATED) == "GATED"

    _core._seams.reopen(gate)
    assert _core.try_call(served.plugin.add, 2, 3) == 5


@pytest.mark.parametrize("blocking", [False, True])
def test_try_call_passes_errors_and_buffers_on(blocking: bool) -> None:
    """It is the same call but for the waiting."""
    source = "int32_t fails(void *self, const uint8_t *data, uint64_t n) { return -1; }"
    served = scene(source, "fails(u8* data in(n), u64 n) -> status", blocking=blocking)
    data = bytearray(2)

    with pytest.raises(errors.PluginError):
        _core.try_call(served.plugin.fails, data, 2)
    gate = _core._seams.close([served.slot])
    assert _core.try_call(served.plugin.fails, data, 2) is _core.GATED
    _core._seams.reopen(gate)

    data.append(1)  # nothing is exported any more


def test_try_call_wants_a_plugins_function() -> None:
    """Anything else would wait in ways that it cannot know."""
    for wrong in (len, "text", scene(SOURCE, ADD).call_type.add):  # type: ignore[attr-defined] # made at run time
        with pytest.raises(TypeError, match="try_call takes a function of a plugin first"):
            _core.try_call(wrong, 1, 2)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(TypeError, match="try_call takes a function of a plugin first"):
        _core.try_call()  # type: ignore[call-arg] # wrong on purpose


def test_a_call_made_inside_a_try_call_waits() -> None:
    """Not waiting is a promise for one call; the call-back inside it never asked for GATED."""
    import ctypes

    outer, inner = scene(SOURCE, CALL_BACK, name="outer"), scene(SOURCE, ADD, name="inner")
    heard: list[object] = []
    call_back = ctypes.CFUNCTYPE(None)(lambda: heard.append(inner.plugin.add(2, 3)))
    address = (ctypes.c_uint64 * 1)(ctypes.cast(call_back, ctypes.c_void_p).value or 0)
    gate = _core._seams.close([inner.slot])
    worker = Worker(lambda: _core.try_call(outer.plugin.call_back, address))
    until(lambda: _core._seams.waiters(inner.slot) == 1)

    _core._seams.reopen(gate)

    assert worker.result() is None
    assert heard == [5]


def counter(fd: int) -> int:
    """What an eventfd has counted, 0 when nothing."""
    return os.eventfd_read(fd) if select.select([fd], [], [], 0)[0] else 0


def test_an_eventfd_is_written_once_when_the_gate_opens() -> None:
    """The loop sleeps on it; a second write would find a number that may be another's."""
    served = scene(SOURCE, ADD)
    fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    try:
        gate = _core._seams.close([served.slot])
        _core.notify_when_open(served.plugin, fd)
        assert counter(fd) == 0
        _core._seams.reopen(gate)
        assert counter(fd) == 1

        _core._seams.reopen(_core._seams.close([served.slot]))
        assert counter(fd) == 0
    finally:
        os.close(fd)


def test_an_fd_that_was_closed_meanwhile_is_never_written_to() -> None:
    """Its number may belong to a file by then."""
    served = scene(SOURCE, ADD)
    gate = _core._seams.close([served.slot])
    fd = os.eventfd(0, os.EFD_CLOEXEC)
    reading, writing = os.pipe()
    _core.notify_when_open(served.plugin, fd)
    os.dup2(writing, fd)

    _core._seams.reopen(gate)

    assert select.select([reading], [], [], 0)[0] == []
    for one in {reading, writing, fd}:
        os.close(one)


def test_notifications_leave_no_fd_behind() -> None:
    """One per gate that a loop met would run a server out of fds."""
    served = scene(SOURCE, ADD)
    unbound = _core._seams.call_object(served.call_type, [None], object())
    fd = os.eventfd(0, os.EFD_CLOEXEC)
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(100):
        gate = _core._seams.close([served.slot])
        _core.notify_when_open(served.plugin, fd)
        _core.notify_when_open(unbound, fd)
        _core._seams.reopen(gate)

    assert len(list(Path("/proc/self/fd").iterdir())) == before
    os.close(fd)
    for wrong in ((served.plugin, -1), (served.plugin, "x"), (1, 1), (served.plugin,)):
        with pytest.raises((TypeError, ValueError, OSError)):
            _core.notify_when_open(*wrong)


def wait_on_a_loop(served: Scene) -> int:
    """Call at a closed gate from a coroutine; a thread opens the gate once the call waits."""
    gate = _core._seams.close([served.slot])

    def open_it() -> None:
        until(lambda: _core._seams.waiters(served.slot) == 1)
        _core._seams.reopen(gate)

    async def call() -> int:
        opener = Worker(open_it)
        answer: int = served.plugin.add(2, 3)
        assert opener.result() is None
        return answer

    return asyncio.run(call())


@pytest.mark.parametrize("blocking", [False, True])
def test_a_plain_call_that_waits_on_a_loops_thread_warns(blocking: bool) -> None:
    """The loop stands still with it, and nothing else would say why."""
    served = scene(SOURCE, ADD, blocking=blocking)

    with pytest.warns(RuntimeWarning, match="waits for a swap on a thread that runs an asyncio loop"):
        assert wait_on_a_loop(served) == 5


def test_the_warning_comes_once_per_call_site() -> None:
    """A service that swaps often would fill its log."""
    served = scene(SOURCE, ADD)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            wait_on_a_loop(served)

    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_a_warning_made_an_error_is_raised_before_anything_runs() -> None:
    """-W error must not leave an exception set behind an answer."""
    served = scene(SOURCE, ADD)
    gate = _core._seams.close([served.slot])

    async def call() -> None:
        served.plugin.add(2, 3)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="waits for a swap"):
            asyncio.run(call())
    assert not _core._seams.is_inside()
    _core._seams.reopen(gate)
    assert served.plugin.add(2, 3) == 5


def test_a_thread_without_a_loop_does_not_warn() -> None:
    """Waiting is what a plain call is for."""
    served = scene(SOURCE, ADD)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gate = _core._seams.close([served.slot])
        worker = Worker(lambda: served.plugin.add(2, 3))
        until(lambda: _core._seams.waiters(served.slot) == 1)
        _core._seams.reopen(gate)

        assert worker.result() == 5
