"""What a swap does with calls that are inside at the drain's deadline, by each plugin's own rules."""

from __future__ import annotations

import ctypes
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import ConfigError, DrainRules, DrainTimeout, Host, Rules, UnknownPlugin
from hotgraft.host.draining import swap_deadline_s
from sample_plugins import HANDS_OVER, STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotgraft.host.plugin import Plugin

DEADLINE_S = 30
CALL_BACK = ctypes.CFUNCTYPE(ctypes.c_int64)
NEXT = replace(STATELESS, build=2)
LEAVES = DrainRules(deadline_s=0.1, at_deadline="leave")


@pytest.fixture
def host(unprobed: Host) -> Host:
    """Without a probe: nothing here is about a candidate."""
    return unprobed


@contextmanager
def call_inside(counter: Plugin, then: Callable[[], int] = lambda: 7) -> Iterator[tuple[threading.Event, Future[int]]]:
    """A call that stays inside the plugin until the event is set; `then` runs there, still inside."""
    entered, let_go = threading.Event(), threading.Event()

    def stay() -> int:
        entered.set()
        assert let_go.wait(DEADLINE_S)
        return then()

    call_back = CALL_BACK(stay)
    address = ctypes.cast(call_back, ctypes.c_void_p).value
    with ThreadPoolExecutor(1) as pool:
        future: Future[int] = pool.submit(lambda: (counter.run(address), call_back)[0])
        assert entered.wait(DEADLINE_S)
        try:
            yield let_go, future
        finally:
            let_go.set()


def load_two(host: Host, build: Workshop, rules: DrainRules | None = None) -> Plugin:
    """Two instances: their slots change as one, so a swap needs gates and a drain although there is no state."""
    counter = host.load(build(STATELESS), drain=rules)
    host.load("counter", instance="left")
    return counter


def test_who_is_inside_at_the_deadline_is_left_there_and_finishes_on_the_old_code(host: Host, build: Workshop) -> None:
    """Policy "leave": the new serves everybody else, the old stays in memory until its last call is done."""
    counter = load_two(host, build, LEAVES)
    with call_inside(counter) as (let_go, future):
        report = host.reload("counter", build(NEXT))

        assert (report.outcome, report.generation) == ("published", 2)
        assert "generation 1" in report.left_inside
        assert (counter.build(), host["counter", "left"].build()) == (2, 2)
        assert not future.done()
        assert len(host.unloads(0.0).waiting) == 1  # held, and said so
        let_go.set()
        assert future.result(DEADLINE_S) == 7
    assert host.unloads(DEADLINE_S).waiting == ()
    assert host.unloads().proven == 1


def test_without_that_rule_the_same_call_calls_the_swap_off(host: Host, build: Workshop) -> None:
    """The default: nobody is left behind unless an operator or the author said so."""
    counter = load_two(host, build, DrainRules(deadline_s=0.1))
    with call_inside(counter), pytest.raises(DrainTimeout, match="calls were still inside"):
        host.reload("counter", build(NEXT))
    assert (counter.build(), counter.generation) == (1, 1)


def test_a_call_that_was_left_may_call_back_and_reaches_the_new(host: Host, build: Workshop) -> None:
    """It must not wait for anything, nor reach code that is gone: it is a call of its own, as without a gate."""
    counter = load_two(host, build, LEAVES)
    with call_inside(counter, lambda: int(counter.build() * 10 + host["counter", "left"].build())) as (let_go, future):
        host.reload("counter", build(NEXT))
        let_go.set()
        assert future.result(DEADLINE_S) == 22


def test_when_nobody_is_inside_nothing_is_left(host: Host, build: Workshop) -> None:
    """The rule is for the deadline only."""
    counter = load_two(host, build, DrainRules(at_deadline="leave"))
    report = host.reload("counter", build(NEXT))
    assert (report.outcome, report.left_inside, counter.build()) == ("published", "", 2)
    assert host.unloads(DEADLINE_S).waiting == ()


