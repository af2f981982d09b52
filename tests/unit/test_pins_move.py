"""Pins that follow a swap: the next call through one runs the new code, with the state that was carried over."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hotgraft import Busy, ConfigError, DrainRules, DrainTimeout, Host, PinExpired, StateError, _core
from hotgraft.host.draining import check_rules
from sample_plugins import CONVERTS, HANDS_OVER, SAVES, SESSIONS, STATELESS, Sample, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Sized

MOVES = replace(HANDS_OVER, moves_pins=True)
NEW = replace(MOVES, build=2)
CALL_BACK = ctypes.CFUNCTYPE(ctypes.c_int64)
BURST = 20  # calls between two rests
REST_S = 0.0005  # without it one session keeps the interpreter lock for 5 ms, and the swap and the others stand still


@pytest.mark.parametrize("sample", [HANDS_OVER, SAVES, CONVERTS], ids=["hand over", "save", "convert"])
def test_a_pin_follows_with_the_state_that_was_carried_over(host: Host, build: Workshop, sample: Sample) -> None:
    """Whichever way state crosses, the session goes on where it was."""
    counter = host.load(build(replace(sample, moves_pins=True)))
    with counter.pin(who="session 7") as pinned:
        pinned.add(5)
        report = host.reload("counter", build(replace(sample, build=2, moves_pins=True)))

        assert report.plan is not None
        assert report.plan.pins == "move"
        assert "move pins" in [step.step for step in report.steps]
        assert (pinned.build(), pinned.add(1), counter.add(1)) == (2, 6, 7)
        assert (pinned.generation, pinned.version) == (2, "1.0.0")
    with pytest.raises(PinExpired):
        pinned.build()
    assert host.unloads(deadline_s=10).proven == 1


def test_a_moved_pin_holds_what_it_moved_to(host: Host, build: Workshop) -> None:
    """What it was on leaves memory while it is open; what it is on stays when that is replaced beside it."""
    counter = host.load(build(MOVES))
    pin = counter.pin()
    host.reload("counter", build(NEW))
    assert host.unloads(deadline_s=10).proven == 1

    host.set_drain("counter", DrainRules(pins="wait"))
    with pytest.raises(DrainTimeout, match="a pin for"):
        host.reload("counter", build(replace(MOVES, build=3)), deadline_s=0.2)
    assert pin.plugin.build() == 2
    pin.end()
    assert host.reload("counter", build(replace(MOVES, build=3))).generation == 4


def test_the_hosts_word_counts_over_the_authors(host: Host, build: Workshop) -> None:
    """Who operates a program knows whether its sessions may move."""
    counter = host.load(build(HANDS_OVER), drain=DrainRules(pins="move"))
    with counter.pin() as pinned:
        host.reload("counter", build(replace(HANDS_OVER, build=2)))
        assert pinned.build() == 2
    with pytest.raises(ConfigError, match="pins is 'go'"):
        host.set_drain("counter", DrainRules(pins="go"))  # type: ignore[arg-type] # the point of it


def test_unless_somebody_says_so_pins_are_waited_for_and_named(host: Host, build: Workshop) -> None:
    """The default: a swap that is called off names who holds what."""
    counter = host.load(build(HANDS_OVER))
    with counter.pin(who="session 7") as pinned:
        with pytest.raises(DrainTimeout, match="session 7 for 0"):
            host.reload("counter", build(replace(HANDS_OVER, build=2)), deadline_s=0.2)
        assert (pinned.build(), counter.build()) == (1, 1)


def test_a_call_that_is_inside_through_a_pin_is_drained(host: Host, build: Workshop) -> None:
    """Its state must not go away under it: the swap waits for the call, not for the pin."""
    counter = host.load(build(MOVES))
    inside, go_on = threading.Event(), threading.Event()

    def stay() -> int:
        inside.set()
        assert go_on.wait(20)
        return 0

    call_back = CALL_BACK(stay)
    with counter.pin() as pinned:
        caller = threading.Thread(target=pinned.run, args=(ctypes.cast(call_back, ctypes.c_void_p).value,))
        caller.start()
        assert inside.wait(10)
        with pytest.raises(DrainTimeout, match="inside when the deadline passed"):
            host.reload("counter", build(NEW), deadline_s=0.2)
        assert pinned.build() == 1
        go_on.set()
        caller.join()
        assert host.reload("counter", build(NEW)).generation == 3
        assert pinned.build() == 2


def test_a_swap_that_is_called_off_leaves_its_pins_where_they_are(unprobed: Host, build: Workshop) -> None:
    """Until publish any failure leaves what runs untouched, and that is what the pin is on."""
    counter = unprobed.load(build(MOVES))
    failing = {"fail": "start"}
    with counter.pin() as pinned:
        pinned.add(5)
        with pytest.raises(Exception, match="told to fail in start"):
            unprobed.configure("counter", failing)
        assert (pinned.add(0), pinned.generation) == (5, 1)
        with counter.pin() as another:
            assert another.add(1) == 6
        unprobed.reload("counter", build(NEW))
        assert (pinned.add(0), pinned.build()) == (6, 2)


def test_functions_come_and_go_under_a_pin(build: Workshop) -> None:
    """Its handle is of what serves; what that does not offer is an AttributeError, as on the plugin's own handle."""
    with Host(probation="on") as host:
        counter = host.load(build(MOVES))
        with counter.pin() as pinned:
            pinned.add(21)
            host.reload("counter", build(replace(NEW, more=True, interface_version=(1, 1))))
            twice = pinned.twice
            assert twice() == 42
            host.rollback("counter")
            assert (pinned.build(), pinned.add(1)) == (1, 22)
            with pytest.raises(AttributeError, match="no longer has it"):
                twice()
            with pytest.raises(AttributeError):
                pinned.twice  # noqa: B018 - looking is the act


