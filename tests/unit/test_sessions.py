"""State of sessions: each is carried on its own, and one that is pinned stays where it is until the pin ends."""

from __future__ import annotations

import gc
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hotgraft import (
    ContractError,
    DrainTimeout,
    Host,
    HostClosed,
    HotgraftError,
    Outcome,
    PinExpired,
    StateError,
    _core,
)
from sample_plugins import HANDS_OVER, SESSIONS, STATELESS, Sample, Workshop
from test_pins import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Sized
    from hotgraft.host.plugin import Plugin

NEW, NEWER = replace(SESSIONS, build=2), replace(SESSIONS, build=3)
SAVED = replace(SESSIONS, hands_over=False, saves=True)
GROWN = replace(SESSIONS, grows=True)
WAYS = pytest.mark.parametrize(
    ("sample", "way"),
    [(SESSIONS, "hand over"), (SAVED, "restore"), (GROWN, "convert")],
    ids=["block", "saved", "grown"],
)


def generation_of(plugin: Plugin) -> _core.Generation:
    """What serves, as the core knows it."""
    found: _core.Generation = plugin._owner.loaded.serving.generation
    return found


@WAYS
def test_every_session_follows_with_its_own_state(host: Host, build: Workshop, sample: Sample, way: str) -> None:
    """Nobody's state is another's, whichever way it crosses."""
    plugin = host.load(build(sample))
    with plugin.session(who="alice") as alice, plugin.session() as bob:
        alice.add(5)
        bob.add(7)
        report = host.reload("sessions", build(replace(sample, build=2)))

        assert report.plan is not None
        assert (str(report.plan.crossing), report.plan.is_per_session) == (way, True)
        assert (alice.build(), alice.generation) == (2, 2)
        assert (alice.add(1), bob.add(1)) == (6, 8)
    assert host.unloads(deadline_s=10).proven == 1


@WAYS
def test_a_rollback_carries_them_back_with_what_they_gained(build: Workshop, sample: Sample, way: str) -> None:
    """One that was opened on the version that goes is carried as well."""
    with Host(probation="on") as host:
        plugin = host.load(build(sample))
        with plugin.session() as alice:
            alice.add(5)
            host.reload("sessions", build(replace(sample, build=2)))
            alice.add(1)
            with plugin.session() as late:
                late.add(3)
                report = host.rollback("sessions")
                assert report.outcome is Outcome.ROLLED_BACK
                assert report.plan is not None
                assert str(report.plan.crossing) == way
                assert (alice.build(), alice.add(1), late.build(), late.add(1)) == (1, 7, 1, 4)
        host.reload("sessions", build(replace(sample, build=2)))
        host.commit("sessions")
        assert host.unloads(deadline_s=10).stuck == ()


@WAYS
def test_a_pinned_one_stays_and_is_carried_when_the_pin_ends(
    host: Host, build: Workshop, sample: Sample, way: str
) -> None:
    """The rest moves; what is pinned goes on in the old code, on its own state, over two versions."""
    plugin = host.load(build(sample))
    session, other = plugin.session(who="alice"), plugin.session()
    session.plugin.add(5)
    with session.pin() as pinned:
        host.reload("sessions", build(replace(sample, build=2)))
        host.reload("sessions", build(replace(sample, build=3)))
        assert (pinned.build(), pinned.add(1), session.generation) == (1, 6, 1)
        assert (other.plugin.build(), plugin.build()) == (3, 3)
        assert "session alice" in host.unloads(deadline_s=0.05).waiting[0]
    assert (session.generation, session.plugin.build(), session.plugin.add(1)) == (3, 3, 7), way
    assert host.unloads(deadline_s=10).proven == 2


def test_two_pins_on_one_session_are_both_to_end(host: Host, build: Workshop) -> None:
    """Whoever began on a version ends on it."""
    plugin = host.load(build(SESSIONS))
    session = plugin.session()
    with session.plugin.pin():
        with session.pin():
            host.reload("sessions", build(NEW))
        assert session.generation == 1
    assert session.generation == 2


def test_at_its_deadline_a_pinned_session_follows(host: Host, build: Workshop) -> None:
    """A pin that was forgotten does not keep old code for ever, and the session does not end with it."""
    plugin = host.load(build(SESSIONS))
    session = plugin.session()
    session.plugin.add(5)
    pin = session.pin(deadline_s=0.05)
    host.reload("sessions", build(NEW))
    wait_until(lambda: session.generation == 2)
    assert not pin.is_open
    assert session.plugin.add(1) == 6


