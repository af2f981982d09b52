"""A plugin of which nothing can serve: its breaker opens, its fallback answers C and Python, and it is retried."""

from __future__ import annotations

import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hotgraft import (
    ConfigError,
    Fallback,
    Host,
    HostEvent,
    PluginError,
    PluginUnavailable,
    RetryRules,
    RollbackBlocked,
    _core,
)
from sample_plugins import CALLER_PLUGIN, HANDS_OVER, STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.host.plugin import Plugin

DEADLINE_S = 30
CALL_BACK = ctypes.CFUNCTYPE(ctypes.c_int64)
ANSWERS = Fallback(answers={"add": -3, "nap": 0, "fail": -1})
SOON = RetryRules(after_s=0.01)


class Heard:
    """What a host told of its breakers, and a way to wait for it."""

    def __init__(self, host: Host) -> None:
        self.names: list[str] = []
        self._changed = threading.Condition()
        host.on("breaker.*", self._hear)

    def _hear(self, event: HostEvent) -> None:
        with self._changed:
            self.names.append(event.name.removeprefix("breaker."))
            self._changed.notify_all()

    def wait_for(self, *names: str) -> None:
        """Wait until these came, in this order and nothing else."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.names) >= len(names), DEADLINE_S), self.names
            assert tuple(self.names) == names


@contextmanager
def stuck_call(counter: Plugin) -> Iterator[threading.Event]:
    """A call that stays inside the plugin until the event is set, and then returns as if nothing had been."""
    entered, let_go = threading.Event(), threading.Event()

    def stay() -> int:
        entered.set()
        assert let_go.wait(DEADLINE_S)
        return 7

    call_back = CALL_BACK(stay)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(counter.run, ctypes.cast(call_back, ctypes.c_void_p).value)
        assert entered.wait(DEADLINE_S)
        try:
            yield let_go
        finally:
            let_go.set()
        assert future.result(DEADLINE_S) == 7


@pytest.fixture
def host(unprobed: Host) -> Host:
    """Without a probe: nothing here is about a candidate."""
    return unprobed


@pytest.fixture
def start_fails_once() -> Iterator[None]:
    """The next generation's start fails, and no other."""
    failed = threading.Event()

    def hook(step: str) -> str:
        if step == "start" and not failed.is_set():
            failed.set()
            return "fail"
        return "run"

    _core._seams.set_step_hook(hook)
    yield
    _core._seams.set_step_hook(None)


def test_an_open_breaker_turns_python_away_with_the_reason(host: Host, build: Workshop) -> None:
    """Fallback "error", the default: who calls is told why, since when and what to do; nothing is entered."""
    counter = host.load(build(HANDS_OVER))
    counter.add(5)
    bound, heard = counter.add, Heard(host)

    host.breaker.open(host._loaded("counter"), "generation 2 was rolled back")

    for function in (counter.add, bound, counter.fail):
        with pytest.raises(PluginUnavailable) as caught:
            function(1)
    assert caught.value.function == "fail"
    assert "counter: could not call fail: generation 2 was rolled back (since 20" in str(caught.value)
    assert caught.value.advice
    assert caught.value.running == "its fallback answers; nothing of the plugin is called"
    assert (host.breaker.state("counter"), host.breaker.breaker("counter").why) == (
        "open",
        "generation 2 was rolled back",
    )
    heard.wait_for("opened")


def test_without_an_open_breaker_the_same_calls_reach_the_plugin(host: Host, build: Workshop) -> None:
    """A declared fallback answers nothing until it is needed."""
    counter = host.load(build(HANDS_OVER), fallback=ANSWERS)
    assert (counter.add(5), host.breaker.state("counter")) == (5, "closed")


