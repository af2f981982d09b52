"""`host.pin("a", "b")`: handles that all see one side of any swap of a set."""

from __future__ import annotations

import gc
import pickle
import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Busy, DrainRules, Host, HostClosed, PinExpired, UnknownPlugin, _core
from hotgraft.host import instances
from native_sets import swap_set
from sample_plugins import CALLER_PLUGIN, HANDS_OVER, SHARES, STATELESS, Sample, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Sized

ONE = replace(STATELESS, name="one")
TWO = replace(STATELESS, name="two")


@pytest.fixture
def pair(build: Workshop) -> Iterator[Host]:
    """Two plugins without state, replaced as one by `swap_pair`."""
    with Host(probe="off") as host:
        host.load(build(ONE))
        host.load(build(TWO))
        yield host


def swap_pair(
    host: Host, build: Workshop, number: int, *, first: Sample = ONE, between: Callable[[], None] = lambda: None
) -> None:
    """Replace both by their builds of that number; both sides of a swap have equal numbers."""
    images = {"one": build(replace(first, build=number)), "two": build(replace(first, name="two", build=number))}
    assert swap_set(host, images, between=between).is_published


def test_all_handles_stay_on_one_side_while_the_set_is_replaced(pair: Host, build: Workshop) -> None:
    """Two calls one after another are two calls; who needs both on one side takes one pin of both."""
    with pair.pin("one", "two", who="a render") as (one, two):
        answers: list[Any] = [one.build()]
        swap_pair(pair, build, 2)
        answers.append(two.build())

        assert answers == [1, 1]
        assert (pair["one"].build(), pair["two"].build()) == (2, 2)
        assert "a render" in " ".join(pair.unloads(0.2).waiting)
    with pytest.raises(PinExpired, match="the pin was ended"):
        one.build()
    with pytest.raises(PinExpired, match="the pin was ended"):
        two.build()
    assert pair.unloads(10).proven == 2


def mixed_answers(host: Host, build: Workshop, take: Callable[[], tuple[int, int]]) -> list[tuple[int, int]]:
    """Take pins while a set is replaced, between all that it does to note its plugins; return those that mixed."""
    taken: list[tuple[int, int]] = []
    done = threading.Event()

    def take_in_between() -> None:
        """Answer what a taker finds who comes just now; one that has to wait is waited for at the end."""
        found: list[tuple[int, int]] = []
        taker = threading.Thread(target=lambda: found.append(take()))
        taker.start()
        taker.join(0.05)
        rest.append((taker, found))

    rest: list[tuple[threading.Thread, list[tuple[int, int]]]] = []
    for number in (2, 3):
        swap_pair(host, build, number, between=take_in_between)
    done.set()
    for taker, found in rest:
        taker.join(60)
        taken += found
    assert len(taken) == len(rest) == 4
    return [one for one in taken if one[0] != one[1]]


def take_both(host: Host) -> tuple[int, int]:
    with host.pin("one", "two") as (one, two):
        return one.build(), two.build()


def test_pins_taken_amid_a_swap_of_the_set_are_of_one_side(pair: Host, build: Workshop) -> None:
    """The host notes its plugins one after the other: whoever comes in between must not see half of it."""
    assert mixed_answers(pair, build, lambda: take_both(pair)) == []


@pytest.mark.control
def test_pins_taken_one_by_one_are_seen_to_mix(pair: Host, build: Workshop) -> None:
    """Without the second look: the first is of the old side, then the set is replaced, then the second is taken."""
    with ExitStack() as pins:
        one = pins.enter_context(pair["one"].pin())
        swap_pair(pair, build, 2)
        two = pins.enter_context(pair["two"].pin())

        assert (one.build(), two.build()) == (1, 2)