def test_a_pin_that_ends_amid_a_swap_is_over_after_it(host: Host, build: Workshop) -> None:
    """Its slots are the swap's until then: to empty one of them would be refused, and a hold would stay for ever."""
    counter = host.load(build(MOVES))
    pin = counter.pin(who="session 7")

    def end(kind: str) -> str:
        if kind == "start":
            pin.end()
        return "run"

    _core._seams.set_step_hook(end)
    try:
        host.reload("counter", build(NEW))
    finally:
        _core._seams.set_step_hook(None)
    with pytest.raises(PinExpired, match="ended"):
        pin.plugin.build()
    host.set_drain("counter", DrainRules(pins="wait"))
    assert host.reload("counter", build(MOVES), deadline_s=2).generation == 3
    assert host.unloads(deadline_s=10).proven == 2


def test_pins_of_every_instance_follow(host: Host, build: Workshop) -> None:
    """Each has its own state, and stays with its instance."""
    left = host.load(build(MOVES), instance="left")
    right = host.load("counter", instance="right")
    with left.pin() as one, right.pin() as other:
        one.add(1)
        other.add(2)
        host.reload("counter", build(NEW))
        assert (one.build(), one.add(0), other.build(), other.add(0)) == (2, 1, 2, 2)


def test_without_state_pinned_calls_finish_on_the_old_code_also_beside_a_gate(host: Host, build: Workshop) -> None:
    """Two slots need a gate; that is no reason to wait for sessions, which have nothing that could go away."""
    left = host.load(build(STATELESS), instance="left")
    right = host.load("counter", instance="right")
    with left.pin() as pinned:
        report = host.reload("counter", build(replace(STATELESS, build=2)), deadline_s=5)
        assert report.plan is not None
        assert (report.plan.pins, report.plan.is_gated) == ("leave", True)
        assert (pinned.build(), left.build(), right.build()) == (1, 2, 2)
    assert host.unloads(deadline_s=10).proven == 1


def test_pins_move_and_end_amid_calls_without_loss(host: Host, build: Workshop, sized: Sized) -> None:
    """Every addition is in the count, whichever code made it, and no pin is turned away."""
    images = [build(NEW), build(MOVES)]
    counter = host.load(images[1])
    stop = threading.Event()
    added = [0] * 3
    wrong: list[BaseException] = []

    def session(index: int) -> None:
        try:
            while not stop.is_set():
                with counter.pin() as pinned:
                    for _ in range(BURST):
                        pinned.add(1)
                        added[index] += 1
                    stop.wait(REST_S)  # inside: a swap is to meet pins
                    pinned.add(1)
                    added[index] += 1
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=session, args=(index,)) for index in range(len(added))]
    for thread in threads:
        thread.start()
    swaps = sized(quick=6, full=200)
    for number in range(swaps):
        host.reload("counter", images[number % 2])
    stop.set()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert counter.add(0) == sum(added)
    assert sum(added) >= BURST * swaps, "they hardly called"
    assert host.unloads(deadline_s=10).proven == swaps


