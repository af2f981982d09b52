"""A unit that goes back while calls, pins, sessions and other changes of its plugins are under way."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Fallback, Host, Outcome, RollbackBlocked, _core
from hotgraft.host import rollback
from hotgraft.host.rollback_member import WayBack
from sample_plugins import SESSIONS
from sides_scene import DEADLINE_S, Sides, inside, make_host, nth, once, scene, then

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sample_plugins import Workshop


@pytest.fixture
def seam() -> Iterator[Any]:
    """The step hook of the core, taken out again afterwards."""
    yield _core._seams.set_step_hook
    _core._seams.set_step_hook(None)


@pytest.mark.parametrize(("who", "counts"), [("top", (7, 5)), ("base", (5, 7))])
def test_a_call_that_never_returns_holds_up_only_the_plugin_that_it_is_in(
    build: Workshop, who: str, counts: tuple[int, int]
) -> None:
    """Fault B01 in a unit: that one goes back with what it had, and the other is drained and loses nothing."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = scene(host, build, base_saves=True, top_saves=True)
        with inside(getattr(sides, who)) as out:
            assert host.rollback("base").outcome is Outcome.ROLLED_BACK
            assert sides.counts == counts
            assert sides.seen == (1, 1, 1001)
            assert host.unloads().waiting != ()
            out()
        assert host.unloads(DEADLINE_S).proven == 2


def test_a_call_in_handed_over_state_blocks_the_whole_unit(build: Workshop) -> None:
    """Fault B01 in a unit: there is one block, and a call that does not return is in it."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = scene(host, build, top_saves=True)
        with inside(sides.base) as out:
            with pytest.raises(RollbackBlocked) as caught:
                host.rollback("top")
            assert any(one.startswith("base: what it had") and "is in use" in one for one in caught.value.found)
            assert sides.seen == (2, 2, 2002)
            out()
        host.rollback("top")
        assert sides.counts == (8, 8)


def test_who_needs_more_than_there_will_be_is_not_left_inside(build: Workshop) -> None:
    """A call left in the new consumer would go on to a function that the old provider's table does not have."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = Sides(host, build, {"base": True, "top": True}).load()
        host.reload_set({"base": sides.image("base", 2, more=True), "top": sides.image("top", 2)})
        host.reload("top", sides.image("top", 3, more=True))
        with inside(sides.top) as out:
            with pytest.raises(RollbackBlocked, match=r"needs base \^1.1, and base 1.0.0 has less"):
                host.rollback("top")
            assert sides.seen == (2, 3, 3002)
            out()
        host.rollback("top")
        assert sides.seen == (1, 1, 1001)


def test_who_was_built_against_another_major_is_not_left_inside(build: Workshop) -> None:
    """Its calls may come by the same slot, and would find other functions there."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = Sides(host, build, {"base": True, "top": True}).load()
        sides.replace_both(two=True)
        with inside(sides.top) as out:
            with pytest.raises(RollbackBlocked, match=r"needs base \^2\.0, and base 1\.0\.0 has less"):
                host.rollback("top")
            assert sides.seen == (2, 2, 2002)
            out()
        host.rollback("top")
        assert sides.seen == (1, 1, 1001)


def newer(host: Host, build: Workshop, **more: Any) -> Sides:
    """Return both, on probation as one: the new consumer needs what only the new provider has."""
    sides = Sides(host, build, {"base": True, "top": True}, **more).load()
    host.reload_set({name: sides.image(name, 2, more=True) for name in ("base", "top")})
    return sides


def test_who_needs_more_than_there_will_be_comes_to_rest_also_without_its_state(build: Workshop, seam: Any) -> None:
    """Its own threads would go on to what the old provider does not have, so it is quiesced in any case."""
    with make_host() as host:
        sides = newer(host, build)
        sides.top.add(2)
        seam(nth("save", 1))
        report = host.rollback("top")
        seam(None)
        steps = [one.step for one in report.steps]
        assert report.is_lossy
        assert steps.count("quiesce main") == 2
        assert sides.seen == (1, 1, 1001)


def test_a_pin_on_who_needs_more_than_there_will_be_is_waited_for(build: Workshop) -> None:
    """Else the pinned consumer would go on to call the old provider, which has less."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = newer(host, build, has_state=False)
        with sides.top.pin(who="session 7") as pinned:
            with pytest.raises(RollbackBlocked, match="session 7"):
                host.rollback("top")
            assert pinned.both() == 2002
        host.rollback("top")
        assert sides.seen == (1, 1, 1001)