@WAYS
def test_one_that_cannot_cross_refuses_the_swap_by_its_name(
    unprobed: Host, build: Workshop, sample: Sample, way: str
) -> None:
    """Nothing was published, and those that had crossed already have their state back."""
    plugin = unprobed.load(build(sample))
    sessions = [plugin.session(who=f"number {number}") for number in range(5)]
    for number, session in enumerate(sessions):
        session.plugin.add(10 + number)  # the fourth counts to 13
    with pytest.raises(HotgraftError, match=r"session number 3: .*it counted to 13") as caught:
        unprobed.reload("sessions", build(replace(sample, build=2)))
    assert caught.value.report.outcome is Outcome.CALLED_OFF  # type: ignore[attr-defined] # every error of a swap has one
    assert caught.value.report.after_undo == (), way  # type: ignore[attr-defined] # as above
    assert [session.plugin.add(0) for session in sessions] == [10, 11, 12, 13, 14]
    assert {session.plugin.build() for session in sessions} == {1}
    sessions[3].plugin.add(1)
    unprobed.reload("sessions", build(replace(sample, build=2)))
    assert [session.plugin.add(0) for session in sessions] == [10, 11, 12, 14, 14]


def test_one_that_cannot_follow_its_pin_stays_with_its_state(host: Host, build: Workshop) -> None:
    """The rest was published long ago: it goes on where it is, and is tried again."""
    plugin = host.load(build(SESSIONS))
    session = plugin.session(who="alice")
    pin = session.pin()
    host.reload("sessions", build(NEW))
    session.plugin.add(13)
    with pytest.raises(HotgraftError, match="it counted to 13") as caught:
        pin.end()
    assert "the session stays on generation 1" in str(caught.value)
    assert (session.plugin.add(0), session.plugin.build()) == (13, 1)
    session.plugin.add(1)
    with session.pin():
        pass
    assert (session.plugin.add(0), session.plugin.build()) == (14, 2)
    assert host.unloads(deadline_s=10).proven == 1


def test_calls_inside_a_session_are_drained_and_inside_a_pinned_one_are_not(host: Host, build: Workshop) -> None:
    """What is carried must hold still; what stays need not."""
    plugin = host.load(build(SESSIONS))
    idle, pinned = plugin.session(), plugin.session()
    with pinned.pin():
        napping = threading.Thread(target=pinned.plugin.nap, args=(1500,))
        napping.start()
        report = host.reload("sessions", build(NEW), deadline_s=1)
        assert report.generation == 2
        assert napping.is_alive()
        napping.join()
    napping = threading.Thread(target=idle.plugin.nap, args=(1000,))
    napping.start()
    wait_until(lambda: _core.read_meter(generation_of(plugin), 0)[1] > 0)
    with pytest.raises(DrainTimeout):
        host.reload("sessions", build(NEWER), deadline_s=0.2)
    napping.join()
    assert idle.plugin.build() == 2


def test_an_ended_session_is_destroyed_and_says_so(host: Host, build: Workshop) -> None:
    """Its place and its memory are given back at once, not with the version."""
    plugin = host.load(build(SESSIONS))
    generation = generation_of(plugin)
    for _ in range(3):
        with plugin.session() as session:
            add = session.add
            assert add(1) == 1
            assert (generation.sessions, generation.live_bytes) == (1, 8)
        with pytest.raises(PinExpired, match="the session was ended") as caught:
            add(1)
        assert caught.value.advice == "open another session"
        assert (generation.sessions, generation.live_bytes) == (0, 0)
    assert plugin.add(1) == 1  # without a session: of the instance


def test_a_forgotten_session_ends(host: Host, build: Workshop) -> None:
    """What nobody can call any more is not to be carried for ever."""
    plugin = host.load(build(SESSIONS))
    session = plugin.session()
    session.plugin.add(1)
    del session
    gc.collect()
    wait_until(lambda: generation_of(plugin).sessions == 0)


def test_closing_the_host_ends_sessions_wherever_they_are(build: Workshop) -> None:
    """Also one that is pinned to a version that is gone otherwise."""
    host = Host()
    plugin = host.load(build(SESSIONS))
    session, other = plugin.session(), plugin.session()
    pin = session.pin()
    host.reload("sessions", build(NEW))
    unloads = host.close()
    assert (unloads.waiting, unloads.stuck, pin.is_open) == ((), (), False)
    for one in (session, other):
        with pytest.raises(HostClosed):
            one.plugin.add(1)
    pin.end()


def test_a_plugin_without_sessions_says_so(host: Host, build: Workshop) -> None:
    """What to write in the manifest stands with it."""
    counter = host.load(build(HANDS_OVER))
    with pytest.raises(ContractError, match="its state is of kind single"):
        counter.session()