def test_declared_answers_are_given_to_python_and_to_c(host: Host, build: Workshop) -> None:
    """A plugin that calls this one through call.h needs its answer as much as Python does."""
    counter = host.load(build(HANDS_OVER), fallback=ANSWERS)
    caller = host.load(build(CALLER_PLUGIN))
    assert caller.add_there(5) == 5

    host.breaker.open(host._loaded("counter"), "it crashed")

    assert (counter.add(1), caller.add_there(1)) == (-3, -3)
    assert counter.nap(1) is None
    with pytest.raises(PluginError, match="its fallback answers"):
        counter.fail(0)
    with pytest.raises(PluginUnavailable, match="it crashed"):
        counter.build()
    host.close_breaker("counter")
    host.close_breaker("counter")  # twice is once
    assert (counter.add(1), caller.add_there(1)) == (6, 7)  # the state is untouched


def test_a_c_caller_of_a_function_without_an_answer_is_told_a_status(host: Host, build: Workshop) -> None:
    """HOTGRAFT_E_UNAVAILABLE, as the number that the function returns."""
    host.load(build(HANDS_OVER))
    caller = host.load(build(CALLER_PLUGIN))
    host.breaker.open(host._loaded("counter"), "it crashed")
    assert ctypes.c_int32(caller.add_there(1)).value == -8


def test_a_call_that_never_returns_holds_nobody_up(host: Host, build: Workshop) -> None:
    """Who is inside is not waited for, new calls are answered, and it may still come back."""
    counter = host.load(build(HANDS_OVER), fallback=ANSWERS)
    with stuck_call(counter) as let_go:
        host.open_breaker("counter", "a call does not return")
        assert counter.add(1) == -3
        let_go.set()


def test_a_reload_closes_the_breaker_and_every_handle_goes_on(host: Host, build: Workshop) -> None:
    """An operator mends the image; nobody has to take a new handle."""
    counter = host.load(build(HANDS_OVER), fallback=ANSWERS)
    left, heard = host.load("counter", instance="left"), Heard(host)
    counter.add(5)
    host.open_breaker("counter", "it crashed")
    assert (counter.add(1), left.add(1)) == (-3, -3)

    report = host.reload("counter", build(replace(HANDS_OVER, build=2)))

    assert (report.outcome, counter.build(), left.build()) == ("published", 2, 2)
    assert counter.add(1) == 6
    assert host.breaker.state("counter") == "closed"
    heard.wait_for("opened", "closed")
    assert _core.count_fallbacks() == 0


def test_a_reload_that_fails_leaves_the_fallback_answering(host: Host, build: Workshop, start_fails_once: None) -> None:
    """The gates open on what they held: the fallback's table."""
    counter = host.load(build(STATELESS), fallback=ANSWERS)
    host.breaker.open(host._loaded("counter"), "it crashed")
    with pytest.raises(Exception, match="start"):
        host.reload("counter", build(replace(STATELESS, build=2)))
    assert (counter.add(1), host.breaker.state("counter")) == (-3, "open")


def test_a_further_instance_is_answered_for_too(host: Host, build: Workshop) -> None:
    """The breaker is the plugin's, not one instance's."""
    host.load(build(HANDS_OVER), fallback=ANSWERS)
    host.breaker.open(host._loaded("counter"), "it crashed")
    left = host.load("counter", instance="left")
    assert left.add(1) == -3
    with pytest.raises(PluginUnavailable):
        left.build()


def test_an_open_breaker_gives_no_new_pins_and_leaves_those_that_are_there(host: Host, build: Workshop) -> None:
    """A session that began may end on what it holds; a new one would begin on what nobody should call."""
    counter = host.load(build(STATELESS), fallback=ANSWERS)
    with counter.pin() as pinned:
        host.open_breaker("counter", "it crashed")
        assert pinned.build() == 1
        with pytest.raises(PluginUnavailable, match="could not pin it: it crashed"):
            counter.pin()


def test_a_retry_that_succeeds_closes_the_breaker(host: Host, build: Workshop) -> None:
    """Half open: a swap to the image that was there, in the background, while the fallback answers."""
    counter = host.load(build(HANDS_OVER), fallback=replace(ANSWERS, retry=SOON))
    counter.add(5)
    heard = Heard(host)
    host.breaker.open(host._loaded("counter"), "it crashed")
    heard.wait_for("opened", "half_open", "closed")
    assert (counter.add(1), counter.generation, host.breaker.state("counter")) == (6, 2, "closed")