def test_a_pin_on_who_calls_another_of_the_unit_is_waited_for(build: Workshop) -> None:
    """Promise 6: left in the new consumer, one call from outside would meet that and the old provider."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = stateless(host, build)
        with sides.top.pin(who="session 7") as pinned:
            with pytest.raises(RollbackBlocked, match="session 7") as caught:
                host.rollback("base")
            assert any("no pin may stay on it" in one and "base gone back" in one for one in caught.value.found)
            assert pinned.both() == 2002
        assert sides.seen == (2, 2, 2002)
        assert host.rollback("base").outcome is Outcome.ROLLED_BACK
        assert sides.seen == (1, 1, 1001)


def test_a_pin_that_is_taken_once_calls_are_left_inside_is_waited_for(build: Workshop, seam: Any) -> None:
    """Beside the call that does not leave it would be as one of before: each call through it meets both."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = stateless(host, build)
        pins: list[Any] = []

        def at(step: str) -> str:
            seen[step] += 1
            if (step, seen[step]) == ("wait for pins", 2):
                pins.append(sides.top.pin(who="session 7"))
            return "run"

        seen = Counter[str]()
        seam(at)
        with inside(sides.top) as out:
            with pytest.raises(RollbackBlocked, match="session 7"):
                host.rollback("base")
            assert sides.seen == (2, 2, 2002)
            seam(None)
            pins[0].end()
            assert host.rollback("base").outcome is Outcome.ROLLED_BACK
            out()


