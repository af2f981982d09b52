"""One change of a plugin at a time; equal requests merge."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hotgraft import Busy
from hotgraft.host.change import carry_out
from hotgraft.host.turns import Turns


def test_equal_requests_get_one_answer() -> None:
    """64 editors save at once: one build is swapped in, once."""
    turns: Turns[int] = Turns("gain")
    begun, go_on = threading.Event(), threading.Event()
    runs: list[int] = []

    def work() -> int:
        runs.append(1)
        begun.set()
        go_on.wait(30)
        return 42

    with ThreadPoolExecutor(65) as pool:
        first = pool.submit(turns.take, "same", work, 30)
        begun.wait(30)
        rest = [pool.submit(turns.take, "same", work, 30) for _ in range(64)]
        go_on.set()
        assert {future.result(30) for future in [first, *rest]} == {42}
    assert len(runs) <= 2  # whoever came after the first was over took a turn of its own


def test_different_requests_take_turns_in_order() -> None:
    """Never two at once, and nobody overtakes."""
    turns: Turns[int] = Turns("gain")
    inside, order = [0], list[int]()
    begun, go_on = threading.Event(), threading.Event()

    def work(number: int) -> int:
        inside[0] += 1
        assert inside[0] == 1
        begun.set()
        go_on.wait(30)
        order.append(number)
        inside[0] -= 1
        return number

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(turns.take, 0, lambda: work(0), 30)]
        begun.wait(30)
        futures += [pool.submit(turns.take, n, lambda n=n: work(n), 30) for n in range(1, 8)]  # type: ignore[misc] # mypy infers no lambda with a default
        go_on.set()
        assert [future.result(30) for future in futures] == list(range(8))
    assert order[0] == 0
    assert sorted(order) == list(range(8))


def test_an_error_is_everybodys_who_joined() -> None:
    """They wanted the same and it failed: trying it again at once would fail again."""
    turns: Turns[int] = Turns("gain")
    begun, go_on = threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        go_on.wait(30)
        raise RuntimeError("no")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(turns.take, "same", work, 30)
        begun.wait(30)
        second = pool.submit(turns.take, "same", work, 30)
        while len(turns._queue) != 1 or not second.running():
            threading.Event().wait(0.001)
        go_on.set()
        for future in (first, second):
            with pytest.raises(RuntimeError, match="no"):
                future.result(30)


def test_who_waits_too_long_is_told_and_leaves_the_queue() -> None:
    """A deadline on waiting is a deadline on the request."""
    turns: Turns[int] = Turns("gain")
    begun, go_on = threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        go_on.wait(30)
        return 1

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(turns.take, "one", work, 30)
        begun.wait(30)
        with pytest.raises(Busy, match="gain"):
            turns.take("two", work, 0.01)
        go_on.set()
        assert first.result(30) == 1
    assert turns.take("two", lambda: 2, 30) == 2


def test_a_request_without_a_key_never_joins() -> None:
    """Two instances that are added at once are two instances."""
    turns: Turns[int] = Turns("gain")
    assert [turns.take(None, lambda: 1, 30), turns.take(None, lambda: 2, 30)] == [1, 2]


def test_an_error_that_was_dropped_leaves_nothing_to_the_garbage_collector() -> None:
    """Its traceback holds what the attempt had, a thread of the core's among it: that must end with the error."""
    held: list[weakref.ref[threading.Event]] = []

    def fail() -> int:
        of_the_attempt = threading.Event()
        held.append(weakref.ref(of_the_attempt))
        raise ValueError("no")

    gc.disable()
    try:
        with suppress(ValueError):
            carry_out(lambda: Turns[int]("plugin").take(None, fail, 1.0))
        assert held[0]() is None
    finally:
        gc.enable()