def test_a_retry_that_fails_opens_the_breaker_again_and_the_next_one_comes(
    host: Host, build: Workshop, start_fails_once: None
) -> None:
    """One that failed has shown its generation to nobody; each wait is twice the last."""
    counter = host.load(build(STATELESS), fallback=replace(ANSWERS, retry=SOON))
    heard = Heard(host)
    host.breaker.open(host._loaded("counter"), "it crashed")
    heard.wait_for("opened", "half_open", "opened", "half_open", "closed")
    assert counter.build() == 1
    assert host.breaker.state("counter") == "closed"


def test_a_host_closes_with_a_breaker_open_and_a_retry_to_come(build: Workshop) -> None:
    """Nothing of it stays: no thread, no table, no library."""
    with Host() as host:
        counter = host.load(build(HANDS_OVER), fallback=replace(ANSWERS, retry=RetryRules(after_s=3000.0)))
        host.breaker.open(host._loaded("counter"), "it crashed")
        assert counter.add(1) == -3
        waiting = [one for one in threading.enumerate() if one.name == "hotgraft breaker"]
        assert len(waiting) == 1
        unloads = host.close()
    waiting[0].join(DEADLINE_S)
    assert not waiting[0].is_alive()
    assert unloads.waiting == ()
    assert _core.count_fallbacks() == 0


def test_an_answer_that_no_constant_can_give_is_refused_at_load(host: Host, build: Workshop) -> None:
    """Declared long before it is needed, and wrong: that must show at once."""
    with pytest.raises(ConfigError, match="there is no such function"):
        host.load(build(HANDS_OVER), fallback=Fallback(answers={"ad": 1}))
    assert "counter" not in host


def make_host() -> Host:
    """One whose generations stay on probation, so that there is one to go back to."""
    return Host(probe="off", swap_deadline_s=1.0, probation="on", probation_s=3000.0, probation_max_s=3000.0)


def test_a_blocked_rollback_lets_a_declared_fallback_answer_until_the_retry_goes_back(build: Workshop) -> None:
    """Fault B01: state that was handed over is in use by a call that does not return; new calls are answered."""
    with make_host() as host:
        counter = host.load(build(HANDS_OVER), fallback=replace(ANSWERS, retry=SOON))
        counter.add(5)
        host.reload("counter", build(replace(HANDS_OVER, build=2)))
        closed = threading.Event()
        host.on("breaker.closed", lambda _: closed.set())
        with stuck_call(counter) as let_go:
            with pytest.raises(RollbackBlocked):
                host.rollback("counter")
            assert counter.add(1) == -3
            assert "calls were still inside" in host.breaker.breaker("counter").why
            let_go.set()
        assert closed.wait(DEADLINE_S)
        assert (counter.generation, counter.build(), counter.add(1)) == (1, 1, 6)


def test_a_blocked_rollback_without_a_declared_fallback_leaves_what_serves(build: Workshop) -> None:
    """Who declared nothing is better served by the generation that could not be rolled back than by refusals."""
    with make_host() as host:
        counter = host.load(build(HANDS_OVER))
        host.reload("counter", build(replace(HANDS_OVER, build=2)))
        with stuck_call(counter), pytest.raises(RollbackBlocked):
            host.rollback("counter")
        assert (host.breaker.state("counter"), counter.build()) == ("closed", 2)


# --- another plugin answers ---

OTHER = replace(HANDS_OVER, name="reserve", build=7)


@pytest.fixture
def pair(host: Host, build: Workshop) -> tuple[Plugin, Plugin]:
    """A plugin, and another one that answers for it when nothing of it can serve."""
    reserve = host.load(build(OTHER))
    counter = host.load(build(HANDS_OVER), fallback=Fallback(provider="reserve", answers={"add": -3}))
    return counter, reserve