@pytest.mark.control
def test_without_waiting_a_call_through_a_pin_meets_a_mix(build: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is why who calls another of the unit is waited for."""
    monkeypatch.setattr(rollback, "called_by", lambda *_: ())
    with make_host() as host:
        sides = stateless(host, build)
        with sides.top.pin() as pinned:
            host.rollback("base")
            assert pinned.both() == 2001


def test_a_pin_on_a_provider_of_the_unit_stays_where_it_is(build: Workshop) -> None:
    """It calls nobody of them: what is called through it meets one side."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = stateless(host, build)
        with sides.base.pin() as pinned:
            host.rollback("base")
            assert pinned.build() == 2
        assert sides.seen == (1, 1, 1001)


def test_a_pin_on_one_of_them_holds_up_the_whole_unit(build: Workshop) -> None:
    """A pinned call passes the gate, so state is not touched while one may come; who has it is named."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = scene(host, build)
        with sides.base.pin(who="session 7"), pytest.raises(RollbackBlocked, match="session 7"):
            host.rollback("top")
        assert sides.seen == (2, 2, 2002)
        host.rollback("top")
        assert sides.seen == (1, 1, 1001)


def test_the_copy_of_before_the_swap_comes_back_of_the_one_whose_block_is_in_use(build: Workshop) -> None:
    """By policy "snapshot": where a call is in the one block that there is, its plugin goes back with another."""
    with make_host(swap_deadline_s=0.2, rollback="snapshot") as host:
        sides = scene(host, build)
        with inside(sides.base) as out:
            report = host.rollback("top")
            assert report.set is not None
            assert {name: one.is_lossy for name, one in report.set.members.items()} == {"base": True, "top": False}
            assert sides.counts == (5, 7)
            assert sides.seen == (1, 1, 1001)
            out()
        assert host.unloads(DEADLINE_S).proven == 2


def test_where_one_cannot_go_back_with_what_it_had_nothing_is_given_back_of_the_other(build: Workshop) -> None:
    """Both are asked before either is touched."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = scene(host, build, top_saves=True)
        with inside(sides.base) as out, inside(sides.top) as out_too:
            with pytest.raises(RollbackBlocked):
                host.rollback("top")
            assert sides.counts == (7, 7)
            out()
            out_too()
        assert not host.rollback("top").is_lossy
        assert sides.counts == (7, 7)


# --- without a state ---


@contextlib.contextmanager
def goes_on_to_the_provider(sides: Sides) -> Iterator[tuple[threading.Event, list[int]]]:
    """Keep a call inside the consumer until it may go on to the provider; yield what lets it, and what it met."""
    entered, out, met = threading.Event(), threading.Event(), list[int]()

    @ctypes.CFUNCTYPE(ctypes.c_int64)  # type: ignore[untyped-decorator] # ctypes says no types
    def go_on() -> int:
        entered.set()
        out.wait(DEADLINE_S)
        met.append(sides.base.build())
        return 0

    thread = threading.Thread(target=sides.top.run, args=(ctypes.cast(go_on, ctypes.c_void_p).value,))
    thread.start()
    try:
        assert entered.wait(DEADLINE_S)
        yield out, met
    finally:
        out.set()
        thread.join(DEADLINE_S)


def stateless(host: Host, build: Workshop) -> Sides:
    """Return both plugins without state, on probation as one."""
    sides = Sides(host, build, {"base": False, "top": False}, has_state=False).load()
    sides.replace_both()
    return sides


def test_a_call_meets_one_side_also_where_nobody_has_state(build: Workshop, seam: Any) -> None:
    """Alone, what has no state goes back beside its calls; together they are drained, so that no call meets a mix."""
    with make_host() as host:
        sides = stateless(host, build)
        with goes_on_to_the_provider(sides) as (out, met):
            seam(then("drain", out.set))
            report = host.rollback("top")
        assert (report.outcome, report.is_lossy) == (Outcome.ROLLED_BACK, False)
        assert met == [2]
        assert sides.seen == (1, 1, 1001)


@pytest.mark.control
def test_without_the_drain_a_call_meets_a_mix(build: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each goes back beside its calls, as if it were alone."""

    def of(*arguments: Any, **named: Any) -> WayBack:
        way = make(*arguments, **named)
        way.is_left = True
        return way

    make = WayBack.of
    monkeypatch.setattr(WayBack, "of", of)
    with make_host() as host:
        sides = stateless(host, build)
        with goes_on_to_the_provider(sides) as (out, met):
            host.rollback("top")
            out.set()
        assert met == [1]  # from inside the consumer's second build


def test_a_call_that_never_returns_does_not_hold_up_what_has_no_state(build: Workshop) -> None:
    """It is left where it is, and nothing is lost."""
    with make_host(swap_deadline_s=0.2) as host:
        sides = stateless(host, build)
        with inside(sides.top) as out:
            report = host.rollback("base")
            assert (report.outcome, report.is_lossy) == (Outcome.ROLLED_BACK, False)
            assert sides.seen == (1, 1, 1001)
            out()
        assert host.unloads(DEADLINE_S).proven == 2


# --- who else has to do with them ---


def test_pins_that_move_move_back_with_their_unit(build: Workshop) -> None:
    """The next call through the pin runs what serves again, with the state gained since."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}, moves_pins=True).load()
        sides.replace_both()
        with sides.base.pin() as on_base, sides.top.pin() as on_top:
            on_base.add(5)
            host.rollback("base")
            assert (on_base.build(), on_top.build(), on_top.both()) == (1, 1, 1001)
            assert sides.counts == (6, 1)


def test_who_answers_for_another_of_the_unit_goes_back_with_it(build: Workshop) -> None:
    """Its tables stand in the other's slots, which have their own again: no slot is published twice in a window."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False})
        spare: Any = host.load(sides.image("base", 1), name="spare")
        sides.base = host.load(sides.image("base", 1), fallback=Fallback(provider="spare"))
        sides.top = host.load(sides.image("top", 1))
        host.reload_set({name: sides.image("base", 2) for name in ("base", "spare")})
        host.open_breaker("base", "a test")
        spare.add(7)
        assert sides.base.add(0) == 7

        host.rollback("base")

        assert (sides.base.build(), spare.build()) == (1, 1)
        assert (sides.base.add(0), spare.add(0)) == (0, 7)


def test_a_commit_asked_for_amid_a_rollback_finds_nothing_to_commit(build: Workshop, seam: Any) -> None:
    """It needs the turns of the whole unit, whichever plugin it names."""
    with make_host() as host:
        sides = scene(host, build)
        passed: list[str] = []
        host.on("probation.passed", lambda event: passed.append(event.plugin))
        commit = threading.Thread(target=host.commit, args=("base",))
        seam(then("close gates", commit.start))
        host.rollback("top")
        seam(None)
        commit.join(DEADLINE_S)
        assert sides.seen == (1, 1, 1001)
        assert passed == []


def test_who_joins_the_unit_while_a_rollback_waits_for_its_turn_goes_back_as_well(build: Workshop, seam: Any) -> None:
    """Whose turns it needs is looked at again when they have come."""
    with make_host() as host:
        sides = scene(host, build)
        spare: Any = host.load(sides.image("base", 1), name="spare")
        back = threading.Thread(target=host.rollback, args=("base",))

        def ask() -> None:
            back.start()
            while len(host._changes.turns._queue) < 2:
                threading.Event().wait(0.001)

        seam(then("publish", once(ask)))
        host.reload_set({"top": sides.image("top", 3), "spare": sides.image("base", 2)})
        seam(None)
        back.join(DEADLINE_S)
        assert sides.seen == (1, 1, 1001)
        assert spare.build() == 1


def test_sessions_go_back_with_the_unit(build: Workshop) -> None:
    """Each with what it gained since."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        many: Any = host.load(build(SESSIONS))
        with many.session("ann") as ann, many.session("bob") as bob:
            ann.add(1)
            host.reload_set({"base": sides.image("base", 2), "sessions": build(replace(SESSIONS, build=2))})
            ann.add(2)
            bob.add(5)
            host.rollback("base")
            assert (ann.build(), ann.add(0), bob.add(0)) == (1, 3, 5)
            assert sides.base.build() == 1
