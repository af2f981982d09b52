"""A host that is closed while changes wait for their turn, or go on: nothing is left that nobody closes."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, HostClosed
from hotgraft.host import changing_sets
from hotgraft.host.attempt import Attempt
from hotgraft.host.report import report_of
from sides_scene import DEADLINE_S, Sides, make_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.host.report import SwapReport
    from sample_plugins import Workshop


def until(is_so: Callable[[], bool]) -> None:
    """Wait for it."""
    for _ in range(int(DEADLINE_S * 1_000)):
        if is_so():
            return
        threading.Event().wait(0.001)
    raise AssertionError("it did not come")


def ask_behind_close(host: Host, ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> object:
    """Return what a change ended with that was asked for just before a close, and has its turn behind it."""
    held, leave, ended = threading.Event(), threading.Event(), list[object]()
    loaded, queue = host._loaded("top"), host._changes.turns._queue

    def hold() -> SwapReport:
        held.set()
        leave.wait(DEADLINE_S)
        return report_of(loaded)

    def change() -> None:
        try:
            ended.append(ask())
        except BaseException as error:  # the test looks at it
            ended.append(error)

    monkeypatch.setattr(host, "_check_control", lambda: None)  # it was asked for before
    works = (lambda: loaded.take_turn(hold, DEADLINE_S), host.close, change)
    threads = [threading.Thread(target=one) for one in works]
    try:
        for number, thread in enumerate(threads, 1):
            thread.start()
            until(lambda count=number: len(queue) == count)  # type: ignore[misc] # a default binds it
    finally:
        leave.set()
    for thread in threads:
        thread.join(DEADLINE_S)
    return ended[0]


CHANGES: dict[str, Callable[[Sides], object]] = {
    "a set": lambda sides: sides.replace_both(3),
    "a reload": lambda sides: sides.host.reload("top", sides.image("top", 3)),
    "a config": lambda sides: sides.host.configure("top", {}),
    "a rollback": lambda sides: sides.host.rollback("top"),
    "an instance": lambda sides: sides.host.load("top", instance="late"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_whose_turn_comes_behind_that_of_close_changes_nothing(
    build: Workshop, change: Callable[[Sides], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set found one of its plugins gone, and loaded it anew, in a host that nobody closes again."""
    host = make_host()
    sides = Sides(host, build, {"base": False, "top": False}).load()
    sides.replace_both()

    found = ask_behind_close(host, lambda: change(sides), monkeypatch)

    assert isinstance(found, HostClosed)
    assert "closed meanwhile" in str(found)
    assert not list(host)


def test_close_waits_for_a_plugin_that_is_being_loaded(build: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be there when close has returned, and stay."""
    host, begun, go_on = make_host(), threading.Event(), threading.Event()
    plain, wait_for_begun = Attempt.serve_first, host._changes.turns.wait_for_begun

    def serve_first(attempt: Attempt) -> None:
        begun.set()
        go_on.wait(DEADLINE_S)
        plain(attempt)

    def wait(*args: Any) -> None:
        go_on.set()
        wait_for_begun(*args)

    image = Sides(host, build, {"base": False, "top": False}).image("base", 1)
    monkeypatch.setattr(Attempt, "serve_first", serve_first)
    monkeypatch.setattr(type(host._changes.turns), "wait_for_begun", lambda _, *args: wait(*args))

    def load() -> None:
        with contextlib.suppress(HostClosed):  # close may come between what load did and what it answers
            host.load(image)

    thread = threading.Thread(target=load)
    thread.start()
    assert begun.wait(DEADLINE_S)
    host.close()
    thread.join(DEADLINE_S)
    assert not list(host)


@pytest.mark.control
def test_control_without_looking_again_a_closed_host_loads_what_it_has_closed(
    build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is why a load asks in its turn whether the host is closed."""
    monkeypatch.setattr(changing_sets, "check_may_load", lambda *_: None)
    host = make_host()
    sides = Sides(host, build, {"base": False, "top": False}).load()
    assert not isinstance(ask_behind_close(host, lambda: sides.replace_both(3), monkeypatch), BaseException)
    assert list(host) == ["top"]
    monkeypatch.undo()
    host.close()
