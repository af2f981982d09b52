"""`host/schedule.py`: who asks again and again, and that nobody does when nothing is to be asked."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import hotgraft
from sample_plugins import STATELESS

if TYPE_CHECKING:
    from sample_plugins import Workshop

OFTEN_S = 0.005
NAME = "hotgraft health"


def threads() -> list[str]:
    """The schedule's threads."""
    return [one.name for one in threading.enumerate() if one.name == NAME]


class Bell:
    """A check that is rung so many times."""

    def __init__(self, times: int) -> None:
        self.rung = threading.Semaphore(0)
        self.times = times

    def __call__(self, _plugin: object) -> None:
        self.rung.release()

    def wait(self) -> bool:
        """Return whether it was."""
        return all(self.rung.acquire(timeout=60) for _ in range(self.times))


def test_what_is_loaded_is_asked_again_and_again(build: Workshop) -> None:
    """Nobody has to call anything; the newest report is there to be read."""
    with hotgraft.Host(health_every_s=OFTEN_S) as host:
        host.load(build(STATELESS))
        bell = Bell(3)
        host.health("counter")(bell)
        assert bell.wait()
        report = host.health_of("counter")
        assert report is not None
        assert report.is_fit


def test_the_thread_is_there_only_while_something_is_loaded(build: Workshop) -> None:
    """A standing thread makes CPython warn at every fork; without a schedule there is none at all."""
    with hotgraft.Host() as host:
        host.load(build(STATELESS))
        assert threads() == []
    host = hotgraft.Host(health_every_s=3600)
    assert threads() == []
    host.load(build(STATELESS))
    assert threads() == [NAME]
    host.close()
    assert threads() == []


def test_a_check_that_hangs_holds_up_neither_calls_nor_other_plugins_nor_the_end(build: Workshop) -> None:
    """It is asked once and left alone, the plugin beside it goes on being asked, and close does not wait for it."""
    entered, door, bell = threading.Event(), threading.Event(), Bell(3)

    def hangs(_plugin: object) -> None:
        entered.set()
        door.wait(60)

    with hotgraft.Host(health_every_s=OFTEN_S, health_deadline_s=0.05) as host:
        counter: Any = host.load(build(STATELESS))
        host.load(build(STATELESS), name="other")
        failed = threading.Event()
        host.on("health.failed", lambda event: failed.set())
        host.health("counter")(hangs)
        assert entered.wait(60)
        assert counter.build() == 1
        host.health("other")(bell)
        assert bell.wait()
        assert failed.wait(60)
        host.reload("counter")
        assert counter.generation == 2
    door.set()


def test_a_host_may_be_closed_by_who_is_told(build: Workshop) -> None:
    """The handler runs on the schedule's own thread, which would wait for itself."""
    host, closed, own = hotgraft.Host(health_every_s=OFTEN_S), threading.Event(), list[threading.Thread]()
    host.load(build(STATELESS))

    def close(_event: object) -> None:
        own.append(threading.current_thread())
        host.close()
        closed.set()

    host.on("health.failed", close)
    host.health("counter")(lambda plugin: False)
    assert closed.wait(60)
    own[0].join(60)
    assert threads() == []
