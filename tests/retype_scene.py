"""A codec whose next major takes its functions away, and what is done between publish and its handle's new ones."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotgraft import Host, _core
from pair_scene import codec, player
from sample_plugins import COUNTER, SESSIONS, function, parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

    import pytest
    from hotgraft import SetReport
    from sample_plugins import Sample, Workshop

__all__ = ["DEADLINE_S", "SIDES", "calling", "first", "load", "once_published", "second", "swap", "waits"]

DEADLINE_S = 30.0
ADD_NARROW = function("add", 8, "i64", parameter("by", "i32"))  # another signature: no C function for both
NEXT = (ADD_NARROW, *COUNTER[1:-1])  # without fail()


def first(**more: Any) -> Sample:
    """Return codec 1, which has fail()."""
    return codec(1, **more)


def second(**more: Any) -> Sample:
    """Return codec 2, which has not, and whose add() is another."""
    return codec(2, 2, **{"functions": NEXT, **more})


SIDES = {
    "pin": (first(moves_pins=True), second(moves_pins=True)),
    "session": (
        replace(SESSIONS, version="1.0.0"),
        replace(
            SESSIONS,
            build=2,
            version="2.0.0",
            interface_version=(2, 0),
            functions=(ADD_NARROW, *SESSIONS.functions[1:]),
        ),
    ),
}


def load(host: Host, build: Workshop, sample: Sample) -> Any:
    """Load it, with a player that calls it: a major is replaced together with all who need the one before."""
    handle = host.load(build(sample))
    host.load(build(player(11, calls=sample.name)))
    return handle


def swap(host: Host, build: Workshop, sample: Sample) -> SetReport:
    """Replace it by a new major, and the player with it."""
    return host.reload_set({sample.name: build(sample), "player": build(player(12, "^2", calls=sample.name))})


def once_published(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Say what is done once, after the next swap was published and before anything of it is noted."""
    plain, work = _core.run_swap, list[Any]()

    def run(members: Any, **more: Any) -> Any:
        record = plain(members, **more)
        while record.is_published and work:
            work.pop()()
        return record

    monkeypatch.setattr(_core, "run_swap", run)
    return work.append


def waits(slots: Sequence[_core.Slot], asked: Future[Any]) -> None:
    """Wait until the call waits in one of the slots, or is over."""
    while not any(slot.waiting for slot in slots) and not asked.done():
        threading.Event().wait(0.001)


def calling(pool: ThreadPoolExecutor, handle: Any, call: Callable[[], Any], asked: list[Future[Any]]) -> None:
    """Have another thread call, and wait until it waits or is over."""
    slots = handle._owner.called
    asked.append(pool.submit(call))
    waits(slots, asked[0])