def test_a_name_that_is_none_opens_nothing(host: Host, build: Workshop) -> None:
    """It would be found again by its words."""
    plugin = host.load(build(SESSIONS))
    with pytest.raises(TypeError, match="a session is called by a str, and 3 is none"):
        plugin.session(who=3)  # type: ignore[arg-type] # that is what is tested
    assert generation_of(plugin).sessions == 0


def test_the_kind_of_state_is_no_field_that_can_be_converted(host: Host, build: Workshop) -> None:
    """A session's state is not a plugin's: it is refused in both directions, and said why."""
    single = replace(HANDS_OVER, name="sessions", saves=True)
    plugin = host.load(build(replace(SESSIONS, saves=True)))
    session = plugin.session()
    session.plugin.add(1)
    for candidate in (single, replace(STATELESS, name="sessions")):
        interface = replace(candidate, interface="sessions", functions=SESSIONS.functions)
        with pytest.raises(StateError, match=r"kind is session and would be single|the candidate declares none"):
            host.reload("sessions", build(interface))
    assert session.plugin.add(0) == 1


def test_sessions_of_two_instances_stay_apart(host: Host, build: Workshop) -> None:
    """Each belongs to its instance, in every version."""
    left = host.load(build(SESSIONS), instance="left")
    right = host.load("sessions", instance="right")
    with left.session() as one, right.session() as other:
        one.add(1)
        other.add(2)
        host.reload("sessions", build(NEW))
        assert (one.add(0), other.add(0)) == (1, 2)
        assert repr(other) == "<hotgraft plugin session of sessions:right: version 1.0.0, generation 2>"


def test_many_sessions_are_one_step_each_in_a_report(host: Host, build: Workshop, sized: Sized) -> None:
    """Ten thousand of them are no list that somebody has to read, nor to keep in a journal."""
    count = sized(quick=60, full=10_000)
    plugin = host.load(build(SESSIONS))
    sessions = [plugin.session() for _ in range(count)]
    for number, session in enumerate(sessions):
        session.plugin.add(2 * number)
    report = host.reload("sessions", build(NEW), deadline_s=60)
    steps = [one.step for one in report.steps]
    assert [one for one in steps if "session" in one] == [f"surrender {count} sessions", f"take {count} sessions"]
    assert [session.plugin.add(0) for session in sessions] == list(range(0, 2 * count, 2))
    assert {session.plugin.build() for session in sessions} == {2}


def sessions_amid_swaps(host: Host, build: Workshop, swaps: int) -> list[tuple[int, int]]:
    """Open, pin, call and end sessions from threads while versions come and go; return (added, found) of each."""
    plugin = host.load(build(SESSIONS))
    images = [build(NEW), build(NEWER)]
    stop = threading.Event()
    found: list[tuple[int, int]] = []

    def work(pins: bool) -> None:
        while not stop.is_set():
            session = plugin.session()
            added = 0
            for _ in range(30):
                session.plugin.add(100)
                added += 100
            if pins:
                with session.pin() as pinned:
                    build_number = pinned.build()
                    for _ in range(30):
                        pinned.add(100)
                        added += 100
                    assert pinned.build() == build_number
            found.append((added, session.plugin.add(0)))
            session.end()

    threads = [threading.Thread(target=work, args=(bool(index % 2),)) for index in range(3)]
    for thread in threads:
        thread.start()
    for number in range(swaps):
        host.reload("sessions", images[number % 2])
    stop.set()
    for thread in threads:
        thread.join()
    return found


def test_sessions_come_go_and_are_pinned_amid_swaps_without_loss(host: Host, build: Workshop, sized: Sized) -> None:
    """Every addition is in the session that it was made in."""
    found = sessions_amid_swaps(host, build, sized(quick=5, full=100))
    assert found
    assert [one for one in found if one[0] != one[1]] == []
    assert host.unloads(deadline_s=20).stuck == ()
    assert _core.abandoned_count() == 0


@pytest.fixture
def not_taken() -> Iterator[None]:
    """Take the carrying out: sessions of the next version keep the fresh state that they were made with."""
    _core._seams.set_step_hook(lambda kind: "skip" if kind in ("save", "restore") else "run")
    yield
    _core._seams.set_step_hook(None)


@pytest.mark.control
@pytest.mark.usefixtures("not_taken")
def test_control_without_its_steps_a_session_begins_anew(unprobed: Host, build: Workshop) -> None:
    """What carries it are the steps, not chance."""
    plugin = unprobed.load(build(SAVED))
    with plugin.session() as session:
        session.add(5)
        unprobed.reload("sessions", build(replace(SAVED, build=2)))
        assert session.add(0) == 0