def test_a_set_that_is_replaced_between_two_holds_is_pinned_again(
    pair: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same moment as in the control: the first is held, the swap comes, the second is held."""
    take: Any = instances.pin_instance
    calls: list[str] = []

    def take_with_a_swap_before_the_second(*args: Any, **more: Any) -> Any:
        calls.append(args[1].name)
        if len(calls) == 2:
            swap_pair(pair, build, 2)
        return take(*args, **more)

    monkeypatch.setattr("hotgraft.host.pin_set.pin_instance", take_with_a_swap_before_the_second)
    with pair.pin("one", "two") as (one, two):
        assert (one.build(), two.build()) == (2, 2)
    assert calls == ["one", "two", "one", "two"]
    assert pair.unloads(10).waiting == ()  # what was held first was let go


def test_who_is_overtaken_until_the_deadline_holds_nothing(
    pair: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded, as everything that waits."""
    monkeypatch.setattr("hotgraft.host.pin_set._serves", lambda *_: False)
    monkeypatch.setattr("hotgraft.host.pin_set.swap_deadline_s", lambda *_: 0.01)
    with pytest.raises(Busy, match=r"one, two: .*replaced again and again"):
        pair.pin("one", "two")

    assert [loaded.serving.generation.pins for loaded in pair._listed()] == [0, 0]


def test_pins_that_follow_a_swap_follow_it_together(build: Workshop) -> None:
    """Where state must rest and the author says so, all of them are of the new side at once."""
    moves = replace(HANDS_OVER, name="one", moves_pins=True)
    with Host(probe="off") as host:
        host.load(build(moves))
        host.load(build(replace(moves, name="two")))
        pins = host.pin("one", "two")
        one, two = pins.plugins
        assert (one.add(5), two.add(7)) == (5, 7)
        swap_pair(host, build, 2, first=moves)

        assert (one.build(), two.build()) == (2, 2)
        assert (one.add(1), two.add(1)) == (6, 8)
        assert pins.generations == (2, 2)
        pins.end()
        assert host.unloads(10).proven == 2


def test_pins_of_which_some_follow_and_others_stay_are_refused(build: Workshop) -> None:
    """A swap of the set would leave them on two sides; the refusal says what to do."""
    with Host(probe="off") as host:
        host.load(build(replace(HANDS_OVER, name="one", moves_pins=True)))
        host.load(build(TWO))
        with pytest.raises(ValueError, match=r'pins on one follow a swap, and pins on two stay.*set_drain\("one"'):
            host.pin("one", "two")
        host.set_drain("one", DrainRules(pins="wait"))
        with host.pin("one", "two") as (one, two):
            assert (one.build(), two.build()) == (1, 1)
        host.set_drain("one", DrainRules(pins="move"))
        with host.pin("one") as (one,):
            assert one.build() == 1


def test_a_shared_state_may_do_either_and_counts_as_both(build: Workshop) -> None:
    """Whether its pins stay is known when the next version is."""
    with Host(probe="off") as host:
        host.load(build(replace(SHARES, name="one", moves_pins=True)))
        host.load(build(replace(SHARES, name="two")))
        with pytest.raises(ValueError, match="pins on one follow a swap"):
            host.pin("one", "two")


def test_instances_are_named_as_the_host_names_them(build: Workshop) -> None:
    """One library may have many instances, and a pair of those is pinned as well."""
    with Host(probe="off") as host:
        host.load(build(STATELESS), instance="left")
        host.load("counter", instance="right")
        with host.pin("counter:left", ("counter", "right")) as (left, right):
            assert "pin on counter:left" in repr(left)
            assert "pin on counter:right" in repr(right)
        with pytest.raises(UnknownPlugin, match="counter:up"):
            host.pin("counter:up")
        with pytest.raises(UnknownPlugin, match="nobody"):
            host.pin("nobody")
        with pytest.raises(UnknownPlugin, match="nobody"):
            host.pin("nobody:left")
        with pytest.raises(ValueError, match="at least one"):
            host.pin()
        with pytest.raises(ValueError, match="deadline_s is a number of seconds, and -1 is none"):
            host.pin("counter", deadline_s=-1)
        with pytest.raises(TypeError, match="deadline_s is a number of seconds, and '5' is none"):
            host["counter", "left"].pin(deadline_s="5")  # type: ignore[arg-type] # that is what is tested
        with pytest.raises(TypeError, match="a pin is called by a str, and 3 is none"):
            host.pin("counter", who=3)  # type: ignore[arg-type] # likewise
        with pytest.raises(TypeError, match="pin each by its name"):
            host.pin(["base", "top"])  # type: ignore[arg-type] # that is what is tested


def test_what_cannot_be_held_lets_the_rest_go(pair: Host, build: Workshop) -> None:
    """A pin of the first that nobody has would keep its generation for ever."""
    counter = replace(HANDS_OVER, name="three")
    pair.load(build(counter))
    pair._loaded("three").serving.generation.stop_pins()  # as a swap that waits for pins
    with pytest.raises(Busy):
        pair.pin("one", "three")
    pair._loaded("three").serving.generation.allow_pins()

    assert pair._loaded("one").serving.generation.pins == 0


def test_all_of_it_ends_at_its_deadline(pair: Host, build: Workshop) -> None:
    """One deadline: half of a set is no use to anybody."""
    pins = pair.pin("one", "two", deadline_s=0.05)
    one, two = pins.plugins
    while pins.is_open:
        threading.Event().wait(0.005)

    for handle in (one, two):
        with pytest.raises(PinExpired, match=r"deadline of 0\.05 s passed"):
            handle.build()


def test_a_set_that_was_forgotten_ends_itself(pair: Host) -> None:
    """Nobody can end it any more."""
    pins = pair.pin("one", "two")
    del pins
    gc.collect()

    assert [loaded.serving.generation.pins for loaded in pair._listed()] == [0, 0]


def test_a_closed_host_ends_it(build: Workshop) -> None:
    """And the handles say why."""
    host = Host(probe="off")
    host.load(build(ONE))
    pins = host.pin("one")
    host.close()

    with pytest.raises(HostClosed):
        pins.plugins[0].build()
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(pins)


def test_a_nested_call_through_a_pin_is_not_of_the_set(build: Workshop) -> None:
    """What a pin holds is the plugin that is called; its imports lead to what serves, as ever."""
    with Host(probe="off") as host:
        host.load(build(STATELESS))
        host.load(build(CALLER_PLUGIN))
        with host.pin("counter", "caller") as (counter, caller):
            assert (counter.add(1), caller.add_there(2)) == (1, 3)


def test_pins_never_mix_while_the_set_is_replaced_without_a_pause(pair: Host, build: Workshop, sized: Sized) -> None:
    """Promise 6 as a program sees it: a thread that takes pins beside swaps."""
    count = sized(quick=6, full=300)
    images = [build(replace(one, build=number)) for number in (1, 2) for one in (ONE, TWO)]
    seen: list[tuple[int, int]] = []
    over = threading.Event()

    def take() -> None:
        while not over.is_set():
            seen.append(take_both(pair))

    taker = threading.Thread(target=take)
    taker.start()
    try:
        for number in range(count):
            at = 2 * (number % 2)
            assert swap_set(pair, {"one": images[at], "two": images[at + 1]}).is_published
    finally:
        over.set()
        taker.join(60)
    assert seen
    assert [one for one in seen if one[0] != one[1]] == []
    assert not _core.is_inside_call()