def test_another_plugin_answers_in_python_and_in_c(host: Host, build: Workshop, pair: tuple[Plugin, Plugin]) -> None:
    """With its own functions and state; a consumer in C notices no more than a caller in Python."""
    counter, reserve = pair
    caller = host.load(build(CALLER_PLUGIN))
    host.open_breaker("counter", "it crashed")
    assert (counter.build(), counter.add(5), reserve.add(1)) == (7, 5, 6)
    assert caller.add_there(1) == 7


def test_its_swaps_and_rollbacks_reach_who_calls_it_that_way(build: Workshop) -> None:
    """Nobody is left in a table of what was replaced: it leaves memory, and callers have the new one."""
    with make_host() as host:
        reserve = host.load(build(OTHER))
        counter = host.load(build(HANDS_OVER), fallback=Fallback(provider="reserve"))
        host.open_breaker("counter", "it crashed")
        counter.add(5)
        host.reload("reserve", build(replace(OTHER, build=8)))
        assert (counter.build(), counter.add(1)) == (8, 6)
        host.rollback("reserve")
        assert (counter.build(), counter.add(1)) == (7, 7)
        assert host.unloads(DEADLINE_S).proven == 1
        host.close_breaker("counter")
        host.reload("reserve", build(replace(OTHER, build=9)))
        assert (counter.build(), reserve.build(), counter.add(1)) == (1, 9, 1)


def test_a_reload_of_the_plugin_takes_its_slots_back(host: Host, build: Workshop, pair: tuple[Plugin, Plugin]) -> None:
    """The breaker closes, and a swap of who answered reaches it no more."""
    counter, reserve = pair
    host.open_breaker("counter", "it crashed")
    host.reload("counter", build(replace(HANDS_OVER, build=2)))
    assert counter.build() == 2
    host.reload("reserve", build(replace(OTHER, build=8)))
    assert (counter.build(), reserve.build()) == (2, 8)


def test_a_further_instance_is_answered_for_by_the_other_plugin_too(host: Host, pair: tuple[Plugin, Plugin]) -> None:
    """All instances of a plugin are one."""
    host.open_breaker("counter", "it crashed")
    left = host.load("counter", instance="left")
    assert left.build() == 7
    host.close_breaker("counter")
    assert left.build() == 1


def test_who_cannot_answer_leaves_it_to_the_constants(host: Host, build: Workshop) -> None:
    """It is not loaded, or lacks a function: that is in the log, and callers are told as if it had not been named."""
    counter = host.load(build(HANDS_OVER), fallback=Fallback(provider="nobody", answers={"add": -3}))
    host.open_breaker("counter", "it crashed")
    assert counter.add(1) == -3
    with pytest.raises(PluginUnavailable):
        counter.build()
    with pytest.raises(ConfigError, match="name of another plugin"):
        host.load(build(replace(OTHER, name="own")), fallback=Fallback(provider="own"))


def test_who_answers_and_then_cannot_serve_itself_answers_with_an_error(
    host: Host, pair: tuple[Plugin, Plugin]
) -> None:
    """Nothing of what is bad is called under another name."""
    counter, _ = pair
    host.open_breaker("counter", "it crashed")
    host.open_breaker("reserve", "it crashed as well")
    with pytest.raises(PluginUnavailable):
        counter.build()
    host.open_breaker("counter", "still")  # who cannot serve is not asked to answer for another
    assert counter.add(1) == -3
    host.close_breaker("reserve")
    host.close_breaker("counter")
    assert counter.build() == 1


def test_who_answers_may_be_closed_and_leaves_memory(host: Host, pair: tuple[Plugin, Plugin]) -> None:
    """Its end empties the slots that it was lent, so that nothing leads into what is gone."""
    counter, _ = pair
    host.open_breaker("counter", "it crashed")
    counter.add(1)
    assert host.close(DEADLINE_S).stuck == ()
