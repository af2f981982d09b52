"""Many who want something of one plugin at the same moment."""

from __future__ import annotations

import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import DrainTimeout, Host, Outcome
from sample_plugins import HANDS_OVER, Workshop

if TYPE_CHECKING:
    from conftest import Sized

DEADLINE_S = 120.0


def test_64_reloads_at_once_are_one_swap_or_two(host: Host, build: Workshop) -> None:
    """R06: one wins, the others merge into it and get its report; whoever came after it was over is a second swap."""
    counter: Any = host.load(build(HANDS_OVER))
    counter.add(5)
    image = build(replace(HANDS_OVER, build=2))
    together = threading.Barrier(64)

    def reload(_: int) -> Any:
        together.wait(DEADLINE_S)
        return host.reload("counter", image, deadline_s=DEADLINE_S)

    with ThreadPoolExecutor(64) as pool:
        reports = list(pool.map(reload, range(64)))

    assert {report.outcome for report in reports} == {Outcome.PUBLISHED}
    swaps = {report.generation for report in reports}
    assert counter.generation == max(swaps) == 1 + len(swaps)
    assert len(swaps) < 64
    assert (counter.build(), counter.add(1)) == (2, 6)


def test_threads_that_come_and_go_are_all_answered(host: Host, build: Workshop, sized: Sized) -> None:
    """D12: 64 threads at a time, each with a record that another one had before, while swaps close the gate."""
    counter: Any = host.load(build(HANDS_OVER))
    images = [build(replace(HANDS_OVER, build=number)) for number in (2, 1)]
    rounds = sized(quick=3, full=100)
    answers: list[int] = []

    for number in range(rounds):
        threads = [threading.Thread(target=lambda: answers.append(counter.add(1))) for _ in range(64)]
        for thread in threads[:32]:
            thread.start()
        host.reload("counter", images[number % 2], deadline_s=DEADLINE_S)
        for thread in threads[32:]:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)

    assert sorted(answers) == list(range(1, 64 * rounds + 1))  # each counted once, on one state
    assert host.unloads(DEADLINE_S).proven == rounds


def test_a_call_that_never_returns_has_the_swap_called_off(host: Host, build: Workshop) -> None:
    """D01: the old generation serves on, the error names the thread inside; once it is out the same swap goes."""
    counter: Any = host.load(build(HANDS_OVER))
    image = build(replace(HANDS_OVER, build=2))
    is_inside, go_on = threading.Event(), threading.Event()

    def stay() -> int:
        is_inside.set()
        return int(go_on.wait(DEADLINE_S))

    call_back = ctypes.CFUNCTYPE(ctypes.c_int64)(stay)
    address = ctypes.cast(call_back, ctypes.c_void_p).value
    inside = threading.Thread(target=counter.run, args=(address,))
    inside.start()
    assert is_inside.wait(DEADLINE_S)

    with pytest.raises(DrainTimeout, match="thread"):
        host.reload("counter", image, deadline_s=0.05)
    assert (counter.generation, counter.build(), counter.add(5)) == (1, 1, 5)

    go_on.set()
    inside.join(DEADLINE_S)
    host.reload("counter", image, deadline_s=DEADLINE_S)
    assert (counter.build(), counter.add(1)) == (2, 6)
