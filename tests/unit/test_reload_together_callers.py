"""Who calls while several plugins are replaced as one: nobody is lost, nobody sees both sides."""

from __future__ import annotations

import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import DrainTimeout, Host, HostClosed, Outcome, _core
from hotgraft.core import set_planning
from hotgraft.host import attempt, slots
from hotgraft.host import host as host_module
from hotgraft.host.instances import retype_handles
from pair_scene import codec, expect, load_pair, player
from sample_plugins import COUNTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from sample_plugins import Workshop

DEADLINE_S = 30.0


@pytest.fixture
def seam() -> Iterator[Any]:
    """The step hook of the core, taken out again afterwards."""
    yield _core._seams.set_step_hook
    _core._seams.set_step_hook(None)


def waiting_call(
    host: Host, seam: Any, name: str, call: Callable[[], int], pool: ThreadPoolExecutor
) -> list[Future[int]]:
    """Have a call wait at the closed gate of a plugin while a swap is about to start what is new."""
    slot = next(iter(host._plugins[name].instances["main"].slots.values()))
    asked: list[Future[int]] = []

    def at(step: str) -> str:
        if step == "start" and not asked:
            asked.append(pool.submit(call))
            while not slot.waiting and not asked[0].done():
                threading.Event().wait(0.001)
        return "run"

    seam(at)
    return asked


def test_a_call_that_waits_while_a_major_is_replaced_by_the_next_runs_there(
    unprobed: Host, build: Workshop, seam: Any
) -> None:
    """Promise 1: its interface is gone, and what took its place is called the same way."""
    load_pair(unprobed, build)
    with ThreadPoolExecutor(1) as pool:
        asked = waiting_call(unprobed, seam, "codec", unprobed["codec"].build, pool)
        unprobed.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))})
        assert asked[0].result(DEADLINE_S) == 2
    expect(unprobed, 12_002)


