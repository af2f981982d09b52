"""One change of a plugin at a time, whatever else it is about; equal requests merge."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Busy
from hotgraft.host.change import carry_out
from hotgraft.host.turns import Turns, Wider

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Future

DEADLINE_S = 30.0


class Queue:
    """A queue of turns with requests in it that begin when they are let."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.turns: Turns[str] = Turns()
        self.pool = pool
        self.go_on = threading.Event()
        self.order: list[str] = []
        self.inside: list[frozenset[str]] = []

    def ask(
        self,
        answer: str,
        plugins: Collection[str] | Callable[[], Collection[str]],
        *,
        wants: dict[str, str] | None = None,
        needs: Collection[str] = (),
        deadline_s: float = DEADLINE_S,
        fails: bool = False,
    ) -> Future[str]:
        """Ask for a turn, and wait until that stands in the queue, has come or has been joined."""

        def work(held: frozenset[str]) -> str:
            if missing := frozenset(needs) - held:
                raise Wider(missing)
            assert all(held.isdisjoint(one) for one in self.inside)  # never interleaved
            self.inside.append(held)
            self.go_on.wait(DEADLINE_S)
            self.order.append(answer)
            self.inside.remove(held)
            if fails:
                raise RuntimeError(answer)
            return answer

        entered = threading.Event()
        plain = self.turns._enter

        def enter(turn: Any, plugins: frozenset[str]) -> None:
            plain(turn, plugins)
            entered.set()

        self.turns._enter = enter  # type: ignore[method-assign] # a seam
        names = plugins if callable(plugins) else lambda: plugins
        future = self.pool.submit(self.turns.take, names, work, deadline_s, wants=wants)
        assert entered.wait(DEADLINE_S)
        self.turns._enter = plain  # type: ignore[method-assign] # as it was
        return future

    def answers(self, *asked: Future[str]) -> list[str]:
        """Let all go on, and return what each got."""
        self.go_on.set()
        return [one.result(DEADLINE_S) for one in asked]


@pytest.fixture
def queue() -> Queue:
    """A queue with threads enough."""
    return Queue(ThreadPoolExecutor(70))


def test_equal_requests_get_one_answer(queue: Queue) -> None:
    """R06: 64 editors save at once: one build is swapped in, once."""
    asked = [queue.ask(str(n), ["gain"], wants={"gain": "same"}) for n in range(64)]
    assert queue.answers(*asked) == ["0"] * 64
    assert queue.order == ["0"]


def test_different_requests_take_turns_in_order(queue: Queue) -> None:
    """Never two at once, and nobody overtakes."""
    asked = [queue.ask(str(n), ["gain"], wants={"gain": str(n)}) for n in range(8)]
    assert queue.answers(*asked) == list("01234567")
    assert queue.order == list("01234567")


def test_an_error_is_everybodys_who_joined(queue: Queue) -> None:
    """They wanted the same and it failed: trying it again at once would fail again."""

    first = queue.ask("no", ["gain"], wants={"gain": "x"}, fails=True)
    second = queue.ask("never", ["gain"], wants={"gain": "x"})
    queue.go_on.set()
    for future in (first, second):
        with pytest.raises(RuntimeError, match="no"):
            future.result(DEADLINE_S)


def test_who_waits_too_long_is_told_and_leaves_the_queue(queue: Queue) -> None:
    """A deadline on waiting is a deadline on the request."""
    first = queue.ask("1", ["gain", "codec"])
    with pytest.raises(Busy, match="gain"):
        queue.turns.take(lambda: ["gain"], lambda _: "2", 0.01)
    assert queue.answers(first) == ["1"]
    assert queue.turns.take(lambda: ["gain"], lambda _: "2", DEADLINE_S) == "2"


def test_a_request_that_does_not_say_what_it_wants_never_joins(queue: Queue) -> None:
    """Two instances that are added at once are two instances."""
    asked = [queue.ask(str(n), ["gain"]) for n in range(2)]
    assert queue.answers(*asked) == ["0", "1"]


def test_requests_about_different_plugins_go_on_at_once(queue: Queue) -> None:
    """Nobody waits for who is about something else."""
    first, second = queue.ask("1", ["gain"]), queue.ask("2", ["codec"])
    while len(queue.inside) < 2:
        threading.Event().wait(0.001)
    assert sorted(queue.answers(first, second)) == ["1", "2"]