@pytest.fixture
def staying(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take the move out: pins are counted as moved, and their slots are left alone."""
    monkeypatch.setattr(_core.Member, "moves_pins", _count_only)
    yield


def _count_only(member: _core.Member, count: int, _moved: object, _emptied: object) -> None:
    _PLAIN(member, count, [], [])


_PLAIN = _core.Member.moves_pins


@pytest.mark.control
@pytest.mark.usefixtures("staying")
def test_control_without_its_slots_a_pin_calls_into_what_was_replaced(build: Workshop) -> None:
    """Saved and on probation, so that looking kills nobody: the old code has a state of its own, and stays mapped."""
    with Host(probe="off", probation="on") as host:
        counter = host.load(build(replace(SAVES, moves_pins=True)))
        with counter.pin() as pinned:
            pinned.add(5)
            host.reload("counter", build(replace(SAVES, moves_pins=True, build=2)))
            pinned.add(1)
            assert (counter.add(0), pinned.build()) == (5, 1)  # the addition is lost: it went into the old state


def test_a_pin_asked_for_inside_a_call_is_turned_away_while_pins_move(host: Host, build: Workshop) -> None:
    """It would wait for the swap, which waits for the call that it is asked for in."""
    counter = host.load(build(MOVES))
    inside, go_on, found = threading.Event(), threading.Event(), list[BaseException]()

    def ask() -> int:
        inside.set()
        assert go_on.wait(20)
        try:
            counter.pin().end()
        except Busy as error:
            found.append(error)
        return 0

    call_back = CALL_BACK(ask)
    caller = threading.Thread(target=counter.run, args=(ctypes.cast(call_back, ctypes.c_void_p).value,))
    caller.start()
    assert inside.wait(10)

    def at_drain(kind: str) -> str:
        if kind == "drain":
            go_on.set()
        return "run"

    _core._seams.set_step_hook(at_drain)
    try:
        host.reload("counter", build(NEW), deadline_s=20)
    finally:
        _core._seams.set_step_hook(None)
    caller.join()
    assert len(found) == 1
    assert counter.build() == 2


def test_a_version_that_would_lose_the_state_is_refused_and_pins_stay(host: Host, build: Workshop) -> None:
    """Pins move with state; where that cannot cross there is nothing to move with."""
    counter = host.load(build(MOVES))
    with counter.pin() as pinned:
        with pytest.raises(StateError):
            host.reload("counter", build(replace(STATELESS, build=2)))
        assert pinned.build() == 1


@pytest.mark.parametrize("sample", [STATELESS, SESSIONS], ids=["none", "session"])
def test_a_host_cannot_say_that_pins_move_where_they_stay(unprobed: Host, build: Workshop, sample: Sample) -> None:
    """As its author cannot: what is pinned stays on the old code, whatever is said."""
    with pytest.raises(ConfigError, match='pins is "move" and the plugin has no state that is one for all'):
        unprobed.load(build(sample), drain=DrainRules(pins="move"))
    assert sample.name not in unprobed
    unprobed.load(build(sample))
    with pytest.raises(ConfigError, match="stays on the generation that it was pinned on"):
        unprobed.set_drain(sample.name, DrainRules(pins="move"))
    unprobed.set_drain(sample.name, DrainRules(pins="wait"))


def test_a_rule_about_pins_does_not_keep_an_image_without_state_out(host: Host, build: Workshop) -> None:
    """It was said of another version. What goes back to one that had no state yet must not fail over it."""
    host.load(build(STATELESS))
    stateless = host._loaded("counter").serving.descriptor
    host.reload("counter", build(replace(HANDS_OVER, build=2)))
    host.set_drain("counter", DrainRules(pins="move"))
    check_rules(host._loaded("counter"), stateless)