@pytest.mark.control
def test_control_in_a_slot_of_its_own_the_next_major_is_not_found_by_who_waits(
    unprobed: Host, build: Workshop, seam: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is why it takes the slot of the one before."""
    plain = slots.slot_of
    monkeypatch.setattr(attempt, "slot_of", lambda *args, keeps_handles: plain(*args, keeps_handles=False))
    monkeypatch.setattr(attempt, "expect_retype", lambda _: _core.expect_retype([]))  # else it would wait for that
    load_pair(unprobed, build)
    with ThreadPoolExecutor(1) as pool:
        asked = waiting_call(unprobed, seam, "codec", unprobed["codec"].build, pool)

        def retype(loaded: Any) -> None:
            asked[0].exception(DEADLINE_S)  # else a caller that wakes up late finds what is there by then
            retype_handles(loaded)

        monkeypatch.setattr(host_module, "retype_handles", retype)
        unprobed.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))})
        with pytest.raises(HostClosed):
            asked[0].result(DEADLINE_S)


STATELESS: dict[str, Any] = {"hands_over": False}


@pytest.mark.parametrize(("old", "new"), [((1, 0), (2, 0)), ((0, 1), (0, 2))], ids=["another slot", "the same slot"])
def test_a_pinned_consumer_whose_provider_goes_is_waited_for(
    unprobed: Host, build: Workshop, old: tuple[int, int], new: tuple[int, int]
) -> None:
    """A pin on what has no state stays on the old generation; but there nobody would answer what it calls."""

    def pair(number: int, version: tuple[int, int]) -> tuple[Path, Path]:
        shown, functions = f"{version[0]}.{version[1]}", tuple({**one, "since": list(version)} for one in COUNTER)
        provider = codec(number, **STATELESS, functions=functions)
        provider = replace(provider, interface_version=version, version=f"{shown}.0")
        return build(provider), build(player(10 + number, f"^{shown}", **STATELESS))

    for image in pair(1, old):
        unprobed.load(image)
    images = dict(zip(("codec", "player"), pair(2, new), strict=True))
    assert "wait for pins" in map(str, unprobed.plan(images)["player"].steps)
    with unprobed["player"].pin(who="a listener") as pinned:
        with pytest.raises(DrainTimeout, match="a listener"):
            unprobed.reload_set(images, deadline_s=0.05)
        assert pinned.build() == 11_001
    unprobed.reload_set(images)
    assert unprobed["player"].build() == 12_002


def test_a_pinned_consumer_whose_feature_goes_is_waited_for(unprobed: Host, build: Workshop) -> None:
    """Its interface stays, and does no more what it was built for."""
    unprobed.load(build(codec(1, **STATELESS, features=("loud",))))
    unprobed.load(build(player(11, **STATELESS, uses=("loud",))))
    images = {"codec": build(codec(2, **STATELESS)), "player": build(player(12, **STATELESS))}
    with unprobed["player"].pin(who="a listener") as pinned:
        with pytest.raises(DrainTimeout, match="a listener"):
            unprobed.reload_set(images, deadline_s=0.05)
        assert pinned.build() == 11_001
    unprobed.reload_set(images)
    assert unprobed["player"].build() == 12_002


def test_a_pinned_consumer_of_another_member_is_waited_for(unprobed: Host, build: Workshop) -> None:
    """Left in the old player, one call from outside would meet the old player and the new codec."""
    unprobed.load(build(codec(1, **STATELESS)))
    unprobed.load(build(player(11, **STATELESS)))
    images = {"codec": build(codec(2, **STATELESS)), "player": build(player(12, **STATELESS))}
    with unprobed["player"].pin(who="a listener") as pinned:
        with pytest.raises(DrainTimeout, match="a listener"):
            unprobed.reload_set(images, deadline_s=0.05)
        assert pinned.build() == 11_001
    unprobed.reload_set(images)
    assert unprobed["player"].build() == 12_002


def test_nobody_is_left_in_a_consumer_whose_provider_goes(unprobed: Host, build: Workshop) -> None:
    """Its drain rule would leave who does not come out; but what it calls has another shape then."""
    rule: dict[str, Any] = {"drain": {"at_deadline": "leave", "deadline_s": 0.1}}
    unprobed.load(build(codec(1, **STATELESS, **rule)))
    unprobed.load(build(player(11, **STATELESS, **rule)))
    images = {
        "codec": build(codec(2, 2, **STATELESS, **rule)),
        "player": build(player(12, "^2", **STATELESS, **rule)),
    }
    with ThreadPoolExecutor(1) as pool:
        inside, go_on = threading.Event(), threading.Event()

        def stay() -> int:
            inside.set()
            go_on.wait(DEADLINE_S)
            return 0

        called = ctypes.CFUNCTYPE(ctypes.c_int64)(stay)
        call = pool.submit(unprobed["player"].run, ctypes.cast(called, ctypes.c_void_p).value)
        assert inside.wait(DEADLINE_S)
        with pytest.raises(DrainTimeout):
            unprobed.reload_set(images)
        go_on.set()
        call.result(DEADLINE_S)
    unprobed.reload_set(images)
    assert unprobed["player"].build() == 12_002


@pytest.mark.control
def test_control_without_waiting_a_pinned_consumer_calls_nobody(
    unprobed: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is why it is waited for."""
    monkeypatch.setattr(set_planning._After, "must_leave", lambda *_: False)
    unprobed.load(build(codec(1, **STATELESS)))
    unprobed.load(build(player(11, **STATELESS)))
    with unprobed["player"].pin(who="a listener") as pinned:
        unprobed.reload_set({"codec": build(codec(2, 2, **STATELESS)), "player": build(player(12, "^2", **STATELESS))})
        assert pinned.build() != 11_001


def test_a_set_that_is_asked_for_from_inside_a_call_is_deferred(unprobed: Host, build: Workshop) -> None:
    """It would wait for itself."""
    load_pair(unprobed, build)
    images = {"codec": build(codec(2, 2)), "player": build(player(12, "^2"))}
    reports = []

    def ask() -> int:
        reports.append(unprobed.reload_set(images))
        return 1

    called = ctypes.CFUNCTYPE(ctypes.c_int64)(ask)
    unprobed["player"].run(ctypes.cast(called, ctypes.c_void_p).value)

    assert reports[0].outcome is Outcome.DEFERRED
    assert {one.outcome for one in reports[0].members.values()} == {Outcome.DEFERRED}
    assert reports[0].result(DEADLINE_S).outcome is Outcome.PUBLISHED
    expect(unprobed, 12_002)


def test_requests_that_want_a_part_of_a_set_get_its_answer(unprobed: Host, build: Workshop, seam: Any) -> None:
    """One reload asks for what the set brings; the set goes on already."""
    load_pair(unprobed, build)
    images = {"codec": build(codec(2)), "player": build(player(12))}
    asked: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as pool:
        entered = threading.Event()
        turns = unprobed._changes.turns
        plain = turns._enter

        def enter(turn: Any, plugins: frozenset[str]) -> None:
            plain(turn, plugins)
            entered.set()

        def at(step: str) -> str:
            if step == "start" and not asked:
                turns._enter = enter  # type: ignore[method-assign] # a seam
                asked.append(pool.submit(unprobed.reload, "codec", images["codec"]))
                assert entered.wait(DEADLINE_S)
            return "run"

        seam(at)
        report = unprobed.reload_set(images)
        assert asked[0].result(DEADLINE_S).generation == 2
    assert asked[0].result().set == report
    assert unprobed["codec"].generation == 2


def test_a_set_of_one_gets_the_answer_of_an_equal_reload(unprobed: Host, build: Workshop, seam: Any) -> None:
    """They ask for the same; each gets its kind of report."""
    load_pair(unprobed, build)
    image = build(codec(2))
    asked: list[Future[Any]] = []
    entered, turns = threading.Event(), unprobed._changes.turns
    plain = turns._enter

    def enter(turn: Any, plugins: frozenset[str]) -> None:
        plain(turn, plugins)
        entered.set()

    def at(step: str) -> str:
        if step == "start" and not asked:
            turns._enter = enter  # type: ignore[method-assign] # a seam
            asked.append(pool.submit(unprobed.reload_set, {"codec": image}))
            assert entered.wait(DEADLINE_S)
        return "run"

    with ThreadPoolExecutor(1) as pool:
        seam(at)
        report = unprobed.reload("codec", image)
        assert asked[0].result(DEADLINE_S).members == {"codec": report}
    assert unprobed["codec"].generation == 2


def test_the_longest_deadline_of_all_holds_unless_one_is_asked_for(
    unprobed: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that may take its time has it."""
    unprobed.load(build(codec(1)))
    unprobed.load(build(replace(player(11), drain={"deadline_s": 55.0})))
    seen: list[float] = []
    plain = _core.run_swap

    def run(members: Any, *, deadline_s: float, **more: Any) -> Any:
        seen.append(deadline_s)
        return plain(members, deadline_s=deadline_s, **more)

    monkeypatch.setattr(_core, "run_swap", run)
    unprobed.reload_set({"codec": build(codec(2)), "player": build(player(12))})
    unprobed.reload_set({"codec": build(codec(1)), "player": build(player(11))}, deadline_s=3.0)
    assert seen == [55.0, 3.0]