def test_a_set_comes_when_no_earlier_request_shares_any_of_it_and_is_not_overtaken(queue: Queue) -> None:
    """R07: neither a deadlock nor a set that starves."""
    gain = queue.ask("gain", ["gain"])
    both = queue.ask("both", ["gain", "codec"])
    codec = queue.ask("codec", ["codec"])
    other = queue.ask("other", ["meter"])
    while len(queue.inside) < 2:
        threading.Event().wait(0.001)
    assert queue.inside == [{"gain"}, {"meter"}] or queue.inside == [{"meter"}, {"gain"}]
    queue.answers(gain, both, codec, other)
    assert [one for one in queue.order if one != "other"] == ["gain", "both", "codec"]


def test_sets_that_cross_do_not_wait_for_each_other(queue: Queue) -> None:
    """R07: a takes codec and gain, b gain and codec; each has all its turns or none."""
    asked = [queue.ask(str(n), ["gain", "codec"] if n % 2 else ["codec", "gain"]) for n in range(8)]
    assert queue.answers(*asked) == list("01234567")


def test_a_smaller_request_gets_the_answer_of_a_larger_one_that_goes_on(queue: Queue) -> None:
    """The set brings what it wants."""
    larger = queue.ask("set", ["gain", "codec"], wants={"gain": "g2", "codec": "c2"})
    smaller = queue.ask("one", ["codec"], wants={"codec": "c2"})
    different = queue.ask("c3", ["codec"], wants={"codec": "c3"})
    assert queue.answers(larger, smaller, different) == ["set", "set", "c3"]
    assert queue.order == ["set", "c3"]


def test_a_larger_request_takes_in_a_smaller_one_that_waits(queue: Queue) -> None:
    """It would do all of it anyway."""
    begun = queue.ask("c1", ["codec"], wants={"codec": "c1"})
    smaller = queue.ask("one", ["codec"], wants={"codec": "c2"}, deadline_s=DEADLINE_S / 2)
    larger = queue.ask("set", ["gain", "codec"], wants={"gain": "g2", "codec": "c2"})
    assert queue.answers(begun, smaller, larger) == ["c1", "set", "set"]
    assert queue.order == ["c1", "set"]


def test_nothing_is_merged_over_a_request_that_lies_between(queue: Queue) -> None:
    """Whoever asked last for what was asked for first would end with what was asked for in between."""
    asked = [queue.ask(key, ["codec"], wants={"codec": key}) for key in ("c1", "c2", "c1")]
    assert queue.answers(*asked) == ["c1", "c2", "c1"]
    assert queue.order == ["c1", "c2", "c1"]


def test_what_turns_out_to_be_about_more_plugins_queues_anew_behind_who_came_meanwhile(queue: Queue) -> None:
    """It has nothing while it waits for the rest."""
    gain = queue.ask("gain", ["gain"])
    grows = queue.ask("grows", ["codec"], needs=["gain", "codec"])
    later = queue.ask("later", ["codec"])
    assert queue.answers(gain, grows, later) == ["gain", "grows", "later"]
    assert queue.order.index("grows") > queue.order.index("gain")


def test_whose_turns_it_needs_is_asked_again_when_it_has_come(queue: Queue) -> None:
    """Who answers for it may have changed while it waited."""
    first = queue.ask("first", ["gain"])
    names = [["gain"], ["gain", "codec"]]
    second = queue.ask("second", lambda: names.pop(0) if len(names) > 1 else names[0])
    codec = queue.ask("codec", ["codec"])
    assert queue.answers(first, second, codec) == ["first", "second", "codec"]


def test_a_turn_whose_question_fails_is_given_back(queue: Queue) -> None:
    """Whatever goes wrong, the next one comes."""
    answers: list[Collection[str]] = [["gain"]]
    with pytest.raises(IndexError):
        queue.turns.take(lambda: answers.pop(), lambda _: "never", DEADLINE_S)
    assert queue.turns.take(lambda: ["gain"], lambda _: "2", DEADLINE_S) == "2"


def test_an_error_that_was_dropped_leaves_nothing_to_the_garbage_collector() -> None:
    """Its traceback holds what the attempt had, a thread of the core's among it: that must end with the error."""
    held: list[weakref.ref[threading.Event]] = []

    def fail(_: frozenset[str]) -> int:
        of_the_attempt = threading.Event()
        held.append(weakref.ref(of_the_attempt))
        raise ValueError("no")

    gc.disable()
    try:
        with suppress(ValueError):
            carry_out(lambda: Turns[int]().take(lambda: ["plugin"], fail, 1.0))
        assert held[0]() is None
    finally:
        gc.enable()