def test_pins_are_left_with_the_old_generation(host: Host, build: Workshop) -> None:
    """A session without state has nothing to move: the swap does not wait for its end."""
    counter = load_two(host, build, DrainRules(at_deadline="leave"))
    with counter.pin(who="session 7") as pinned:
        assert host.reload("counter", build(NEXT)).outcome == "published"
        assert (pinned.build(), counter.build()) == (1, 2)
    assert host.unloads(DEADLINE_S).waiting == ()


@pytest.mark.parametrize("rules", [LEAVES, DrainRules(deadline_s=-1.0), DrainRules(queue_limit=-1)])
def test_rules_that_do_not_fit_are_refused_at_load_and_nothing_is_loaded(
    host: Host, build: Workshop, rules: DrainRules
) -> None:
    """With state that crosses, who is left inside would change what the new generation has."""
    with pytest.raises(ConfigError, match="could not drain it by these rules") as caught:
        host.load(build(HANDS_OVER), drain=rules)
    assert caught.value.running == "nothing of it is loaded"
    assert "counter" not in host


def test_a_candidate_that_brings_state_is_refused_under_that_rule(host: Host, build: Workshop) -> None:
    """From its publish on the plugin would have state that the rule cannot keep whole."""
    counter = load_two(host, build, LEAVES)
    with pytest.raises(ConfigError, match='"leave" and the plugin has state'):
        host.reload("counter", build(HANDS_OVER))
    assert (counter.build(), counter.generation) == (1, 1)


def test_rules_can_be_changed_while_the_plugin_serves(host: Host, build: Workshop) -> None:
    """An operator learns them in an incident; what is refused changes nothing."""
    counter = host.load(build(HANDS_OVER))
    slot: Any = counter._owner.instance.slots["counter/1"]
    host.set_drain("counter", DrainRules(queue_limit=3))
    assert slot.queue_limit == 3
    with pytest.raises(ConfigError):
        host.set_drain("counter", DrainRules(queue_limit=5, at_deadline="leave"))
    assert slot.queue_limit == 3
    host.load("counter", instance="left")
    assert host["counter", "left"]._owner.instance.slots["counter/1"].queue_limit == 3
    host.set_drain("counter", DrainRules())
    assert slot.queue_limit is None
    with pytest.raises(UnknownPlugin):
        host.set_drain("gain", DrainRules())


def test_rules_of_a_probation_are_of_a_plugin_that_is_loaded(host: Host, build: Workshop) -> None:
    """Those for a misspelt one would judge nobody."""
    host.load(build(HANDS_OVER))
    with pytest.raises(UnknownPlugin, match="loaded plugins: counter"):
        host.set_probation_rules("conuter", Rules())
    with pytest.raises(TypeError, match=r"hotgraft\.Rules, not dict"):
        host.set_probation_rules("counter", {})  # type: ignore[arg-type] # that is what is tested
    host.set_probation_rules("counter", Rules())


def test_a_deadline_is_the_callers_then_the_hosts_word_then_the_authors_then_the_setting(build: Workshop) -> None:
    """Each may know better than the next."""
    wish = replace(STATELESS, drain={"deadline_s": 3.0})
    with Host(probe="off", swap_deadline_s=9.0) as host:
        host.load(build(STATELESS), name="plain")
        host.load(build(wish), name="wishes")
        plain, wishes = host._loaded("plain"), host._loaded("wishes")
        assert swap_deadline_s(plain, host.options, None) == 9.0
        assert swap_deadline_s(wishes, host.options, None) == 3.0
        host.set_drain("wishes", DrainRules(deadline_s=2.0))
        assert swap_deadline_s(wishes, host.options, None) == 2.0
        assert swap_deadline_s(wishes, host.options, 1.0) == 1.0


def test_an_author_may_wish_to_leave_calls_and_a_host_overrule_it(host: Host, build: Workshop) -> None:
    """The descriptor carries it; the host's word counts."""
    wish = replace(STATELESS, drain={"deadline_s": 0.1, "at_deadline": "leave"})
    counter = host.load(build(wish))
    host.load("counter", instance="left")
    with call_inside(counter):
        assert host.reload("counter", build(replace(wish, build=2))).left_inside
    host.set_drain("counter", DrainRules(at_deadline="call off"))
    with call_inside(counter), pytest.raises(DrainTimeout):
        host.reload("counter", build(replace(wish, build=3)))
    assert counter.build() == 2
